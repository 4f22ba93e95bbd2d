"""Images as parameters: how numbers that an optimiser moves become the frames that a policy sees.

An *image* renders parameters `[B, F, ...]` to grey levels `[B, T, rows, columns]`, 0 (black) to 255, with T = 1 when
the stack shares one frame. Frequencies follow `numpy.fft.rfft2` of an H x W frame; they are rendered by matrix
products with sines and cosines, which give any rows and columns alone and run at the speed of the network.
"""

from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from minetest_interp.io.errors import InputError
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.policy import Sizes

KINDS = ("pixels", "fourier", "frame prior", "maco")
FRAMES = ("shared", "separate", "motion")


class Prior(NamedTuple):
    """What the agent's frames are like.

    mean: `[H, W]` grey levels. rms: `[H, W // 2 + 1]`, root mean square of the spectrum of the frames' deviations from
    the mean. magnitude: the same shape, mean absolute value of the frames' own spectrum.
    """

    mean: np.ndarray
    rms: np.ndarray
    magnitude: np.ndarray


class Window(NamedTuple):
    """rows, columns: the pixels to render, repeated at the border where a window passes it (edge padding)."""

    rows: AnyArray
    columns: AnyArray


@flax.struct.dataclass
class Image:
    """One way to parametrise frames; see the builders below.

    base: `[H, W]` grey levels added last. scale: `[H, W // 2 + 1]` size of each frequency (unused for pixels).
    motion: size of the per-frame deltas relative to the shared frame (frames "motion").
    """

    base: AnyArray
    scale: AnyArray
    motion: AnyArray
    kind: str = flax.struct.field(pytree_node=False)
    frames: str = flax.struct.field(pytree_node=False)
    stack: int = flax.struct.field(pytree_node=False)

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of a frame in pixels."""
        height, width = self.base.shape
        return height, width

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image's parameters; the first axis counts frames (the shared one, then the deltas)."""
        count = {"shared": 1, "separate": self.stack, "motion": 1 + self.stack}[self.frames]
        spectrum = self.sides[0], self.sides[1] // 2 + 1
        planes = {"pixels": self.sides, "maco": spectrum}.get(self.kind, (2, *spectrum))
        return (count, *planes)

    def start(self, seed: int) -> np.ndarray:
        """Seeded parameters of one image: a tenth of a standard normal, or uniform phases for MACO."""
        generator = np.random.default_rng(seed)
        if self.kind == "maco":
            return np.float32(2 * np.pi) * (generator.random(self.shape, np.float32) - np.float32(0.5))
        return np.float32(0.1) * generator.standard_normal(self.shape, np.float32)

    def render(self, parameters: AnyArray, window: Window) -> Array:
        """`[B, *shape]` to grey levels `[B, T, rows, columns]` (T = 1 when shared)."""
        p = parameters
        if self.frames == "motion":
            p = p[:, :1] + self.motion * p[:, 1:]
        if self.kind == "pixels":
            return 255 * jax.nn.sigmoid(p[:, :, window.rows][:, :, :, window.columns])
        if self.kind == "maco":
            p = jnp.stack([jnp.cos(p), jnp.sin(p)], axis=2)
        sums = self.unbounded(p, window)
        return 255 * jax.nn.sigmoid(sums) if self.kind == "fourier" else jnp.clip(sums, 0.0, 255.0)

    def unbounded(self, spectrum: AnyArray, window: Window) -> Array:
        """Base plus scaled waves before they are brought into 0..255: linear in `[B, F, 2, H, W // 2 + 1]`."""
        waves = inverse_fourier(jnp.asarray(self.scale)[None, None, None] * spectrum, *window, width=self.sides[1])
        return jnp.asarray(self.base)[window.rows][:, window.columns][None, None] + waves

    def encode(self, frame: np.ndarray) -> np.ndarray:
        """Parameters whose picture is `frame` `[H, W]` (for MACO: has its phases), for accentuation.

        Frequencies that the prior never saw stay zero.
        """
        _check_frames(np.asarray(frame)[None], self.sides, 1)
        if self.kind == "pixels":
            plane = _logit(frame)
        else:
            target = _logit(frame) if self.kind == "fourier" else frame - self.base
            spectrum = np.fft.rfft2(target)
            parts = np.stack([spectrum.real, spectrum.imag])
            seen = self.scale > 1e-6 * self.scale.max()
            plane = np.where(seen[None], parts / np.where(seen, self.scale, 1.0)[None], 0.0)
            plane = np.angle(spectrum) if self.kind == "maco" else plane
        parameters = np.broadcast_to(plane, self.shape).astype(np.float32)
        if self.frames == "motion":
            parameters[1:] = 0
        return parameters


def fit_prior(frames: np.ndarray, geometry: Sizes) -> Prior:
    """The mean frame and the spectrum of natural frames `[N, H, W]`, grey levels.

    Raises:
      InputError: fewer than two frames, frames of another size than the policy's, or levels outside 0..255.
    """
    frames = np.asarray(frames, np.float64)
    _check_frames(frames, _sides(geometry), 2)
    mean = frames.mean(0)
    rms = np.sqrt((np.abs(np.fft.rfft2(frames - mean)) ** 2).mean(0))
    magnitude = np.abs(np.fft.rfft2(frames)).mean(0)
    return Prior(*(array.astype(np.float32) for array in (mean, rms, magnitude)))


def pixels(geometry: Sizes, *, frames: str = "separate", motion: float = 0.1) -> Image:
    """Every pixel its own number, through a sigmoid."""
    height, width = _sides(geometry)
    spectrum = np.ones((height, width // 2 + 1))
    return _image("pixels", np.zeros((height, width)), spectrum, geometry, frames, motion)


def fourier(geometry: Sizes, *, decay: float = 1.0, frames: str = "separate", motion: float = 0.1) -> Image:
    """Frequencies of amplitude 1 / f^decay (one cycle per frame and below count as one), through a sigmoid."""
    height, width = _sides(geometry)
    f = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    # ASSUME: the amplitudes are such that standard normal parameters give standard normal pixels.
    scale = np.maximum(f, 1 / max(height, width)) ** -decay
    scale *= height * width / np.sqrt(2 * (_weights(width) * scale**2 * np.ones((height, 1))).sum())
    return _image("fourier", np.zeros((height, width)), scale, geometry, frames, motion)


def frame_prior(prior: Prior, geometry: Sizes, *, frames: str = "shared", motion: float = 0.1) -> Image:
    """The mean frame plus standard numbers times the frames' own spectrum, cut at black and white."""
    _check_frames(prior.mean[None], _sides(geometry), 1)
    return _image("frame prior", prior.mean, prior.rms, geometry, frames, motion)


def maco(prior: Prior, geometry: Sizes, *, frames: str = "shared", motion: float = 0.1) -> Image:
    """Phases alone: mean level and magnitude of every frequency are those of the frames (Fel et al. 2023)."""
    _check_frames(prior.mean[None], _sides(geometry), 1)
    # The constant is no wave: its phase could only turn the picture black, so the mean level stands in the base.
    magnitude = prior.magnitude.copy()
    magnitude[0, 0] = 0
    return _image("maco", np.full_like(prior.mean, prior.mean.mean()), magnitude, geometry, frames, motion)


def window(sides: tuple[int, int], *, box: tuple[int, int, int, int] | None = None, margin: int = 0) -> Window:
    """A part of a frame with `margin` pixels around it, repeated from the edge where it passes the border.

    Args:
      sides: height and width of the frame. box: (top, left, height, width) of the part; the whole if left out.
    """
    top, left, height, width = box or (0, 0, *sides)

    def along(first: int, extent: int, side: int) -> np.ndarray:
        return np.arange(first - margin, first + extent + margin).clip(0, side - 1)

    return Window(along(top, height, sides[0]), along(left, width, sides[1]))


def inverse_fourier(spectrum: AnyArray, rows: AnyArray, columns: AnyArray, *, width: int) -> Array:
    """`irfft2` at some rows and columns: `[..., 2, H, W // 2 + 1]` (real, imaginary) to `[..., rows, columns]`.

    Args:
      width: W.
    """
    height, half = spectrum.shape[-2:]
    # Whole turns are dropped in integers, so that the angle keeps full float32 precision.
    down = 2 * np.pi / height * (jnp.outer(jnp.asarray(rows), jnp.arange(height)) % height)
    right = 2 * np.pi / width * (jnp.outer(jnp.arange(half), jnp.asarray(columns)) % width)
    cos, sin = jnp.cos(down), jnp.sin(down)
    turn = jnp.block([[cos, -sin], [sin, cos]])
    across = jnp.concatenate([jnp.cos(right), -jnp.sin(right)]) * jnp.tile(_weights(width), 2)[:, None]
    lead = spectrum.shape[:-3]
    flat = spectrum.reshape(*lead, 2 * height, half)
    mixed = jnp.einsum("rk,...kl->...rl", turn, flat).reshape(*lead, 2, len(rows), half)
    mixed = jnp.moveaxis(mixed, -3, -2).reshape(*lead, len(rows), 2 * half)
    return mixed @ across / (height * width)


def _sides(geometry: Sizes) -> tuple[int, int]:
    _, height, width = geometry.shape("input")
    return height, width


def _weights(width: int) -> np.ndarray:
    """How often each column of rfft2 counts: twice, except the constant and (even widths) the Nyquist column."""
    weights = np.full(width // 2 + 1, 2.0, np.float32)
    weights[0] = 1
    if width % 2 == 0:
        weights[-1] = 1
    return weights


def _image(kind, base, scale, geometry, frames, motion) -> Image:
    if frames not in FRAMES:
        raise InputError(f"`frames` must be one of {', '.join(FRAMES)}; got {frames!r}.")
    base, scale, motion = (np.asarray(array, np.float32) for array in (base, scale, motion))
    return Image(base, scale, motion, kind, frames, geometry.frames)


def _logit(frame: np.ndarray) -> np.ndarray:
    # ASSUME: half a grey level from black and white, where the sigmoid would need infinity.
    share = np.clip(np.asarray(frame, np.float32), 0.5, 254.5) / 255
    return np.log(share) - np.log1p(-share)


def _check_frames(frames: np.ndarray, sides: tuple[int, int], least: int) -> None:
    if frames.ndim != 3 or len(frames) < least or frames.shape[1:] != sides:
        raise InputError(
            f"a prior's frames must be at least {least} of {sides[0]}x{sides[1]}, the policy's input; got an array of "
            f"shape {frames.shape}. Resize them with `frames.grey`."
        )
    if not np.isfinite(frames).all() or frames.min() < 0 or frames.max() > 255:
        raise InputError("a prior's frames must hold grey levels from 0 to 255; some lie outside or are not finite.")
