"""How long a reader of the demo's built report waits: for the first view, and for the network's answer in the page.

In headless Chromium, from disk; with the test environment's browser: `python -m benchmarks.pages`.
"""

import json
import statistics
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import ARGUMENTS, CHROMIUM, DESKTOP

REPORT = Path(__file__).resolve().parent.parent / "report/demo"
ROUNDS, PASSES = 9, 50
PAGES = ("index", "appendix", "atlas", "frames")
# Milliseconds from the request to the first paint of words or pictures, once there was one.
FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def first_view(browser, name: str) -> float:
    """Seconds to the first view of a page, in a browser that has nothing of it: the median of rounds."""
    found = []
    for _ in range(ROUNDS):
        context = browser.new_context(viewport=DESKTOP)
        page = context.new_page()
        page.goto((REPORT / f"{name}.html").as_uri())
        found.append(page.wait_for_function(FIRST_PAINT).json_value() / 1000)
        context.close()
    return statistics.median(found)


def answer(browser) -> float:
    """Milliseconds of a run of the network in the page: the median of rounds, each the mean of passes."""
    page = browser.new_page(viewport=DESKTOP)
    page.goto((REPORT / "frames.html").as_uri())
    page.wait_for_selector("#controls:not([disabled])")
    found = [page.evaluate("passes => policyLive.milliseconds(passes)", PASSES) for _ in range(ROUNDS)]
    page.close()
    return statistics.median(found)


def measure() -> dict[str, float]:
    """`first_view_` of each page in seconds, and `answer_ms`; nothing without a browser or a built report."""
    if CHROMIUM is None or not (REPORT / "frames.html").is_file():
        return {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        found = {f"first_view_{name}": first_view(browser, name) for name in PAGES}
        return found | {"answer_ms": answer(browser)}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
