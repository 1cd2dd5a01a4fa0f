"""What really happens at the places of a scene: computed from the walks on the floor, without any picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from common.wire.places import ENTRY, EXIT, HEAT_COLUMNS, HEAT_ROWS
from edge.scene.floor_plan import Door, FloorPlan, Target, Zone, in_picture
from edge.scene.places import (
    STEP_S,
    Crossing,
    DoorTruth,
    PlacesTruth,
    QueueTruth,
    Stay,
    TargetTruth,
    Wait,
    ZoneTruth,
)
from edge.scene.route import distance_of
from edge.scene.walk import FOCAL, LINES, Walk, runs

TURN_S = 6.0
"""Who crosses a door line and is back within this time has turned round: neither an entry nor an exit."""
GROUP_S, GROUP_M = 2.0, 1.5
"""Who enters within this time and distance of another belongs to the same group."""

_STANDS_MS = 0.3
"""Who is slower than this, in metres per second, stands."""
_SERVED_S = 2.0
"""Who leaves a queue and is at its desk within this time was served."""


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """One walk: seconds (n,), places on the floor (n, 2) x and z in metres, direction of the head (n,) in degrees."""

    person: int
    times: np.ndarray
    places: np.ndarray
    yaws: np.ndarray


def places_truth(walks: Sequence[Walk], plan: FloorPlan, width: float, seconds: float) -> PlacesTruth:
    """Compute the truth of all walks; ``width`` of the picture in lines, ``seconds`` of the scene: what happens later
    is left out."""
    tracks = [
        _track(person, walk, width, seconds)
        for person, walk in enumerate(walks)
        if walk.starts_s + 2 * STEP_S < seconds
    ]
    steps = round(seconds / STEP_S)
    doors = tuple(_door(door, tracks) for door in plan.doors)
    zones = tuple(_zone(zone, tracks, steps) for zone in plan.zones)
    stays = {zone.name: zone for zone in zones}
    return PlacesTruth(
        doors,
        zones,
        tuple(_target(target, plan.zone(target.zone), tracks) for target in plan.targets),
        tuple(_queue(stays[zone.name], stays[zone.desk]) for zone in plan.zones if zone.desk is not None),
        _heat(tracks, width),
        _ways(doors, zones),
    )


def _track(person: int, walk: Walk, width: float, seconds: float) -> _Track:
    first, last = (
        np.ceil(walk.starts_s / STEP_S),
        min(np.floor(walk.ends_s / STEP_S), round(seconds / STEP_S) - 1),
    )
    times, places, yaws = [], [], []
    for step in range(int(first), int(last) + 1):
        stance = walk.at(step * STEP_S)
        if stance is not None:
            z = distance_of(stance.face)
            times.append(step * STEP_S)
            places.append(((stance.x - width / 2) * z / FOCAL, z))
            yaws.append((stance.yaw + 180) % 360 - 180)
    return _Track(person, np.array(times), np.array(places), np.array(yaws))


def _inside(door: Door, places: np.ndarray) -> np.ndarray:
    """Return which of the places (n, 2) are on the inner side of the line."""
    (x1, z1), (x2, z2) = door.line

    def side(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.sign((x2 - x1) * (z - z1) - (z2 - z1) * (x - x1))

    return np.asarray(side(*places.T) == side(*np.array(door.inside)))


def _door(door: Door, tracks: Sequence[_Track]) -> DoorTruth:
    crossings: list[Crossing] = []
    entered: list[tuple[float, np.ndarray]] = []
    turned, passed = [], []
    for track in tracks:
        inside = _inside(door, track.places)
        steps = [int(step) + 1 for step in np.flatnonzero(inside[1:] != inside[:-1])]
        back = [index for index, pair in enumerate(pairwise(steps)) if (pair[1] - pair[0]) * STEP_S <= TURN_S]
        stays = [step for index, step in enumerate(steps) if index not in back and index - 1 not in back]
        if back:
            turned.append(track.person)
        if not steps and not inside.any():
            passed.append(track.person)
        for step in stays:
            crossings.append(Crossing(track.person, float(track.times[step]), bool(inside[step])))
            if inside[step]:
                entered.append((float(track.times[step]), track.places[step]))
    crossings.sort(key=lambda one: one.at_s)
    return DoorTruth(door.name, tuple(crossings), tuple(turned), tuple(passed), _groups(entered))


def _groups(entered: Sequence[tuple[float, np.ndarray]]) -> tuple[int, ...]:
    """Return the sizes of the groups of those who entered at a time and a place."""
    groups: list[list[tuple[float, np.ndarray]]] = []
    for at_s, place in sorted(entered, key=lambda one: one[0]):
        mine = [
            group
            for group in groups
            if any(
                at_s - before <= GROUP_S and np.hypot(*(place - there)) <= GROUP_M for before, there in group
            )
        ]
        groups = [group for group in groups if not any(group is one for one in mine)]
        groups.append([*(one for group in mine for one in group), (at_s, place)])
    return tuple(len(group) for group in sorted(groups, key=lambda group: group[0][0]))


def _zone(zone: Zone, tracks: Sequence[_Track], steps: int) -> ZoneTruth:
    stays = []
    people = np.zeros(steps, int)
    for track in tracks:
        inside = zone.holds(track.places)
        people[np.round(track.times[inside] / STEP_S).astype(int)] += 1
        for begins, ends in runs(inside):
            enters_s = float(track.times[begins])
            stays.append(Stay(track.person, enters_s, enters_s + float(ends - begins) * STEP_S))
    return ZoneTruth(zone.name, tuple(sorted(stays, key=lambda stay: stay.enters_s)), tuple(people.tolist()))


def _target(target: Target, zone: Zone, tracks: Sequence[_Track]) -> TargetTruth:
    looks, passers = [], 0
    for track in tracks:
        there = zone.holds(track.places)
        passers += bool(there.any())
        seconds = float((there & (np.abs(track.yaws - target.yaw) <= target.half_angle)).sum()) * STEP_S
        if seconds:
            looks.append((track.person, seconds))
    return TargetTruth(target.name, tuple(looks), passers)


def _queue(queue: ZoneTruth, desk: ZoneTruth) -> QueueTruth:
    waits = tuple(
        Wait(
            stay.person,
            stay.enters_s,
            stay.leaves_s,
            any(
                other.person == stay.person and 0 <= other.enters_s - stay.leaves_s + STEP_S <= _SERVED_S
                for other in desk.stays
            ),
        )
        for stay in queue.stays
    )
    return QueueTruth(queue.name, desk.name, waits, queue.people)


def _heat(tracks: Sequence[_Track], width: float) -> np.ndarray:
    heat = np.zeros((HEAT_ROWS, HEAT_COLUMNS))
    for track in tracks:
        pace = np.hypot(*np.gradient(track.places, axis=0).T) / STEP_S
        cells = np.floor(in_picture(track.places, width) / (width / HEAT_COLUMNS, LINES / HEAT_ROWS)).astype(
            int
        )
        stands = (pace < _STANDS_MS) & ((cells >= 0) & (cells < (HEAT_COLUMNS, HEAT_ROWS))).all(1)
        np.add.at(heat, (cells[stands, 1], cells[stands, 0]), STEP_S)
    return heat


def _ways(doors: Sequence[DoorTruth], zones: Sequence[ZoneTruth]) -> dict[tuple[str, str], int]:
    stations: dict[int, list[tuple[float, str]]] = {}
    for door in doors:
        for one in door.crossings:
            stations.setdefault(one.person, []).append((one.at_s, ENTRY if one.inwards else EXIT))
    for zone in zones:
        for stay in zone.stays:
            stations.setdefault(stay.person, []).append((stay.enters_s, zone.name))
    return dict(
        Counter(
            way
            for places in stations.values()
            for way in {(one[1], after[1]) for one, after in pairwise(sorted(places))}
        )
    )
