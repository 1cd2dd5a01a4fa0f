"""How fast a display follows the people before it: milliseconds from a frame to the player.

    python -m benchmarks.signage

Each of a thousand decisions begins with the tracks of a frame, all of them described, and with as many rules as the
settings allow, of which the last one holds. It ends when a player on this machine has read the clip from its stream.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from random import Random

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from common.signage import MOST_RULES
from common.vocabulary import AGE_BINS
from edge.display import Display
from edge.places.places import Places
from edge.places.zones import Zone
from edge.player.link import PlayerLink
from edge.service.signage import Signage
from edge.signage.programme import Programme
from edge.signage.rules import Rule
from edge.types import Body, Box, Face, FaceObservation, FaceScores, Pose, Sighting, Track, TrackState
from edge.vision.consensus import Consensus
from edge.vision.visits import APART_S, Visits

GOAL_MS = 300.0
"""What 99 of 100 decisions may take at most, up to the player."""
DECISIONS, PEOPLE, LOOKS = 1000, 20, 10
VIEW = (1280, 720)
SECONDS = 10.0
TOKEN = "0123456789abcdef"
NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)


def prepared() -> tuple[Display, list[Track], float]:
    """Return a display, the people before it, and the time of the last frame in seconds."""
    visits = Visits(Consensus({"gender": 0.5, "age_band": 0.3, "expression": 0.3}))
    places = Places(zones=[Zone("front", ((0, 0), (1, 0), (1, 1), (0, 1)), on_shelf=False, stop_s=5.0)])
    chance = np.random.default_rng(1)
    at_s = 0.0
    tracks: list[Track] = []
    for look in range(LOOKS):
        at_s = APART_S * look
        tracks = [_track(person, at_s) for person in range(PEOPLE)]
        for track in tracks:
            visits.seen(track, True, at_s, NOON)
            places.seen(track, Pose(0, 0, 0), True, VIEW, at_s)
            age = chance.dirichlet(np.ones(AGE_BINS)).astype(np.float32)
            scores = FaceScores(age, np.array([0.9, 0.1], np.float32), np.full(7, 1 / 7, np.float32))
            visits.observe(FaceObservation(track.track_id, at_s, scores, Pose(0, 0, 0), 0.8))
    places.frame(tracks)
    rules = [Rule("never", zone="front", people=(2, 50), ages=frozenset({"65+"}), share=1.0)] * (
        MOST_RULES - 1
    )
    programme = Programme(
        seconds={"never": SECONDS, "all": SECONDS, "brand": SECONDS},
        rules=[*rules, Rule("all", zone="front", people=(2, 50), gender="female", share=0.1)],
        rotation=["brand"],
        holdout=0.2,
        chance=Random(1),
    )
    return Display(programme, visits=visits, places=places, zone="front"), tracks, at_s


def measure(decisions: int = DECISIONS) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each decision, and until the player has read it."""
    display, tracks, at_s = prepared()
    link = PlayerLink("127.0.0.1", 0, token=TOKEN, clips=["never", "all", "brand"])
    signage = Signage(display, link)
    decided_ms, told_ms = [], []
    with _stream(link) as stream:
        for decision in range(decisions):
            began = time.perf_counter()
            display.step(tracks, at_s + SECONDS * decision, NOON)
            decided_ms.append(1000 * (time.perf_counter() - began))
            signage.exchange()
            show = _next(stream)
            told_ms.append(1000 * (time.perf_counter() - began))
            assert display.show is not None
            assert show == display.show.number
    return decided_ms, told_ms


@contextmanager
def _stream(link: PlayerLink) -> Iterator[HTTPResponse]:
    port = link.start()
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/shows", headers={"Authorization": f"Bearer {TOKEN}"})
        yield connection.getresponse()
    finally:
        connection.close()
        link.stop()


def _next(stream: HTTPResponse) -> int:
    while not (line := stream.readline()).startswith(b"data: "):
        pass
    return int(json.loads(line.removeprefix(b"data: "))["show"])


def _track(person: int, at_s: float) -> Track:
    x = 40.0 + 60 * person
    head = Box(x, 100, x + 40, 140)
    face = Face(head, 0.95, np.zeros((5, 2), np.float32))
    body = Body(Box(x - 20, 90, x + 60, 400), 0.9)
    return Track(person, head, TrackState.CONFIRMED, 0.0, at_s, Sighting(head, 0.95, face=face, body=body))


def table(parts: Sequence[tuple[str, Sequence[float]]]) -> Table:
    title = f"signage: milliseconds of {DECISIONS} decisions, {PEOPLE} people, {MOST_RULES} rules"
    shown = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    for column in ("from a frame to", "median", "99 of 100 within", "longest"):
        shown.add_column(column, justify="right")
    for name, values in parts:
        shown.add_row(
            name, f"{np.median(values):.2f}", f"{np.percentile(values, 99):.2f}", f"{max(values):.2f}"
        )
    return shown


def main() -> int:
    decided_ms, told_ms = measure()
    Console().print(table([("the decision", decided_ms), ("the player", told_ms)]))
    slow_ms = float(np.percentile(told_ms, 99))
    if slow_ms > GOAL_MS:
        Console(stderr=True).print(f"a decision takes {slow_ms:.0f} ms, not at most {GOAL_MS:g}")
    return 1 if slow_ms > GOAL_MS else 0


if __name__ == "__main__":
    sys.exit(main())
