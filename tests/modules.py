"""Networks of people's own: Python files with a Flax module, made-up parameters, and the same in plain NumPy."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.networks import SAME, VALID, Answer, Maker, convolve, dense, joined, packed, relu, safetensors


class Own(NamedTuple):
    """source: the file. settings: of `checkpoint.load`. params: the module's tree. run: its layers and heads in NumPy.

    bounds: of the layers that have some. known: whether it is made of known steps alone.
    """

    source: str
    settings: dict
    params: dict
    run: Callable[[np.ndarray], Answer]
    bounds: Mapping[str, tuple[float, float]]
    known: bool

    @property
    def stack(self) -> tuple[int, int, int]:
        size = self.settings["size"]
        return (self.settings["frames"], *([size, size] if isinstance(size, int) else size))


TANH = '''
import flax.linen as nn


class Network(nn.Module):
    """Three convolutions and two dense layers; submodules are named as they come."""

    actions: int

    @nn.compact
    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1) / 255
        for features, kernel, stride in ((8, 8, 4), (9, 4, 2), (7, 3, 1)):
            x = nn.tanh(nn.Conv(features, (kernel, kernel), (stride, stride), padding="VALID")(x))
        x = x.reshape(len(x), -1)
        for width in (24, 16):
            x = nn.tanh(nn.Dense(width)(x))
        return nn.Dense(self.actions)(x), nn.Dense(1)(x)
'''


def tanh() -> Own:
    make = Maker(1)
    params = {
        "Conv_0": make.convolution(8, 4, 8),
        "Conv_1": make.convolution(4, 8, 9),
        "Conv_2": make.convolution(3, 9, 7),
        "Dense_0": make.dense(4 * 4 * 7, 24),
        "Dense_1": make.dense(24, 16),
        "Dense_2": make.dense(16, 5),
        "Dense_3": make.dense(16, 1),
    }

    def run(stacks: np.ndarray) -> Answer:
        x, layers = np.moveaxis(stacks.astype(np.float64), 1, -1) / 255, {}
        for i, stride in enumerate((4, 2, 1)):
            layers[f"Conv_{i}"] = convolve(x, params[f"Conv_{i}"], stride, VALID)
            x = np.tanh(layers[f"Conv_{i}"])
        x = x.reshape(len(x), -1)
        for i in (0, 1):
            layers[f"Dense_{i}"] = dense(x, params[f"Dense_{i}"])
            x = np.tanh(layers[f"Dense_{i}"])
        return Answer(layers, {"logits": dense(x, params["Dense_2"]), "value": dense(x, params["Dense_3"])[:, 0]})

    settings = {"class": "Network", "arguments": {"actions": 5}, "frames": 4, "size": 64}
    return Own(TANH, settings, params, run, {}, known=True)


RESIDUAL = '''
from __future__ import annotations

import flax.linen as nn


class Block(nn.Module):
    features: int

    def setup(self):
        self.first = nn.Conv(self.features, (3, 3))
        self.second = nn.Conv(self.features, (3, 3))

    def __call__(self, x):
        return nn.relu(x + self.second(nn.relu(self.first(nn.relu(x)))))


class Torso(nn.Module):
    def setup(self):
        self.start = nn.Conv(6, (5, 5), (4, 4))
        self.blocks = [Block(6), Block(6)]
        self.end = nn.Dense(20)

    def __call__(self, x):
        x = self.start(x)
        for block in self.blocks:
            x = block(x)
        return nn.tanh(self.end(x.reshape(len(x), -1)))


class Agent(nn.Module):
    """Blocks that add to what they are given; outputs by name."""

    def setup(self):
        self.torso, self.critic, self.actor = Torso(), nn.Dense(1), nn.Dense(3)

    def __call__(self, x):
        x = self.torso(x)
        return {"actor": self.actor(x), "critic": self.critic(x).squeeze(-1)}
'''


def residual() -> Own:
    """Higher than wide, with channels last, and pixels that the study divides."""
    make = Maker(2)
    blocks = {f"blocks_{i}": {"first": make.convolution(3, 6, 6), "second": make.convolution(3, 6, 6)} for i in (0, 1)}
    torso = {"start": make.convolution(5, 4, 6), **blocks, "end": make.dense(16 * 8 * 6, 20)}
    params = {"torso": torso, "actor": make.dense(20, 3), "critic": make.dense(20, 1)}

    def run(stacks: np.ndarray) -> Answer:
        x = np.moveaxis(stacks.astype(np.float64), 1, -1) / 255
        x = convolve(x, torso["start"], 4, SAME)
        layers = {"torso.start": x}
        for name, block in blocks.items():
            inside = relu(convolve(relu(x), block["first"], 1, SAME))
            x = layers[f"torso.{name}"] = relu(x + convolve(inside, block["second"], 1, SAME))
        layers["torso.end"] = dense(x.reshape(len(x), -1), torso["end"])
        x = layers["torso"] = np.tanh(layers["torso.end"])
        return Answer(layers, {"logits": dense(x, params["actor"]), "value": dense(x, params["critic"])[:, 0]})

    settings = {"class": "Agent", "frames": 4, "size": [64, 32], "layout": "NHWC", "scale": 255}
    bounds = {"torso.blocks_0": (0, np.inf), "torso.blocks_1": (0, np.inf), "torso": (-1, 1)}
    return Own(RESIDUAL, settings, params, run, bounds, known=True)


NNX = '''
import jax.numpy as jnp
from flax import nnx


class Halved(nnx.Linear):
    """A class of one's own that calls the one below it."""

    def __call__(self, x):
        return super().__call__(x) / 2


class Network(nnx.Module):
    def __init__(self, actions: int, *, rngs: nnx.Rngs):
        self.convolutions = nnx.List(
            [
                nnx.Conv(3, 8, (8, 8), (4, 4), padding="VALID", rngs=rngs),
                nnx.Conv(8, 6, (4, 4), (2, 2), padding="VALID", rngs=rngs),
            ]
        )
        self.hidden = Halved(6 * 6 * 6, 20, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, deterministic=True, rngs=rngs)
        self.side = nnx.Linear(20, 20, rngs=rngs)
        self.q = nnx.Linear(20, actions, rngs=rngs)

    def __call__(self, x):
        x = jnp.moveaxis(x, 1, -1) / 255
        for convolution in self.convolutions:
            x = nnx.relu(convolution(x))
        x = self.dropout(nnx.relu(self.hidden(x.reshape(len(x), -1))))
        return self.q(x + self.side(x))
'''


def colours() -> Own:
    """An nnx module on red, green and blue, with Q values."""
    make = Maker(3)
    params = {
        "convolutions": {"0": make.convolution(8, 3, 8), "1": make.convolution(4, 8, 6)},
        "hidden": make.dense(6 * 6 * 6, 20),
        "side": make.dense(20, 20),
        "q": make.dense(20, 4),
    }

    def run(stacks: np.ndarray) -> Answer:
        x, layers = np.moveaxis(stacks.astype(np.float64), 1, -1) / 255, {}
        for name, stride in (("0", 4), ("1", 2)):
            x = layers[f"convolutions.{name}"] = convolve(x, params["convolutions"][name], stride, VALID)
            x = relu(x)
        layers["hidden"] = dense(x.reshape(len(x), -1), params["hidden"]) / 2
        x = layers["dropout"] = relu(layers["hidden"])
        q = dense(x + dense(x, params["side"]), params["q"])
        return Answer(layers, {"q": q, "value": q.max(-1)})

    settings = {"class": "Network", "arguments": {"actions": 4}, "frames": 3, "size": 64, "outputs": ["q"]}
    return Own(NNX, settings, params, run, {"dropout": (0, np.inf)}, known=False)


ONE_FRAME = '''
import flax.linen as nn
import jax.numpy as jnp


class Distribution:
    def __init__(self, logits):
        self.logits = logits


class Network(nn.Module):
    """Two submodules that share a class, one that is called twice, and a distribution over actions."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(5, (7, 7), (3, 3), padding="VALID")(x.transpose(0, 2, 3, 1) / 255)
        twice = nn.Conv(5, (3, 3))
        x = nn.silu(twice(nn.silu(twice(nn.silu(x)))))
        x = nn.relu(nn.Dense(12, use_bias=False)(x.mean((1, 2))))
        return Distribution(nn.Dense(6)(x))
'''


def one_frame() -> Own:
    make = Maker(4)
    params = {
        "Conv_0": make.convolution(7, 1, 5),
        "Conv_1": make.convolution(3, 5, 5),
        "Dense_0": {"kernel": make.dense(5, 12)["kernel"]},
        "Dense_1": make.dense(12, 6),
    }

    def silu(x: np.ndarray) -> np.ndarray:
        return x / (1 + np.exp(-x))

    def run(stacks: np.ndarray) -> Answer:
        layers = {"Conv_0": convolve(np.moveaxis(stacks.astype(np.float64), 1, -1) / 255, params["Conv_0"], 3, VALID)}
        x = silu(layers["Conv_0"])
        for _ in range(2):
            x = silu(convolve(x, params["Conv_1"], 1, SAME))
        layers["Dense_0"] = x.mean((1, 2)) @ params["Dense_0"]["kernel"]
        return Answer(layers, {"logits": dense(relu(layers["Dense_0"]), params["Dense_1"])})

    settings = {"class": "Network", "frames": 1, "size": 40, "outputs": ["actor"]}
    return Own(ONE_FRAME, settings, params, run, {}, known=False)


OWN = {"tanh": tanh, "residual": residual, "colours": colours, "one frame": one_frame}


def msgpack(params: Mapping) -> bytes:
    return packed({"params": params})


def deeper(params: Mapping) -> bytes:
    return packed({"step": 1, "params": {"params": params}, "opt_state": {}})


def keyed(params: Mapping) -> bytes:
    return safetensors(joined(params))


def write(own: Own, folder: Path, *, data: Callable[[Mapping], bytes] = msgpack) -> dict:
    """Writes a network and its checkpoint; the options of `checkpoint.load` with its path."""
    (folder / "agent.py").write_text(own.source, encoding="utf-8")
    (folder / "agent.model").write_bytes(data(own.params))
    return {"path": folder / "agent.model", "module": folder / "agent.py", **own.settings}
