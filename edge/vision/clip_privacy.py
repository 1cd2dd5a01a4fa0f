"""Decide what a cohort tells of the clips of a display.

The shows divide the visits, so their visits are a list like that of genders. Whether each visit looked is a table of
shows by looking. A clip that was chosen for a gender or an age tells of the people before it: its shows are told only
where the cohort tells how many people of that gender or age there were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from common import wire
from edge.place_types import ClipCounts
from edge.vision.disclosure import withhold
from edge.vision.joint import withhold_in_joint

Side = tuple[str, bool]
"""A clip, and whether it was held out."""


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """The clips of the settings. ``suited``: those that a rule chooses. ``about``: the genders and age bands that the
    rules ask for. ``target``: the target that the display is, if it is one. ``holdout_hours``: the share of the hours
    in which they are held out, None if chance holds out single shows only."""

    clips: tuple[str, ...] = ()
    suited: frozenset[str] = frozenset()
    about: frozenset[str] = frozenset()
    target: str | None = None
    holdout_hours: float | None = None

    @property
    def sides(self) -> list[Side]:
        return [
            (clip, held) for clip in self.clips for held in (False, True) if not held or clip in self.suited
        ]


@dataclass(frozen=True, slots=True)
class ClipsTold:
    """The visits and the viewers that are told, by side."""

    visits: Mapping[Side, int] = field(default_factory=dict)
    viewers: Mapping[Side, int] = field(default_factory=dict)


def tell_counts(
    plan: ClipPlan,
    counts: Mapping[Side, ClipCounts],
    *,
    visits: int,
    viewers: Sequence[int],
    lists: Sequence[wire.Cells],
    k: int,
) -> ClipsTold:
    """Choose what is told in a cohort of so many ``visits``. ``viewers``: the published counts of visits that looked
    anywhere, or at the display. ``lists``: those of genders and age bands that the cohort tells."""
    shown = {side: counts.get(side, ClipCounts()) for side in plan.sides}
    known = {label for cells in lists for label, count in cells.items() if count is not None}
    if not plan.about <= known:
        return ClipsTold()
    rows: dict[Side, int] = {side: one.visits for side, one in shown.items()}
    rows[_NOWHERE] = visits - sum(rows.values())
    hidden = withhold(rows, k, [_NOWHERE, *shown])
    told = {side: one.visits for side, one in shown.items() if side not in hidden}
    return ClipsTold(told, _viewers(shown, told, visits, viewers, k))


_NOWHERE: Side = ("", False)
"""The visits that belong to no show: no clip has this name."""
_REST = "rest"
_LOOKED, _OTHERS = "looked", "others"


def _viewers(
    shown: Mapping[Side, ClipCounts], told: Mapping[Side, int], visits: int, viewers: Sequence[int], k: int
) -> dict[Side, int]:
    """Return the viewers that are told: of a table in which all visits that are not told are one row."""
    names = {f"{clip} {held}": (clip, held) for clip, held in told}
    joint = {(name, _LOOKED): shown[side].looks.visits for name, side in names.items()}
    looked = sum(one.looks.visits for one in shown.values())
    joint[_REST, _LOOKED] = looked - sum(joint.values())
    joint |= {(name, _OTHERS): told[side] - joint[name, _LOOKED] for name, side in names.items()}
    joint[_REST, _OTHERS] = visits - sum(joint.values())
    # Who looked, but at another time, would be the difference to the published viewers.
    if any(0 < abs(others - looked) < k for others in viewers):
        return {}
    hidden = withhold_in_joint(joint, k, [_REST, *names], [_OTHERS, _LOOKED])
    if hidden is None:
        return {}
    return {side: joint[name, _LOOKED] for name, side in names.items() if (name, _LOOKED) not in hidden}
