"""The rollup: computes tallies by quarter of an hour and by day from windows, to keep them longer in InfluxDB.

InfluxDB's own downsampling cannot do this, because a site's day begins at its local midnight and depends on its opening
hours, and because windows arrive late. The rollup can run again for any day whose windows are still kept: its points
have the same identity and overwrite the old ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from cloud.domain.chain import Chain, Role, Site, camera_of
from cloud.domain.day_tallies import count_day
from cloud.domain.day_windows import LATE
from cloud.domain.gaps import Gap, gaps
from cloud.domain.levels import Level
from cloud.domain.tally import Tally
from cloud.rollup.register import register
from cloud.stores import layout
from cloud.stores.floor_days import DAY_HEAT, DAY_WAY, floor_day_points
from cloud.stores.forgotten import Tags
from cloud.stores.measurement import Measurement, Point, Value
from cloud.stores.place_days import DAY_PLACE, place_day_points
from cloud.stores.tallies import Windows, day_time, days, tally_point
from common.vocabulary import ATTRIBUTES
from common.wire import WindowMessage

_CHUNK_DAYS = 7
"""How many days of a site's windows are in memory at a time."""


_Days = Mapping[date, list[WindowMessage]]


class Points(Protocol):
    """A store that points are written to."""

    def write_points(self, batch: Iterable[Point], level: Level) -> None:
        """Write points. Raises ``StoreUnavailable`` and ``StoreRejected``."""
        ...


@dataclass(frozen=True, slots=True)
class Rolled:
    """The result of a run. Days are counted per site."""

    sites: int = 0
    days: int = 0
    """Days with windows, which were written."""
    empty: int = 0
    """Open days without windows: nothing is written, because no data is not zero."""
    closed: int = 0
    """Closed days without windows, as expected."""
    windows: int = 0
    unregistered: tuple[str, ...] = ()
    """Sites with windows that are not in the chain file; they were not rolled up."""
    gaps: tuple[Gap, ...] = ()
    """Windows that a device made and that are missing in the store."""
    unlisted: tuple[str, ...] = ()
    """Cameras with windows that the chain file does not list at their site; they were not rolled up."""


class Source(Windows, Protocol):
    """A source of windows."""

    def sites(self) -> list[str]:
        """Return every site that has windows, sorted by name."""
        ...

    def days(self, site: Site, first: date, last: date) -> list[date]:
        """Return the local days from ``first`` to ``last`` that have windows."""
        ...


class Levels(Protocol):
    """The tallies of earlier runs."""

    def known_days(self, sites: Sequence[str], first: date, last: date) -> set[tuple[str, str, date]]:
        """Return the sites, roles and days that have a tally."""
        ...

    def stored_fields(
        self, measurement: Measurement, site: str, role: Role, start: datetime, end: datetime
    ) -> dict[datetime, frozenset[str]]:
        """Return which of the optional fields each point of a site and role has, by its time."""
        ...

    def stored_points(
        self, measurement: Measurement, site: str, role: Role, start: datetime, end: datetime
    ) -> dict[datetime, dict[Tags, frozenset[str]]]:
        """Return which fields each point has, by its time and its tags after site and role."""
        ...


def rollup(
    chain: Chain,
    source: Source,
    levels: Levels,
    store: Points,
    *,
    first: date,
    last: date,
    now: datetime,
    since: date | None = None,
) -> Rolled:
    """Roll up the finished local days from ``first`` to ``last`` (included) of every site.

    Also roll up the days from ``since`` on that have windows and were never rolled up. Raises ``StoreUnavailable`` and
    ``StoreRejected``.
    """
    store.write_points(register(chain, day_time(last)), "day")
    missed = _missed(chain, source, levels, since, first) if since else {}
    rolled, unlisted, missing = Rolled(sites=len(chain.sites)), set[str](), list[Gap]()
    for site in chain.sites.values():
        over = [day for day in days(first, last) if site.local_day(day)[1] <= now]
        for chunk in _chunks([*missed.get(site.name, ()), *over]):
            found, late = _by_day(site, chunk, source)
            for role in site.roles:
                _write(site, role, found, late, levels, store)
            read = [window for group in found.values() for window in group]
            missing += gaps(read)
            unlisted |= {f"{site.name}/{camera_of(w)}" for w in read if site.role_of(w) is None}
            silent = [day for day in chunk if not found[day]]
            closed = sum(not site.opening_intervals(day) for day in silent)
            rolled = replace(
                rolled,
                days=rolled.days + len(chunk) - len(silent),
                empty=rolled.empty + len(silent) - closed,
                closed=rolled.closed + closed,
                windows=rolled.windows + len(read),
            )
    unregistered = tuple(name for name in source.sites() if name not in chain.sites)
    return replace(rolled, unregistered=unregistered, unlisted=tuple(sorted(unlisted)), gaps=tuple(missing))


def _missed(chain: Chain, source: Source, levels: Levels, since: date, first: date) -> dict[str, list[date]]:
    """Return the days before ``first`` with windows but without a tally, by site.

    This happens if the nightly timer did not run, a site was not in the chain file, or a camera got another role.
    """
    if since >= first:
        return {}
    last = first - timedelta(days=1)
    known = levels.known_days(list(chain.sites), since, last)
    return {
        site.name: [
            day
            for day in source.days(site, since, last)
            if not all((site.name, role, day) in known for role in site.roles)
        ]
        for site in chain.sites.values()
    }


def _chunks(found: Sequence[date]) -> Iterator[list[date]]:
    """Split the days into runs that fit in memory."""
    chunk: list[date] = []
    for day in found:
        if chunk and (day - chunk[0]).days >= _CHUNK_DAYS:
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk


def _write(site: Site, role: Role, found: _Days, late: _Days, levels: Levels, store: Points) -> None:
    """Write the quarters and days of one role.

    A day on which only cameras of other roles reported is written too: this role watched nothing on an open day.
    """
    written = [day for day, group in found.items() if group]
    if not written:
        return
    whole_days = site.local_day(written[0])[0], site.local_day(written[-1])[1]
    of_quarters = levels.stored_fields(layout.QUARTER, site.name, role, *whole_days)
    noons = day_time(written[0]), day_time(written[-1]) + timedelta(hours=1)
    of_days = levels.stored_fields(layout.DAY, site.name, role, *noons)
    of_places, of_heat, of_ways = (
        levels.stored_points(one, site.name, role, *noons) for one in (DAY_PLACE, DAY_HEAT, DAY_WAY)
    )
    quarter_points: list[Point] = []
    day_points: list[Point] = []
    for day in written:
        counted = count_day([*found[day], *late[day]], site, day, role)
        quarter_points += [
            tally_point(layout.QUARTER, part, at, of_quarters.get(at, ()))
            for at, part in counted.quarters.items()
        ]
        total, at = counted.total, day_time(day)
        day_points += [tally_point(layout.DAY, total, at, of_days.get(at, ())), *_corrected(total, at)]
        day_points += place_day_points(total, at, of_places.get(at, {}))
        day_points += floor_day_points(
            site.name, role, counted.floor, at, of_heat.get(at, {}), of_ways.get(at, {})
        )
    store.write_points(quarter_points, "quarter")
    store.write_points(day_points, "day")


def _by_day(site: Site, chunk: list[date], source: Source) -> tuple[_Days, _Days]:
    """Return the windows of each day, and those after it in which its last cohort may have arrived."""
    bounds = {day: site.local_day(day) for day in chunk}
    read = source.windows(site.name, bounds[chunk[0]][0], bounds[chunk[-1]][1] + LATE)
    of_day = {day: [w for w in read if start <= w.start < end] for day, (start, end) in bounds.items()}
    late = {
        day: [w for w in read if end <= w.start < end + LATE and w.cohort] for day, (_, end) in bounds.items()
    }
    return of_day, late


def _corrected(total: Tally, at: datetime) -> Iterator[Point]:
    from cloud.analysis.mix import mix  # imported here: numpy and scipy are needed only for this

    for attribute, labels in ATTRIBUTES.items():
        found = mix(total, attribute)
        shares = {share.label: share for share in found.shares} if found else {}
        for label in labels:
            tags = {"site": total.site, "role": total.role, "attribute": attribute, "label": label}
            values: dict[str, Value | None] = {"visits": 0}
            if share := shares.get(label):
                values = {
                    "raw": share.raw,
                    "corrected": share.corrected,
                    "low": share.low,
                    "high": share.high,
                }
                values["visits"] = share.n
            yield layout.CORRECTED.point(tags, at, values)
