"""The policy's network, fast: the same function on space-to-depth blocks, and on one unit's receptive field.

A convolution of kernel k and stride s is one of kernel k/s and stride 1 over blocks of s x s positions, and that is
a matrix product: the fastest way through conv0, and back through all. conv0 is computed only where conv1 reads it.
Parameters are constants here: nothing is differentiated with respect to them. A *stack* is float32 `[B, T, H, W]`, or
`[B, 1, H, W]` when the T frames are one and the same: conv0 then costs a T-th.

A network is a pytree, so that a compiled step takes it as an argument and serves any policy of that geometry.
"""

import functools

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from minetest_interp.io.errors import InputError
from minetest_interp.model.architecture import Trace
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.policy import LAYERS, Geometry, Policy, Sizes

CONVOLUTIONS = LAYERS[:3]
AXES = ("NHWC", "HWIO", "NHWC")  # of a convolution's input, kernel and output


@flax.struct.dataclass
class Plain:
    """The policy's own run, as a pytree: what the fast networks are measured and tested against.

    start: the target at which the run begins; stacks for "input", of any other its activation.
    """

    params: dict
    network: Sizes = flax.struct.field(pytree_node=False)
    start: str = flax.struct.field(pytree_node=False, default="input")

    def __call__(self, activation: Float[AnyArray, "batch ..."]) -> Trace:
        return Policy(self.network, self.params).run(self.first(activation), start=self.start)

    def first(self, activation: Float[AnyArray, "batch ..."]) -> Float[Array, "batch ..."]:
        """The activation itself, in full; as in `Blocks` it is affine in what is given."""
        return jnp.broadcast_to(activation, (len(activation), *self.network.shape(self.start)))

    def first_of_frames(
        self,
        stack: Float[AnyArray, "batch frame row column"],
        change: Float[AnyArray, "batch frame window window"],
        corner: tuple,
    ) -> Float[Array, "frame batch frame row column"]:
        """The stack where one frame alone, each in turn, has its change added at the corner (row, column)."""
        each = [add_at(stack, change[:, i : i + 1], (0, i, *corner)) for i in range(change.shape[1])]
        return jnp.stack(each)

    def rest(self, activation: Float[AnyArray, "batch ..."]) -> Trace:
        """The network from the activation on."""
        return self(activation)


@flax.struct.dataclass
class Blocks:
    """The whole network. heads: `{"kernel", "bias"}` by name.

    kernels: by layer, `[n, n, s * s * C, D]` over blocks. unblocked: of conv1 and conv2, as the policy has them, where
    these run as convolutions; empty where they run as matrix products.
    whole: True computes conv0 at every position; False leaves out those conv1 never reads.
    """

    kernels: dict[str, Array]
    biases: dict[str, Array]
    unblocked: dict[str, Array]
    heads: dict
    geometry: Geometry = flax.struct.field(pytree_node=False)
    whole: bool = flax.struct.field(pytree_node=False, default=False)

    def __call__(self, stack: Float[AnyArray, "batch frame row column"]) -> Trace:
        return self.run(self.pack(stack))

    def pack(
        self, stack: Float[AnyArray, "batch frame row column"]
    ) -> Float[AnyArray, "batch block_row block_column pixel"]:
        """The pixels that the network reads, in conv0's blocks of s x s pixels of all frames."""
        return _to_blocks(stack.transpose(0, 2, 3, 1), self.geometry.strides[0], self._block_count())

    def unpack(
        self,
        packed: Float[AnyArray, "batch block_row block_column pixel"],
        around: Float[AnyArray, "batch frame row column"],
    ) -> Float[np.ndarray, "batch frame row column"]:
        """The stack `around` with the packed pixels in their places."""
        stride, count = self.geometry.strides[0], self._block_count()
        pixels = np.asarray(packed).reshape(len(packed), count, count, stride, stride, -1).transpose(0, 5, 1, 3, 2, 4)
        side, stack = min(count * stride, self.geometry.size), np.array(around)
        pixels = pixels.reshape(*pixels.shape[:2], count * stride, count * stride)
        stack[..., :side, :side] = pixels[..., :side, :side]
        return stack

    def run(self, packed: Float[AnyArray, "batch block_row block_column pixel"]) -> Trace:
        """The network from packed pixels on. An ascent of pixels that stays packed saves their moving at each step."""
        return self.rest(_convolve(self, 0, packed, self._sides()[0]))

    def first(
        self, stack: Float[AnyArray, "batch frame row column"]
    ) -> Float[Array, "batch position position channel"]:
        """conv0 before its ReLU: an affine function of the pixels."""
        return _convolve(self, 0, self.pack(stack), self._sides()[0])

    def first_of_frames(
        self,
        conv0: Float[AnyArray, "batch position position channel"],
        change: Float[AnyArray, "batch frame window window"],
        corner: tuple,
    ) -> Float[Array, "frame batch position position channel"]:
        """conv0 as it is where one frame alone, each in turn, has its change added at the corner (row, column)."""
        stride, side, kernel = self.geometry.strides[0], conv0.shape[1], self.kernels["conv0"]
        n, outputs = kernel.shape[0], kernel.shape[-1]
        reach = min((change.shape[-1] - 2) // stride + 1 + n, side)  # positions that see such a window, at most
        origin = [jnp.clip(place // stride - n + 1, 0, side - reach) for place in corner]
        inside = [place - stride * block for place, block in zip(corner, origin, strict=True)]
        canvas = add_at(jnp.zeros((*change.shape[:2], *2 * (stride * (reach - 1 + n),))), change, (0, 0, *inside))

        def changed(pixels: Array, kernel: Array) -> Array:
            blocks = _to_blocks(pixels[..., None], stride, reach - 1 + n)
            return add_at(conv0, _product(blocks, kernel, reach), (0, *origin, 0))

        return jax.vmap(changed, (1, 3))(canvas, kernel.reshape(n, n, stride * stride, -1, outputs))

    def rest(self, conv0: Float[AnyArray, "batch position position channel"]) -> Trace:
        """The network from conv0 on."""
        x, layers = jnp.asarray(conv0), {"conv0": jnp.asarray(conv0)}
        for i, (name, side) in list(enumerate(zip(CONVOLUTIONS, self._sides(), strict=True)))[1:]:
            x = layers[name] = self._follow(i, jax.nn.relu(x), side)
        hidden = layers["hidden"] = jax.nn.relu(_dense(self.heads["hidden"], jax.nn.relu(x).reshape(len(x), -1)))
        return Trace(_dense(self.heads["actor"], hidden), _dense(self.heads["critic"], hidden)[:, 0], hidden, layers)

    def _follow(self, i: int, x: Array, side: int) -> Array:
        name, stride = CONVOLUTIONS[i], self.geometry.strides[i]
        if not self.unblocked:
            return _convolve(self, i, _to_blocks(x, stride, side - 1 + self.kernels[name].shape[0]), side)
        products = _convolution(x, self.unblocked[name], self.kernels[name], stride, side)
        return products + self.biases[name][None, None, None]

    def _sides(self) -> tuple[int, ...]:
        return self.geometry.sides if self.whole else read_sides(self.geometry)

    def _block_count(self) -> int:
        return self._sides()[0] - 1 + self.kernels["conv0"].shape[0]


@flax.struct.dataclass
class Field:
    """The part of the network that one unit of `layer` sees: a stack of its receptive field to `[B, 1, 1, C]`.

    The trace has that layer, and no hidden units and no logits; its value is NaN.
    """

    kernels: dict[str, Array]
    biases: dict[str, Array]
    geometry: Geometry = flax.struct.field(pytree_node=False)
    layer: str = flax.struct.field(pytree_node=False)

    def __call__(self, stack: Float[AnyArray, "batch frame row column"]) -> Trace:
        x, last = jnp.moveaxis(stack, 1, -1), CONVOLUTIONS.index(self.layer)
        for i, side in enumerate(_sides_for(self.geometry, last, 1)):
            count = side - 1 + self.kernels[CONVOLUTIONS[i]].shape[0]
            blocks = _to_blocks(x if i == 0 else jax.nn.relu(x), self.geometry.strides[i], count)
            x = _convolve(self, i, blocks, side)
        nothing = jnp.zeros((len(stack), 0))
        return Trace(nothing, jnp.full(len(stack), jnp.nan), nothing, {self.layer: x})


Network = Plain | Blocks | Field


@jax.jit
def run(network: Network, stack: Float[AnyArray, "batch ..."]) -> Trace:
    """The network on a batch, compiled once for each shape."""
    return network(stack)


def plain(policy: Policy, *, start: str = "input") -> Plain:
    """The policy's own network as a pytree, beginning at `start`."""
    return Plain(jax.device_put(dict(policy.params)), policy.network, start)


def fast(policy: Policy, *, whole: bool = False, convolve: bool = False) -> Blocks | Plain:
    """The policy's network, on blocks where `Geometry` gives its sizes; equal to `Policy.run` to float32 rounding.

    Args:
      whole: compute conv0 everywhere, for objectives that read conv0 itself.
      convolve: run conv1 and conv2 as convolutions, which is faster forward and no faster back.
    """
    if not isinstance(policy.network, Geometry):
        return plain(policy)
    heads = jax.device_put({name: dict(policy.params[name]) for name in ("hidden", "actor", "critic")})
    unblocked = {name: policy.params[name]["kernel"] for name in CONVOLUTIONS[1:]} if convolve else {}
    return Blocks(*_block_parameters(policy, 3), jax.device_put(unblocked), heads, policy.geometry, whole)


def field(policy: Policy, layer: str) -> Field:
    """The network of one unit's receptive field.

    Raises:
      InputError: `layer` is not a convolution.
    """
    if layer not in CONVOLUTIONS:
        raise InputError(f"only units of {', '.join(CONVOLUTIONS)} have a receptive field of their own; got {layer!r}.")
    return Field(*_block_parameters(policy, CONVOLUTIONS.index(layer) + 1), policy.geometry, layer)


def add_at(array: AnyArray, change: AnyArray, corner: tuple) -> Array:
    """The array with the change added from the corner on."""
    there = jax.lax.dynamic_slice(array, corner, change.shape)
    return jax.lax.dynamic_update_slice(array, there + change, corner)


def read_sides(geometry: Geometry) -> tuple[int, ...]:
    """Height (and width) of each convolution's positions that the next layer reads."""
    return _sides_for(geometry, 2, geometry.sides[2])


def _sides_for(geometry: Geometry, last: int, side: int) -> tuple[int, ...]:
    sides = [side]
    for i in range(last, 0, -1):
        sides.insert(0, (sides[0] - 1) * geometry.strides[i] + geometry.kernels[i])
    return tuple(sides)


def _block_parameters(policy: Policy, count: int) -> tuple[dict[str, Array], dict[str, Array]]:
    kernels, biases = {}, {}
    for name, stride in zip(CONVOLUTIONS[:count], policy.geometry.strides, strict=False):
        kernel, bias = (np.asarray(policy.params[name][key]) for key in ("kernel", "bias"))
        blocks = _block_kernel(kernel / np.float32(255) if name == "conv0" else kernel, stride)
        kernels[name], biases[name] = blocks, bias
    return jax.device_put((kernels, biases))


def _block_kernel(kernel: np.ndarray, stride: int) -> np.ndarray:
    """`[k, k, C, D]` to `[n, n, s * s * C, D]`, zeros added where s does not divide k."""
    k, _, inputs, outputs = kernel.shape
    n = -(-k // stride)
    kernel = np.pad(kernel, ((0, n * stride - k), (0, n * stride - k), (0, 0), (0, 0)))
    kernel = kernel.reshape(n, stride, n, stride, inputs, outputs).transpose(0, 2, 1, 3, 4, 5)
    return kernel.reshape(n, n, stride * stride * inputs, outputs)


def _convolve(network: Blocks | Field, i: int, blocks: AnyArray, side: int) -> Array:
    """Convolution i of its input in blocks, at the first side x side positions."""
    name, stride = CONVOLUTIONS[i], network.geometry.strides[i]
    kernel = network.kernels[name]
    if i == 0 and blocks.shape[-1] != stride * stride * network.geometry.frames:  # one frame stands for the stack
        kernel = kernel.reshape(*kernel.shape[:2], stride * stride, -1, kernel.shape[-1]).sum(3)
    product = _half_product if i == 0 else _product
    return product(blocks, kernel, side) + network.biases[name][None, None, None]


def _to_blocks(x: AnyArray, stride: int, count: int) -> AnyArray:
    """Space to depth: `[B, h, w, C]` to `[B, count, count, s * s * C]`, cut or filled with zeros to fit."""
    batch, height, width, channels = x.shape
    wanted = count * stride
    x = x[:, :wanted, :wanted]
    if wanted > min(height, width):
        x = jnp.pad(x, ((0, 0), (0, max(0, wanted - height)), (0, max(0, wanted - width)), (0, 0)))
    x = x.reshape(batch, count, stride, count, stride, channels).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, count, count, stride * stride * channels)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _convolution(x: Array, kernel: Array, blocks: Array, stride: int, side: int) -> Array:
    """A convolution at the first side x side positions, by its kernel, and back by its kernel over blocks."""
    seen = (side - 1) * stride + kernel.shape[0]
    return jax.lax.conv_general_dilated(x[:, :seen, :seen], kernel, (stride, stride), "VALID", dimension_numbers=AXES)


def _convolution_forth(x: Array, kernel: Array, blocks: Array, stride: int, side: int) -> tuple:
    return _convolution(x, kernel, blocks, stride, side), (x, blocks)


def _convolution_back(stride: int, side: int, kept: tuple[Array, Array], slope: Array) -> tuple:
    """As the transpose of a matrix product, since XLA is slow to go back through a stride."""
    x, kernel = kept

    def product(x: Array) -> Array:
        return _product(_to_blocks(x, stride, side - 1 + kernel.shape[0]), kernel, side)

    return *jax.linear_transpose(product, x)(slope), None, None


_convolution.defvjp(_convolution_forth, _convolution_back)


def _product(blocks: AnyArray, kernel: Array, side: int) -> Array:
    """One matrix product over windows of blocks."""
    n = kernel.shape[0]
    windows = [blocks[:, i : i + side, j : j + side] for i in range(n) for j in range(n)]
    return jnp.concatenate(windows, -1) @ kernel.reshape(-1, kernel.shape[-1])


def _half_product(blocks: AnyArray, kernel: Array, side: int) -> Array:
    """The same with windows over rows only, the columns' products added afterwards: less to copy where C > D."""
    n, outputs = kernel.shape[0], kernel.shape[-1]
    rows = jnp.concatenate([blocks[:, i : i + side] for i in range(n)], -1)
    products = rows @ kernel.transpose(0, 2, 1, 3).reshape(-1, n * outputs)
    return jnp.asarray(sum(products[:, :, j : j + side, j * outputs : (j + 1) * outputs] for j in range(n)))


def _dense(head: dict, x: Array) -> Array:
    return x @ head["kernel"] + head["bias"][None]
