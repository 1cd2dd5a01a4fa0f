"""The rollup: from windows to tallies by the quarter of an hour and by the day, kept in InfluxDB for longer.

A job of ours and not one of the engine's, because a store's day begins at its own midnight and ends with its opening
hours, and because windows arrive late. It reads what is there and writes what follows from it, so that it can be run
again for any day whose windows are still kept: the points have the same identity and all their fields.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from cloud.config import InfluxSettings, load
from cloud.domain.chain import Chain, Site
from cloud.domain.levels import Level
from cloud.domain.tally import Tally, quarters
from cloud.rollup.gaps import Gap, gaps
from cloud.rollup.register import register
from cloud.stores import layout
from cloud.stores.connect import open_influx, open_influxql
from cloud.stores.measurement import Point, Value
from cloud.stores.store import StoreRejected, StoreUnavailable
from cloud.stores.tallies import InfluxTallies, Windows, day_time, days, tally_point
from cloud.stores.windows import InfluxWindows
from common.clock import Clock, SystemClock
from common.errors import UserError
from common.vocabulary import ATTRIBUTES
from common.wire import WindowMessage

LATE_DAYS = 7
"""How many days are rolled up unless told otherwise: a device that was offline for so long is still counted."""

_GAPS_TOLD = 20
_CHUNK_DAYS = 7
"""Windows of one site that are held in memory at a time."""


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
    """Those of which nothing came: nothing is written, for no data is not zero."""
    windows: int = 0
    unregistered: tuple[str, ...] = ()
    """Sites of which there are windows, and which the chain file does not know: nothing of them was rolled up."""
    gaps: tuple[Gap, ...] = ()
    """Where windows are missing that a device made."""


class Source(Windows, Protocol):
    """Where windows are read from."""

    def sites(self) -> list[str]:
        """Every site that windows are kept of, by name."""
        ...


def rollup(chain: Chain, source: Source, store: Points, *, first: date, last: date, now: datetime) -> Rolled:
    """Roll up the local days from ``first`` to ``last``, both included, of every site, as far as they are over.

    Raises ``StoreUnavailable`` and ``StoreRejected``.
    """
    store.write_points(register(chain, day_time(last)), "day")
    written = empty = read = 0
    missing: list[Gap] = []
    for site in chain.sites.values():
        over = [day for day in days(first, last) if site.local_day(day)[1] <= now]
        for start in range(0, len(over), _CHUNK_DAYS):
            chunk = over[start : start + _CHUNK_DAYS]
            batches: dict[Level, list[Point]] = {"quarter": [], "day": []}
            together: list[WindowMessage] = []
            for day, group in _by_day(site, chunk, source):
                read += len(group)
                together += group
                if not group:
                    empty += 1
                    continue
                written += 1
                parts = quarters(group, site, day)
                batches["quarter"] += [tally_point(layout.QUARTER, part, at) for at, part in parts.items()]
                batches["day"] += _day_points(list(parts.values()), day)
            missing += gaps(together)
            for level, batch in batches.items():
                if batch:
                    store.write_points(batch, level)
    unregistered = tuple(name for name in source.sites() if name not in chain.sites)
    return Rolled(len(chain.sites), written, empty, read, unregistered, tuple(missing))


def _by_day(site: Site, chunk: list[date], source: Source) -> Iterator[tuple[date, list[WindowMessage]]]:
    bounds = [site.local_day(day) for day in chunk]
    found = source.windows(site.name, bounds[0][0], bounds[-1][1])
    for day, (start, end) in zip(chunk, bounds, strict=True):
        yield day, [window for window in found if start <= window.start < end]


def _day_points(parts: list[Tally], day: date) -> Iterator[Point]:
    total, at = sum(parts[1:], parts[0]), day_time(day)
    yield tally_point(layout.DAY, total, at)
    yield from _corrected(total, at)


def _corrected(total: Tally, at: datetime) -> Iterator[Point]:
    from cloud.analysis.mix import mix  # numpy and scipy: no other part of the rollup needs them

    for attribute, labels in ATTRIBUTES.items():
        found = mix(total, attribute)
        shares = {share.label: share for share in found.shares} if found else {}
        for label in labels:
            tags = {"site": total.site, "attribute": attribute, "label": label}
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
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--chain", type=Path, required=True, metavar="FILE", help="the stores of the chain")
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, metavar="DAY", help="default: a week before --to"
    )
    parser.add_argument(
        "--to", dest="last", type=date.fromisoformat, metavar="DAY", help="included; default: yesterday"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=lambda args: run(args, SystemClock()))


def run(args: argparse.Namespace, clock: Clock) -> int:
    """The command. Raises ``UserError``."""
    from cloud.rollup.comparisons import comparison_points  # numpy and scipy

    store = load(args.config).store
    if not isinstance(store, InfluxSettings):
        raise UserError("store.kind: 'rollup' is for InfluxDB; an embedded store is read as it is")
    chain = Chain.load(args.chain)
    first, last = period(args.first, args.last, clock.now(), store.retention_days)
    with closing(open_influx(store, clock)) as target, closing(open_influxql(store)) as source:
        try:
            rolled = rollup(chain, InfluxWindows(source), target, first=first, last=last, now=clock.now())
            target.write_points(comparison_points(InfluxTallies(source), chain, last), "day")
        except (StoreUnavailable, StoreRejected) as error:
            raise UserError(f"store: {error}; mend that and run the rollup again") from None
    if args.json:
        print(json.dumps({"from": first.isoformat(), "to": last.isoformat(), **asdict(rolled)}, default=str))
    else:
        print(f"{first} to {last}: {rolled.days} days of {rolled.sites} sites from {rolled.windows} windows")
        if rolled.empty:
            print(f"no windows: {rolled.empty} days")
        for gap in rolled.gaps[:_GAPS_TOLD]:
            print(gap)
        if len(rolled.gaps) > _GAPS_TOLD:
            print(f"and {len(rolled.gaps) - _GAPS_TOLD} more gaps; --json lists all")
        if rolled.unregistered:
            print(f"not in {args.chain}, and so left out: {', '.join(rolled.unregistered)}")
    return 0


def period(first: date | None, last: date | None, now: datetime, retention_days: int) -> tuple[date, date]:
    """The days to roll up. Raises ``UserError`` when some of their windows may be gone: the figures of a whole day
    would be replaced by those of what is left of it."""
    last = last or now.date() - timedelta(days=1)
    # Two days less: today, and what a date in the far east begins earlier than in UTC.
    kept = now.date() - timedelta(days=retention_days - 2)
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
