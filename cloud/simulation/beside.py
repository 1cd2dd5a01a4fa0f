"""Who is no visit, or a special one: staff, whom a device leaves out if it knows them, members, who show a code, and
people who come in again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.bool_]

Way = Literal["times", "zone", "line", "badge"]
WAYS: Sequence[Way] = ("times", "zone", "line", "badge")
"""How a device knows staff."""

STAFF = ("", "alone", "counter", "back room", "floor")
"""Nobody of the staff; while only staff is in; who stands behind the counter, comes from the back room, or neither."""
ALONE = STAFF.index("alone")
_WHERE = (0.5, 0.2, 0.3)
"""Shares of the staff at the counter, from the back room, and on the floor."""
_ZONE_S = 20.0
"""Who stays behind the counter for so long is staff."""
_BADGE_READ = 0.9
_MEMBERS, _CODE_READ = 0.12, 0.85
"""Shares: of visitors who show a valid code, and of these codes that the camera reads."""


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What is true of each of the people of one camera and day, and what its device knows of it."""

    staff: NDArray[np.int64]
    """As an index into ``STAFF``; 0 is a visitor."""
    known: Marks
    """Staff that the device knows and leaves out."""
    member: Marks
    """Who shows a valid code."""
    read: Marks
    """Whose code the device reads."""
    again: Marks
    """Who entered, and had left by the same door a few minutes before."""

    @classmethod
    def of(cls, staff: NDArray[np.int64]) -> Beside:
        """Return the same people before any device has looked at them."""
        nobody = np.zeros(len(staff), dtype=bool)
        return cls(staff, nobody, nobody, nobody, nobody)

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Beside:
        """Return some of them: those that are marked, or those at these places."""
        return Beside(
            self.staff[chosen],
            self.known[chosen],
            self.member[chosen],
            self.read[chosen],
            self.again[chosen],
        )


def at_work(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Draw where so many members of staff are during the day."""
    return rng.choice(np.arange(ALONE + 1, len(STAFF)), count, p=_WHERE)


def seen_beside(
    rng: np.random.Generator,
    staff: NDArray[np.int64],
    dwell_s: NDArray[np.float64],
    alone: Marks,
    ways: Collection[Way],
    *,
    loyalty: bool,
) -> Beside:
    """Draw whom of these people a device takes for staff, and who shows a code that it reads.

    ``staff``: as in ``Beside``. ``alone``: who came into view while only staff was in. ``ways``: those in use.
    ``loyalty``: whether there are members at all.
    """
    badge, shows, reads = rng.random((3, len(staff)))
    member = (staff == 0) & (shows < _MEMBERS) & loyalty
    by: dict[Way, Marks] = {
        "times": alone,
        "zone": (staff == STAFF.index("counter")) & (dwell_s >= _ZONE_S),
        "line": staff == STAFF.index("back room"),
        "badge": badge < _BADGE_READ,
    }
    found = np.any([by[way] for way in ways], axis=0) if ways else np.zeros(len(staff), dtype=bool)
    return Beside(
        staff=staff,
        known=(staff > 0) & found,
        member=member,
        read=member & (reads < _CODE_READ),
        again=np.zeros(len(staff), dtype=bool),
    )


def true_beside(visits: Sequence[Beside], left_out: Sequence[Beside]) -> dict[str, int]:
    """Return how many visits there were, how many of all people who were followed are staff, how many of these the
    device left out, and how many visits are those of members."""
    return {
        "visits": sum(len(one.staff) for one in visits),
        "staff": sum(int((one.staff > 0).sum()) for one in (*visits, *left_out)),
        "left_out": sum(len(one.staff) for one in left_out),
        "members": sum(int(one.member.sum()) for one in visits),
    }
