"""Files of some 2 KB that ask for far more memory or time than they are worth: name to kind of file and content."""

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

from tests.fuzz.mutations import mend_png
from tests.fuzz.targets import FETCHED, STUDY, as_yaml, bare_array, checkpoints, claims, header, pack, shot_list

PNG = b"\x89PNG\r\n\x1a\n"
MEASURE = claims()["measure"]
LAUGHS = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + bytes(4)


def png(width: int, height: int, *chunks: bytes, colour: int = 2) -> bytes:
    body = header(width, height, colour=colour)
    return mend_png(PNG + chunk(body[:4], body[4:]) + b"".join(chunks) + chunk(b"IEND", b""))


def saved(kind: str, find: bytes, replace: bytes) -> bytes:
    """A picture of a few pixels whose stated size is another."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, kind)
    assert find in file.getvalue()
    return file.getvalue().replace(find, replace)


def wide() -> bytes:
    """A checkpoint of 10 kB whose first layer would fill a gigabyte for each frame."""
    sizes = {"Conv_0": (1, 1, 1, 300), "Conv_1": (1, 1, 300, 1), "Conv_2": (1, 1, 1, 1)}
    layers = {name: {"kernel": np.zeros(size, "f2"), "bias": np.zeros(size[-1], "f2")} for name, size in sizes.items()}
    # With strides 4, 2 and 1 only frames of 1017 to 1024 pixels give 128 x 128 numbers.
    layers["Dense_0"] = {"kernel": np.zeros((128 * 128, 1), "f2"), "bias": np.zeros(1, "f2")}
    head = {"params": {"Dense_0": {"kernel": np.zeros((1, 1), "f2"), "bias": np.zeros(1, "f2")}}}
    return pack({"0": None, "1": {"0": {"params": layers}, "1": head, "2": head}})


def array(head: bytes, version: int = 1) -> bytes:
    """A .npy file that ends with its header."""
    return b"\x93NUMPY" + bytes([version, 0]) + len(head).to_bytes(2 * version, "little") + head


def archive(*contents: bytes, kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as made:
        for number, content in enumerate(contents):
            made.writestr(f"{number}.npy", content)
    return file.getvalue()


def packed_header() -> bytes:
    """An archive whose one array has a header of 16 MiB, packed into 16 KiB."""
    return archive(array(bytes(2**24), version=2))


def stated(shape: str, kind: str = "|u1") -> bytes:
    return array(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode())


def bombs() -> dict[str, tuple[str, bytes]]:
    """Every bomb; all must be refused."""
    array_of_arrays = {"0": None, "1": bare_array([2**31, 2**31], "float32", b"\0" * 4)}
    found = {f"msgpack header {code:02x}": ("checkpoint", bytes([code]) + b"\xff" * 4) for code in (0xDD, 0xDF, 0xDB)}
    found |= {
        f"msgpack header {code:02x}": ("checkpoint", bytes([code]) + b"\xff" * 4 + b"\x01") for code in (0xC6, 0xC9)
    }
    found |= {
        "msgpack headers in headers": ("checkpoint", b"\xdc\x02\x58" * 600),
        "msgpack tower": ("checkpoint", b"\x91" * 2000),
        "array of 2^62 numbers": ("checkpoint", pack(array_of_arrays)),
        "array of a great element": (
            "checkpoint",
            pack({"0": None, "1": bare_array([1], "(1000000000,)f4", b"\0" * 8)}),
        ),
        "a layer of great size": ("checkpoint", wide()),
        "zeros after a checkpoint": ("checkpoint", checkpoints()[0] + bytes(2000)),
        "PNG of 100,000 x 100,000": ("picture", png(100_000, 100_000)),
        "PNG of 6,325 x 6,325": ("picture", png(6325, 6325)),
        "PNG with a chunk of 4 GB": ("picture", png(8, 8)[:33] + b"\xff\xff\xff\xf0IDAT" + zlib.compress(bytes(99))),
        "PNG with packed text": ("picture", png(8, 8, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**21))))),
        "JPEG of 65,500 x 65,500": ("picture", saved("JPEG", b"\0\x30\0\x40", b"\xff\xdc\xff\xdc")),
        "BMP of 65,536 x 65,536": ("picture", saved("BMP", b"\x40\0\0\0\x30\0\0\0", b"\0\0\1\0\0\0\1\0")),
        "TIFF of 10^9 pixels a row": ("picture", saved("TIFF", b"\x40\0\0\0", b"\0\xca\x9a\x3b")),
        "mask of 100,000 x 100,000": ("mask", png(100_000, 100_000, colour=0)),
        "stacks of 2^62 numbers": ("recording", stated(f"(2, {2**20}, {2**20}, {2**21})")),
        "packed stacks of 10^9 numbers": ("recording", archive(stated("(1000, 1000, 1000)") + bytes(2**24))),
        "stacks of great elements": ("recording", stated("(2, 2, 8, 8)", kind="|V1000000000")),
        "a shape of many brackets": ("recording", stated("(" * 400)),
        "a shape of many signs": ("recording", stated("-" * 30_000)),
        "a packed header of 16 MiB": ("recording", packed_header()),
        "an archive of many arrays": ("recording", archive(*[b""] * 350)),
        "an archive of another kind": ("recording", archive(stated("(2, 2, 8, 8)"), kind=zipfile.ZIP_LZMA)),
        "claims of aliases": ("claims", LAUGHS.encode()),
        "shot list of aliases": ("shots", LAUGHS.encode()),
        "shot list of 10^9 sites": (
            "shots",
            as_yaml(shot_list() | {"sites": shot_list()["sites"] | {"number": 10**9}}),
        ),
        "claims with a great count": (
            "claims",
            as_yaml(claims() | {"measure": MEASURE | {"heads": {"permutations": 10**9, "seed": 0}}}),
        ),
        "group of great length": ("table", b"name,group,role\none," + b"a" * 2000 + b",turn 0\n"),
        "group of many digits": ("table", b"name,group,role\none," + b"9" * 5000 + b",turn 0\n"),
    }
    study = {
        "aliases": LAUGHS,
        "merges": MERGES,
        "one long text many times": f"a: &a {'x' * 1500}\nb: [{'*a, ' * 300}]\n",
        "an alias of itself": "title: &a [*a]\n",
        "lists in lists": "title: " + "[" * 2000,
        "mappings in mappings": "title: " + "{a: " * 500,
        "blocks in blocks": "- " * 1000,
        "a great number": "title: " + "9" * 2000,
    }
    found |= {f"study with {name}": ("study", text.encode()) for name, text in study.items()}
    factors = {str(i): [str(level) for level in range(10)] for i in range(20)}
    changes = {
        "10^20 actions": {"actions": STUDY["actions"] | {"factors": factors}},
        "an integer that is none": {"panels": {"g-channel": {"frame": "one", "channel": 1.0}}},
        "a great seed": {"dreams": {"value": {"objective": {"kind": "value"}, "steps": 1, "seed": 2**52}}},
    }
    return found | {f"study of {name}": ("study", as_yaml({**FETCHED, **change})) for name, change in changes.items()}
