"""The demo policy before it is trained: CleanRL's Atari agent as a module of Flax, with its orthogonal weights."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from minetest_interp.model.policy import Geometry


class Network(nn.Module):
    """Three convolutions and a dense layer, then an actor and a critic: logits `[B, A]` and values `[B]` of stacks."""

    geometry: Geometry = Geometry()

    def setup(self):
        g = self.geometry
        torso = nn.initializers.orthogonal(2**0.5)
        self.conv0, self.conv1, self.conv2 = (
            nn.Conv(c, (k, k), strides=(s, s), padding="VALID", kernel_init=torso)
            for c, k, s in zip(g.channels, g.kernels, g.strides, strict=True)
        )
        self.hidden = nn.Dense(g.hidden, kernel_init=torso)
        self.actor = nn.Dense(g.actions, kernel_init=nn.initializers.orthogonal(0.01))
        self.critic = nn.Dense(1, kernel_init=nn.initializers.orthogonal(1.0))

    def __call__(self, stack: Array) -> tuple[Array, Array]:
        x = jnp.moveaxis(stack, 1, -1) / 255.0
        for convolution in (self.conv0, self.conv1, self.conv2):
            x = nn.relu(convolution(x))
        hidden = nn.relu(self.hidden(x.reshape(len(x), -1)))
        return self.actor(hidden), self.critic(hidden)[:, 0]
