"""``python -m benchmarks.quiet_day``: the notices of a simulated day, and which of them are false.

Real are the stage of places and the rules of notices. The people are those of the script of the shop scene, a few seeds
again and again from morning to evening. Their tracks are not real: they are made from the walks, with feet and heads
that jitter, feet that are hidden, sights that are missed, and people who are lost for a while. No picture is drawn.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.shop_notices import (
    DOOR_RULES,
    SHELF_RULES,
    Teller,
    Told,
    lateness,
    moments,
    wait_settings,
)
from common.command_line import positive
from edge.config import Settings
from edge.places.notices import Rule
from edge.proportions import FACES_HIGH, FACES_WIDE, HAIR
from edge.scene.layout import EYES_ABOVE_FLOOR
from edge.scene.places import PlacesTruth
from edge.scene.places_truth import places_truth
from edge.scene.shop import DOOR, SECONDS, SHELF, ShopView, shop_walks
from edge.scene.shop_plan import WIDE
from edge.scene.walk import FOCAL, HORIZON, LINES, Walk
from edge.service.place_building import build_places
from edge.types import Body, Box, Sighting, Track, TrackState

FPS = 5.0
VIEW = (round(WIDE), round(LINES))
CONFIRM_S, LOST_S = 0.5, 2.0

JITTER = 0.15
"""Of feet and head, in face sizes."""
MISSED, HIDDEN = 0.1, 0.05
"""Shares of the sights that are missed, and in which the feet are hidden."""
LOST_SHARE, AWAY_S = 0.1, 1.5
"""This share of the people is lost once, for this time."""


@dataclass(frozen=True, slots=True)
class Act:
    """One seed before one camera: the truth, and where everybody is by frame: (person, x, y of the feet, size of the
    head), in lines."""

    truth: PlacesTruth
    frames: tuple[tuple[tuple[int, float, float, float], ...], ...]


def act_of(walks: Sequence[Walk], view: ShopView) -> Act:
    """Return what a camera sees of the walks of a script."""
    seen = [part for walk in walks for part in view.point.walks(walk)]
    frames: list[list[tuple[int, float, float, float]]] = [[] for _ in range(round(SECONDS * FPS))]
    for person, walk in enumerate(seen):
        steps = np.arange(np.ceil(walk.starts_s * FPS), min(np.floor(walk.ends_s * FPS), len(frames) - 1) + 1)
        x, face = walk.along(steps / FPS)[:, :2].T
        wall = FOCAL * 0.19 / view.layout.wall_face
        visible = (np.abs(x - WIDE / 2) < WIDE / 2) & _shows(x, face, view, wall)
        for step, at_x, size in zip(steps[visible].astype(int), x[visible], face[visible], strict=True):
            feet = HORIZON + EYES_ABOVE_FLOOR * float(size)
            # the height of a drawn person, from the eyes that are so far below the horizon
            head = (feet - HORIZON - walk.drop * float(size)) / (FACES_HIGH - HAIR)
            frames[step].append((person, float(at_x), feet, head))
    return Act(places_truth(seen, view.plan, WIDE, SECONDS), tuple(map(tuple, frames)))


def _shows(x: np.ndarray, face: np.ndarray, view: ShopView, wall: float) -> np.ndarray:
    """Return who is in the shop, or seen through its door."""
    assert view.layout.opening is not None
    left, right = (share * WIDE for share in view.layout.opening)
    return np.asarray((FOCAL * 0.19 / face < wall) | ((x > left) & (x < right)))


class Day:
    """One camera for a day."""

    def __init__(self, view: ShopView, rules: Sequence[Rule], chance: random.Random) -> None:
        self._rules, self._chance = rules, chance
        settings = Settings.model_validate({**view.plan.settings(WIDE), "notices": wait_settings(rules)})
        self._places = build_places(settings, least_look_s=0.3)
        self.seen, self.true = Teller(rules), Teller(rules)
        self._tracks: dict[int, Track] = {}
        self._next_id = 0

    def play(self, act: Act, begins_s: float) -> None:
        """Play an act from that second of the day on. Nobody is inside when it begins."""
        lost = {
            person: self._chance.uniform(0, len(act.frames)) / FPS
            for person in range(1 + max(one[0] for frame in act.frames for one in frame))
            if self._chance.random() < LOST_SHARE
        }
        for index, people in enumerate(act.frames):
            at_s = index / FPS
            for one in people:
                if not lost.get(one[0], -AWAY_S) <= at_s < lost.get(one[0], -AWAY_S) + AWAY_S:
                    self._see(*one, begins_s + at_s)
            self._end(begins_s + at_s - LOST_S)
            self._places.frame(self._tracks.values())
            self._places.settle(begins_s + at_s)
            self._places.events()
            self.seen.see(self._places.live(begins_s + at_s), begins_s + at_s)
        self._end(begins_s + SECONDS)
        self._places.events()
        self._places.close()
        for live, at_s in moments(act.truth, self._rules, SECONDS):
            self.true.see(live, begins_s + at_s)

    def _see(self, person: int, x: float, feet: float, size: float, at_s: float) -> None:
        chance = self._chance
        if chance.random() < MISSED:
            return
        before = self._tracks.get(person)
        if before is None:
            self._next_id += 1
        size *= 1 + chance.gauss(0, JITTER / 3)
        top, y = feet - FACES_HIGH * size, feet + chance.gauss(0, JITTER) * size
        head = Box(x - size / 2, top + (HAIR - 0.5) * size, x + size / 2, top + (HAIR + 0.5) * size)
        whole = y < VIEW[1] and chance.random() >= HIDDEN
        body = Box(x - FACES_WIDE / 2 * size, top, x + FACES_WIDE / 2 * size, min(y, float(VIEW[1])))
        sighting = Sighting(head, 0.9, body=Body(body, 0.9) if whole else None)
        first_s = at_s if before is None else before.first_seen_s
        state = TrackState.CONFIRMED if at_s - first_s >= CONFIRM_S else TrackState.TENTATIVE
        track_id = self._next_id if before is None else before.track_id
        self._tracks[person] = Track(track_id, head, state, first_s, at_s, sighting)
        self._places.seen(self._tracks[person], None, None, VIEW, at_s)

    def _end(self, last_s: float) -> None:
        for person, one in list(self._tracks.items()):
            if one.last_seen_s < last_s:
                self._places.finish(self._tracks.pop(person))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quiet_day", description="Count the false notices of a simulated day."
    )
    parser.add_argument("--hours", type=positive, default=12, help="how long the shop is open (%(default)s)")
    parser.add_argument("--seeds", type=positive, default=8, help="different scripts (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    scripts = [shop_walks(seed) for seed in range(options.seeds)]
    results = {}
    for view, rules in ((DOOR, DOOR_RULES), (SHELF, SHELF_RULES)):
        acts, day = [act_of(walks, view) for walks in scripts], Day(view, rules, random.Random(0))
        turns = range(round(options.hours * 3600 / SECONDS))
        for turn in track(turns, view.name, console=Console(stderr=True), transient=True):
            day.play(acts[turn % len(acts)], turn * SECONDS)
        results[view.name] = summed(day.seen.told, day.true.told)
    if options.json:
        print(json.dumps({"hours": options.hours, **results}, indent=2))
    else:
        for name, one in results.items():
            print(f"{name}: {options.hours} h, " + ", ".join(f"{value} {key}" for key, value in one.items()))
    return 0


def summed(told: Sequence[Told], true: Sequence[Told]) -> dict[str, float]:
    """Return how many notices were told in time and how many not, how many are false, and the latest of them."""
    late_s, not_told, false = lateness(told, true)
    begun = lateness([one for one in told if one.active], [one for one in true if one.active])[2]
    return {
        "told in time": len(late_s),
        "not told in time": not_told,
        "false": false,
        "false beginnings": begun,
        "seconds late at most": max(map(abs, late_s), default=0.0),
    }


if __name__ == "__main__":
    sys.exit(main())
