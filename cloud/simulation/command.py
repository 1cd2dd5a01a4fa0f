"""``footlight-cloud simulate``: fills a real store with a simulated chain."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from cloud.config import load
from cloud.stores.connect import open_store
from common.clock import SystemClock
from common.command_line import add_command, add_config, positive
from common.errors import UserError
from common.wire import BUDGETS, Message, StatusMessage, WindowMessage

if TYPE_CHECKING:
    from cloud.simulation.delivery import Stream
    from cloud.simulation.fleet import Fleet

WINDOWS_S = (60, 120, 300, 900)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud simulate``."""
    parser = add_command(commands, "simulate", "fill a store with days of a simulated chain")
    add_config(parser, text="settings with the store to fill")
    parser.add_argument(
        "--sites",
        "--stores",
        type=positive,
        default=300,
        metavar="N",
        help="number of shops (default: %(default)s)",
    )
    parser.add_argument(
        "--days", type=positive, default=28, metavar="N", help="number of days (default: %(default)s)"
    )
    parser.add_argument(
        "--last-day",
        type=_date,
        metavar="DATE",
        help="the last day (default: today, up to now)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="equal seeds give equal days (default: %(default)s)"
    )
    parser.add_argument(
        "--window", type=int, choices=WINDOWS_S, default=60, help="seconds in a window (default: %(default)s)"
    )
    parser.add_argument(
        "--broker", action="store_true", help="publish to the broker in FILE instead, for a bridge to store"
    )
    parser.add_argument("--chain-out", type=Path, metavar="FILE", help="write the chain file")
    parser.add_argument(
        "--truth-out", type=Path, metavar="FILE", help="write what really happened, as JSON lines"
    )
    parser.add_argument(
        "--till-out", type=Path, metavar="FILE", help="write what the tills sold, for 'till import'"
    )
    parser.add_argument(
        "--noise-budget",
        type=_budget,
        metavar="B",
        help="let all devices tell verdicts with noise and this budget (default: none does)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit code. Raises ``UserError``."""
    # Imported here: no other command needs numpy and the device's privacy rule.
    from cloud.simulation.delivery import SimulatedClock, through_broker, through_intake
    from cloud.simulation.fleet import Fleet

    settings = load(args.config)
    now = SystemClock().now()
    fleet = Fleet(
        sites=args.sites,
        days=args.days,
        last_day=args.last_day or now.date(),
        until=now,
        window_s=args.window,
        seed=args.seed,
        noise_budget=args.noise_budget,
    )
    began = time.monotonic()
    with ExitStack() as opened:
        if args.chain_out:  # closed at once, so that it is complete even if the rest fails
            with ExitStack() as chain_file:
                _open(chain_file, args.chain_out).write(fleet.chain_yaml())
        truth = _open(opened, args.truth_out) if args.truth_out else None
        till = _open(opened, args.till_out) if args.till_out else None
        counts: Counter[str] = Counter()
        stream = _stream(fleet, now, truth, till, counts)
        if args.broker:
            sent = through_broker(stream, settings.mqtt.broker(), SystemClock())
        else:
            clock = SimulatedClock()
            store = open_store(settings, clock)
            opened.callback(store.close)
            sent = through_intake(stream, store, clock)
    seconds = time.monotonic() - began
    result = {
        "sites": args.sites,
        "days": args.days,
        "windows": counts["WindowMessage"],
        "visits": counts["visits"],
        "messages": sent.messages,
        "bytes": sent.payload,
        "seconds": round(seconds, 1),
        "windows_per_s": round(counts["WindowMessage"] / seconds),
    }
    print(json.dumps(result) if args.json else _sentence(result))
    return 0


def _stream(
    fleet: Fleet, now: datetime, truth: TextIO | None, till: TextIO | None, counts: Counter[str]
) -> Stream:
    """Generate all messages with their time of arrival; write truth and till, and count the messages on the way."""
    from rich.console import Console
    from rich.progress import Progress

    from cloud.simulation.till import HEADER, csv_lines

    if till is not None:
        till.write(HEADER)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(fleet.days) * len(fleet.chain.sites))
        for site_day in fleet.site_days():
            day = site_day.day
            over = min(now, datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC))
            for arrival in site_day.arrivals:
                message = arrival.message
                _count(message, counts)
                is_will = isinstance(message, StatusMessage) and not message.online
                yield (arrival.at if is_will else over), message
            if truth is not None:
                truth.writelines(json.dumps(one.json()) + "\n" for one in site_day.truths)
            if till is not None:
                till.writelines(csv_lines(site_day.site, site_day.till, now))
            progress.update(task, advance=1, description=f"{day}  {counts['WindowMessage']:,} windows")


def _count(message: Message, counts: Counter[str]) -> None:
    counts[type(message).__name__] += 1
    if isinstance(message, WindowMessage):
        counts["visits"] += message.totals.visits


def _sentence(result: dict[str, Any]) -> str:
    return (
        f"{result['windows']:,} windows with {result['visits']:,} visits of {result['sites']} sites on"
        f" {result['days']} days, in {result['seconds']:g} s ({result['windows_per_s']:,} windows/s)"
    )


def _open(opened: ExitStack, path: Path) -> TextIO:
    try:
        return opened.enter_context(path.open("w", encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None


def _budget(text: str) -> float:
    least, most = BUDGETS
    try:
        budget = float(text)
    except ValueError:
        budget = 0.0
    if not least <= budget <= most:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a budget; write a number from {least:g} to {most:g}"
        )
    return budget


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write one like 2026-03-02") from None
