"""Remakes the README's screenshots from the demo's built report: the head of its article and its frame explorer."""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from docs.pictures import few_colours
from minetest_interp.io import files
from tests.browser import ARGUMENTS, CHROMIUM, DESKTOP

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "report/demo"
SHOTS = {"article": "index.html", "frames": "frames.html#frame/04-single-020"}
WIDTH = 960  # pixels, as wide as a code host shows a README


def main() -> None:
    if CHROMIUM is None or not (REPORT / "frames.html").is_file():
        sys.exit(f"error: screenshots need `chromium` on the PATH and the demo's report in {REPORT}; run `make` first.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, page in SHOTS.items():
            shot = few_colours(shrink(take(browser, f"{REPORT.as_uri()}/{page}")))
            files.write(ROOT / f"docs/{name}.png", lambda beside, shot=shot: beside.write_bytes(shot))
        browser.close()


def take(browser, address: str) -> Image.Image:
    page = browser.new_page(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce")
    page.goto(address)
    page.wait_for_load_state("networkidle")
    shot = Image.open(io.BytesIO(page.screenshot()))
    page.close()
    return shot.convert("RGB")


def shrink(picture: Image.Image) -> Image.Image:
    """The same in `WIDTH` pixels."""
    return picture.resize((WIDTH, WIDTH * picture.height // picture.width), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
