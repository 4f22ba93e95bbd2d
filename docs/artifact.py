"""ARTIFACT.md, for those who evaluate the artifact: words of `artifact.md.j2`, numbers of builds and measurements."""

import math
from collections.abc import Mapping
from pathlib import Path

import jinja2

from minetest_interp.pages import text

ROOT = Path(__file__).resolve().parent.parent
# Settings in the published checkpoint.
TRAINING = {
    "env_id": "minetester-treechop_shaped-v0", "seed": 1, "total_timesteps": 5_000_000, "num_envs": 8, "num_steps": 512,
    "num_minibatches": 4, "update_epochs": 4, "learning_rate": 0.00025, "gamma": 0.99, "gae_lambda": 0.95,
    "clip_coef": 0.1, "ent_coef": 0.01, "vf_coef": 0.5,
}  # fmt: skip
PUBLISHED = {"tolerance": "tolerance", "farthest": "largest_difference"}
VERDICTS = ("supported", "partly", "no effect that matters", "contradicted", "cannot tell")


def page(expected: Mapping[str, Mapping], measured: Mapping) -> str:
    """The page.

    Args:
      expected: study to its expected numbers, path to [value, kind, tolerance].
      measured: the last line of benchmarks/history.jsonl.
    """
    value = {study: {path: number[0] for path, number in numbers.items()} for study, numbers in expected.items()}
    post = {name: value["treechop"][f"published/{name}"] for name in ("total", "agree")}
    post |= {name: text.scientific(value["treechop"][f"published/{path}"]) for name, path in PUBLISHED.items()}
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return template.from_string((ROOT / "docs/artifact.md.j2").read_text(encoding="utf-8")).render(
        published=post,
        claims={study: sum(counts(numbers).values()) for study, numbers in value.items()},
        verdicts={study: verdicts(numbers) for study, numbers in value.items()},
        follows={study: text.quantity(n["claims/yaw-follows-trunk/estimate"], None) for study, n in value.items()},
        counted={study: f"{len(numbers):,}" for study, numbers in value.items()},
        seconds={"smoke": round(measured["smoke"])},
        minutes={study: math.ceil(measured[f"{study}_build"] / 60) for study in value},
        machine=measured["machine"],
        training=TRAINING,
    )


def counts(numbers: Mapping[str, float | str]) -> dict[str, int]:
    """How many claims have which verdict."""
    return {verdict: int(numbers.get(f"verdicts/{verdict}", 0)) for verdict in VERDICTS}


def verdicts(numbers: Mapping[str, float | str]) -> str:
    """The same in words."""
    *most, last = (f"{count} {verdict}" for verdict, count in counts(numbers).items())
    return f"{', '.join(most)} and {last}"
