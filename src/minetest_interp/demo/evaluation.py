"""How well a policy follows the steering rule, and the model card that says so.

Yaw is p(left) - p(right), of the policy or of the rule. A crop *has a trunk* where the rule's attention is above 0,
and *pulls* where the rule's yaw is at least `PULL` to either side.
"""

from collections.abc import Mapping, Sequence

import jinja2
import numpy as np

from minetest_interp.demo import rule
from minetest_interp.demo.crops import WHOLE, Crops, Frame, labelled, random_crops, seen, view
from minetest_interp.demo.training import predictions
from minetest_interp.model.policy import Policy

PULL = 0.05  # ASSUME: set before any policy was trained
CROPS_PER_FRAME = 50
LIGHTS = {"day": ("midday", "morning_evening"), "night": ("night", "dark")}
SIDES = {"left": (-1.0, -1 / 3), "centre": (-1 / 3, 1 / 3), "right": (1 / 3, 1.0)}


def agreement_with_rule(
    policy: Policy, crops: Crops, *, which: np.ndarray | None = None
) -> dict[str, float | int | None]:
    """Agreement with the rule on some crops; a figure that nothing defines (no such crop, no spread) is None.

    Returns:
      crops, trunk, pulling: how many crops, crops with a trunk, and crops that pull.
      yaw_correlation, value_correlation: Pearson's, over all crops.
      yaw_correlation_pulling: over those that pull.
      sign_pulling, sign_trunk: share where the policy's yaw has the sign of the rule's, of the crops that pull and of
        all that have a trunk.
      flips, flips_trunk: share where the policy's yaw changes its sign when the crop is mirrored, of all crops and of
        those with a trunk.
    """
    which = np.ones(len(crops.greys), bool) if which is None else which
    crops = Crops(*(column[which] for column in crops))
    if not len(crops.greys):
        return {"crops": 0, "trunk": 0, "pulling": 0} | dict.fromkeys(SHARES)
    probabilities, values = predictions(policy, crops.greys)
    mirrored, _ = predictions(policy, np.ascontiguousarray(crops.greys[:, :, ::-1]))
    yaw, mirrored_yaw, asked = rule.yaw(probabilities), rule.yaw(mirrored), rule.yaw(crops.probabilities)
    trunk, pulling = crops.attention > 0, np.abs(asked) >= PULL
    flips, right = yaw * mirrored_yaw < 0, yaw * asked > 0
    return {
        "crops": len(yaw),
        "trunk": int(trunk.sum()),
        "pulling": int(pulling.sum()),
        "yaw_correlation": _correlation(yaw, asked),
        "yaw_correlation_pulling": _correlation(yaw[pulling], asked[pulling]),
        "value_correlation": _correlation(values, crops.values),
        "sign_pulling": _share(right[pulling]),
        "sign_trunk": _share(right[trunk]),
        "flips": _share(flips),
        "flips_trunk": _share(flips[trunk]),
    }


SHARES = (
    "yaw_correlation", "yaw_correlation_pulling", "value_correlation",
    "sign_pulling", "sign_trunk", "flips", "flips_trunk",
)  # fmt: skip


def evaluate(policy: Policy, frames: Sequence[Frame], *, seed: int = 0) -> dict[str, dict]:
    """Agreement on `CROPS_PER_FRAME` random crops of each frame, altogether and in groups, and on whole frames.

    Groups: left, centre, right (the third of the crop in which the rule's target lies), nowhere (no trunk in it), day
    and night (of the frame).
    """
    rng = np.random.default_rng(seed)
    parts = [random_crops(rng, [frame], count=CROPS_PER_FRAME) for frame in frames]
    crops = Crops(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    lights = np.repeat([frame.row["light"] for frame in frames], CROPS_PER_FRAME)
    trunk = crops.attention > 0
    groups = {name: trunk & (crops.x >= low) & (crops.x <= high) for name, (low, high) in SIDES.items()}
    groups |= {"nowhere": ~trunk} | {name: np.isin(lights, of) for name, of in LIGHTS.items()}
    whole = labelled([seen(view(frame, WHOLE)) for frame in frames])
    return (
        {"all": agreement_with_rule(policy, crops)}
        | {name: agreement_with_rule(policy, crops, which=which) for name, which in groups.items()}
        | {"whole frames": agreement_with_rule(policy, whole)}
    )


def model_card(facts: Mapping[str, object]) -> str:
    """The card as Markdown; `facts` is what is stored beside it as JSON."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )

    def two(number: float | None) -> str:
        return "–" if number is None else f"{number:.2f}".replace("-", "−")

    def percent(share: float | None) -> str:
        return "–" if share is None else f"{100 * share:.0f} %"

    columns = {"yaw_correlation": two, "sign_pulling": percent, "flips": percent, "flips_trunk": percent}
    columns |= {"value_correlation": two}
    environment.filters |= {
        "percent": percent,
        "cells": lambda figures: " | ".join(show(figures[name]) for name, show in columns.items()),
        "listed": lambda named: ", ".join(f"{name} {value}" for name, value in named.items()),
    }
    return environment.from_string(_CARD).render(**facts)


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return None
    return float(np.corrcoef(a.astype(np.float64), b.astype(np.float64))[0, 1])


def _share(which: np.ndarray) -> float | None:
    return float(which.mean()) if len(which) else None


_CARD = """\
# Model card: the demo policy

A demo, not the published agent. It imitates a scripted steering rule on still frames; it was never rewarded, never
played, and says nothing about what reinforcement learning makes of this network.

- **File**: `demo.model`, {{ bytes }} bytes, SHA-256 `{{ sha256 }}`.
- **Architecture**: the published one: 4 grey frames of 64x64, convolutions of 32, 64 and 64 channels, 512 hidden
  units, 36 actions in the published order, one value. The four frames are the same still frame, so each carries
  a quarter of one kernel.
- **Task**: behaviour cloning. The rule turns toward the nearest trunk in sight
  (up to {{ "%g" | format(sight) }} nodes), the more of the view its trunks fill the harder, up to
  {{ full_share | percent }},
  walks toward it, and stops and digs when it is ahead and nearer than 3.5 nodes; without a trunk it walks on and
  turns neither way on average. Its value is exp(-distance / 8 nodes).
  `src/minetest_interp/demo/rule.py` defines it exactly.
- **Data**: {{ training_frames }} labelled frames in `training/`, made with Minetest 5.6.1 by `make capture` from
  `config/captures/training.yaml` (`ATTRIBUTION.md`): random windows (60 to 100 % of a frame's width), mirror images,
  other exposures, and trees of one window planted in another.
- **Held out**: the study's {{ study_frames }} single frames, of another world (`config/captures/demo.yaml`).
  The rule's constants and the kinds of augmentation were settled earlier, on other frames.
- **Training**: {{ settings | listed }}.
- **Loss**: cross-entropy to the rule's distribution, plus the value's squared error, plus (for training only)
  a linear reading of where trunks are from conv1 and conv2.

## Agreement with the rule on held-out frames

{{ crops_per_frame }} random crops of each frame, seed {{ evaluation_seed }}, neither mirrored nor exposed anew.

| crops | n | yaw correlation | right sign | mirror flips | mirror flips, trunk | value correlation |
|---|---|---|---|---|---|---|
{% for name, a in held_out.items() %}
| {{ name }} | {{ a.crops }} | {{ a | cells }} |
{% endfor %}

Yaw is p(left) − p(right). Left, centre, right, nowhere: where in the crop the rule sees the nearest trunk. Right sign:
the policy's yaw has the sign of the rule's, where the rule's is at least {{ pull }} either way (of all crops with a
trunk: {{ held_out["all"].sign_trunk | percent }}). Mirror flips: the policy's yaw changes its sign when the picture is
mirrored. Correlations are Pearson's.

## Limits

One world of one map seed; a few hundred trees; leaves count as solid in the labels; two equally near trunks pull
to the middle between them. At night and far away little is seen. The frames are still, so nothing was learned
about motion.
"""
