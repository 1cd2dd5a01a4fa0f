"""``footlight-cloud demo``: runs the real device service, broker, bridge, store and page on this machine for a minute.

The device runs as a separate process with its own configuration, as in a shop. Only the scene's clock and the addresses
(loopback, free ports, a temporary folder) are special.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.live import Live
from rich.table import Table

from cloud.config import EmbeddedSettings, PrivacySettings, Settings
from cloud.domain.labels import LABELS, WITHOUT_VERDICT
from cloud.onebox.serve import Box, serve
from cloud.serve_settings import PageSettings, ServeBrokerSettings, ServeSettings
from cloud.stores.store import Reader
from common.clock import SystemClock
from common.errors import UserError
from common.vocabulary import ATTRIBUTES
from common.wire import WindowMessage

SITE = "demo-shop"
WINDOW_S, SCENE_WINDOW_S = 30, 5
"""The first for real people, who are counted with the privacy limits of a shop; the second for the sample scene, which
shows no real person."""
LIVE_S = 90.0
"""How long a webcam or stream, which never ends, is watched."""

Json = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    """Run the demo; raises ``UserError`` if the source cannot be used."""
    logging.getLogger().setLevel(logging.WARNING)
    console = Console(stderr=args.json)
    with tempfile.TemporaryDirectory(prefix="footlight-demo-") as folder:
        return asyncio.run(_Demo(args, Path(folder), console).run())


class _Demo:
    def __init__(self, args: argparse.Namespace, folder: Path, console: Console) -> None:
        self._args, self._folder, self._console = args, folder, console
        self._source: str = args.source or "scene"
        self._scene = self._source == "scene"
        self._window_s = SCENE_WINDOW_S if self._scene else WINDOW_S
        self._k = 1 if self._scene else 3
        self._stop = asyncio.Event()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        box: asyncio.Future[Box] = loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        settings = Settings(
            privacy=PrivacySettings(min_k=self._k),
            store=EmbeddedSettings(path=self._folder / "store.sqlite"),
            serve=ServeSettings(broker=ServeBrokerSettings(port=0), page=PageSettings(port=self._args.port)),
        )
        serving = asyncio.create_task(
            serve(settings, clock=SystemClock(), stop=self._stop, ready=box.set_result)
        )
        serving.add_done_callback(lambda task: box.cancel())
        try:
            await box
        except asyncio.CancelledError:
            await serving  # raises the error
            raise
        try:
            return await self._watch(box.result())
        finally:
            self._stop.set()
            await serving

    async def _watch(self, box: Box) -> int:
        truth = await self._truth() if self._scene else None
        await self._play(box)
        windows = _windows(box.reader)
        result = {"source": self._source, "truth": truth, "published": _published(windows)}
        if self._args.json:
            print(json.dumps(result))
        else:
            self._console.print(_table(result))
            self._console.print(
                f"{len(windows)} windows of {self._window_s} s went from the camera over MQTT to store and page."
                f" They contain only counts: no picture, no face, no person. {self._about_k()}"
            )
        if self._args.stay and not self._stop.is_set():
            self._console.print(f"The page keeps running at {box.page_url} until you press Ctrl-C.")
            await self._stop.wait()
        return 0

    def _about_k(self) -> str:
        if self._scene:
            return "Here k = 1 (the smallest group), so that you see every number; a shop's default is k = 5."
        return (
            "Visits are broken down in groups of 15, the smallest that show something; a shop waits until noon, closing"
            " time, or a group of 200."
        )

    async def _truth(self) -> Json:
        """Ask the device's software, which contains the sample scene, who really walks by in it."""
        process = await asyncio.create_subprocess_exec(
            *_edge("scene", "--format", "json"), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        if process.returncode:
            raise UserError("the sample scene cannot be loaded; install Footlight with the extra 'edge'")
        truth: Json = json.loads(out)
        return truth

    async def _play(self, box: Box) -> None:
        """Run the device until its source ends, at most :data:`LIVE_S` for a live source."""
        log = self._folder / "edge.log"
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *_edge("run", "--config", str(self._configure(box.mqtt_port))), stderr=stderr
            )
        ended = asyncio.create_task(process.wait())
        deadline = asyncio.get_running_loop().time() + LIVE_S
        stopping = asyncio.create_task(self._stop.wait())
        page: str | None = f"Page: [bold link={box.page_url}]{box.page_url}[/]   (open it while this runs)"
        with self._live(box.reader) as show:
            while not ended.done():
                await asyncio.wait({ended, stopping}, timeout=0.25, return_when=asyncio.FIRST_COMPLETED)
                show()
                if page and box.reader.devices(
                    SITE
                ):  # the device has reported: now the page has something to show
                    self._console.print(page)
                    page = None
                live_over = not self._scene and asyncio.get_running_loop().time() > deadline
                if (live_over or self._stop.is_set()) and not ended.done():
                    process.terminate()
                    await ended
            show()
        stopping.cancel()
        if process.returncode:
            lines = log.read_text().splitlines() or ["the device stopped without an error message"]
            raise UserError(lines[-1].removeprefix("footlight-edge: "))

    def _configure(self, mqtt_port: int) -> Path:
        source: str | int = int(self._source) if self._source.isdecimal() else self._source
        settings = {
            "site": SITE,
            "device": "door",
            "camera": {"source": source, "realtime": True},
            "window": {"seconds": self._window_s},
            "privacy": {"k": self._k, "max_cohort": 1 if self._scene else 15, "profile": "expression"},
            "mqtt": {"host": "127.0.0.1", "port": mqtt_port, "protocol": "3.1.1"},
            "outbox": {"path": str(self._folder / "outbox.sqlite")},
            "health": {"every_s": 5},
            "log": {"level": "warning"},
        }
        path = self._folder / "edge.yaml"
        path.write_text(yaml.safe_dump(settings))
        return path

    @contextlib.contextmanager
    def _live(self, reader: Reader) -> Iterator[Any]:
        """Show a line with what has arrived in the store so far; without a terminal, show nothing."""
        with Live(console=self._console, auto_refresh=False, transient=True) as live:

            def show() -> None:
                windows = _windows(reader)
                visits = sum(window.totals.visits for window in windows)
                live.update(
                    f"watching {self._source}: [bold]{visits}[/] visits counted, {len(windows)} windows stored",
                    refresh=True,
                )

            yield show


def _edge(*arguments: str) -> tuple[str, ...]:
    return sys.executable, "-m", "edge", *arguments


def _windows(reader: Reader) -> list[WindowMessage]:
    now = datetime.now(UTC)
    return reader.windows(SITE, now - timedelta(days=1), now + timedelta(days=1))


def _published(windows: Sequence[WindowMessage]) -> Json:
    """Add up what the store has: totals of the windows, cells of their cohorts."""
    cells: dict[str, Counter[str]] = {attribute: Counter() for attribute in ATTRIBUTES}
    for window in windows:
        if window.cohort is None:
            continue
        for attribute, counter in cells.items():
            released: Mapping[str, int | None] = getattr(window.cohort, attribute) or {}
            counter.update({label: count for label, count in released.items() if count})
    return {
        "visits": sum(window.totals.visits for window in windows),
        "viewers": sum(window.totals.viewers for window in windows),
        "windows": len(windows),
        **{
            attribute: {label: counter[label] for label in LABELS[attribute]}
            for attribute, counter in cells.items()
        },
    }


def _table(result: Json) -> Table:
    truth, published = result["truth"], result["published"]
    table = Table(title="Who really walked by, and what Footlight published")
    table.add_column("")
    if truth:
        table.add_column("walked by", justify="right")
    table.add_column("published", justify="right")

    def row(label: str, key: str, value: str | None = None) -> None:
        found = [
            side[key] if value is None else side[key].get(value, 0) for side in (truth, published) if side
        ]
        if any(found):
            table.add_row(label, *(str(count) for count in found))

    row("[bold]visits", "visits")
    for attribute, labels in ATTRIBUTES.items():
        table.add_section()
        for label in (*labels, *WITHOUT_VERDICT):
            row(f"{attribute.replace('_', ' ')}: {label}", attribute, label)
    return table
