"""The network's step in PyTorch, eager and compiled: `torch_step.py NETWORK.npz ROUNDS`.

Prints as JSON the milliseconds for one stack's value and its gradient with respect to the pixels, by form and batch;
`{}` where PyTorch is not installed. It runs in a process of its own, since PyTorch and JAX slow each other down.
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np

try:
    import torch
except ImportError:
    print("{}")
    sys.exit()

BATCHES = (16, 24, 32, 48, 64)
FORMS = {"eager": torch.contiguous_format, "eager channels last": torch.channels_last, "compiled": torch.channels_last}


def value_function(network: dict[str, np.ndarray], layout: torch.memory_format) -> Callable:
    """From stacks `[B, T, S, S]` to values `[B]`.

    Args:
      network: kernels and biases as PyTorch has them; `strides` of the convolutions.
    """
    weights = {name: torch.tensor(array) for name, array in network.items()}
    convolutions = [
        (weights[f"conv{i}/kernel"].contiguous(memory_format=layout), weights[f"conv{i}/bias"], stride)
        for i, stride in enumerate(network["strides"].tolist())
    ]

    def value(stack: torch.Tensor) -> torch.Tensor:
        x = stack / 255
        for convolution in convolutions:
            x = torch.relu(torch.nn.functional.conv2d(x, *convolution))
        hidden = torch.relu(x.flatten(1) @ weights["hidden/kernel"] + weights["hidden/bias"])
        return (hidden @ weights["critic/kernel"] + weights["critic/bias"])[:, 0]

    return value


def milliseconds(value: Callable, stack: torch.Tensor, rounds: int) -> float:
    """For one of a batch's stacks, in the fastest of some runs."""
    times = []
    for _ in range(4 * rounds):
        began = time.perf_counter()
        torch.autograd.grad(value(stack).sum(), stack)
        times.append(time.perf_counter() - began)
    return 1e3 * min(times) / len(stack)


def main(file: str, rounds: int) -> None:
    with np.load(file) as stored:
        network = dict(stored)
    example, expected = network.pop("example"), network.pop("expected")
    found: dict[str, float] = {}
    for form, layout in FORMS.items():
        value = value_function(network, layout)
        if form == "compiled":
            value = torch.compile(value)
        for batch in BATCHES:
            stack = torch.tensor(np.resize(example, (batch, *example.shape[1:])))
            stack = stack.contiguous(memory_format=layout).requires_grad_()
            given = value(stack).detach().numpy()
            np.testing.assert_allclose(given, np.resize(expected, batch), rtol=1e-4, atol=1e-4)
            found[f"{form} {batch}"] = milliseconds(value, stack, rounds)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
