"""Small policies, one of each kind of network that this project runs: what is compiled for each stays fast."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from minetest_interp.model import checkpoint
from minetest_interp.model.architecture import Architecture, Layer
from minetest_interp.model.policy import Policy
from minetest_interp.model.steps import Apply, Convolution, Dense, Flatten, Normalise, Pool, Residual, Scale
from tests import modules
from tests.modules import OWN
from tests.networks import (
    SAME,
    Client,
    actor_critic,
    as_c51,
    as_params,
    as_purejaxql,
    chain,
    q_network,
    residual,
    write,
)

FACTORS = {"x": ["l", "-", "r"], "a": ["-", "go"]}
BEHAVIOURS = {"yaw": {"plus": {"x": "l"}, "minus": {"x": "r"}}, "go": {"plus": {"a": "go"}}}
NARROW = {"actions": 6, "convolutions": ((8, 4, 5), (4, 2, 6), (3, 1, 7)), "widths": (9,)}
SHORT = {"actions": 6, "convolutions": ((5, 2, 4), (3, 1, 6)), "widths": (9,)}


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


CLIENTS: dict[str, Callable[[], Client]] = {
    "actor and critic": lambda: actor_critic(1, chain, (4, 44, 44), {"size": 44}, **NARROW),
    "Q values": lambda: q_network(2, chain, (2, 44, 40), {"size": [44, 40]}, as_params, **NARROW),
    "C51": lambda: q_network(3, chain, (1, 44, 44), {"size": 44}, as_c51, atoms=(51, -10.0, 10.0), **NARROW),
    "residual": lambda: q_network(4, residual, (3, 21, 26), {"size": [21, 26]}, as_params),
    "layer norm, padding SAME": lambda: q_network(
        5, chain, (2, 16, 19), {"size": [16, 19], "strides": [2, 1], "padding": SAME}, as_purejaxql,
        norms=True, padding=SAME, **SHORT,
    ),
    "tanh, two dense layers": lambda: actor_critic(
        6, chain, (1, 44, 44), {"size": 44, "activation": "tanh"}, function=np.tanh, **NARROW | {"widths": (9, 8)}
    ),
    "SiLU, pixels as they are": lambda: actor_critic(
        7, chain, (2, 17, 17), {"size": 17, "strides": [2, 1], "activation": "silu", "scale": 1.0},
        function=silu, scale=1.0, **SHORT,
    ),
}  # fmt: skip


def pooled() -> Policy:
    """An actor alone, with what no project here has: means of padded windows, and a residual step on units."""
    inside = (Dense("inner", 7), Apply("tanh"))
    layers = (
        Layer("conv", (Scale(), Convolution("conv", 5, (4, 3), (1, 2), SAME))),
        Layer("mean", (Apply("silu"), Pool((3, 4), (2, 3), SAME, mean=True))),
        Layer("largest", (Normalise("norm"), Pool((2, 2), (1, 1)))),
        Layer("hidden", (Flatten(), Dense("hidden", 7), Residual(inside), Apply())),
    )
    network, random = Architecture((2, 18, 21), layers, (Dense("actor", 6),)), np.random.default_rng(8)
    params = {
        name: {key: random.normal(0, 0.4, shape).astype(np.float32) for key, shape in arrays.items()}
        for name, arrays in network.parameters().items()
    }
    return Policy(network, params)


MODULES = {f"a module: {name}": make for name, make in OWN.items()}
KINDS = (*CLIENTS, "pooled")


def policy_of(kind: str, folder: Path) -> Policy:
    """The policy of a kind; `folder` is for its file."""
    if kind == "pooled":
        return pooled()
    if kind in MODULES:
        return checkpoint.load(**modules.write(MODULES[kind](), folder)).policy
    client = CLIENTS[kind]()
    return checkpoint.load(write(client, folder), **client.settings).policy
