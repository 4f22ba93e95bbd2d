"""How much of a layer's responses simple features of the picture explain, each in what a position sees of it.

*responses* `[N, P, C]` are those of C channels at P positions on N frames, *features* `[N, P, F]` belong to the same
positions. What is explained is a share of the variance over positions and frames, 1 at most; below 0 a prediction is
worse than the mean.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int, Shaped

from minetest_interp.analysis import edges, fields
from minetest_interp.analysis.edges import Choice, Moments
from minetest_interp.analysis.intervals import Statistic
from minetest_interp.model.architecture import Architecture

BRIGHTNESS, CONTRAST = "brightness", "contrast"
SCALES = (4, 8)  # a signed gradient's sigma is the field's size over these
FINE = 1.0  # pixels: sigma of the gradients whose strength is averaged over a field
ENERGY_ANGLES = (0, 45, 90, 135)  # degrees
ROUNDING = 1e-12

Responses = Float[np.ndarray, "frame position channel"]
Features = Float[np.ndarray, "frame position feature"]


class Misses(NamedTuple):
    """Sums over each frame's positions of responses y, of their squares yy, and of squared errors of a prediction.

    positions: how many there are on a frame.
    """

    positions: int
    y: Float[np.ndarray, "frame channel"]
    yy: Float[np.ndarray, "frame channel"]
    error: Float[np.ndarray, "frame channel"]


def field_means(
    maps: Shaped[np.ndarray, "frame row column"], network: Architecture, layer: str
) -> Float[np.ndarray, "frame position"]:
    """The mean of each map over what every position of a layer sees."""
    first, tables, _ = fields.columns(network, layer)
    return fields.means(maps, network, layer)[:, :, tables + first].reshape(len(maps), -1)


def of_pictures(
    greys: Shaped[np.ndarray, "frame row column"],
    network: Architecture,
    layer: str,
    *,
    shares: Mapping[str, Shaped[np.ndarray, "frame row column"]],
) -> dict[str, Float[np.ndarray, "frame position"]]:
    """The fixed basis, by name, in the receptive fields of a layer.

    brightness: the mean grey level. contrast: the standard deviation of grey levels. gradients along rows and columns:
    first derivatives of Gaussians (Canny 1986) at the field's middle at two scales; those of all other angles are their
    linear combinations (Freeman and Adelson 1991). edges at four angles: the mean size of a fine gradient, wherever in
    the field and whatever its sign. And the share of the field that is of each labelled concept.

    Args:
      shares: concept to the share of each pixel that is of it.
    """
    greys = np.asarray(greys, np.float64)
    mean = field_means(greys, network, layer)
    squares = field_means(greys**2, network, layer)
    found = {BRIGHTNESS: mean, CONTRAST: np.sqrt(np.maximum(squares - mean**2, 0))}
    rows, columns = _middles(network, layer)
    size = max(axis.size for axis in network.extent(layer) or ())
    for scale in SCALES:
        for name, gradient in zip(("across", "down"), _gradients(greys, size / scale), strict=True):
            found[f"gradient {name}, 1/{scale}"] = gradient[:, rows[:, None], columns].reshape(len(greys), -1)
    across, down = _gradients(greys, FINE)
    for angle in ENERGY_ANGLES:
        turned = across * np.cos(np.deg2rad(angle)) + down * np.sin(np.deg2rad(angle))
        found[f"edges, {angle} degrees"] = field_means(np.abs(turned), network, layer)
    return found | {f"share of {name}": field_means(share, network, layer) for name, share in shares.items()}


def response_moments(responses: Responses, features: Features) -> Moments:
    """Sums from which correlations of every channel with every feature follow."""
    x, y = (np.asarray(values, np.float64) for values in (responses, features))
    return Moments(x.shape[1], x.sum(1), y.sum(1), (x**2).sum(1), (y**2).sum(1), x.transpose(0, 2, 1) @ y)


def feature_correlation(moments: Moments, *, feature: int = 0) -> Statistic:
    """The correlation of each channel with one feature: a function from `[..., frame]` to `[..., channel]`."""
    channels = moments.x.shape[1]
    once = np.ones(channels, int)
    return edges.following(moments, Choice(feature * once, once, np.ones(channels)))


def shifted_shares(
    moments: Moments,
    responses: Responses,
    feature: Float[np.ndarray, "frame position"],
    *,
    shifts: Int[np.ndarray, " draw"],
    least: float,
) -> Statistic:
    """The share of channels of which a feature explains at least `least`, once frames have one another's feature.

    Args:
      moments: of the responses and the feature. shifts: by how many frames it is moved on in a circle; the statistic
        is the mean over them.
    """
    features = feature[..., None]
    moved = [np.roll(features, shift, axis=0) for shift in shifts]
    products = [(np.asarray(responses, np.float64) * each).sum(1)[..., None] for each in moved]
    alone = [
        feature_correlation(moments._replace(y=each.sum(1), yy=(each**2).sum(1), xy=product))
        for each, product in zip(moved, products, strict=True)
    ]
    return lambda weights: np.mean([(of(weights) ** 2 >= least).mean(-1) for of in alone], axis=0)


def predict_responses(responses: Responses, features: Features, first: Bool[np.ndarray, " frame"]) -> Responses:
    """What a linear regression with an intercept, fitted to some frames, makes of every frame.

    Args:
      first: the frames that it is fitted to.
    """
    samples = features[first].reshape(-1, features.shape[-1])
    mean, spread = samples.mean(0), samples.std(0)
    scaled = np.divide(features - mean, spread, out=np.zeros(features.shape), where=spread > 0)
    design = np.concatenate([np.ones((*scaled.shape[:2], 1)), scaled], -1)
    wanted = responses[first].reshape(-1, responses.shape[-1]).astype(np.float64)
    return design @ np.linalg.lstsq(design[first].reshape(len(wanted), -1), wanted)[0]


def misses(responses: Responses, predicted: Responses) -> Misses:
    """What is needed to tell which share of the responses a prediction explains."""
    y = np.asarray(responses, np.float64)
    return Misses(y.shape[1], y.sum(1), (y**2).sum(1), ((y - predicted) ** 2).sum(1))


def explained_shares(misses: Misses) -> Statistic:
    """The share of each channel's variance that is explained: a function from `[..., frame]` to `[..., channel]`.

    0 where a channel does not vary.
    """

    def statistic(weights: Float[np.ndarray, "*weighting frame"]) -> Float[np.ndarray, "*weighting channel"]:
        samples = weights.sum(-1)[..., None] * misses.positions
        y, yy, error = (weights @ each for each in misses[1:])
        variation = yy - np.divide(y**2, samples, out=np.zeros(y.shape), where=samples > 0)
        varies = variation > ROUNDING * yy
        return np.where(varies, 1 - np.divide(error, variation, out=np.ones(y.shape), where=varies), 0)

    return statistic


def _middles(network: Architecture, layer: str) -> tuple[Int[np.ndarray, " row"], Int[np.ndarray, " column"]]:
    """The pixels in the middle of what a layer's rows and columns see."""
    height, width = network.shape(layer)[:2]
    down, across = (
        [network.box(layer, (i, 0)) for i in range(height)],
        [network.box(layer, (0, i)) for i in range(width)],
    )
    return np.array([top + tall // 2 for top, _, tall, _ in down]), np.array(
        [left + wide // 2 for _, left, _, wide in across]
    )


def _gradients(greys: Float[np.ndarray, "frame row column"], sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of Gaussians of each picture along its columns, to the right, and along its rows, downwards."""
    across, down = (
        scipy.ndimage.gaussian_filter(greys, (0, sigma, sigma), order=order) for order in ((0, 0, 1), (0, 1, 0))
    )
    return across, down
