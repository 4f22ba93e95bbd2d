"use strict";

// An experiment as a Python script that repeats it with this project's package, on the built study.
const repeat = (() => {
  const ascii = (json) => json.replace(/[\u007f-\uffff]/g, (unit) => {
    const digits = unit.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${digits}`;
  });

  /** Words as Python: of plain characters JSON's strings are Python's too. */
  function text(words) {
    const json = JSON.stringify(words);
    return ascii(json) === json ? json : `json.loads(${JSON.stringify(ascii(json))})`;
  }

  const number = (x) => (Number.isInteger(x) ? `${x}.0` : String(x));
  const boolean = (flag) => (flag ? "True" : "False");

  /** The edit of one unit's activation. */
  function change({ layer, channel, factor, source }) {
    const one = `${text(layer)}, channel(${text(layer)}, ${channel})`;
    if (source === "") return `interventions.replace(${one}, opposite.layers[${text(layer)}]),`;
    if (source !== undefined) return `interventions.replace(${one}, of(${text(source)}, view).layers[${text(layer)}]),`;
    return factor === 0
      ? `interventions.replace(${one}, 0.0),`
      : `interventions.rescale(${one}, ${number(factor)}),`;
  }

  /** The script, which prints each readout on the frame and on its mirror image as JSON. name: the study's. */
  function python({ frame, edits: asked, units }, name) {
    const runs = experiments.paintRuns(experiments.writePaint(asked.paint));
    const paint = runs.map((run) => `(${run.join(", ")}),`).join(" ");
    const changes = units.map((unit) => `\n        ${change(unit)}`).join("");
    const borrowed = `

def of(frame, view):
    """The policy's run on a frame of the study that units are patched from, or on its mirror image."""
    return policy.run(frames.as_stacks(stacks[view][names.index(frame)][None], policy.architecture.frames))
`;
    return `"""Repeats an experiment of the frame explorer. Run it from the root of the checkout that built the study."""

import json
from pathlib import Path

import numpy as np

from minetest_interp import study
from minetest_interp.analysis import frame_edits, interventions
from minetest_interp.io import files
from minetest_interp.model import agent, frames, objectives

DATA = None  # Path("folder"), where the study was built with --config data=folder
setup = study.load(Path(${text(`config/${name}.yaml`)}), Path("workflow/schemas/study.schema.yaml"), data=DATA)
options = {key: value for key, value in setup.config["policy"].items() if key not in ("checkpoint", "check")}
(policy, *_), table = agent.load(setup.checkpoint, options, setup.actions)
stacks = files.read_arrays(Path(${text(`results/${name}/stacks.npz`)}), "frames", "original", "mirrored")
names = stacks["frames"].tolist()
i = names.index(${text(frame)})
edits = frame_edits.FrameEdits(
    mirror=${boolean(asked.mirror)},
    shift=(${asked.shiftX}, ${asked.shiftY}),
    blur=${number(asked.blur)},
    invert=${boolean(asked.invert)},
    gamma=${number(asked.gamma)},
    paint=(${paint}),
)


def channel(layer, number):
    """One channel of a layer, as changes of activations name it."""
    return np.arange(policy.architecture.shape(layer)[-1]) == number
${units.some((unit) => unit.source) ? borrowed : ""}

def measure(shown, other, view):
    """What the policy puts out on a frame, with its units changed; \`other\` is its mirror image."""
    shown, other = (frames.as_stacks(seen[None], policy.architecture.frames) for seen in (shown, other))
    opposite = policy.run(other)
    edit = interventions.in_turn(${changes}${changes && "\n    "})
    trace = policy.run(shown, edit=edit)
    readouts = objectives.readouts(table, policy.architecture)
    return {name: float(readout(trace)[0]) for name, readout in readouts.items()}


shown, other = frame_edits.apply_to_both(stacks["original"][i], stacks["mirrored"][i], edits)
measured = {"now": measure(shown, other, "original"), "mirrored": measure(other, shown, "mirrored")}
print(json.dumps(measured, indent=2))
`;
  }

  return { python };
})();
