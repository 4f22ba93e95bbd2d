"""Plain chains: convolutions, each perhaps normalised, then dense layers. Mnih et al. 2015 ("Nature CNN") and its kin.

They are the networks of CleanRL's and minetest-baselines' PPO, DQN and C51, and of purejaxql. Layers are `conv0`,
`conv1`, ..., shown before their activation function; then `hidden`, or `hidden0`, `hidden1`, ..., after it.
"""

from pathlib import Path

from minetest_interp.io.errors import InputError
from minetest_interp.model.architecture import Architecture, Layer
from minetest_interp.model.families.family import Family, Heads, Read, Shapes, Stated, find_heads, fit, kernel
from minetest_interp.model.families.family import module_numbers as numbers
from minetest_interp.model.steps import Apply, Convolution, Dense, Flatten, Normalise, Scale, Step

NATURE_KERNELS, NATURE_STRIDES = (8, 4, 3), (4, 2, 1)


def _recognises(shapes: Shapes) -> bool:
    return any("/Conv_0/" in f"/{path}" and "ConvSequence" not in path for path in shapes)


def read(shapes: Shapes, settings: Stated, file: Path) -> Read:
    """The network whose arrays have these shapes.

    Raises:
      InputError: arrays do not fit together, or settings are lacking that leave no trace in them.
    """
    heads = find_heads(shapes, file)
    paths = [f"{heads.torso}Conv_{i}" for i in numbers(shapes, heads.torso, "Conv")]
    kernels = [kernel(shapes, path, 4, file) for path in paths]
    settings = settings._replace(strides=_strides(kernels, settings, file))
    norms = numbers(shapes, heads.torso, "LayerNorm")
    if norms and len(norms) not in (len(paths), len(paths) + heads.dense):
        raise InputError(
            f"{file}: {heads.torso}LayerNorm_* must come after each convolution, or after each layer; got {len(norms)} "
            f"for {len(paths)} convolutions and {heads.dense} dense layers."
        )

    def spatial(size: tuple[int, int], padding: str) -> list[Layer]:
        return [_convolution(i, each, settings, padding, len(norms) > i) for i, each in enumerate(kernels)]

    dense = [f"{heads.torso}Dense_{i}" for i in range(heads.dense)]
    if not dense:
        raise InputError(f"{file}: {heads.torso}Dense_0 must be there, after the convolutions; there is none.")
    widths = [kernel(shapes, path, 2, file) for path in dense]
    size, padding = fit(spatial, kernels[0][2], settings, widths[0][0], file)
    layers = [*spatial(size, padding), *_dense(widths, settings, norms[len(paths) :])]
    names = {f"conv{i}": path for i, path in enumerate(paths)}
    names |= {f"norm{i}": f"{heads.torso}LayerNorm_{i}" for i in norms}
    names |= {layer.name: path for layer, path in zip(layers[len(paths) :], dense, strict=True)} | heads.names
    stack = (kernels[0][2], *size)
    return Read(Architecture(stack, tuple(layers), heads.heads, _atoms(heads, settings, file)), names)


def _strides(kernels: list, settings: Stated, file: Path) -> tuple[int, ...]:
    if settings.strides is None and tuple(shape[0] for shape in kernels) == NATURE_KERNELS:
        return NATURE_STRIDES
    if settings.strides is None or len(settings.strides) != len(kernels):
        got = "none" if settings.strides is None else list(settings.strides)
        raise InputError(f"{file}: `policy.strides` must have one for each of {len(kernels)} convolutions; got {got}.")
    return settings.strides


def _convolution(i: int, shape: tuple[int, ...], settings: Stated, padding: str, normalised: bool) -> Layer:
    before: Step = Apply(settings.activation) if i else Scale(settings.scale)
    stride = (settings.strides or ())[i]
    made = Convolution(f"conv{i}", shape[3], (shape[0], shape[1]), (stride, stride), padding)
    return Layer(f"conv{i}", (before, made, *((Normalise(f"norm{i}"),) if normalised else ())))


def _dense(widths: list, settings: Stated, norms: list[int]) -> list[Layer]:
    """norms: the number of each one's LayerNorm; empty if they have none."""
    layers, apply = [], Apply(settings.activation)
    for i, (_, features) in enumerate(widths):
        name = f"hidden{i}" if len(widths) > 1 else "hidden"
        start = () if i else (apply, Flatten())
        norm = (Normalise(f"norm{norms[i]}"),) if norms else ()
        layers.append(Layer(name, (*start, Dense(name, features), *norm, apply)))
    return layers


def _atoms(heads: Heads, settings: Stated, file: Path) -> tuple[int, float, float] | None:
    [*_, last] = heads.heads
    if settings.atoms is None or last.name != "q":
        return None
    width = last.features
    if width % settings.atoms[0]:
        raise InputError(f"{file}: {heads.names['q']} must have {settings.atoms[0]} outputs an action; got {width}.")
    return settings.atoms


CHAIN = Family("chain", _recognises, read)
