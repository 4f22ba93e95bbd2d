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
# # Is this channel a tree detector?
#
# The post calls channel 56 of conv1 a tree detector because of what it looks like on a few frames. This tutorial
# tests such a claim on labelled frames, for channel 14 of conv1 of the demo policy: does the channel tell trunks
# from the rest, is that more than brightness, and does the policy use it? It runs from the root of the repository
# and takes half a minute.

# %%
from pathlib import Path

import numpy as np
import yaml

from minetest_interp.analysis import intervals, interventions, mask_overlap
from minetest_interp.analysis.intervals import Level
from minetest_interp.model import agent, labels, objectives

LAYER, CHANNEL = "conv1", 14
actions = yaml.safe_load(Path("config/minetest-actions.yaml").read_text())
(policy, _, _), table = agent.load(Path("data/demo/demo.model"), {"size": 64}, actions)
pairs = labels.find(Path("data/demo"), pattern="frames/*-single-*.jpg")
labelled = [labels.read(picture, mask, size=policy.geometry.size, order="notebook") for picture, mask in pairs]
greys = np.stack([frame.original for frame in labelled])
trunk = np.stack([frame.share["trunk"] for frame in labelled])
print(f"{len(greys)} labelled frames, {np.mean([t.any() for t in trunk]):.0%} of them with a trunk")

# %% [markdown]
# ## Does it tell trunks from the rest?
#
# A *sample* is one position of the convolution on one frame. It is positive where at least a tenth of its receptive
# field is trunk, and negative where none of it is. The AUROC says how often the channel is higher on a positive
# sample than on a negative one: 0.5 is chance. Whether trunks switch the channel on or off is chosen on one half of
# the frames; the number is that of the other half. Brightness, as one more "channel", shows what a mere light meter
# would reach.

# %%
activation = mask_overlap.activations(policy, greys, (LAYER,))[LAYER]
scores = mask_overlap.with_brightness(activation, greys, policy.architecture, LAYER)
masks = mask_overlap.field_labels(trunk, policy.architecture, LAYER, trunk_share=0.1)
clusters = intervals.near_duplicates(greys, similarity=0.9)
halves = intervals.cluster_halves(clusters)
detection = mask_overlap.detect(scores, masks, halves, shifts=99, seed=0)
print(f"AUROC of {LAYER}/{CHANNEL}: {detection.second[CHANNEL]:.2f}; of brightness: {detection.second[-1]:.2f}")

# %% [markdown]
# ## How sure is that?
#
# Neighbouring positions and similar frames are no independent cases. The jackknife leaves out whole clusters of frames.

# %%
both = mask_overlap.weighted(mask_overlap.auroc, detection.held_out, [CHANNEL, -1])
level = Level()
auroc = intervals.estimate(lambda weights: both(weights)[..., 0], clusters[halves[1]], level, chance=0.5)
beyond = intervals.estimate(lambda weights: both(weights) @ np.array([1, -1]), clusters[halves[1]], level, chance=0.0)
print(f"AUROC {auroc.estimate:.2f}, 95 % interval {auroc.interval[0]:.2f} to {auroc.interval[1]:.2f}")
print(f"above brightness by {beyond.estimate:.2f}, 95 % interval {beyond.interval[0]:.2f} to {beyond.interval[1]:.2f}")

# %% [markdown]
# Masks that are moved to other frames give the null distribution; the p-values of all channels are corrected
# together.

# %%
q = mask_overlap.corrected({LAYER: detection.p[:-1]})[LAYER]
print(f"q-value {q[CHANNEL]:.3f}; {int((q < 0.05).sum())} of {len(q)} channels are below 0.05")

# %% [markdown]
# ## Does the policy use it?
#
# Telling trunks is one thing, steering by them another. Set each channel of the layer to zero and see how much the
# yaw changes, on average over the frames.

# %%
readouts = objectives.readouts(table, policy.architecture)
effects = interventions.ablation_effects(policy, tuple(readouts.values()), LAYER, greys)
sizes = np.abs(effects[..., list(readouts).index("yaw")])
rank = int((sizes.mean(0) > sizes.mean(0)[CHANNEL]).sum()) + 1
change = intervals.estimate(intervals.weighted_mean(sizes[:, CHANNEL]), clusters, level)
print(f"without the channel the yaw changes by {change.estimate:.3f}, rank {rank} of {sizes.shape[1]} channels")
print(f"95 % interval {change.interval[0]:.3f} to {change.interval[1]:.3f}")
