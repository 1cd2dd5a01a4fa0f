"""The cohort rule: decide what may be published of a window, before anything is queued.

The counts of visits and viewers are published for every window. Everything that describes visits waits until a cohort
of at least k visits is due, by its size or by the time of day, and is then published once. So no visit is in two
cohorts, and subtracting cohorts reveals nothing. Published numbers alone decide when a cohort is due.
See docs/privacy.md and docs/decisions/0049. A device with a budget tells verdicts with noise instead: decision 0122.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypedDict

from common import wire
from common.vocabulary import ATTRIBUTES, LOOK_MOST_S, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire.window import SHARE_DIGITS, few_staff
from edge.types import WindowAggregate
from edge.vision.described import Breakdown, split
from edge.vision.disclosure import withhold_verdicts
from edge.vision.joint import withhold_in_joint
from edge.vision.noise import Below, noisy
from edge.vision.place_privacy import Plan, tell_places
from edge.vision.place_times import Whole
from edge.vision.pool import Pool
from edge.vision.times import Times, bins, publishable

# The order in which large cells are withheld beside small ones, after the visits without a verdict. It must not depend
# on the counts, so labels that are rare in every shop come first.
_RAREST_FIRST = (
    ("male", "female"),
    ("0-17", "65+", "55-64", "18-24", "45-54", "35-44", "25-34"),
    ("disgusted", "fearful", "angry", "surprised", "sad", "happy", "neutral"),
)

MAX_COHORT = 200
"""With this many visits a cohort does not wait for its hour; see the table in docs/privacy.md."""
MIN_COHORT = 3
"""Times k: a smaller cohort waits for the next hour, because most of it would be withheld; see the same table."""


@dataclass(frozen=True, slots=True)
class Release:
    """The part of one window that may be published. ``pending`` visits wait for a cohort; at closing time they are
    the visits that will never be in one."""

    totals: wire.Totals
    cohort: wire.Cohort | None
    pending: int


class CohortRule:
    """Turns windows, in order, into the values that may be published.

    ``k``: smallest cohort and smallest readable cell; 1 withholds nothing. ``profile``: which breakdowns may
    be released at all. ``max_cohort``: the number of visits at which a cohort is released at any time of day.
    ``plan``: the places of the camera. ``pool``: the visits that already wait, from an earlier run. ``noise_budget``:
    that of one visit; then verdicts are told with noise and in no other way. ``below`` draws this noise.
    """

    def __init__(
        self,
        *,
        k: int,
        profile: wire.Profile,
        max_cohort: int = MAX_COHORT,
        plan: Plan | None = None,
        pool: Pool | None = None,
        noise_budget: float | None = None,
        below: Below = secrets.randbelow,
    ) -> None:
        self._k, self._profile, self._max_cohort, self._plan = k, profile, max_cohort, plan or Plan()
        self._noise_budget, self._below = noise_budget, below
        self.pool = pool or Pool()

    def release(self, window: WindowAggregate) -> Release:
        """Decide on one window. Its cohort may include visits of earlier windows."""
        self.pool.add(window, self._plan.version)
        visits = self.pool.visits
        enough = (
            visits >= self._max_cohort
            or (window.due and visits >= min(MIN_COHORT * self._k, self._max_cohort))
            or (window.closing and visits >= self._k)
        )
        cohort = self._draft() if enough else None
        if cohort or window.closing:
            self.pool = Pool()
        totals = wire.Totals(visits=window.visits, viewers=window.viewers, doors=_doors(window))
        return Release(totals, cohort, pending=0 if cohort else visits)

    def _draft(self) -> wire.Cohort:
        pool, plan, k = self.pool, self._plan, self._k
        assert pool.since is not None
        people, whole = self._people(), _whole(pool, k)
        # With noise, nothing else may depend on verdicts.
        expression = None if "noise" in people else people.get("expression")
        return wire.Cohort(
            since=pool.since,
            visits=pool.visits,
            occupancy_max=pool.occupancy_max,
            **people,
            staff_excluded=_staff(pool, plan, k),
            **_times(pool, whole, k),
            **tell_places(pool, plan, k, whole, expression, _lists_of(people)),
        )

    def _people(self) -> _People:
        """Return what is told of the people in the cohort."""
        if self._noise_budget is None or self._profile == "count":
            return _people(self.pool, self._k, self._profile)
        noise = noisy(self.pool.breakdown, self._noise_budget, self._profile, self._below)
        return {**_withheld(self._profile), "noise": noise}


def _doors(window: WindowAggregate) -> dict[str, wire.Door]:
    return {
        name: wire.Door(entries=door.entries, exits=door.exits, passers=door.passers, groups=door.groups)
        for name, door in window.places.doors.items()
    }


def _staff(pool: Pool, plan: Plan, k: int) -> float | None:
    """Return the share of staff among everybody who was followed. The visits are told, so it tells how many were left
    out: none, or at least k. Nothing else that is published counts them, so no difference tells it either."""
    if not plan.leaves_out_staff or pool.places_changed:
        return None
    staff = few_staff(k) if 0 < pool.staff < k else pool.staff
    return round(staff / (staff + pool.visits), SHARE_DIGITS)


class _People(TypedDict, total=False):
    described: int | None
    gender: wire.Cells
    age_band: wire.Cells
    gender_age_band: dict[str, wire.Cells] | None
    expression: wire.Cells
    noise: wire.Noise


def _people(pool: Pool, k: int, profile: wire.Profile) -> _People:
    """Return what the profile allows to tell of the people in the cohort."""
    if profile == "count":
        return {}
    breakdown = split(pool.breakdown, k, range(3 if profile == "expression" else 2))
    gender, age_band = _list(breakdown, 0, k), _list(breakdown, 1, k)
    withheld = None in (
        *gender.values(),
        *age_band.values(),
    )  # the table would tell more of what they withhold
    people: _People = {
        "described": breakdown.described,
        "gender": gender,
        "age_band": age_band,
        "gender_age_band": None if withheld else _joint(breakdown, k),
    }
    if profile == "expression":
        people["expression"] = _list(breakdown, 2, k)
    return people


def _withheld(profile: wire.Profile) -> _People:
    """Return what a cohort tells that withholds all verdicts."""
    gender, age_band, expression = (
        dict.fromkeys((*labels, NO_VERDICT), None) for labels in ATTRIBUTES.values()
    )
    people: _People = {"described": None, "gender": gender, "age_band": age_band, "gender_age_band": None}
    if profile == "expression":
        people["expression"] = expression
    return people


def _lists_of(people: _People) -> list[wire.Cells]:
    return [cells for cells in (people.get("gender"), people.get("age_band")) if cells is not None]


def _list(breakdown: Breakdown, place: int, k: int) -> wire.Cells:
    order = (breakdown.doubt, *_RAREST_FIRST[place])
    counts = breakdown.marginal(place, _labels(breakdown, place))
    hidden = withhold_verdicts(counts, k, order, merged=breakdown.doubt == NO_VERDICT)
    return {**_cells(counts, hidden), **breakdown.beside()}


def _labels(breakdown: Breakdown, place: int) -> tuple[str, ...]:
    return (*tuple(ATTRIBUTES.values())[place], breakdown.doubt)


class _Times(TypedDict):
    dwell_sum_s: float | None
    occupancy_mean: float | None
    dwell: wire.Cells
    attention_sum_s: float | None
    attention: wire.Cells


def _whole(pool: Pool, k: int) -> Whole:
    """Return the dwell and attention times, as far as they may be published together."""
    dwell_sum_s = round(pool.dwell_sum_s, 1)
    dwell = Times(tuple(pool.dwell), dwell_sum_s)
    attention = Times(
        tuple(pool.attention),
        min(round(pool.attention_sum_s, 1), dwell_sum_s),
        idle=pool.visits - pool.viewers,
        most_s=LOOK_MOST_S,
    )
    few = (
        0 < pool.viewers < k
    )  # the number of viewers is published, so withholding their times reveals nothing new
    both = k == 1 or (not few and publishable(dwell, attention, k))
    one = both or publishable(dwell, None, k)
    return Whole(dwell if one else None, attention if both else None)


def _times(pool: Pool, whole: Whole, k: int) -> _Times:
    dwell_sum_s = None if whole.dwell is None else whole.dwell.sum_s
    mean = None if dwell_sum_s is None or not pool.covered_s else round(dwell_sum_s / pool.covered_s, 3)
    return {
        "dwell_sum_s": dwell_sum_s,
        "occupancy_mean": mean,
        "dwell": bins(whole.dwell, k),
        "attention_sum_s": None if whole.attention is None else whole.attention.sum_s,
        "attention": bins(whole.attention, k),
    }


def _joint(breakdown: Breakdown, k: int) -> dict[str, wire.Cells] | None:
    genders, bands = _labels(breakdown, 0), _labels(breakdown, 1)
    joint = {(g, b): 0 for g in genders for b in bands}
    for (g, b, _), count in breakdown.counts.items():
        joint[g, b] += count
    orders = ((breakdown.doubt, *rarest_first) for rarest_first in _RAREST_FIRST[:2])
    hidden = withhold_in_joint(joint, k, *orders)
    if hidden is None:
        return None
    if breakdown.not_seen is not None:
        joint[NOT_SEEN, NOT_SEEN] = breakdown.not_seen
    table: dict[str, wire.Cells] = {}
    for (g, b), count in joint.items():
        row, column = _joint_label(g, b)
        table.setdefault(row, {})[column] = None if (g, b) in hidden else count
    return table


def _joint_label(gender: str, band: str) -> tuple[str, str]:
    """Name a cell: who has a gender or an age band was seen, so the other verdict is unknown."""
    seen = gender != NO_VERDICT or band != NO_VERDICT
    return (_unknown(gender), _unknown(band)) if seen else (gender, band)


def _unknown(label: str) -> str:
    return UNKNOWN if label == NO_VERDICT else label


def _cells(counts: Mapping[str, int], hidden: Collection[str]) -> wire.Cells:
    return {label: None if label in hidden else count for label, count in counts.items()}
