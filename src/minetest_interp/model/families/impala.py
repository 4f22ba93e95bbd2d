"""The residual network of IMPALA (Espeholt et al. 2018), as CleanRL's Cleanba and qdagger have it in Flax.

Each `ConvSequence_i` is a convolution, a pool and two residual blocks. Layers are `pool0`, `block0_0`, `block0_1`,
`pool1`, ..., as they are (sums have no activation function), then `hidden`, after its own.
"""

from pathlib import Path

from minetest_interp.io.errors import InputError
from minetest_interp.model.architecture import Architecture, Layer
from minetest_interp.model.families.family import Family, Read, Shapes, Stated, find_heads, fit, kernel
from minetest_interp.model.families.family import module_numbers as numbers
from minetest_interp.model.steps import Apply, Convolution, Dense, Flatten, Pool, Residual, Scale


def _recognises(shapes: Shapes) -> bool:
    return any("ConvSequence_0/" in path for path in shapes)


def read(shapes: Shapes, settings: Stated, file: Path) -> Read:
    """The network whose arrays have these shapes; its padding is always SAME.

    Raises:
      InputError: arrays do not fit together, or the parameters leave the size open and the study does not state it.
    """
    if settings.padding not in (None, "SAME") or settings.strides is not None:
        raise InputError(f"{file}: this network has padding SAME and its pools' strides; leave them out of `policy`.")
    heads, settings = find_heads(shapes, file), settings._replace(padding="SAME")
    layers, names = [], dict(heads.names)
    apply, sequences = Apply(settings.activation), numbers(shapes, heads.torso, "ConvSequence")
    if not sequences:
        raise InputError(f"{file}: {heads.torso}ConvSequence_0 must be there in this family; there is none.")
    for i in sequences:
        path = f"{heads.torso}ConvSequence_{i}/"
        features = kernel(shapes, f"{path}Conv_0", 4, file)[3]
        names[f"conv{i}"] = f"{path}Conv_0"
        before = () if i else (Scale(settings.scale),)
        convolution = Convolution(f"conv{i}", features, (3, 3), padding="SAME")
        layers.append(Layer(f"pool{i}", (*before, convolution, Pool((3, 3), (2, 2), "SAME"))))
        for j in numbers(shapes, path, "ResidualBlock"):
            both = [f"conv{i}_{j}_{k}" for k in (0, 1)]
            names |= {name: f"{path}ResidualBlock_{j}/Conv_{k}" for k, name in enumerate(both)}
            inside = [step for name in both for step in (apply, Convolution(name, features, (3, 3), padding="SAME"))]
            layers.append(Layer(f"block{i}_{j}", (Residual(tuple(inside)),)))
    inputs, hidden = kernel(shapes, f"{heads.torso}Dense_0", 2, file)
    names["hidden"] = f"{heads.torso}Dense_0"
    channels = kernel(shapes, names["conv0"], 4, file)[2]
    size, _ = fit(lambda size, padding: layers, channels, settings, inputs, file)
    layers.append(Layer("hidden", (apply, Flatten(), Dense("hidden", hidden), apply)))
    return Read(Architecture((channels, *size), tuple(layers), heads.heads, settings.atoms), names)


IMPALA = Family("impala", _recognises, read)
