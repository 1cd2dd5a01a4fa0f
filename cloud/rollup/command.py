"""The rollup: from windows to tallies by the quarter of an hour and by the day, kept in InfluxDB for longer.

A job of ours and not one of the engine's, because a site's day begins at its own midnight and ends with its opening
hours, and because windows arrive late. It reads what is there and writes what follows from it, so that it can be run
again for any day whose windows are still kept: the points have the same identity.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from cloud.config import InfluxSettings, load
from cloud.domain.chain import Chain, Role, Site, camera_of
from cloud.domain.levels import Level
from cloud.domain.tally import LATE, Tally, quarters
from cloud.rollup.gaps import Gap, gaps
from cloud.rollup.register import register
from cloud.stores import layout
from cloud.stores.connect import open_influx, open_influxql
from cloud.stores.measurement import Measurement, Point, Value
from cloud.stores.store import StoreRejected, StoreUnavailable
from cloud.stores.tallies import InfluxTallies, Windows, day_time, days, tally_point
from cloud.stores.windows import InfluxWindows
from common.clock import Clock, SystemClock
from common.command_line import add_config
from common.errors import UserError
from common.vocabulary import ATTRIBUTES
from common.wire import WindowMessage

LATE_DAYS = 7
"""How many days are rolled up again unless told otherwise: a device that was offline for so long is still counted."""

_GAPS_TOLD = 20
_CHUNK_DAYS = 7
"""Windows of one site that are held in memory at a time."""


_Days = Mapping[date, list[WindowMessage]]


class Points(Protocol):
    """Where points are written to."""

    def write_points(self, batch: Iterable[Point], level: Level) -> None:
        """Raises ``StoreUnavailable`` and ``StoreRejected``."""
        ...


@dataclass(frozen=True, slots=True)
class Rolled:
    """What a run did. Days are site-days."""

    sites: int = 0
    days: int = 0
    """Those that had windows and were written."""
    empty: int = 0
    """Those that were open, and nothing came: nothing is written, for no data is not zero."""
    closed: int = 0
    """Those that were closed, and nothing came, as it should be."""
    windows: int = 0
    unregistered: tuple[str, ...] = ()
    """Sites of which there are windows, and which the chain file does not know: nothing of them was rolled up."""
    gaps: tuple[Gap, ...] = ()
    """Where windows are missing that a device made."""
    unlisted: tuple[str, ...] = ()
    """Cameras of which there are windows, and which the chain file does not list at their site, likewise."""


class Source(Windows, Protocol):
    """Where windows are read from."""

    def sites(self) -> list[str]:
        """Every site that windows are kept of, by name."""
        ...

    def days(self, site: Site, first: date, last: date) -> list[date]:
        """The local days from ``first`` to ``last`` that windows are kept of."""
        ...


class Levels(Protocol):
    """What was rolled up before."""

    def known_days(self, sites: Sequence[str], first: date, last: date) -> set[tuple[str, str, date]]:
        """Of which site, role and day there is a tally."""
        ...

    def stored_fields(
        self, measurement: Measurement, site: str, role: Role, start: datetime, end: datetime
    ) -> dict[datetime, frozenset[str]]:
        """Of the fields that not every point has, those of each point of a site and role, by its time."""
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
    """Roll up the local days from ``first`` to ``last``, both included, of every site, as far as they are over; and
    the days from ``since`` on that have windows and were never rolled up.

    Raises ``StoreUnavailable`` and ``StoreRejected``.
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
    """The days before ``first`` that windows are kept of and a level lacks, by site: those of an outage of the timer,
    of a site that was not in the chain file, or of a camera that was given another role."""
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
    """Runs of days, so many as are held in memory at a time."""
    chunk: list[date] = []
    for day in found:
        if chunk and (day - chunk[0]).days >= _CHUNK_DAYS:
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk


def _write(site: Site, role: Role, found: _Days, late: _Days, levels: Levels, store: Points) -> None:
    """Write the quarters and days of one role. A day on which only other cameras reported is written too: it was
    open, and this role watched nothing of it."""
    written = [day for day, group in found.items() if group]
    if not written:
        return
    whole_days = site.local_day(written[0])[0], site.local_day(written[-1])[1]
    of_quarters = levels.stored_fields(layout.QUARTER, site.name, role, *whole_days)
    noons = day_time(written[0]), day_time(written[-1]) + timedelta(hours=1)
    of_days = levels.stored_fields(layout.DAY, site.name, role, *noons)
    quarter_points: list[Point] = []
    day_points: list[Point] = []
    for day in written:
        parts = quarters([*found[day], *late[day]], site, day, role)
        quarter_points += [
            tally_point(layout.QUARTER, part, at, of_quarters.get(at, ())) for at, part in parts.items()
        ]
        total, at = sum(list(parts.values())[1:], next(iter(parts.values()))), day_time(day)
        day_points += [tally_point(layout.DAY, total, at, of_days.get(at, ())), *_corrected(total, at)]
    store.write_points(quarter_points, "quarter")
    store.write_points(day_points, "day")


def _by_day(site: Site, chunk: list[date], source: Source) -> tuple[_Days, _Days]:
    """The windows of each day, and those after it in which its last cohort may have come."""
    bounds = {day: site.local_day(day) for day in chunk}
    read = source.windows(site.name, bounds[chunk[0]][0], bounds[chunk[-1]][1] + LATE)
    of_day = {day: [w for w in read if start <= w.start < end] for day, (start, end) in bounds.items()}
    late = {
        day: [w for w in read if end <= w.start < end + LATE and w.cohort] for day, (_, end) in bounds.items()
    }
    return of_day, late


def _corrected(total: Tally, at: datetime) -> Iterator[Point]:
    from cloud.analysis.mix import mix  # numpy and scipy: no other part of the rollup needs them

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


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``footlight-cloud rollup``."""
    parser = commands.add_parser("rollup", help="sum windows up by quarter of an hour and by day in InfluxDB")
    add_config(parser)
    parser.add_argument("--chain", type=Path, required=True, metavar="FILE", help="the sites of the chain")
    parser.add_argument(
        "--from",
        dest="first",
        type=date.fromisoformat,
        metavar="DAY",
        help="default: a week before --to; without --to also what was never rolled up",
    )
    parser.add_argument(
        "--to", dest="last", type=date.fromisoformat, metavar="DAY", help="included; default: yesterday"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=lambda args: run(args, SystemClock()))


def run(args: argparse.Namespace, clock: Clock) -> int:
    """The command. Raises ``UserError``."""
    store, chain = load(args.config).store, Chain.load(args.chain)
    if not isinstance(store, InfluxSettings):
        print("nothing to do: the embedded store needs no rollup, compare and report read its windows")
        return 0
    first, last = period(args.first, args.last, clock.now(), store.retention_days)
    since = None if args.first or args.last else first_kept(clock.now(), store.retention_days)
    rolled = _roll_up(store, chain, clock, first, last, since)
    if args.json:
        print(json.dumps({"from": first.isoformat(), "to": last.isoformat(), **asdict(rolled)}, default=str))
        return 0
    print(f"{first} to {last}: {rolled.days} days of {rolled.sites} sites from {rolled.windows} windows")
    for days_without, why in ((rolled.closed, "closed"), (rolled.empty, "open, and no windows came")):
        if days_without:
            print(f"{why}: {days_without} days")
    for gap in rolled.gaps[:_GAPS_TOLD]:
        print(gap)
    if len(rolled.gaps) > _GAPS_TOLD:
        print(f"and {len(rolled.gaps) - _GAPS_TOLD} more gaps; --json lists all")
    for kind, left_out in (("sites", rolled.unregistered), ("cameras", rolled.unlisted)):
        if left_out:
            print(f"{kind} that are not in {args.chain}, and so left out: {', '.join(left_out)}")
    return 0


def _roll_up(
    store: InfluxSettings, chain: Chain, clock: Clock, first: date, last: date, since: date | None
) -> Rolled:
    from cloud.rollup.comparisons import comparison_points  # numpy and scipy

    with closing(open_influx(store, clock)) as target, closing(open_influxql(store)) as source:
        windows, tallies = InfluxWindows(source), InfluxTallies(source)
        try:
            rolled = rollup(
                chain, windows, tallies, target, first=first, last=last, now=clock.now(), since=since
            )
            target.write_points(comparison_points(tallies, chain, last), "day")
        except (StoreUnavailable, StoreRejected) as error:
            raise UserError(f"store: {error}; mend that and run the rollup again") from None
    return rolled


def period(first: date | None, last: date | None, now: datetime, retention_days: int) -> tuple[date, date]:
    """The days to roll up. Raises ``UserError`` when some of their windows may be gone: the figures of a whole day
    would be replaced by those of what is left of it."""
    last = last or now.date() - timedelta(days=1)
    kept = first_kept(now, retention_days)
    given = first is not None
    first = first or max(kept, last - timedelta(days=LATE_DAYS - 1))
    if last < first:
        raise UserError(
            f"--to {last}: is before --from {first}" if given else f"--to {last}: is before {kept}"
        )
    if first < kept:
        raise UserError(
            f"--from {first}: windows are kept for {retention_days} days (store.retention_days); begin at {kept}"
        )
    return first, last


def first_kept(now: datetime, retention_days: int) -> date:
    """The first day whose windows are all there: two days less than are kept, for today, and for what a date in the
    far east begins earlier than in UTC."""
    return now.date() - timedelta(days=retention_days - 2)
