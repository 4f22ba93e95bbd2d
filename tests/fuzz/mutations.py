"""Damage to valid files: to their bytes, whatever they mean, and to the trees and lengths that they hold.

Everything is drawn from the `random.Random` that comes first, so a seed says which case it was.
"""

import copy
import struct
import zlib
from collections.abc import Sequence
from random import Random

LENGTHS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 100_000, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
HOSTILE = (
    None, True, -1, 0, 1e308, 3.0, 2**31, 2**64, -(2**70), 10**400, float("nan"), float("inf"), "", "a\nb", "a\x00b",
    "\x1b[31m", "\ud800", "é" * 300, "9" * 5000, "a" * 5000, "..", "../../etc/passwd", "/etc/passwd", "~/x", "**",
    "**x", "[", "{x}", "$(id)", "*.png", "\\", ".", "a/../..", "files", "link.png", "chance", [], {}, [[]], [None],
    {"": None}, {"a": {"b": {}}}, [0] * 50, ["a"] * 50, {"__msgpack_chunked_array__": True},
)  # fmt: skip


def mutate_bytes(random: Random, data: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """One to four small damages: flips, cuts, repeats, lengths, words of the format, pieces of other files."""
    for _ in range(random.randint(1, 4)):
        if not data:
            return bytes(random.randbytes(random.randint(0, 20)))
        # Most of a format's meaning lies at its head.
        at = random.randrange(random.choice((min(len(data), 40), min(len(data), 600), len(data))))
        size = random.choice((1, 2, 4, 8, 64, len(data) // 2))
        kind = random.randrange(8)
        if kind == 0:
            data = data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + random.randbytes(random.randint(1, 4)) + data[at + 1 :]
        elif kind == 2:
            data = data[:at]
        elif kind == 3:
            data = data[:at] + data[at + size :]
        elif kind == 4:
            data = data[: at + size] + data[at : at + size] * random.choice((1, 2, 50)) + data[at + size :]
        elif kind == 5:
            width, letter = random.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
            number = random.choice(LENGTHS) & (256**width - 1)
            data = data[:at] + struct.pack(random.choice("<>") + letter, number) + data[at + width :]
        elif kind == 6:
            data = data[:at] + random.choice(tokens) + data[at + random.choice((0, 1, size)) :]
        else:
            other = random.choice(others)
            start = random.randrange(len(other)) if other else 0
            data = data[:at] + other[start : start + size] + data[at + random.choice((0, size)) :]
    return data


def mutate_tree(random: Random, tree: object, values: Sequence[object] = HOSTILE) -> object:
    """A tree of maps and lists in which one to three nodes are replaced, left out, renamed, or put elsewhere."""
    tree = copy.deepcopy(tree)
    for _ in range(random.randint(1, 3)):
        places = list(_places(tree))
        if not places:
            return random.choice(values)
        parent, key = random.choice(places)
        kind = random.randrange(6)
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, dict):
            name = random.choice([value for value in values if isinstance(value, str)])
            parent[name] = parent.pop(key)
        elif kind == 2:
            other, its_key = random.choice(places)
            parent[key] = copy.deepcopy(other[its_key])
        else:
            parent[key] = copy.deepcopy(random.choice(values))
    return tree


def mend_png(data: bytes) -> bytes:
    """The same chunks with right checksums, so that damage gets past them."""
    out, at = data[:8], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        if len(body) < 4 + length:
            break
        out += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return out + data[at:]


def _places(node: object):
    """Every (container, key) of a tree."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        yield node, key
        yield from _places(value)
