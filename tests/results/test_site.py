"""`make site` run truly, and its folder served as a host of static pages would, on this machine alone."""

import functools
import http.server
import shutil
import subprocess
import threading
from urllib.parse import urlsplit

import pytest

from tests.browser import CHROMIUM, DESKTOP, PAINTED
from tests.conftest import ROOT

# The fixtures of the report's page.
from tests.results.test_pages import browser, demo, load_all  # noqa: F401

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the site is not opened: no `chromium` on the PATH")
PAGES = ("index", "appendix", "atlas", "frames", "reproduce")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(demo, tmp_path_factory):  # noqa: F811
    """The folder that `make site` writes of the built report, and its address."""
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(demo, project / "report/demo", copy_function=shutil.copy)
    command = ["make", "-f", ROOT / "Makefile", "-o", "report", "site", "STUDY=demo"]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=60)
    handler = functools.partial(Quiet, directory=project / "site")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield project / "site", f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_site_is_the_report_without_what_is_for_other_hosts(site, demo):  # noqa: F811
    folder, _ = site
    names = {file.relative_to(demo) for file in demo.rglob("*") if file.is_file()}
    kept = {name for name in names if name.parts[0] != "hugo" and name.name != ".snakemake_timestamp"}
    found = {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}
    assert {str(name) for name in found - kept} == {".nojekyll"} and kept <= found
    assert all((folder / name).read_bytes() == (demo / name).read_bytes() for name in kept)


@pytest.mark.parametrize("name", PAGES)
def test_a_served_page_is_whole_and_asks_no_other_host(site, browser, name):  # noqa: F811
    _, address = site
    page = browser.new_page(viewport=DESKTOP)
    complaints, asked = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(f"{address}/{name}.html")
    page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
    if name in ("index", "appendix"):
        load_all(page)
    if name == "frames":
        page.wait_for_selector("#controls:not([disabled])")
        page.locator("#silence").click()
        page.evaluate(PAINTED)
        assert page.locator("#changes li").count() == 1
    if name == "atlas":
        page.locator(".tiles a").first.click()
        page.locator("#page\\:unit h2").wait_for()
    assert complaints == []
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {urlsplit(address).netloc}
    page.close()
