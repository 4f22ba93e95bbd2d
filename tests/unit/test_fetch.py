"""Fetching, against a server on loopback."""

import hashlib
import http.server
import threading

import pytest

from minetest_interp.io import fetch
from minetest_interp.io.errors import InputError

FILES = {"a.model": b"parameters", "shots/one.png": b"pixels"}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
OFFLINE = "could not be fetched .* pass a local copy with --config data=FOLDER"


class Server:
    """files: what is served; a test may change it. asked: the paths that were asked for.

    cut: paths of which half arrives. silent: paths of which nothing does. moved: path to the address it is sent on to.
    """

    def __init__(self):
        self.files, self.asked = dict(FILES), []
        self.cut, self.silent, self.moved = set(), set(), {}
        self.over = threading.Event()


@pytest.fixture
def server():
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.lstrip("/")
            state.asked.append(name)
            if name in state.moved:
                self.send_response(302)
                self.send_header("Location", state.moved[name])
                self.end_headers()
                return
            content = state.files.get(name)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if name in state.silent:
                state.over.wait()
            elif name in state.cut:
                self.wfile.write(content[: len(content) // 2])
            else:
                self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        state.address = f"http://127.0.0.1:{running.server_port}"
        yield state
        state.over.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def lying(folder) -> dict[str, bytes]:
    """Every file of the folder and beside it."""
    found = (path for path in folder.parent.rglob("*") if path.is_file())
    return {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in found}


WHOLE = {f"data/{name}": content for name, content in FILES.items()}


def test_what_is_missing_is_fetched_and_what_is_there_is_left_alone(server, folder):
    fetch.fetch(server.address, SUMS, folder)
    assert lying(folder) == WHOLE
    fetch.fetch(server.address, SUMS, folder)
    (folder / "a.model").unlink()
    fetch.fetch(server.address, SUMS, folder)
    assert server.asked == ["a.model", "shots/one.png", "a.model"] and lying(folder) == WHOLE


def fails_and_goes_on(server, folder, message):
    """The second file fails: it is named, nothing of it is kept, the first waits, and the next fetch needs only it."""
    with pytest.raises(InputError, match=message):
        fetch.fetch(server.address, SUMS, folder)
    assert lying(folder) == {".data.part/a.model": FILES["a.model"]}
    server.asked.clear()


def recovers(server, folder):
    fetch.fetch(server.address, SUMS, folder)
    assert server.asked == ["shots/one.png"] and lying(folder) == WHOLE


def test_a_wrong_file_is_refused_by_name_and_not_kept(server, folder):
    server.files["shots/one.png"] = b"other pixels"
    fails_and_goes_on(server, folder, r"shots/one.png as served by .* must have the SHA-256")
    server.files.update(FILES)
    recovers(server, folder)


def test_half_a_file_is_not_taken_for_a_whole_one(server, folder):
    server.cut.add("shots/one.png")
    fails_and_goes_on(server, folder, f"shots/one.png {OFFLINE}")
    server.cut.clear()
    recovers(server, folder)


def test_a_server_that_says_nothing_is_given_up(server, folder, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.2)
    server.silent.add("shots/one.png")
    fails_and_goes_on(server, folder, f"shots/one.png {OFFLINE}")
    server.silent.clear()
    recovers(server, folder)


def test_wherever_a_file_is_fetched_from_it_must_be_the_published_one(server, folder):
    server.moved["shots/one.png"] = f"{server.address}/elsewhere"
    server.files["elsewhere"] = b"other pixels"
    fails_and_goes_on(server, folder, r"shots/one.png as served by .* must have the SHA-256")
    server.moved["shots/one.png"] = "/shots/one.png"  # round in circles
    fails_and_goes_on(server, folder, f"shots/one.png {OFFLINE}")
    server.moved["shots/one.png"] = "/elsewhere"
    server.files["elsewhere"] = FILES["shots/one.png"]
    fetch.fetch(server.address, SUMS, folder)
    assert lying(folder) == WHOLE


def test_a_missing_file_and_a_dead_server_say_what_to_pass(server, folder):
    del server.files["a.model"]
    with pytest.raises(InputError, match=f"a.model {OFFLINE}"):
        fetch.fetch(server.address, SUMS, folder)
    with pytest.raises(InputError, match=OFFLINE):
        fetch.fetch("http://127.0.0.1:9", SUMS, folder)
