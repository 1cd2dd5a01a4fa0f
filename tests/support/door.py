"""A door with somebody who counts by hand, and a device that misses some and counts others too often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cloud.domain.count_check import CountCheck, Door, Light, Tap, Tapped
from common.wire import Coverage, Totals, WindowMessage
from common.wire import Door as DoorCounts
from tests.support.messages import MORNING, window

DOOR = Door("door", "front", "street")
SETTLED_S = (3.5, 5.0)
"""A device counts a crossing so long after it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A check by hand, and the windows of the same time."""

    check: CountCheck
    taps: Sequence[Tap]
    windows: Sequence[WindowMessage]
    people: int
    """How many came in within the check."""


def door_windows(
    entries: Sequence[float],
    first: datetime,
    minutes: int,
    *,
    exits: Sequence[float] = (),
    share: float = 1.0,
) -> list[WindowMessage]:
    """Windows of a minute from ``first`` on, with the counts at these seconds after it."""
    edges = 60.0 * np.arange(minutes + 1)
    came, went = (np.histogram(np.asarray(moments, float), edges)[0].tolist() for moments in (entries, exits))
    return [
        window(
            0,
            start=first + timedelta(minutes=minute),
            seq=minute,
            totals=Totals(
                visits=came[minute] + went[minute],
                viewers=0,
                doors={"street": DoorCounts(entries=came[minute], exits=went[minute], passers=0, groups=0)},
            ),
            coverage=Coverage(share=share),
        )
        for minute in range(minutes)
    ]


def check_of(minutes: float, *, began_s: float = 0.0, light: Light = "daylight") -> CountCheck:
    """A check that begins ``began_s`` after :data:`MORNING`."""
    started = MORNING + timedelta(seconds=began_s)
    return CountCheck(
        "0" * 32,
        "shop",
        DOOR,
        light,
        "anna",
        started,
        started + timedelta(minutes=minutes),
    )


def taps_at(seconds: Sequence[float], what: Tapped = "entry") -> list[Tap]:
    return [Tap(number, after_s, what) for number, after_s in enumerate(seconds)]


def counted(
    rng: np.random.Generator, *, minutes: int, a_minute: float, recall: float, false_an_hour: float = 0.0
) -> Counted:
    """People who come in by chance at a door that is counted before, during and after a check.

    The check begins anywhere in a minute. Nobody in front of the door looks at the device.
    """
    before_s, began_s = 120.0, 120.0 + rng.uniform(0, 60)
    whole_s = before_s + 60.0 * (minutes + 4)
    came = np.sort(rng.uniform(0, whole_s, rng.poisson(a_minute * whole_s / 60)))
    seen = came[rng.random(len(came)) < recall]
    false = rng.uniform(0, whole_s, rng.poisson(false_an_hour * whole_s / 3600))
    moments = np.concatenate([seen + rng.uniform(*SETTLED_S, len(seen)), false])
    inside = came[(came >= began_s) & (came < began_s + 60 * minutes)]
    return Counted(
        check_of(minutes, began_s=began_s),
        taps_at((inside - began_s).tolist()),
        door_windows(moments.tolist(), MORNING, minutes + 6),
        len(inside),
    )
