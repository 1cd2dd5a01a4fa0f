"""The people who pass one camera on one day, and the verdicts of its device on them.

Arrays have one entry per visit, in order of the visit's end; labels are indices into :mod:`common.vocabulary`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud.analysis.confusion import Confusion, shipped_confusions
from cloud.domain.chain import Site
from cloud.simulation.beside import ALONE, Beside, at_work
from cloud.simulation.chain import Character
from common.vocabulary import AGE_BANDS, ATTRIBUTES, EXPRESSIONS, NOT_SEEN, UNKNOWN
from edge.place_types import VisitPlaces

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

CROSSINGS = ("", "entry", "exit", "passer")
_STEP_S = 300
"""The flow of people is constant within this many seconds."""
STAFF_S = 1800
"""How long before opening and after closing devices are on and see the staff."""
_STAFF_PER_HOUR, _AT_WORK_PER_HOUR = 4.0, 3.0
"""Staff before opening and after closing, and during the day."""
_STAYS = 5.0
"""Staff at work stays in view so many times as long as a visitor."""


@dataclass(frozen=True, slots=True, eq=False)
class Visitors:
    """All visits of one camera and day; ``labels`` has the true labels by attribute. Times are in UTC epoch seconds."""

    end_s: Floats
    dwell_s: Floats
    attention_s: Floats
    described: NDArray[np.bool_]
    """Whose face the device sees well enough to classify it."""
    labels: Mapping[str, Labels]
    crossing: Labels
    """What each did at the door, as an index into ``CROSSINGS``; ``leads`` begins a group."""
    leads: NDArray[np.bool_]
    places: NDArray[np.object_]
    """What each did in zones and towards targets, as ``VisitPlaces``."""
    shown: NDArray[np.object_]
    """The show on the display that each belongs to, as ``Shown``, or None."""
    beside: Beside

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Visitors:
        """Return some of them: those that are marked, or those at these places."""
        return Visitors(
            end_s=self.end_s[chosen],
            dwell_s=self.dwell_s[chosen],
            attention_s=self.attention_s[chosen],
            described=self.described[chosen],
            labels={attribute: labels[chosen] for attribute, labels in self.labels.items()},
            crossing=self.crossing[chosen],
            leads=self.leads[chosen],
            places=self.places[chosen],
            shown=self.shown[chosen],
            beside=self.beside.only(chosen),
        )

    @property
    def viewer(self) -> NDArray[np.bool_]:
        return self.attention_s > 0


def visitors(
    rng: np.random.Generator, character: Character, site: Site, day: date, factor: float
) -> Visitors:
    """Draw one day. ``factor`` scales all visits: the weather, a promotion, the share that passes this camera."""
    flow = factor * character.visits_per_hour * character.kind.week[day.weekday()]
    moments: list[Floats] = []
    staff: list[Labels] = []
    dice = rng.spawn(1)[0]
    for start, end in site.opening_intervals(day):
        steps = np.arange(start.timestamp(), end.timestamp(), _STEP_S)
        local = np.array([_local_hour(site, start, moment) for moment in steps])
        rush = sum(
            weight * np.exp(-0.5 * ((local - hour) / width) ** 2)
            for hour, width, weight in character.kind.peaks
        )
        came = rng.poisson(flow * (1 + rush) * _STEP_S / 3600)
        moments.append(np.repeat(steps, came) + rng.uniform(0, _STEP_S, came.sum()))
        staff.append(np.zeros(came.sum(), dtype=np.int64))
        for first in (start.timestamp() - STAFF_S, end.timestamp()):
            alone = rng.poisson(_STAFF_PER_HOUR * STAFF_S / 3600)
            moments.append(first + rng.uniform(0, STAFF_S, alone))
            staff.append(np.full(alone, ALONE))
        open_s = (end - start).total_seconds()
        at = at_work(dice, dice.poisson(_AT_WORK_PER_HOUR * open_s / 3600))
        moments.append(start.timestamp() + dice.uniform(0, open_s, len(at)))
        staff.append(at)
    end_s = np.concatenate([np.empty(0), *moments])
    order = np.argsort(end_s, kind="stable")
    return _people(rng, character, end_s[order], np.concatenate([np.empty(0, np.int64), *staff])[order])


def _local_hour(site: Site, start: datetime, moment: float) -> float:
    local = (start + timedelta(seconds=moment - start.timestamp())).astimezone(site.zone)
    return local.hour + local.minute / 60


def _people(rng: np.random.Generator, character: Character, end_s: Floats, staff: Labels) -> Visitors:
    count = len(end_s)
    dwell_s = rng.lognormal(np.log(character.dwell_s), 0.9, count) * np.where(staff > ALONE, _STAYS, 1.0)
    dwell_s = np.clip(dwell_s, 0.5, 900.0)
    attention_s = dwell_s * rng.beta(2, 3, count) * (rng.random(count) < character.viewers)
    return Visitors(
        end_s=end_s,
        dwell_s=dwell_s,
        attention_s=attention_s,
        described=(attention_s > 0) | (rng.random(count) < character.described),
        labels={
            "gender": rng.choice(2, count, p=[character.female, 1 - character.female]),
            "age_band": rng.choice(len(AGE_BANDS), count, p=character.ages),
            "expression": rng.choice(len(EXPRESSIONS), count, p=character.expressions),
        },
        crossing=np.full(count, CROSSINGS.index("")),
        leads=np.zeros(count, dtype=bool),
        places=np.full(count, VisitPlaces(), dtype=object),
        shown=np.full(count, None, dtype=object),
        beside=Beside.of(staff),
    )


def joined(some: Visitors, others: Visitors) -> Visitors:
    """Return both, the others after the first."""

    def both(one: Any, other: Any) -> Any:
        if isinstance(one, Mapping):
            return {name: both(one[name], other[name]) for name in one}
        if isinstance(one, np.ndarray):
            return np.concatenate([one, other])
        return type(one)(
            **{each.name: both(getattr(one, each.name), getattr(other, each.name)) for each in fields(one)}
        )

    made: Visitors = both(some, others)
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Eyes:
    """The verdicts of devices with one calibration: by attribute, the shares of verdicts (columns, ``unknown`` last)
    for each true label (rows)."""

    calibration: str
    verdicts: Mapping[str, Floats]

    def see(
        self, rng: np.random.Generator, labels: Mapping[str, Labels], described: NDArray[np.bool_]
    ) -> list[tuple[str, str, str]]:
        """Draw the verdicts of each visit: gender, age band and expression; ``NOT_SEEN`` if it is not described."""
        said = []
        for attribute, names in ATTRIBUTES.items():
            reached = np.cumsum(self.verdicts[attribute], axis=1)[labels[attribute]]
            verdict = (rng.random((len(reached), 1)) > reached[:, :-1]).sum(axis=1)
            verdict[~described] = len(names) + 1
            words = (*names, UNKNOWN, NOT_SEEN)
            said.append([words[index] for index in verdict.tolist()])
        return list(zip(*said, strict=True))


@cache
def known_eyes() -> Sequence[Eyes]:
    """Return the eyes of every calibration with committed confusion matrices, sorted by version."""
    return [
        Eyes(
            version,
            {attribute: _shares(matrices[attribute], names) for attribute, names in ATTRIBUTES.items()},
        )
        for version, matrices in sorted(shipped_confusions().items())
    ]


def _shares(confusion: Confusion, names: Sequence[str]) -> Floats:
    """Return the shares of verdicts, with rows and columns in the order of the vocabulary."""
    rows = [confusion.labels.index(name) for name in names]
    columns = [confusion.verdicts.index(name) for name in (*names, UNKNOWN)]
    counts = confusion.counts[np.ix_(rows, columns)]
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))
