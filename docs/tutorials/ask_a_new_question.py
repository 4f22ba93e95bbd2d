# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Ask a new question of the policy
#
# A policy network turns a stack of frames into numbers. This tutorial asks it a question that no study has asked
# yet: *when is the agent torn between turning left and turning right?* It goes through the steps of the notebook
# behind the blog post, with the demo policy: an objective, its gradient with respect to five targets, and a dream
# from each of them. Then it asks the same question with a dream that is made to look like the game.
#
# Run it from the root of the repository, after `make`: `.venv/bin/python docs/tutorials/ask_a_new_question.py`. Any
# editor that knows the *percent* format of Jupytext opens this file as a notebook.

# %%
from pathlib import Path

import flax.struct
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import yaml

from minetest_interp.dreams import ascent, parametrisations
from minetest_interp.model import agent, frames, networks, objectives
from minetest_interp.model.policy import TARGETS, shuffled_weights

# %% [markdown]
# ## The policy and its frames
#
# `agent.load` reads the checkpoint and gives each of its 36 logits a meaning by the action table. The size of a frame
# is the only setting: the parameters leave 60 to 67 pixels open.
#
# The demo has 40 single frames of the real game. The network reads a *stack* of four grey frames, 64 × 64 pixels
# each, so a single frame is repeated four times, as the post does.

# %%
actions = yaml.safe_load(Path("config/minetest-actions.yaml").read_text())
(policy, _, _), table = agent.load(Path("data/demo/demo.model"), {"size": 64}, actions)

paths = frames.find(Path("data/demo"), "frames/*-single-*.jpg")
greys = np.stack([frames.grey(frames.read(path), size=policy.geometry.size) for path in paths])
stacks = frames.as_stacks(greys, policy.geometry.frames)
trace = jax.jit(policy.run)(stacks)
print("stacks", stacks.shape, "logits", trace.logits.shape, "value", trace.value.shape)

# %% [markdown]
# ## The question
#
# An *objective* is a function from a `Trace`, which holds everything that a run of the network computed, to one
# number for each stack. The agent is torn if left and right are both likely. We take four times the product of the
# two probabilities: 0 if one of them is impossible, 1 if each is one half.

# %%
yaw = table.behaviours["yaw"]
left, right = jnp.asarray(yaw.plus, jnp.float32), jnp.asarray(yaw.minus, jnp.float32)


def torn(trace):
    """Four times p(left) p(right), `[B]`, from 0 to 1."""
    probabilities = jax.nn.softmax(trace.logits)
    return 4 * (probabilities @ left) * (probabilities @ right)


on_frames = np.asarray(torn(trace))
most, least = np.argmax(on_frames), np.argmin(on_frames)
print(f"most torn:  {paths[most].stem}, {on_frames[most]:.2f}")
print(f"least torn: {paths[least].stem}, {on_frames[least]:.2f}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(5, 2.6), layout="constrained")
for ax, i, words in zip(axes, (most, least), ("most torn", "least torn"), strict=True):
    ax.imshow(greys[i], cmap="gray", vmin=0, vmax=255)
    ax.set_title(f"{words}: {on_frames[i]:.2f}", fontsize=9)
    ax.set_axis_off()

# %% [markdown]
# ## The gradient, with respect to five targets
#
# The notebook behind the post had a function `network_gradient(output_fn, target)` with a copy of the network for
# each target. Here a run may begin at any of the five `TARGETS`, given the activation there, so the function has
# three lines. `output_fn` gets what it got in the notebook: logits, value, hidden units, and the layers.


# %%
def network_gradient(output_fn, target="input"):
    """A function from the activation of `target` to the output and its gradient with respect to that activation."""

    def output(x):
        trace = policy.run(x, start=target)
        return output_fn(trace.logits, trace.value, trace.hidden, trace.layers).sum()

    return jax.jit(jax.value_and_grad(output))


def torn_of_logits(logits, value, hidden, layers):
    probabilities = jax.nn.softmax(logits)
    return 4 * (probabilities @ left) * (probabilities @ right)


stack = stacks[[most]]
layers = policy.run(stack).layers
gradients = {}
for target in TARGETS:
    score, gradients[target] = network_gradient(torn_of_logits, target)(layers[target])
    size = float(jnp.abs(gradients[target]).max())
    print(f"{target:7} {gradients[target].shape!s:17} score {score:.3f}, largest gradient {size:.2g}")

# %% [markdown]
# The score is the same wherever the run begins, because it is the same run. The gradients are not: one grey level
# of one pixel changes little, one unit of a hidden activation much more.
#
# ## A deep dream, from five targets
#
# The notebook's `deep_dream` climbs that gradient in plain steps and clips after each. It clipped every target to 0
# to 255, which is right for pixels only: an activation before its ReLU may have any value, and a hidden unit is at
# least 0.


# %%
def deep_dream(init_input, output_fn, target="input", lr=1e3, n_iter=600, clip_low=0.0, clip_high=255.0):
    """The activation of `target` after `n_iter` steps of gradient ascent, and the output before each step."""
    x, gradient_of = policy.run(init_input).layers[target], network_gradient(output_fn, target)
    outputs = []
    for _ in range(n_iter):
        output, gradient = gradient_of(x)
        outputs.append(float(output))
        x = jnp.clip(x + lr * gradient, clip_low, clip_high)
    return x, outputs


noise = 128 + 0.1 * np.random.default_rng(0).random((1, *policy.geometry.shape("input")), dtype=np.float32)
any_value = {"clip_low": -jnp.inf, "clip_high": jnp.inf}
settings = {
    "input": {"lr": 1e5},
    "conv0": {"lr": 0.1, **any_value},
    "conv1": {"lr": 0.1, **any_value},
    "conv2": {"lr": 0.1, **any_value},
    "hidden": {"lr": 0.1, "clip_low": 0.0, "clip_high": jnp.inf},
}
dreams = {target: deep_dream(noise, torn_of_logits, target, n_iter=200, **settings[target]) for target in TARGETS}
for target, (_, outputs) in dreams.items():
    print(f"{target:7} from {outputs[0]:.3f} to {outputs[-1]:.3f}")

# %%
figure, (image, curves) = plt.subplots(1, 2, figsize=(6.4, 2.6), layout="constrained")
image.imshow(dreams["input"][0][0, -1], cmap="gray", vmin=0, vmax=255)
image.set_title("dream of the input, newest frame", fontsize=9)
image.set_axis_off()
for target, (_, outputs) in dreams.items():
    curves.plot(outputs, label=target)
curves.set(xlabel="step", ylabel="torn")
curves.legend(fontsize=8)

# %% [markdown]
# `minetest_interp.dreams.notebook.deep_dream` is the same ascent with the right range for each target. A study asks
# for it under `dreams:`, once the objective has a name in the configuration; `CONTRIBUTING.md` shows the two places
# to edit.
#
# ## A dream with the frame prior
#
# The dream above is noise: nothing keeps it near what the game can show. The *frame prior* describes an image as
# the mean frame plus waves, each as strong as in real frames. An ascent of their amplitudes with a penalty stays
# near images that are likely under that prior.
#
# The prior is fitted on one half of the frames. The other half gives the objective its scale: a score of 1 is one
# standard deviation of the question over real frames. To be one of several objectives in a compiled step, an
# objective must be a JAX *pytree*, so the question becomes a small class. Its numbers are the masks.


# %%
@flax.struct.dataclass
class Torn:
    """Four times p(left) p(right); leaves: left, right `[A]`, or `[B, A]` when stacked."""

    left: jax.Array
    right: jax.Array

    def __call__(self, trace):
        probabilities = jax.nn.softmax(trace.logits)
        sides = (jnp.broadcast_to(side, probabilities.shape) for side in (self.left, self.right))
        p_left, p_right = ((probabilities * side).sum(-1) for side in sides)
        return 4 * p_left * p_right


question = Torn(left, right)
prior = parametrisations.fit_prior(greys[::2], policy.geometry)
image = parametrisations.frame_prior(prior, policy.geometry)
natural = np.asarray(question(policy.run(stacks[1::2])))
objective = objectives.scaled(question, natural, name="torn")
method = ascent.Method(steps=128, strength=32.0)

# %% [markdown]
# A prior draws something that looks like the game for any network. The *control* shows how much of the picture is
# its doing: the same dream from the same policy with *shuffled weights*, that is, with the numbers of each of its
# arrays in random order.

# %%
seeds = [0, 1]
dream = ascent.ascend(networks.fast(policy), [objective], image, seeds=seeds, method=method)
shuffled = shuffled_weights(policy, seed=0)
shuffled_objective = objectives.scaled(question, np.asarray(question(shuffled.run(stacks[1::2]))), name="torn")
control = ascent.ascend(networks.fast(shuffled), [shuffled_objective], image, seeds=seeds, method=method)
print("best real frame:", f"{(natural.max() - natural.mean()) / natural.std():.2f}")
print("dream, by seed: ", *(f"{score:.2f}" for score in dream.scores[-1, 0]))

# %%
figure, axes = plt.subplots(1, 4, figsize=(7, 2.1), layout="constrained")
for row, (name, made) in enumerate((("dream", dream), ("control", control))):
    for k, picture in enumerate(ascent.pictures(image, made.parameters)[0, :, 0]):
        axes[2 * row + k].imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes[2 * row + k].set_title(f"{name}, seed {seeds[k]}", fontsize=9)
        axes[2 * row + k].set_axis_off()

# %% [markdown]
# Where the two seeds agree with each other and differ from the control, the picture says something about the
# policy. The atlas of a report does this for every unit, with scores.
