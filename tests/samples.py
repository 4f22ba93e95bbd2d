"""Made-up frames, behaviours and scores for tests of dreams and attributions."""

import jax.numpy as jnp
import numpy as np

from minetest_interp.model.actions import Behaviour
from minetest_interp.model.networks import add_at

YAW = Behaviour(np.arange(36) // 3 % 3 == 0, np.arange(36) // 3 % 3 == 2)
FORWARD = Behaviour(np.arange(36) >= 18, np.zeros(36, bool))


def smooth_frames(n: int, size: int = 64, seed: int = 0) -> np.ndarray:
    """Grey frames `[n, size, size]` whose amplitudes fall as 1 / frequency, as those of natural images do."""
    noise = np.random.default_rng(seed).standard_normal((n, size, size))
    f = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frames = np.fft.irfft2(np.fft.rfft2(noise) / (f + 1 / size), s=(size, size))
    return (128 + 40 * frames / frames.std()).clip(0, 255).astype(np.float32)


class PixelScores:
    """Scores that begin with the pixels themselves; a subclass defines `rest`."""

    def __call__(self, stack):
        return self.rest(self.first(stack))

    def first(self, stack):
        return jnp.asarray(stack)

    def first_of_frames(self, first, change, corner):
        return jnp.stack([add_at(first, change[:, t : t + 1], (0, t, *corner)) for t in range(first.shape[1])])
