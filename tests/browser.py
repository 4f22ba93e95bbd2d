"""What the tests of all pages share: headless Chromium, and axe-core to look for what some readers could not use."""

import functools
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")  # the first takes half the time
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# For `page.evaluate`: waits until what was asked for is drawn.
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Likewise, with a canvas's id: its width, height and pixels.
PIXELS = """id => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height, btoa(Array.from(data, level => String.fromCharCode(level)).join(""))];
}"""
AXE = "axe-core@4.14.1"  # Mozilla Public License 2.0; fetched for the test, part of nothing that is built


@functools.cache
def axe_core() -> str | None:
    """The script of axe-core, or None without npm or a registry that answers."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(["npm", "pack", AXE], cwd=folder, check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            return None
        [packed] = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as files:
            return files.extractfile("package/axe.min.js").read().decode()


def barriers(browser, page_file: Path, *, fragment: str = "", before: str = "", **options) -> list[str]:
    """What axe-core calls serious or critical on a page, one line each.

    before: a script that is run first. options: of the browser's context.

    The test is skipped where axe-core cannot be had.
    """
    script = axe_core()
    if script is None:
        pytest.skip(f"NOT CHECKED for accessibility: {AXE} comes from an npm registry, and none answered")
    # The page's policy forbids foreign scripts, and this is one.
    context = browser.new_context(bypass_csp=True, **options)
    try:
        page = context.new_page()
        page.goto(f"{page_file.as_uri()}{fragment}")
        page.evaluate(before)
        page.evaluate(script)
        found = page.evaluate("axe.run({resultTypes: ['violations']}).then(result => result.violations)")
    finally:
        context.close()
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
