"""Which other expressions the viewers of a target can have, so that the same is told of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from common import wire
from edge.vision.place_privacy import _faces

_DRAWN = 200
_STEPS = 8
"""At most, from the true table to another one."""


def other_faces(
    cohort: wire.Cohort,
    target: str,
    now: Counter[str],
    everybody: Counter[str],
    k: int,
    rng: np.random.Generator,
) -> Iterator[Counter[str]]:
    """Draw how many viewers of ``target`` can have each expression. ``now``: how many have it; ``everybody``: how many
    visits do."""
    assert cohort.expression is not None
    told, labels = cohort.targets[target], sorted(everybody)
    for _ in range(_DRAWN):
        table = Counter(now)
        for _ in range(int(rng.integers(1, _STEPS + 1))):
            less, more = rng.choice(labels, 2).tolist()
            step = min(table[less], everybody[more] - table[more], int(rng.integers(1, k + 1)))
            table[less] -= step
            table[more] += step
        if told.viewers is None or (
            _faces(table, told.viewers, cohort.expression, cohort.visits, k) == told.expression
        ):
            yield table
