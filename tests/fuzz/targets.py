"""What reads files that others made, each with valid examples, ways to damage them, and what must hold of the rest.

A reader may take a file or refuse it with an `InputError` of one line; `feed` raises anything else. What it takes must
be usable: the checks after each reader say so.
"""

import io
import json
import struct
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgpack
import numpy as np
import yaml
from PIL import Image

from minetest_interp import study
from minetest_interp.capture import shots
from minetest_interp.io.errors import LONGEST, InputError
from minetest_interp.model import captured, checkpoint, frame_groups, frames, labels, recordings
from minetest_interp.model.actions import action_table
from minetest_interp.model.policy import Geometry
from tests.conftest import ROOT, random_policy
from tests.fuzz.mutations import HOSTILE, mend_png, mutate_bytes, mutate_tree

SCHEMA = ROOT / "workflow/schemas/study.schema.yaml"
NAMES = ("one", "two")
DIGEST = "0" * 64
STACK = (2, 8, 8)


class Target(NamedTuple):
    """name: of the kind of file. share: of a run's cases. examples: valid files. mutate: a damaged one.

    read: puts the bytes into the folder that `prepare` made, has them read, and checks what came out.
    """

    name: str
    share: float
    examples: Callable[[], Sequence[bytes]]
    mutate: Callable[[Random, Sequence[bytes]], bytes]
    read: Callable[[Path, bytes], None]


def feed(target: Target, folder: Path, data: bytes) -> bool:
    """Whether the target's reader took the bytes; False where it refused them as it should."""
    try:
        target.read(folder, data)
    except InputError as error:
        assert str(error).isprintable(), f"a refusal must be one printable line; got {error!r}"
        assert len(str(error)) <= LONGEST, f"a refusal must be short; got {len(str(error))} characters"
        cause: BaseException | None = error
        while cause := cause.__cause__ or cause.__context__:
            assert not isinstance(cause, MemoryError), f"memory ran out before the refusal: {error}"
        return False
    return True


def prepare(folder: Path) -> None:
    """A small study's files, beside which each target puts its own; `link.png` leads out of them."""
    (folder / "config").mkdir(parents=True)
    for name in ("files", "labels/frames", "labels/masks"):
        (folder / name).mkdir(parents=True)
    for name in NAMES:
        (folder / f"files/{name}.png").write_bytes(pictures()[0])
        (folder / f"labels/frames/{name}.png").write_bytes(pictures()[0])
        (folder / f"labels/masks/{name}.png").write_bytes(masks()[0])
    (folder / "config/claims.yaml").write_bytes(as_yaml(claims()))
    (folder / "config/actions.yaml").write_bytes(as_yaml(STUDY["actions"]))


def as_yaml(tree: object) -> bytes:
    """JSON, which YAML can read, but for the numbers that only YAML has."""
    text = json.dumps(tree)
    return text.replace("NaN", ".nan").replace("Infinity", ".inf").encode()


YAW = {"kind": "behaviour_probability", "behaviour": "yaw", "sign": -1}
STUDY = {
    "title": "A small study",
    "summary": "Made by a test.",
    "source": {"folder": "../files", "attribution": "Made by a test."},
    "policy": {"checkpoint": "a.model", "strides": [4, 2, 1], "size": 64},
    "frames": {"files": "*.png", "order": "notebook", "night": ["one"], "overlay": [[0.1, 0.2, 0.3, 0.4]]},
    "actions": {
        "factors": {"move": ["-", "left", "right"], "jump": ["-", "jump"]},
        "behaviours": {"yaw": {"plus": {"move": "left"}, "minus": {"move": "right"}}},
        "steering": "yaw",
    },
    "dreams": {
        "value": {"objective": {"kind": "value"}, "steps": 2, "seed": 1, "lr": 0.5},
        "right": {"objective": YAW, "target": "conv0", "steps": 2, "seed": 1},
    },
    "atlas": {"directions": 2, "seeds": [0, 1], "seed": 0, "method": {"steps": 3, "lr": 0.05, "copies": 2}},
    "recipes": {
        "units": ["conv1/0"], "gallery": ["value"], "seeds": [0, 1], "seed": 0,
        "compared": {"plain": {"kind": "maco", "strength": 0}, "prior": {"kind": "frame prior", "form": "target"}},
    },
    "labels": {"folder": "../labels", "frames": "frames/*.png", "masks": "masks", "concepts": {"trunk": 1}},
    "evidence": {"claims": "claims.yaml", "named": {"conv0": 0, "conv1": 1, "conv2": 2}},
    "gradients": {"yaw-right": YAW},
    "panels": {
        "a-dream-value": {"dream": "value"},
        "d-views": {"frame": "one"},
        "j-channel-gradient": {
            "frame": "two", "layer": "conv2", "channel": 0, "view": "mirrored", "gradient": "yaw-right",
        },
        "recipes-gallery": {"control": "plain", "recipes": ["prior"]},
        "ledger": {},
    },
    "published": {
        "where": "nowhere", "tolerance": 0.1,
        "behaviour": [{"figure": "e", "frame": "one", "view": "original", "yaw": 0.5}],
        "activation_range": [
            {"figure": "g", "frame": "one", "view": "original", "layer": "conv0", "channel": 0, "min": 0.0, "max": 1.0}
        ],
    },
}  # fmt: skip
FETCHED = {
    **{key: STUDY[key] for key in ("title", "summary", "actions", "dreams", "gradients", "policy")},
    "source": {
        "folder": "../data/fetched", "attribution": "-", "repository": "https://a.example", "origin": "-",
        "commit": "0" * 40, "checksums": "sums",
    },
    "frames": {"files": "shots/*.png"},
    "panels": {"a-dream-value": {"dream": "value"}},
}  # fmt: skip


@cache
def claims() -> dict:
    """Three of the shipped claims and all their settings."""
    whole = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))
    return whole | {"claims": dict(list(whole["claims"].items())[:3])}


@cache
def shot_list() -> dict:
    return yaml.safe_load((ROOT / "config/captures/demo.yaml").read_text(encoding="utf-8"))


@cache
def checkpoints() -> list[bytes]:
    """Two small policies, one of them with arrays in the chunks that flax writes for large ones."""
    geometry = Geometry(2, 64, (2, 3, 2), (8, 4, 3), (4, 2, 1), 3, 6)
    policy = random_policy(geometry)
    trees = {index: {"params": {}} for index in "012"}
    for name, (index, stored) in checkpoint.STORED.items():
        trees[index]["params"][stored] = dict(policy.params[name])
    return [pack({"0": {"seed": 1, "name": "x"}, "1": trees}), pack({"0": None, "1": chunked(trees)})]


def pack(tree: object) -> bytes:
    """As flax writes it, and whatever it would not: arrays of any kind, and text that is none."""

    def other(value):
        if isinstance(value, np.ndarray):
            content = [list(value.shape), value.dtype.name, value.tobytes()]
            return msgpack.ExtType(1, msgpack.packb(content))
        return value if isinstance(value, msgpack.ExtType) else str(value)

    return msgpack.packb(tree, default=other, unicode_errors="surrogatepass")


def chunked(tree):
    if isinstance(tree, dict):
        return {key: chunked(value) for key, value in tree.items()}
    return {
        "__msgpack_chunked_array__": True,
        "shape": {str(i): side for i, side in enumerate(tree.shape)},
        "chunks": {"0": np.asarray(tree).ravel()},
    }


def bare_array(shape, dtype: str, content: bytes) -> msgpack.ExtType:
    """An array whose shape and kind need not fit its content."""
    return msgpack.ExtType(1, msgpack.packb([shape, dtype, content]))


PACKED = (
    *(value for value in HOSTILE if not isinstance(value, int) or -(2**63) <= value < 2**64),
    np.zeros(3, np.float32), np.zeros((2, 2)), np.full((8, 8, 2, 2), 1e300), np.zeros((1, 1, 1, 1), np.float16),
    np.zeros((0, 3), np.float32), np.zeros(2, np.int8), np.full(2, np.nan, np.float32), b"\x80\x04.",
    bare_array([2**31, 2**31], "float32", b"abcd"), bare_array([-1], "float32", b"\0" * 8),
    bare_array([1], "object", b"\0" * 8), bare_array([2], "(1000000000,)f4", b"\0" * 8),
    bare_array([1], "f4,O", b"\0" * 16), bare_array("x", "V9", b""), bare_array([10**9] * 9, "S0", b""),
    msgpack.ExtType(2, b"\x92\x01\x02"), msgpack.ExtType(3, b"\x93\x90\xa7float32\xc4\x04\0\0\0\0"),
    msgpack.ExtType(99, b"x"), {1: 2}, {b"0": {}, "1": {}},
)  # fmt: skip
MSGPACK = (b"\xc7\x0c\xff\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\x7f\xff\xff\xff",
           b"\xc9\xff\xff\xff\xff\x01",
           b"\xdc\xff\xff", b"\xde\xff\xff", b"\x91" * 2000, b"\x81\x00" * 2000, b"\xc7\x03\x01\x90\xa0\xa0", b"\xc1",
           b"\xcb\x7f\xf8\0\0\0\0\0\0", b"\x80\x04", b"PK\x03\x04", b"\xa1\xff")  # fmt: skip


def mutate_checkpoint(random: Random, examples: Sequence[bytes]) -> bytes:
    data = random.choice(examples)
    if random.random() < 0.5:
        tree = msgpack.unpackb(data, strict_map_key=False)
        data = pack(mutate_tree(random, tree, PACKED))
    return data if random.random() < 0.3 else mutate_bytes(random, data, examples, MSGPACK)


def read_checkpoint(folder: Path, data: bytes) -> None:
    path = folder / "files/read.model"
    path.write_bytes(data)
    loaded = checkpoint.load(path, size=64)
    network = loaded.policy.architecture
    assert all(np.isfinite(array).all() for layer in loaded.policy.params.values() for array in layer.values())
    assert max(np.prod(network.shape(layer)) for layer in network.targets) <= 2**24
    json.dumps([key for key, value in loaded.args.items() if isinstance(value, str | int | float | bool)])


@cache
def pictures() -> list[bytes]:
    """One small picture in each mode and format that is read, and one with text and colour chunks."""
    noise = np.random.default_rng(0).integers(0, 256, (9, 12, 4), dtype=np.uint8)
    noise[..., 3] = 255  # what is transparent is refused
    deep = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    found = []
    for mode, kind in [("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("1", "PNG"), ("I;16", "PNG"), ("L", "PNG"),
                       ("LA", "PNG"), ("RGB", "JPEG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("RGB", "WEBP"),
                       ("RGB", "TIFF"), ("RGB", "BMP")]:  # fmt: skip
        image = deep if mode == "I;16" else Image.fromarray(noise).convert(mode)
        file = io.BytesIO()
        image.save(file, kind, **({"exif": image.getexif(), "icc_profile": b"x" * 40} if kind != "BMP" else {}))
        found.append(file.getvalue())
    return found


@cache
def masks() -> list[bytes]:
    return [picture for picture in pictures() if picture[:4] == b"\x89PNG" and picture[25] in (0, 3)]


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


CHUNKS = (header(100_000, 100_000), header(6000, 6000), header(2**31 - 1, 1), header(0, 0), header(3, 3, 16, 0),
          b"acTL\xff\xff\xff\xff\0\0\0\0", b"zTXta\0\0x\x9c", b"iCCPa\0\0", b"eXIfII*\0\xff\xff\xff\xff", b"tRNS",
          b"PLTE", b"IEND", b"\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03", b"\xff\xe1\xff\xff", b"\xff\xd8\xff",
          b"RIFF\xff\xff\xff\xffWEBPVP8X", b"VP8L\x0a\0\0\0\x2f\xff\xff\xff\xff", b"II*\0", b"BM")  # fmt: skip


def mutate_picture(random: Random, examples: Sequence[bytes]) -> bytes:
    data = mutate_bytes(random, random.choice(examples), examples, CHUNKS)
    return mend_png(data) if random.random() < 0.7 else data


def read_picture(folder: Path, data: bytes) -> None:
    path = folder / "files/read.png"
    path.write_bytes(data)
    try:
        found = frames.read(path)
    finally:
        path.unlink()
    assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3 and found.size


def read_mask(folder: Path, data: bytes) -> None:
    path = folder / "labels/read.png"
    path.write_bytes(data)
    found = labels.read_mask(path)
    assert found.dtype == np.uint8 and found.ndim == 2 and found.size


@cache
def recorded() -> list[bytes]:
    """Two stacks in each kind of file, and one stack alone."""
    stacks = np.random.default_rng(0).integers(0, 256, (2, *STACK), dtype=np.uint8)
    found = []
    for save, array in ((np.save, stacks), (np.save, stacks[0]), (np.savez, stacks), (np.savez_compressed, stacks)):
        file = io.BytesIO()
        save(file, array)
        found.append(file.getvalue())
    return found


ARRAY = (b"\x93NUMPY\x01\0v\0", b"\x93NUMPY\x02\0\xff\xff\xff\xff", b"'|O'", b"'<f8'", b"'|V9'", b"('|u1', (9, 9))",
         b"(2, 2, 8, 8)", b"(-1,)", b"(2.0,)", b"(None,)", b"(True, 2, 8, 8)", b"(99999999999999999999,)", b"(" * 90,
         b"-" * 90, b"L", b"True", b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"arr_0.npy", b"../a.npy")  # fmt: skip


def read_recording(folder: Path, data: bytes) -> None:
    path = folder / f"files/read.np{'z' if data[:2] == b'PK' else 'y'}"
    path.write_bytes(data)
    try:
        names, found = recordings.recorded_names(path), recordings.read(path, STACK)
    finally:
        path.unlink()
    assert found.dtype == np.uint8 and found.shape[1:] == STACK and len(names) == len(found)


YAML = (b"&a ", b"*a", b"&a [*a, *a]", b"<<: *a", b"<<: {a: 1}", b"!!python/object/apply:os.system [id]", b"!!int x",
        b"!!timestamp x", b"!!binary '*'", b"!!float x", b"!!bool x", b"!!set {a, b}", b"!!omap [a: 1]", b"!!pairs [a]",
        b"2001-99-99", b"2001-01-01", b"1:60:60", b"0x_", b"0b_", b"9" * 5000, b".nan", b"-.inf", b"~", b"? [a]\n: b",
        b"{1: 2}", b"{null: 2}", b"[" * 3000, b"{a: " * 3000, b"- " * 3000, b"\t", b"---\n", b"...\n",
        b"%YAML 9.9\n---\n", b"\xff\xfe", b"\x00", b"\xef\xbb\xbf", b"| \n", b"'", b'"\\ud800"', b'"\\x00"', b"#",
        b"\r", b"\xe2\x80\xa8")  # fmt: skip


def mutate_yaml(random: Random, examples: Sequence[bytes]) -> bytes:
    data = random.choice(examples)
    if random.random() < 0.7:
        data = as_yaml(mutate_tree(random, json.loads(data)))
    return data if random.random() < 0.5 else mutate_bytes(random, data, examples, YAML)


def load_study(folder: Path) -> study.Study:
    """Loads the folder's study, and checks that it is fit to be built and names nothing outside its folders."""
    loaded = study.load(folder / "config/small.yaml", SCHEMA)
    json.dumps(loaded.config, allow_nan=False, ensure_ascii=False).encode()
    assert len(action_table(*(loaded.config["actions"][key] for key in ("factors", "behaviours"))).labels) <= 10_000
    for name in (*loaded.config["dreams"], *loaded.config["gradients"], *loaded.config["panels"]):
        assert name.isascii() and name.replace("-", "").isalnum(), f"{name!r} becomes a file's name"
    for path in (loaded.checkpoint, *loaded.frames, *loaded.labelled, *(loaded.folder / n for n in loaded.checksums)):
        home = loaded.labels if path in loaded.labelled else loaded.folder
        assert path.resolve().is_relative_to(home.resolve()), f"{path} lies outside the study's folders"
    if loaded.fetched:
        assert loaded.folder.resolve().is_relative_to((folder / "data").resolve()), "fetched files must go into data/"
    return loaded


def read_study(folder: Path, data: bytes) -> None:
    (folder / "config/sums").write_text(f"{DIGEST}  shots/one.png\n")
    (folder / "config/small.yaml").write_bytes(data)
    load_study(folder)


def read_claims(folder: Path, data: bytes) -> None:
    small = {**FETCHED, "evidence": {"claims": "read.yaml", "named": STUDY["evidence"]["named"]}}
    (folder / "config/sums").write_text(f"{DIGEST}  shots/one.png\n")
    (folder / "config/small.yaml").write_bytes(as_yaml(small))
    (folder / "config/read.yaml").write_bytes(data)
    load_study(folder)


def read_actions(folder: Path, data: bytes) -> None:
    (folder / "config/sums").write_text(f"{DIGEST}  shots/one.png\n")
    (folder / "config/small.yaml").write_bytes(as_yaml({**FETCHED, "actions": "read.yaml"}))
    (folder / "config/read.yaml").write_bytes(data)
    load_study(folder)


def sums() -> list[bytes]:
    names = ("a.model", "shots/one.png", "shots/two 10.png")
    return ["".join(f"{DIGEST}  {name}\n" for name in names).encode()]


SUMS = (b"../", b"/", b"/etc/passwd", b"..", b"\\", b"\0", b"\n", b"\r\n", b"\xff", b"\xc2\x85", b"\xe2\x80\xa8",
        b"9" * 5000, b"a" * 5000, b"g" * 64, b"A" * 64, b"  ", b"\t", b"~", b"./", b"//", b"shots", b"\x1b[2J",
        b"\xed\xa0\x80")  # fmt: skip


def read_sums(folder: Path, data: bytes) -> None:
    (folder / "config/sums").write_bytes(data)
    (folder / "config/small.yaml").write_bytes(as_yaml(FETCHED))
    load_study(folder)


def tables() -> list[bytes]:
    turns = "".join(f"{name},t 10,turn {n}\n" for n, name in enumerate(("one", "two", "three", "four")))
    return [
        f"name,group,role\n{turns}".encode(),
        b'name,site,"group",role\r\n"one",3,"a ""b""",day\r\ntwo,3,a,night\r\n',
        b"id,biome,species,light,trunk_dist,ray_trunks\none,shore,,night,,0\ntwo,shore,pine,dark,2.5,3\n",
    ]


TABLE = (b'"', b"\0", b"\r", b"\n", b",", b",,,,", b"\xff", b"9" * 5000, b"a" * 140_000, b"name", b"group", b"turn 0",
         b"\xef\xbb\xbf", b"\xd9\xa3", b"\xc2\xb2", b"name,name\n", b"nan", b"-1", b"\xed\xa0\x80")  # fmt: skip


def read_table(folder: Path, data: bytes) -> None:
    (folder / "labels/frames.csv").write_bytes(data)
    try:
        names = ("one", "two", "three", "four")
        said = captured.read(folder / "labels", names)
        turns = frame_groups.stacks(said.group, said.role, frames=2)
    finally:
        (folder / "labels/frames.csv").unlink()
    assert {array.shape for array in said} == {(4,)} and turns.shape[1:] == (2,)
    assert sum(array.nbytes for array in said) <= 2**20


def read_shots(folder: Path, data: bytes) -> None:
    path = folder / "config/shots.yaml"
    path.write_bytes(data)
    wanted = shots.read(path)
    json.dumps(wanted._asdict(), allow_nan=False, ensure_ascii=False).encode()
    assert shots.frames_of(wanted, 0) >= 0


def of_bytes(tokens: Sequence[bytes]) -> Callable[[Random, Sequence[bytes]], bytes]:
    return lambda random, examples: mutate_bytes(random, random.choice(examples), examples, tokens)


TARGETS = {
    target.name: target
    for target in (
        Target("checkpoint", 0.3, checkpoints, mutate_checkpoint, read_checkpoint),
        Target("picture", 0.2, pictures, mutate_picture, read_picture),
        Target("recording", 0.05, recorded, of_bytes(ARRAY), read_recording),
        Target("mask", 0.1, masks, mutate_picture, read_mask),
        Target("study", 0.1, lambda: [as_yaml(STUDY), as_yaml(FETCHED)], mutate_yaml, read_study),
        Target("claims", 0.04, lambda: [as_yaml(claims())], mutate_yaml, read_claims),
        Target("actions", 0.04, lambda: [as_yaml(STUDY["actions"])], mutate_yaml, read_actions),
        Target("checksums", 0.06, sums, of_bytes(SUMS), read_sums),
        Target("table", 0.06, tables, of_bytes(TABLE), read_table),
        Target("shots", 0.05, lambda: [as_yaml(shot_list())], mutate_yaml, read_shots),
    )
}
