"""A study with too few different frames for an atlas is built, and says why there is none wherever one looks for it."""

import pytest

from minetest_interp.io import files, stores
from minetest_interp.model.labels import NO_LABELS
from tests.results.graph import WHOLE
from tests.results.workshop import NAMES, STUDY, Workshop, picture

DREAMED = ("atlas", "recipes")
REASON = "at least 4 different frames are needed, two to fit and two to judge; this study has 2"
PANELS = {name: settings for name, settings in WHOLE["panels"].items() if name.startswith(DREAMED)}


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Workshop:
    """Built with five frames, of which two differ."""
    kept = ("title", "summary", "source", "policy", "frames", "actions", "dreams")
    study = {key: STUDY[key] for key in kept} | {key: WHOLE[key] for key in DREAMED} | {"gradients": {}}
    shop = Workshop(tmp_path_factory.mktemp("few frames") / "checkout", study | {"panels": {"frames": {}, **PANELS}})
    for i, name in enumerate(NAMES):
        picture(i % 2).save(shop.files / f"{name}.png")
    shop.build()
    return shop


@pytest.mark.parametrize("name", DREAMED)
def test_the_result_is_its_reason(name, shop):
    path = f"{name}.npz"
    stored = files.read_arrays(shop.folder / "results/own" / path)
    assert {key: str(value) for key, value in stored.items()} == {"reason": REASON}
    assert stores.breaches(stores.store_of(path), stored) == []


def test_every_page_says_why(shop):
    report = shop.folder / "report/own"
    facts = files.read_json(report / "facts.json")
    untried = dict.fromkeys(("try_it", "guess"), NO_LABELS)
    assert facts["not_measured"] == dict.fromkeys(DREAMED, REASON) | untried and not facts.keys() & set(DREAMED)
    # Of either section its own sentence; of each of their figures what it shows, for readers and for those who listen.
    expected = {"appendix.html": 2 + 2 * len(PANELS), "report.md": 2 + 2 * len(PANELS), "atlas.html": 1}
    for page, count in expected.items():
        assert (report / page).read_text().count(f"Not measured: {REASON}.") == count, page


def test_the_build_is_verified_and_has_nothing_more_to_do(shop):
    assert shop.verify().returncode == 0
    assert not shop.counted("all")
