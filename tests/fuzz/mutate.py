"""Changes one value somewhere in a JSON text: mutated bytes alone would rarely get past the parser."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**400,
    "", " ", "a" * 70, "a" * 5000, "\x00", "\ud800", "é", "../x", "1", "true", "2026-03-02T08:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", [], {}, [[]], {"": {}}, [0] * 1000,
)  # fmt: skip


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container below ``node`` with each of its keys."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])


def mutated(text: bytes, seed: int) -> bytes | None:
    """Return the JSON ``text`` with one value replaced, removed, moved or added; None if it is none."""
    chance = random.Random(seed)
    try:
        tree = json.loads(text)
        places = list(_places(tree))
    except (ValueError, RecursionError):
        return None
    if not places:
        return None
    holder, key = chance.choice(places)
    what = chance.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, dict):
        holder[chance.choice(["x", "kind", "schema", str(key) + "x"])] = chance.choice(ODD)
    elif what == 2:
        other, at = chance.choice(places)
        holder[key] = json.loads(json.dumps(other[at]))
    elif what == 3 and isinstance(holder[key], int | float) and abs(holder[key]) < 1e300:
        holder[key] = holder[key] * chance.choice([-1, 2, 10, 0.1]) + chance.choice([-1, 0, 1])
    else:
        holder[key] = chance.choice(ODD)
    try:
        return json.dumps(tree).encode("utf-8", "surrogatepass")
    except ValueError:
        return None
