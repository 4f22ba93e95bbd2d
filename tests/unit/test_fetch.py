"""Fetching, against a server on loopback."""

import hashlib
import http.server
import threading

import pytest

from minetest_interp import fetch
from minetest_interp.errors import InputError

FILES = {"a.model": b"parameters", "shots/one.png": b"pixels"}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


@pytest.fixture
def server():
    """Serves a copy of `FILES` that a test may change; yields (address, files)."""
    served = dict(FILES)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = served.get(self.path.lstrip("/"))
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", served
        running.shutdown()
        thread.join()


def test_what_is_missing_is_fetched_and_what_is_there_is_left_alone(server, tmp_path):
    address, served = server
    fetch.fetch(address, SUMS, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == FILES
    served.clear()
    fetch.fetch(address, SUMS, tmp_path)


def test_a_wrong_file_is_refused_by_name_and_not_kept(server, tmp_path):
    address, served = server
    served["shots/one.png"] = b"other pixels"
    with pytest.raises(InputError, match=r"shots/one.png as served by .* must have the SHA-256"):
        fetch.fetch(address, SUMS, tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.model"]


def test_a_missing_file_and_a_dead_server_say_what_to_pass(server, tmp_path):
    address, served = server
    del served["a.model"]
    with pytest.raises(InputError, match="a.model could not be fetched .* pass a local copy with --config data=FOLDER"):
        fetch.fetch(address, SUMS, tmp_path)
    with pytest.raises(InputError, match="pass a local copy with --config data=FOLDER"):
        fetch.fetch("http://127.0.0.1:9", SUMS, tmp_path)
