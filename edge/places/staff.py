"""Who is staff by where and when: people in times when only staff is in, who stay behind the counter, or who come from
the back room."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, tzinfo

from edge.places.doors import ESTIMATED_MARGIN, MARGIN, Door, Doorway, Passage
from edge.places.floor import Floor
from edge.places.geometry import Polygon
from edge.places.zones import LEAVE, Stay, Zone
from edge.types import Track


@dataclass(frozen=True, slots=True)
class StaffTime:
    """A time of the local day in which only staff is in, on some days of the week (0 is Monday). ``ends`` None is
    midnight."""

    days: frozenset[int]
    begins: time
    ends: time | None

    def holds(self, local: datetime) -> bool:
        """Return whether it holds at this local time."""
        now = local.time()
        return local.weekday() in self.days and now >= self.begins and (self.ends is None or now < self.ends)


class StaffTimes:
    """All times in which only staff is in; ``timezone`` None is this machine's zone."""

    def __init__(self, times: Sequence[StaffTime], timezone: tzinfo | None = None) -> None:
        self._times, self._timezone = times, timezone

    def hold(self, at: datetime) -> bool:
        """Return whether only staff is in at this moment."""
        return bool(self._times) and any(one.holds(at.astimezone(self._timezone)) for one in self._times)


@dataclass(slots=True)
class _Record:
    """One person; deleted with the track."""

    stays: list[Stay]
    passages: list[Passage]
    floor: Floor = field(default_factory=Floor)
    came_from_back: dict[str, bool] = field(default_factory=dict)
    """By line: whether the first certain side was that of the back room."""
    is_there: bool = False


class StaffPlaces:
    """Zones in which only staff stays, and lines that only staff crosses.

    Who is in a zone for its ``stop_s`` without leaving it is staff. Of a line, ``inside`` is the side of the shop: who
    was first certain to be on the other side and crosses it is staff. A customer who steps over it and comes back is
    not.
    """

    def __init__(self, zones: Sequence[Zone], lines: Sequence[Door]) -> None:
        self._zones, self._lines = zones, lines
        self._records: dict[int, _Record] = {}
        self._drawn: dict[float, tuple[list[Polygon], list[Doorway]]] = {}

    def see(self, track: Track, view: tuple[int, int], at_s: float) -> bool:
        """Take one sight of a person in a picture of ``view`` (width, height) pixels, in order of time; return whether
        it shows that this is staff."""
        areas, doorways = self._draw(view[0] / view[1])
        record = self._records.get(track.track_id)
        if record is None:
            record = _Record([Stay() for _ in self._zones], [Passage() for _ in self._lines])
            self._records[track.track_id] = record
        floor = record.floor
        floor.see(track, view, at_s)
        record.is_there = False
        return any([self._stays(record, areas, at_s), self._comes(record, doorways, at_s)])

    def is_there(self, track_id: int) -> bool:
        """Whether this person is in such a zone, or on the side of the back room, where only staff should be."""
        record = self._records.get(track_id)
        return record is not None and record.is_there

    def keep(self, alive: Collection[int]) -> None:
        """Forget every track that is not in ``alive``."""
        self._records = {track_id: one for track_id, one in self._records.items() if track_id in alive}

    def _draw(self, aspect: float) -> tuple[list[Polygon], list[Doorway]]:
        if aspect not in self._drawn:
            areas = [zone.drawn(aspect) for zone in self._zones]
            self._drawn = {aspect: (areas, [Doorway(line, aspect, None) for line in self._lines])}
        return self._drawn[aspect]

    def _stays(self, record: _Record, areas: Sequence[Polygon], at_s: float) -> bool:
        (x, y), size = record.floor.point, record.floor.size
        is_staff = False
        for zone, area, stay in zip(self._zones, areas, record.stays, strict=True):
            stay.see(area.depth(x, y, room=LEAVE * size), size, zone.stop_s, at_s)
            record.is_there |= stay.is_inside
            is_staff |= stay.lasts(at_s, zone.stop_s)
        return is_staff

    def _comes(self, record: _Record, doorways: Sequence[Doorway], at_s: float) -> bool:
        floor, is_staff = record.floor, False
        margin = MARGIN if floor.feet_seen else ESTIMATED_MARGIN
        for doorway, passage in zip(doorways, record.passages, strict=True):
            passage.see(doorway, floor.point, floor.size, at_s, None, margin=margin)
            if passage.side is None:
                continue
            from_back = record.came_from_back.setdefault(doorway.name, not passage.side)
            record.is_there |= from_back and not passage.side
            is_staff |= from_back and passage.side
        return is_staff
