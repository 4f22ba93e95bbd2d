"""Fetching, against a server on loopback."""

import contextlib
import hashlib
import http.server
import threading

import pytest

from minetest_interp.io import fetch
from minetest_interp.io.errors import InputError

FILES = {"a.model": b"parameters", "shots/one.png": b"pixels"}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
ADVICE = "Go online, or pass a local copy with --config data=FOLDER"
OFFLINE = rf"must be fetched .*(HTTPError|ConnectionError|Timeout|ChunkedEncodingError|TooManyRedirects).*\. {ADVICE}"
OTHER = rf"must be fetched .*: other bytes\)\. {ADVICE}"


class Server:
    """files: what is served; a test may change it. asked: the paths that were asked for.

    cut: paths of which half arrives. silent: paths of which nothing does. moved: path to the address it is sent on to.
    """

    def __init__(self):
        self.files, self.asked = dict(FILES), []
        self.cut, self.silent, self.moved = set(), set(), {}
        self.over = threading.Event()


@contextlib.contextmanager
def serve():
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
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        state.address = f"http://127.0.0.1:{running.server_port}"
        yield state
        state.over.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def server():
    with serve() as state:
        yield state


@pytest.fixture
def second():
    """A server that has the same files, by their digest."""
    with serve() as state:
        state.files = {f"sha256:{SUMS[name]}/raw": content for name, content in FILES.items()}
        state.address += "/sha256:{sha256}/raw"
        yield state


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def lying(folder) -> dict[str, bytes]:
    """Every file of the folder and beside it."""
    found = (path for path in folder.parent.rglob("*") if path.is_file())
    return {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in found}


WHOLE = {f"data/{name}": content for name, content in FILES.items()}


def test_what_is_missing_is_fetched_and_what_is_there_is_left_alone(server, folder):
    fetch.fetch([server.address], SUMS, folder)
    assert lying(folder) == WHOLE
    fetch.fetch([server.address], SUMS, folder)
    (folder / "a.model").unlink()
    fetch.fetch([server.address], SUMS, folder)
    assert server.asked == ["a.model", "shots/one.png", "a.model"] and lying(folder) == WHOLE


def fails_and_goes_on(server, folder, message):
    """The second file fails: it is named, nothing of it is kept, the first waits, and the next fetch needs only it."""
    with pytest.raises(InputError, match=message):
        fetch.fetch([server.address], SUMS, folder)
    assert lying(folder) == {".data.part/a.model": FILES["a.model"]}
    server.asked.clear()


def recovers(server, folder):
    fetch.fetch([server.address], SUMS, folder)
    assert server.asked == ["shots/one.png"] and lying(folder) == WHOLE


def test_a_wrong_file_is_refused_by_name_and_not_kept(server, folder):
    server.files["shots/one.png"] = b"other pixels"
    fails_and_goes_on(server, folder, f"shots/one.png {OTHER}")
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
    fails_and_goes_on(server, folder, f"shots/one.png {OTHER}")
    server.moved["shots/one.png"] = "/shots/one.png"  # round in circles
    fails_and_goes_on(server, folder, f"shots/one.png {OFFLINE}")
    server.moved["shots/one.png"] = "/elsewhere"
    server.files["elsewhere"] = FILES["shots/one.png"]
    fetch.fetch([server.address], SUMS, folder)
    assert lying(folder) == WHOLE


def test_a_missing_file_and_a_dead_server_say_what_to_pass(server, folder):
    del server.files["a.model"]
    with pytest.raises(InputError, match=f"a.model {OFFLINE}"):
        fetch.fetch([server.address], SUMS, folder)
    with pytest.raises(InputError, match=OFFLINE):
        fetch.fetch(["http://127.0.0.1:9"], SUMS, folder)


@pytest.mark.parametrize("fault", ["dead", "missing", "wrong", "cut"])
def test_where_one_source_fails_the_next_gives_the_file(server, second, folder, fault):
    first = "http://127.0.0.1:9" if fault == "dead" else server.address
    if fault == "missing":
        server.files.clear()
    elif fault == "wrong":
        server.files = dict.fromkeys(FILES, b"other bytes")
    server.cut = set(FILES) if fault == "cut" else set()
    fetch.fetch([first, second.address], SUMS, folder)
    assert lying(folder) == WHOLE and second.asked == list(second.files)
    # The second file is asked for where the first was found.
    assert set(server.asked) == (set() if fault == "dead" else {"a.model"})


def test_the_second_source_is_left_alone_while_the_first_is_good(server, second, folder):
    fetch.fetch([server.address, second.address], SUMS, folder)
    assert lying(folder) == WHOLE and second.asked == []


def test_where_every_source_fails_one_line_says_how_each_did(server, second, folder):
    server.files["shots/one.png"] = b"other pixels"
    second.files.clear()
    with pytest.raises(InputError) as failed:
        fetch.fetch([server.address, second.address], SUMS, folder)
    assert "\n" not in str(failed.value) and str(failed.value).endswith(f"{ADVICE}.")
    assert f"({server.address}: other bytes; {second.address}: HTTPError)" in str(failed.value)
    assert lying(folder) == {".data.part/a.model": FILES["a.model"]}
