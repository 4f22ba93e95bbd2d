"""Painting on frames: vertical bars beside the middle, and objects that lose their luminance, their texture, or both.

Frames are `[N, P, H, W]`, grey levels 0 to 255, of P planes: 1 of a grey frame, 3 of a picture in colours. The
*scene's luminance* is the mean of a whole plane, so that a flat bar in colours has the scene's mean colour. A *share*
`[N, H, W]` says how much of each pixel belongs to an object, 0 to 1.
"""

from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int, Num

WHITE = 255.0
WHOLLY = 0.95  # share from which on a pixel's texture is the object's

Frames = Float[np.ndarray, "frame plane row column"]
Bars = Float[np.ndarray, "frame plane height width"]
Share = Float[np.ndarray, "frame row column"]


class Place(NamedTuple):
    """Where bars stand, from the top of the picture downwards.

    width: share of the picture's width. bottom: share of its height. offset: from the picture's middle to the bar's, in
    halves of the picture's width.
    """

    width: float
    bottom: float
    offset: float

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of a bar, at least 1 each and at most half of the columns."""
        rows, columns = round(self.bottom * height), round(self.width * width)
        return int(np.clip(rows, 1, height)), int(np.clip(columns, 1, width // 2))

    def region(self, height: int, width: int, *, left: bool) -> tuple[slice, slice]:
        """Rows and columns of the left bar, or of the right one, which is its mirror image."""
        rows, columns = self.shape(height, width)
        first = int(np.clip(round((1 - self.offset) * width / 2 - columns / 2), 0, width // 2 - columns))
        return slice(0, rows), slice(first, first + columns) if left else slice(width - first - columns, width - first)


def paste_bars(frames: Frames, bars: Bars, place: Place, *, left: bool) -> Frames:
    """The frames with a bar each, of a size that `place.shape` gives; a bar of one pixel fills the place."""
    painted = np.array(frames, np.float32)
    painted[(..., *place.region(*frames.shape[-2:], left=left))] = bars
    return painted


def at_gamma(levels: Num[np.ndarray, "..."], gamma: float) -> Float[np.ndarray, "..."]:
    """Grey levels to the power `gamma`, with black and white where they were: above 1 darker, below 1 brighter."""
    return WHITE * (levels / WHITE) ** gamma


def luminance(frames: Frames) -> Float[np.ndarray, "frame plane 1 1"]:
    """Mean grey level of each plane."""
    return frames.mean((-2, -1), keepdims=True, dtype=np.float64)


def flat(frames: Frames, level: float) -> Bars:
    """Bars of one pixel: `level` times the scene's luminance, at most white."""
    return np.minimum(level * luminance(frames), WHITE)


def rough(frames: Frames, shape: tuple[int, int], *, contrast: float, seed: int) -> Bars:
    """Bars of the scene's luminance, of which a random half is lighter by `contrast` times it and half as much darker.

    The contrast is less in scenes that are so bright that the lighter pixels would be more than white. With an odd
    number of pixels one has the luminance itself. All planes have the same pattern.
    """
    count = shape[0] * shape[1]
    signs = np.zeros((len(frames), count))
    signs[:, : count // 2], signs[:, count - count // 2 :] = -1, 1
    pattern = np.random.default_rng(seed).permuted(signs, axis=1).reshape(len(frames), 1, *shape)
    mean = luminance(frames)
    return mean + np.minimum(contrast * mean, WHITE - mean) * pattern


def roughened(frames: Frames, region: tuple[slice, slice], *, gain: float, sigma: float) -> Bars:
    """The scene's own pixels of a region with their local contrast raised, at the scene's luminance.

    The deviation from the local mean (Gaussian of `sigma` pixels) times `gain`, or as much as black and white allow.
    """
    local = scipy.ndimage.gaussian_filter(frames.astype(np.float64), (0, 0, sigma, sigma), mode="nearest")
    raised = gain * (frames - local)[(..., *region)]
    raised -= luminance(raised)
    mean, end = luminance(frames), raised.reshape(*raised.shape[:2], -1)
    reach = np.stack([_over(mean, -end.min(-1)), _over(WHITE - mean, end.max(-1))]).min(0)
    return mean + raised * np.minimum(reach, 1)


def textures(
    frames: Frames, share: Share, shape: tuple[int, int]
) -> tuple[Float[np.ndarray, "donor plane height width"], Int[np.ndarray, " donor"]]:
    """Bars of real texture, each of the largest rectangle of a frame that is wholly of an object.

    A rectangle is continued by its mirror images. Frames in which it has fewer pixels than a square as wide as the bar
    give none.

    Returns:
      the bars and the frame of each, in order.
    """
    boxes = largest_rectangles(share >= WHOLLY)
    areas = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
    donors = np.flatnonzero(areas >= shape[1] ** 2)
    cut = [_fit(frames[i, :, top:bottom, left:right], shape) for i in donors for top, bottom, left, right in [boxes[i]]]
    return np.array(cut, np.float64).reshape(len(donors), frames.shape[1], *shape), donors


def largest_rectangles(masks: Bool[np.ndarray, "frame row column"]) -> Int[np.ndarray, "frame 4"]:
    """First row, one past the last row, and the same of the columns of the largest rectangle inside each mask."""
    height = np.zeros(masks.shape, int)
    for row in range(masks.shape[1]):
        height[:, row] = np.where(masks[:, row], 1 + (height[:, row - 1] if row else 0), 0)
    boxes, best = np.zeros((len(masks), 4), int), np.zeros(len(masks), int)
    lowest: np.ndarray = height
    frames = np.arange(len(masks))
    for width in range(1, masks.shape[2] + 1):
        if width > 1:
            lowest = np.minimum(lowest[..., :-1], height[..., width - 1 :])
        row, column = np.divmod(lowest.reshape(len(masks), lowest[:1].size or 1).argmax(1), lowest.shape[-1])
        tall = lowest[frames, row, column]
        larger = width * tall > best
        best = np.where(larger, width * tall, best)
        found = np.stack([row + 1 - tall, row + 1, column, column + width], axis=1)
        boxes[larger] = found[larger]
    return boxes


def filled(frames: Frames, share: Share) -> Frames:
    """The frames without the object: a pixel that has some of it is the mean of its neighbours (Laplace's equation).

    A frame that the object covers wholly stays as it is.
    """
    laplacian = _laplacian(*frames.shape[-2:])
    result = np.array(frames, np.float64).reshape(*frames.shape[:2], -1)
    for i, unknown in enumerate((share > 0).reshape(len(share), -1)):
        if unknown.any() and not unknown.all():
            rows = laplacian[unknown]
            known = -rows[:, ~unknown] @ result[i][:, ~unknown].T
            result[i][:, unknown] = scipy.sparse.linalg.spsolve(rows[:, unknown].tocsc(), known).reshape(known.shape).T
    return result.reshape(frames.shape)


def luminance_scaled(frames: Frames, share: Share, target: Frames) -> Frames:
    """The object's pixels times one number, so that its mean luminance is the target's; 0 to 255."""
    parts = share[:, None].astype(np.float64)
    gain = _over(_total(parts * (target - frames)), _total(parts**2 * frames), otherwise=0.0)
    return np.clip(frames * (1 + parts * np.maximum(gain, -1)[..., None, None]), 0, WHITE)


def luminance_shifted(frames: Frames, share: Share, target: Frames) -> Frames:
    """One number added to the object's pixels, so that its mean luminance is the target's; 0 to 255."""
    parts = share[:, None].astype(np.float64)
    shift = _over(_total(parts * (target - frames)), _total(parts**2) + 0 * _total(frames), otherwise=0.0)
    return np.clip(frames + parts * shift[..., None, None], 0, WHITE)


def relit(frames: Frames, share: Share, target: Frames, *, sigma: float) -> Frames:
    """The object's luminance exchanged for the target's place by place, its fine texture kept; 0 to 255.

    Its luminance is the mean of its own pixels around a place, a Gaussian of `sigma` pixels.
    """
    parts = share[:, None].astype(np.float64)
    blurred = (scipy.ndimage.gaussian_filter(x, (0, 0, sigma, sigma), mode="nearest") for x in (parts * frames, parts))
    above, below = blurred
    local = np.divide(above, below, out=np.array(frames, np.float64), where=(parts > 0) & (below > 0))
    return np.clip(frames + parts * (target - local), 0, WHITE)


def flattened(frames: Frames, share: Share) -> Frames:
    """The object's pixels all of its mean luminance."""
    parts = share[:, None].astype(np.float64)
    mean = _over(_total(parts * frames), _total(parts) + 0 * _total(frames), otherwise=0.0)
    return (1 - parts) * frames + parts * mean[..., None, None]


def _fit(texture: Float[np.ndarray, "plane row column"], shape: tuple[int, int]) -> Float[np.ndarray, "plane _ _"]:
    more = [(0, max(0, asked - has)) for asked, has in zip(shape, texture.shape[1:], strict=True)]
    return np.pad(texture, [(0, 0), *more], mode="symmetric")[:, : shape[0], : shape[1]]


def _laplacian(height: int, width: int) -> scipy.sparse.csr_matrix:
    """Of a grid of pixels: their number of neighbours less the neighbours."""
    along = [scipy.sparse.diags([np.ones(n - 1), np.ones(n - 1)], [-1, 1], shape=(n, n)) for n in (height, width)]
    near = scipy.sparse.kron(along[0], scipy.sparse.eye(width)) + scipy.sparse.kron(scipy.sparse.eye(height), along[1])
    return (scipy.sparse.diags(np.asarray(near.sum(1)).ravel()) - near).tocsr()


def _total(values: Frames) -> Float[np.ndarray, "frame plane"]:
    return values.sum((-2, -1))


def _over(above: np.ndarray, below: np.ndarray, *, otherwise: float = np.inf) -> np.ndarray:
    """A ratio, `otherwise` where nothing stands below."""
    below = below.reshape(*below.shape, *[1] * (above.ndim - below.ndim))
    result = np.full(np.broadcast_shapes(above.shape, below.shape), otherwise)
    return np.divide(above, below, out=result, where=below > 0)
