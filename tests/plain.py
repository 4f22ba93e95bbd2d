"""The network and the ledger's statistics once more, in plain numpy from the formulas, to hold the library against."""

import numpy as np
import scipy.stats


def convolve(x, kernel, bias, stride):
    """`[N, h, w, C]` with a kernel `[k, k, C, D]`: `[N, h', w', D]`."""
    k = kernel.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nhwcij,ijcd->nhwd", windows, kernel, optimize=True) + bias


def relu(x):
    return np.maximum(x, 0)


def run_from(params, layer, activation, strides=(4, 2, 1)):
    """From a layer's activation (a convolution's before its ReLU) to logits, value and the layers on the way."""
    layers, names = {layer: activation}, ("conv0", "conv1", "conv2")
    for i in range(names.index(layer) + 1, 3):
        name = names[i]
        activation = layers[name] = convolve(relu(activation), params[name]["kernel"], params[name]["bias"], strides[i])
    flat = relu(activation).reshape(len(activation), -1)
    hidden = layers["hidden"] = relu(flat @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    logits = hidden @ params["actor"]["kernel"] + params["actor"]["bias"]
    return logits, (hidden @ params["critic"]["kernel"] + params["critic"]["bias"])[:, 0], layers


def run(params, greys, strides=(4, 2, 1)):
    """Grey frames `[N, S, S]`, each repeated to fill the stack, or stacks `[N, T, S, S]`."""
    kernel, greys = (np.asarray(array, np.float64) for array in (params["conv0"]["kernel"], greys))
    if greys.ndim == 3:  # one frame stands for all
        kernel, greys = kernel.sum(2, keepdims=True), greys[:, None]
    x = convolve(np.moveaxis(greys, 1, -1) / 255, kernel, params["conv0"]["bias"], strides[0])
    return run_from(params, "conv0", x, strides)


def yaw(logits):
    """p(left) - p(right) of the Minetester's 36 actions."""
    p = np.exp(logits - logits.max(1, keepdims=True))
    p = (p / p.sum(1, keepdims=True)).reshape(-1, 2, 2, 3, 3)
    return p[:, :, :, 0].sum((1, 2, 3)) - p[:, :, :, 2].sum((1, 2, 3))


def probability(logits, axis):
    """p of the second level of factor 0 (forward) or 1 (jump)."""
    p = np.exp(logits - logits.max(1, keepdims=True))
    p = (p / p.sum(1, keepdims=True)).reshape(-1, 2, 2, 9)
    return p.sum(3)[:, 1].sum(1) if axis == 0 else p.sum(3)[:, :, 1].sum(1)


TO_SCALE = {
    "plain": (lambda x: x, lambda y: y),
    "correlation": (np.arctanh, np.tanh),
    "share": (lambda x: np.arcsin(np.sqrt(x)), lambda y: np.sin(y) ** 2),
    "fraction": (lambda x: np.log(x / (1 - x)), lambda y: 1 / (1 + np.exp(-y))),
    "ratio": (np.log, np.exp),
}


def jackknife(statistic, clusters, *, scale="plain", confidence=0.95):
    """Student's interval of a function of frame indices on a scale, from its values without each of the clusters."""
    to, back = TO_SCALE[scale]
    members = [np.flatnonzero(clusters == name) for name in np.unique(clusters)]
    count = len(members)
    left_out = to(np.array([statistic(np.concatenate(members[:i] + members[i + 1 :])) for i in range(count)]))
    error = np.sqrt((count - 1) / count * np.sum((left_out - left_out.mean()) ** 2))
    middle, reach = to(statistic(np.arange(len(clusters)))), scipy.stats.t.ppf((1 + confidence) / 2, count - 1) * error
    return back(np.array([middle - reach, middle + reach]))


def mann_whitney(positive, negative):
    """AUROC of each column as the Mann-Whitney statistic, from the sum of ranks, over the number of pairs."""
    count, ranks = len(positive), scipy.stats.rankdata(np.concatenate([positive, negative]), axis=0)
    return (ranks[:count].sum(0) - count * (count + 1) / 2) / (count * len(negative))


def near_duplicates(greys, group, *, similarity=0.9):
    """Numbers in order of first appearance of what frames are alike or of one group, directly or through others."""
    flat = np.reshape(greys, (len(greys), -1)).astype(np.float64)
    group = np.asarray(group)
    near = (np.corrcoef(flat) > similarity) | ((group[:, None] == group) & (group[:, None] != ""))
    lowest = np.arange(len(flat))
    while True:  # the lowest number among the neighbours, until nothing changes
        spread = np.where(near, lowest, len(flat)).min(1)
        if (spread == lowest).all():
            return np.unique(lowest, return_inverse=True)[1]
        lowest = spread
