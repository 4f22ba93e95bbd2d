"""Other people's networks: made-up parameters of their shapes, saved in their formats, and run in plain NumPy.

`CLIENTS` has one of each kind that researchers have (names and sizes as in the public code of each project).
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import flax.serialization
import ml_dtypes
import numpy as np

SAME, VALID = "SAME", "VALID"
Params = dict[str, dict[str, np.ndarray]]


class Answer(NamedTuple):
    """layers: by the names that this project gives them. heads: by name; the critic's `[B]`, Q values `[B, A]`."""

    layers: dict[str, np.ndarray]
    heads: dict[str, np.ndarray]


def convolve(x: np.ndarray, module: Mapping, stride: int, padding: str) -> np.ndarray:
    kernel = module["kernel"].astype(np.float64)
    k = kernel.shape[:2]
    if padding == SAME:
        pads = [max(0, (-(-n // stride) - 1) * stride + w - n) for n, w in zip(x.shape[1:3], k, strict=True)]
        x = np.pad(x, ((0, 0), *((p // 2, p - p // 2) for p in pads), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, k, axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("bijcuv,uvcd->bijd", windows, kernel) + module["bias"]


def largest(x: np.ndarray) -> np.ndarray:
    """Windows of 3x3, stride 2, padding SAME."""
    pads = [max(0, (-(-n // 2) - 1) * 2 + 3 - n) for n in x.shape[1:3]]
    x = np.pad(x, ((0, 0), *((p // 2, p - p // 2) for p in pads), (0, 0)), constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2].max((-1, -2))


def normalise(x: np.ndarray, module: Mapping) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * module["scale"] + module["bias"]


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def dense(x: np.ndarray, module: Mapping) -> np.ndarray:
    return x @ module["kernel"].astype(np.float64) + module["bias"]


class Maker:
    """Draws the parameters of modules by Flax's names, and counts what each gives out."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)

    def convolution(self, kernel: int, inputs: int, outputs: int) -> dict:
        return self._module((kernel, kernel, inputs, outputs), kernel**2 * inputs)

    def dense(self, inputs: int, outputs: int) -> dict:
        return self._module((inputs, outputs), inputs)

    def norm(self, channels: int) -> dict:
        scale, bias = self.random.uniform(0.5, 1.5, channels), self.random.normal(0, 0.1, channels)
        return {"scale": scale.astype(np.float32), "bias": bias.astype(np.float32)}

    def _module(self, shape: tuple[int, ...], inputs: int) -> dict:
        kernel = self.random.normal(0, (2 / inputs) ** 0.5, shape).astype(np.float32)
        return {"kernel": kernel, "bias": self.random.normal(0, 0.1, shape[-1]).astype(np.float32)}


def chain(
    make: Maker,
    stack: tuple[int, int, int],
    *,
    convolutions=((8, 4, 32), (4, 2, 64), (3, 1, 64)),
    widths=(512,),
    padding=VALID,
    norms=False,
    function: Callable = relu,
    scale=255.0,
) -> tuple[Params, Callable[[np.ndarray], dict[str, np.ndarray]]]:
    """A torso's modules, and its layers in NumPy from stacks."""
    channels, size, modules = stack[0], np.array(stack[1:]), {}
    for i, (kernel, stride, features) in enumerate(convolutions):
        modules[f"Conv_{i}"] = make.convolution(kernel, channels, features)
        size, channels = (-(-size // stride) if padding == SAME else (size - kernel) // stride + 1), features
        if norms:
            modules[f"LayerNorm_{i}"] = make.norm(features)
    inputs = int(size.prod()) * channels
    for i, width in enumerate(widths):
        modules[f"Dense_{i}"] = make.dense(inputs, width)
        if norms:
            modules[f"LayerNorm_{len(convolutions) + i}"] = make.norm(width)
        inputs = width

    def run(stacks: np.ndarray) -> dict[str, np.ndarray]:
        x, layers = np.moveaxis(stacks.astype(np.float64), 1, -1) / scale, {}
        for i, (_, stride, _) in enumerate(convolutions):
            x = convolve(function(x) if i else x, modules[f"Conv_{i}"], stride, padding)
            x = layers[f"conv{i}"] = normalise(x, modules[f"LayerNorm_{i}"]) if norms else x
        x = function(x).reshape(len(x), -1)
        for i in range(len(widths)):
            x = dense(x, modules[f"Dense_{i}"])
            x = function(normalise(x, modules[f"LayerNorm_{len(convolutions) + i}"]) if norms else x)
            layers[f"hidden{i}" if len(widths) > 1 else "hidden"] = x
        return layers

    return modules, run


def residual(make: Maker, stack: tuple[int, int, int]) -> tuple[dict, Callable[[np.ndarray], dict[str, np.ndarray]]]:
    """IMPALA's torso, likewise."""
    channels, size, modules = stack[0], np.array(stack[1:]), {}
    for i, features in enumerate((16, 32, 32)):
        blocks = {
            f"ResidualBlock_{j}": {f"Conv_{k}": make.convolution(3, features, features) for k in (0, 1)} for j in (0, 1)
        }
        modules[f"ConvSequence_{i}"] = {"Conv_0": make.convolution(3, channels, features), **blocks}
        size, channels = -(-size // 2), features
    modules["Dense_0"] = make.dense(int(size.prod()) * channels, 256)

    def run(stacks: np.ndarray) -> dict[str, np.ndarray]:
        x, layers = np.moveaxis(stacks.astype(np.float64), 1, -1) / 255, {}
        for i in range(3):
            sequence = modules[f"ConvSequence_{i}"]
            x = layers[f"pool{i}"] = largest(convolve(x, sequence["Conv_0"], 1, SAME))
            for j in (0, 1):
                block = sequence[f"ResidualBlock_{j}"]
                inside = convolve(relu(x), block["Conv_0"], 1, SAME)
                x = layers[f"block{i}_{j}"] = x + convolve(relu(inside), block["Conv_1"], 1, SAME)
        layers["hidden"] = relu(dense(relu(x).reshape(len(x), -1), modules["Dense_0"]))
        return layers

    return modules, run


class Client(NamedTuple):
    """data: the file. settings: of `checkpoint.load`. stack: (T, H, W). run: its layers and heads in NumPy."""

    data: bytes
    settings: dict
    stack: tuple[int, int, int]
    run: Callable[[np.ndarray], Answer]


def packed(tree: object) -> bytes:
    return flax.serialization.msgpack_serialize(tree)


def safetensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    header, body = {}, b""
    names = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16"}
    for name, array in arrays.items():
        offsets = [len(body), len(body) + array.nbytes]
        header[name] = {"dtype": names[array.dtype.name], "shape": list(array.shape), "data_offsets": offsets}
        body += array.tobytes()
    head = json.dumps(header).encode()
    return len(head).to_bytes(8, "little") + head + body


def joined(tree: Mapping, path: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    found = {}
    for name, part in tree.items():
        found |= joined(part, (*path, name)) if isinstance(part, dict) else {",".join((*path, name)): part}
    return found


def actor_critic(seed: int, torso: Callable, stack, settings, *, actions=18, bare=False, **options) -> Client:
    """As CleanRL's PPO scripts and Cleanba save it."""
    make = Maker(seed)
    modules, layers = torso(make, stack, **options)
    width = next(reversed([m for name, m in modules.items() if name.startswith("Dense")]))["bias"].size
    heads = [make.dense(width, actions), make.dense(width, 1)]
    trees = [{"params": head if bare else {"Dense_0": head}} for head in heads]
    data = packed({"0": {"seed": 1}, "1": {"0": {"params": modules}, "1": trees[0], "2": trees[1]}})

    def run(stacks: np.ndarray) -> Answer:
        found = layers(stacks)
        last = list(found.values())[-1]
        return Answer(found, {"logits": dense(last, heads[0]), "value": dense(last, heads[1])[:, 0]})

    return Client(data, settings, stack, run)


def q_network(
    seed: int, torso: Callable, stack, settings, write: Callable, *, actions=6, atoms=None, **options
) -> Client:
    make = Maker(seed)
    modules, layers = torso(make, stack, **options)
    dense_modules = [name for name in modules if name.startswith("Dense")]
    head = make.dense(modules[dense_modules[-1]]["bias"].size, actions * (atoms[0] if atoms else 1))
    data = write(modules, head, f"Dense_{len(dense_modules)}")

    def run(stacks: np.ndarray) -> Answer:
        found = layers(stacks)
        q = dense(list(found.values())[-1], head)
        if atoms:
            chances = np.exp(q.reshape(len(q), actions, atoms[0]))
            q = (chances / chances.sum(-1, keepdims=True)) @ np.linspace(*atoms[1:], atoms[0])
        return Answer(found, {"q": q, "value": q.max(-1)})

    return Client(data, settings, stack, run)


def as_params(modules: dict, head: dict, name: str) -> bytes:
    return packed({"params": {**modules, name: head}})


def as_train_state(modules: dict, head: dict, name: str) -> bytes:
    moments = {"0": {"count": np.zeros((), np.int32), "mu": {name: head}}}
    return packed({"step": 7, "params": {"params": {**modules, name: head}}, "opt_state": moments})


def as_c51(modules: dict, head: dict, name: str) -> bytes:
    args = {"n_atoms": 51, "v_min": -10.0, "v_max": 10.0}
    return packed({"model_weights": {"params": {**modules, name: head}}, "args": args})


def as_purejaxql(modules: dict, head: dict, name: str) -> bytes:
    return safetensors(joined({"CNN_0": modules, "Dense_0": head}))


ATARI = (4, 84, 84)
CLIENTS: dict[str, Callable[[], Client]] = {
    "minetest-baselines PPO": lambda: actor_critic(1, chain, (4, 64, 64), {"size": 64}, actions=36),
    "minetest-baselines DQN": lambda: q_network(2, chain, (4, 64, 64), {"size": 64}, as_params, actions=36),
    "CleanRL PPO scan": lambda: actor_critic(3, chain, ATARI, {"size": 84}),
    "CleanRL DQN": lambda: q_network(4, chain, ATARI, {"size": 84}, as_params),
    "CleanRL C51": lambda: q_network(5, chain, ATARI, {"size": 84}, as_c51, atoms=(51, -10.0, 10.0)),
    "CleanRL qdagger": lambda: q_network(6, residual, ATARI, {"size": 84}, as_params),
    "Cleanba PPO": lambda: actor_critic(7, residual, ATARI, {"size": 84}),
    "purejaxql with LayerNorm": lambda: q_network(8, chain, ATARI, {"size": 84}, as_purejaxql, norms=True),
    "purejaxql SAME": lambda: q_network(
        9, chain, (4, 20, 20), {"size": 20, "strides": [1, 1], "padding": SAME}, as_purejaxql,
        convolutions=((5, 1, 16), (3, 1, 16)), padding=SAME, widths=(64,),
    ),
    "a TrainState": lambda: q_network(10, chain, ATARI, {"size": 84}, as_train_state),
    "tanh and two dense layers": lambda: actor_critic(
        11, chain, (4, 64, 64), {"size": 64, "activation": "tanh"}, widths=(64, 32), function=np.tanh, bare=True
    ),
    "padding SAME": lambda: actor_critic(12, chain, ATARI, {"size": 84}, padding=SAME),
    "a picture that is not square": lambda: actor_critic(13, chain, (4, 64, 48), {"size": [64, 48]}),
    "one frame": lambda: actor_critic(14, chain, (1, 64, 64), {"size": 64}),
    "colours": lambda: actor_critic(15, chain, (3, 64, 64), {"size": 64}),
    "pixels as they are": lambda: actor_critic(16, chain, (4, 64, 64), {"size": 64, "scale": 1.0}, scale=1.0),
    "four convolutions": lambda: actor_critic(
        17, chain, (4, 64, 64), {"size": 64, "strides": [4, 2, 1, 1]},
        convolutions=((8, 4, 8), (4, 2, 8), (3, 1, 8), (3, 1, 8)),
    ),
}  # fmt: skip


def recast(data: bytes, dtype: type) -> bytes:
    """The same msgpack with every array in another precision."""

    def convert(part):
        if isinstance(part, dict):
            return {key: convert(value) for key, value in part.items()}
        return part.astype(dtype) if isinstance(part, np.ndarray) else part

    return packed(convert(flax.serialization.msgpack_restore(data)))


PRECISIONS = (np.float16, ml_dtypes.bfloat16, np.float64)


def close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1, np.abs(expected).max()))


def write(client: Client, folder: Path) -> Path:
    path = folder / "agent.model"
    path.write_bytes(client.data)
    return path
