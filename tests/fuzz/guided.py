"""Searches by coverage for a file that ends in anything but a refusal: `python -m tests.fuzz.guided TARGET [options]`.

Needs atheris, which no other command does; options are libFuzzer's, such as -max_total_time=300. The readers, their
valid files and the checks are those of the test suite.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["minetest_interp", "yaml", "flax.serialization", "PIL", "jsonschema", "csv"]):
    from tests.fuzz.targets import TARGETS, feed, prepare


def main(name: str, options: list[str]) -> None:
    home = Path(tempfile.mkdtemp(prefix="guided-"))
    folder, corpus = home / "study", home / "corpus"
    prepare(folder)
    corpus.mkdir()
    for number, example in enumerate(TARGETS[name].examples()):
        (corpus / str(number)).write_bytes(example)
    atheris.Setup(
        [sys.argv[0], str(corpus), "-max_len=8192", *options], lambda data: feed(TARGETS[name], folder, data) and None
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
