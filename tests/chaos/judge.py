"""Compares what devices acknowledged with what is in the store, window by window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.chaos.truth import Counts, Made

_EXAMPLES = 10
"""Of each kind, that are named."""
Key = tuple[str, int]
"""A device, and the start of a window."""
Stored = Mapping[Key, Sequence[Counts]]
"""What the store has of each device and start of a window: one entry, unless it has it twice."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``kept`` windows were acknowledged by the outbox of their device, ``refused`` ones were not; some of those came
    all the same, because a device that cannot write sends them at once."""

    kept: int = 0
    stored: int = 0
    people: int = 0
    people_stored: int = 0
    refused: int = 0
    refused_stored: int = 0
    lost: int = 0
    double: int = 0
    wrong: int = 0
    """Stored with other counts than those of the device, or although no device made it."""
    examples: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return not (self.lost or self.double or self.wrong) and self.people == self.people_stored


def judge(truth: Mapping[str, Iterable[Made]], stored: Stored) -> Verdict:
    """Judge the windows of all devices, by the name of the device."""
    kept: dict[Key, Counts] = {}
    refused: defaultdict[Key, list[Counts]] = defaultdict(list)
    lost: list[Key] = []
    for device, windows in truth.items():
        for made in windows:
            key = device, made.start
            if not made.kept:
                # A device that cannot write keeps the cohort back: it may not leave twice.
                refused[key] += [made.counts, replace(made.counts, cohort=None)]
            elif key in kept:
                lost.append(key)  # a device made two windows of the same time: one overwrites the other
            else:
                kept[key] = made.counts
    lost += sorted(kept.keys() - stored.keys())
    double = [key for key, rows in stored.items() if len(rows) > 1]
    wrong = [
        key
        for key, rows in stored.items()
        if any(row not in ([kept[key]] if key in kept else refused.get(key, [])) for row in rows)
    ]
    return Verdict(
        kept=len(kept),
        stored=len(stored),
        people=sum(counts.visits for counts in kept.values()),
        people_stored=sum(row.visits for key, rows in stored.items() if key in kept for row in rows),
        refused=sum(map(len, refused.values())) // 2,
        refused_stored=len(stored.keys() - kept.keys()),
        lost=len(lost),
        double=len(double),
        wrong=len(wrong),
        examples=tuple(
            f"{what}: {device} at {start}"
            for what, keys in (("lost", lost), ("double", double), ("wrong", wrong))
            for device, start in keys[:_EXAMPLES]
        ),
    )
