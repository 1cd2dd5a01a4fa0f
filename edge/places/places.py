"""All places of one camera: what each person does there, and what has just happened."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from common.wire.places import ENTRY, EXIT
from edge.place_types import DoorCounts, VisitPlaces, Wait
from edge.places.door_events import DoorEvents
from edge.places.doors import ESTIMATED_MARGIN, MARGIN, METRES, Crossing, Door, Passage
from edge.places.drawn import Area, Drawn
from edge.places.geometry import Point
from edge.places.heat import Spot
from edge.places.overlap import overlapping
from edge.places.plan import PlanPoints
from edge.places.queues import Waiting
from edge.places.record import Record
from edge.places.targets import Target, looked_at
from edge.places.zones import ESTIMATED, SEEN, Stay, Zone
from edge.types import Pose, Track, TrackState


@dataclass(frozen=True, slots=True)
class Live:
    """The state of this moment, for notices. ``zones``: people in each zone. ``waiting``: of these, the people who
    have been there for at least the time asked for, by (zone, seconds): no other time of a person is told. ``inside``:
    people inside, by the doors of this camera since the last closing time, never below 0. ``staff``: staff in each
    zone, who are in nothing else. ``members``: people in view who have shown the code of a member."""

    zones: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[tuple[str, float], int] = field(default_factory=dict)
    inside: int = 0
    staff: Mapping[str, int] = field(default_factory=dict)
    members: int = 0


class Places:
    """Call ``seen`` for every sight of a person, ``frame`` after each frame, and ``finish`` when a visit ends.

    ``plan``: four points of the floor, so that distances are in metres. ``least_look_s``: a shorter look at a target
    does not count. ``waits``: the times about which ``live`` answers, as (zone, seconds). ``hold_s``: a crossing counts
    this much later, or when the person is out of sight, because it is dropped if the person turns out to be staff.
    """

    def __init__(
        self,
        *,
        doors: Sequence[Door] = (),
        zones: Sequence[Zone] = (),
        targets: Sequence[Target] = (),
        plan: PlanPoints | None = None,
        least_look_s: float = 0.2,
        waits: Collection[tuple[str, float]] = (),
        hold_s: float = 0.0,
    ) -> None:
        self._doors, self._zones, self._targets, self._plan = doors, zones, targets, plan
        self._least_look_s, self._waits, self._hold_s = least_look_s, tuple(waits), hold_s
        together, names = overlapping(zones), {zone.name for zone in zones}
        self._apart = {name: names - together[name] - {name} for name in names}
        """Who is in a zone is in none of these."""
        self._fronts = {zone.name: zone.front for zone in zones if zone.front is not None}
        self._records: dict[int, Record] = {}
        self._confirmed: list[Record] = []
        self._events = DoorEvents(doors, hold_s)
        self._drawn: dict[float, Drawn] = {}

    def seen_staff(self, track: Track, view: tuple[int, int], at_s: float) -> None:
        """Take one sight of staff: all that it did before is forgotten, and only notices learn where it is."""
        record = self._records.get(track.track_id) or self._begin(track)
        record.is_staff = True
        record.crossings.clear()
        record.floor.see(track, view, at_s)
        self._stay(record, self._draw(view[0] / view[1]).areas, at_s)

    def seen(
        self, track: Track, pose: Pose | None, looks_here: bool | None, view: tuple[int, int], at_s: float
    ) -> None:
        """Take one sight of a person: once a frame, in order of time, only when the person was seen. ``pose``: of the
        head, if the face was found; ``looks_here``: whether it looks at the camera, None if nobody knows. ``view``:
        width and height of the picture in pixels."""
        drawn = self._draw(view[0] / view[1])
        record = self._records.get(track.track_id) or self._begin(track)
        floor = record.floor
        floor.see(track, view, at_s)
        on_floor = None if drawn.plan is None else drawn.plan.floor(floor.point)
        if self._doors:
            self._walk(record, drawn, on_floor, at_s)
        record.is_confirmed |= track.state is not TrackState.TENTATIVE
        self._count(record, at_s - self._hold_s)
        self._stay(record, drawn.areas, at_s)
        self._look(record, drawn, pose, looks_here, on_floor, at_s)
        if drawn.plan is None:
            spot = Spot(floor.point, floor.size / METRES, floor.tall)
        elif on_floor is None:
            return
        else:
            spot = Spot(on_floor, 1.0, None)
        record.heat.see(drawn.grid.cell(spot.point), spot, record.looking.added_s, at_s)

    def settle(self, at_s: float) -> None:
        """Let time pass: count what has settled by now, also of people who are out of sight. ``math.inf``: nobody comes
        back."""
        for record in self._records.values():
            if record.is_staff:
                continue
            for passage, door in zip(record.passages, self._doors, strict=True):
                self._cross(record, passage.settle(door.name, at_s))
            self._count(record, at_s - self._hold_s)
        self._events.settle(at_s, self._records.values())

    def frame(self, tracks: Iterable[Track]) -> Mapping[str, int]:
        """Note who is in view now; return the people in each zone where somebody is."""
        self._confirmed = [
            self._records[track.track_id]
            for track in tracks
            if track.state is TrackState.CONFIRMED and track.track_id in self._records
        ]
        crowds: Counter[str] = Counter()
        for record in self._confirmed:
            if not record.is_staff:
                crowds.update(record.inside)
        return crowds

    def events(self) -> Mapping[str, DoorCounts]:
        """Return what has happened at the doors since the last call."""
        return self._events.take(next((drawn.plan for drawn in self._drawn.values()), None))

    def finish(self, track: Track, *, is_piece: bool = False) -> VisitPlaces:
        """Close the record of a track that was a visit: empty for staff. ``is_piece``: it is only a piece of somebody's
        way. Raises ``KeyError`` for one that was never seen."""
        record = self._records.pop(track.track_id)
        record.is_piece = is_piece and not record.is_heir
        if record.is_staff:
            return VisitPlaces()
        record.is_confirmed = True
        heir = record.heir(self._records.values()) if self._doors else None
        if heir is None:
            for passage, door in zip(record.passages, self._doors, strict=True):
                self._cross(record, passage.end(door.name))
        self._count(record, math.inf)
        if heir is not None:
            heir.go_on(record)
        elif not record.has_crossed:
            self._events.lose(record)
        stays = {name: stay for name, stay in record.stays.items() if stay.entered}
        looks, least_s = record.looking.seconds, self._least_look_s - 1e-6
        return VisitPlaces(
            stays={name: stay.total_s for name, stay in stays.items()},
            stops=frozenset(name for name, stay in stays.items() if stay.stopped),
            looks={name: seconds for name, seconds in looks.items() if seconds > 0 and seconds >= least_s},
            waits=self._waited(record),
            ways=record.way.pairs(),
            heat=dict(record.heat.cells),
        )

    def drop(self, alive: Collection[int]) -> None:
        """Delete every record whose track is not in ``alive``: it ended without becoming a visit."""
        if len(self._records) > len(alive) or not self._records.keys() <= set(alive):
            self._records = {track_id: one for track_id, one in self._records.items() if track_id in alive}

    def close(self) -> None:
        """End the day: nobody is inside any more. Whoever was counted in and never out is the drift of the day."""
        self._events.close()

    def inside(self, track_id: int) -> frozenset[str]:
        """Return the zones in which somebody is now."""
        record = self._records.get(track_id)
        return frozenset(record.inside) if record else frozenset()

    def looked_s(self, track_id: int, target: str) -> float:
        """Return for how many seconds somebody has looked at a target so far."""
        record = self._records.get(track_id)
        return record.looking.seconds.get(target, 0.0) if record else 0.0

    def live(self, at_s: float) -> Live:
        """Return the state after the last frame."""
        zones: Counter[str] = Counter(dict.fromkeys((zone.name for zone in self._zones), 0))
        staff = zones.copy()
        for record in self._confirmed:
            (staff if record.is_staff else zones).update(record.inside)
        customers = [record for record in self._confirmed if not record.is_staff]
        waiting = {
            (name, seconds): sum(record.stays[name].lasts(at_s, seconds) for record in customers)
            for name, seconds in self._waits
        }
        return Live(zones, waiting, self._events.inside, staff)

    def _draw(self, aspect: float) -> Drawn:
        drawn = self._drawn.get(aspect)
        if drawn is None:
            drawn = Drawn(aspect, self._doors, self._zones, self._targets, self._plan)
            self._drawn = {aspect: drawn}
        return drawn

    def _begin(self, track: Track) -> Record:
        record = self._records[track.track_id] = Record(
            passages=[Passage() for _ in self._doors],
            stays={zone.name: Stay() for zone in self._zones},
            waits={name: Waiting() for name in self._fronts},
        )
        return record

    def _walk(self, record: Record, drawn: Drawn, on_floor: Point | None, at_s: float) -> None:
        """Take the next floor point of a person at the doors."""
        floor = record.floor
        before = record.walk(floor.point, floor.size, at_s)
        if before is not None:
            self._events.lose(before)
        margin = MARGIN if floor.feet_seen else ESTIMATED_MARGIN
        for passage, doorway in zip(record.passages, drawn.doors, strict=True):
            self._cross(record, passage.see(doorway, floor.point, floor.size, at_s, on_floor, margin=margin))
        if record.again is not None:
            for passage, doorway in zip(record.again.passages, drawn.doors, strict=True):
                passage.see(doorway, floor.point, floor.size, at_s, on_floor, margin=margin)

    def _cross(self, record: Record, crossing: Crossing | None) -> None:
        if crossing is not None:
            record.crossings.append(crossing)
            record.way.add(crossing.at_s, ENTRY if crossing.inwards else EXIT)

    def _count(self, record: Record, until_s: float) -> None:
        """Count the crossings up to ``until_s``."""
        if record.is_confirmed and record.crossings:
            record.has_crossed = True
            self._events.cross(one for one in record.crossings if one.at_s <= until_s)
            record.crossings = [one for one in record.crossings if one.at_s > until_s]

    def _stay(self, record: Record, areas: Sequence[Area], at_s: float) -> None:
        floor, inside, stays = record.floor, record.inside, record.stays
        seen = []
        for zone, polygon in areas:
            x, y = floor.head if zone.on_shelf else floor.point
            margins = SEEN if zone.on_shelf or floor.feet_seen else ESTIMATED
            depth = polygon.depth(x, y, room=margins.leave * floor.size) / floor.size
            seen.append((zone, depth, margins))
        deep = [zone.name for zone, depth, margins in seen if depth >= margins.enter]
        held = frozenset(inside)
        inside.clear()
        for zone, depth, margins in seen:
            stay, apart = stays[zone.name], self._apart[zone.name]
            if stay.entered_s is None:
                if depth < 0:  # most zones, most of the time
                    continue
            elif (depth < 0 and not apart.isdisjoint(deep)) or (
                # whoever is still in the zone beside it comes back only when clearly inside
                not stay.is_inside and depth < margins.enter and not apart.isdisjoint(held)
            ):
                stay.see(-math.inf, margins, zone.stop_s, at_s)
                continue
            if stay.see(depth, margins, zone.stop_s, at_s) and stay.entered_s is not None:
                record.way.add(stay.entered_s, zone.name)
            if stay.is_inside:
                inside.add(zone.name)
        for name, waiting in record.waits.items():
            stay, front = stays[name], stays[self._fronts[name]]
            waiting.see(
                in_queue_since_s=stay.entered_s if stay.is_inside else None,
                at_front_since_s=front.entered_s if front.is_inside else None,
                stay_s=stay.total_s,
            )

    def _look(
        self,
        record: Record,
        drawn: Drawn,
        pose: Pose | None,
        looks_here: bool | None,
        on_floor: Point | None,
        at_s: float,
    ) -> None:
        looking = record.looking
        if pose is None and looks_here is None:  # nobody looked for the face
            looking.added_s = 0.0
            return
        target = None
        if pose is not None and drawn.aims:
            target = looked_at(pose, drawn.aims, record.inside, drawn.plan, on_floor)
        looking.see(target, at_camera=bool(looks_here), at_s=at_s)

    def _waited(self, record: Record) -> dict[str, Wait]:
        results = {name: one.result(record.stays[name].total_s) for name, one in record.waits.items()}
        return {name: wait for name, wait in results.items() if wait is not None}
