"""Collect the sights of each track, and turn them into a visit when the track ends."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from edge.place_types import LOOK_GAP_S, Shown, VisitPlaces
from edge.types import FaceObservation, Track, Verdict, Visit
from edge.vision.consensus import Consensus

SURE_FACE, SURE_LOOKS, APART_S = 0.9, 2, 0.3
"""Nine of ten finds with this score are a face. The back of a head has it now and then, but hardly ever so many times,
at least so many seconds apart: two frames in a row repeat the same mistake."""


@dataclass(slots=True)
class _Record:
    """The data of one open visit; it is deleted with the track."""

    last_at: datetime | None = None
    attending: bool = False
    attending_s: float = 0.0
    attention_s: float = 0.0
    sure_looks: int = 0
    sure_s: float = -math.inf
    observations: list[FaceObservation] = field(default_factory=list)


class Visits:
    """The open record of every active track, by its id.

    Attention time is the sum of the intervals between two sights in a row that are both in the attention cone and at
    most ``attention_gap_s`` apart: time without sights does not count. A viewer needs at least ``viewer_s`` of
    attention, because in a single frame an error of the landmarks can make any head look turned. A visit whose face was
    not found for sure in two looks is neither described nor a viewer: it was most likely seen from behind.
    """

    def __init__(
        self, consensus: Consensus, *, attention_gap_s: float = LOOK_GAP_S, viewer_s: float = 0.2
    ) -> None:
        self._consensus = consensus
        self._attention_gap_s = attention_gap_s
        self._viewer_s = viewer_s
        self._open: dict[int, _Record] = {}

    def seen(self, track: Track, attending: bool | None, at_s: float, at: datetime) -> None:
        """Take one sight of ``track``: once a frame, in order of time, only when the person was seen. ``attending`` is
        None if nobody looked for the face, or too far away to find it: then the last answer holds for a moment."""
        record = self._open.setdefault(track.track_id, _Record())
        record.last_at = at
        is_sure = track.face is not None and track.face.score >= SURE_FACE
        if is_sure and at_s - record.sure_s >= APART_S - 1e-6:
            record.sure_looks += 1
            record.sure_s = at_s
        if attending is not None:
            interval = at_s - record.attending_s
            if attending and record.attending and interval <= self._attention_gap_s:
                record.attention_s += interval
            record.attending, record.attending_s = attending, at_s

    def observe(self, observation: FaceObservation) -> None:
        """Keep one classified look."""
        self._open.setdefault(observation.track_id, _Record()).observations.append(observation)

    def observations(self, track_id: int) -> int:
        """Return how many looks were classified so far."""
        record = self._open.get(track_id)
        return len(record.observations) if record else 0

    def best_quality(self, track_id: int) -> float:
        """Return the best quality of the classified looks, 0 without any: another look is useful only if better."""
        record = self._open.get(track_id)
        return max((o.quality for o in record.observations), default=0.0) if record else 0.0

    def verdicts(self, track_id: int) -> Mapping[str, Verdict]:
        """Return what is known of an open visit by now; nothing if its face was not surely seen yet."""
        record = self._open.get(track_id)
        if record is None or record.sure_looks < SURE_LOOKS or not record.observations:
            return {}
        return self._consensus.verdicts(record.observations)

    def attention_s(self, track_id: int) -> float:
        """Return the attention time of an open visit so far, in seconds; whether it is a viewer is known at its end."""
        record = self._open.get(track_id)
        return record.attention_s if record else 0.0

    def finish(self, track: Track, places: VisitPlaces, shown: Shown | None = None) -> Visit:
        """Close the record of a track that is over, which was at these ``places`` and belongs to this show. Raises
        ``KeyError`` for one that was never seen."""
        record = self._open.pop(track.track_id)
        if record.last_at is None:
            raise KeyError(track.track_id)
        dwell_s = track.last_seen_s - track.first_seen_s
        showed_face = record.sure_looks >= SURE_LOOKS
        attention_s = min(record.attention_s, dwell_s) if showed_face else 0.0
        looks = record.observations if showed_face else []
        return Visit(
            # Computed back from the end: if the wall clock was set in between, the later reading is the right one.
            started_at=record.last_at - timedelta(seconds=dwell_s),
            ended_at=record.last_at,
            dwell_s=dwell_s,
            attention_s=attention_s,
            viewer=attention_s > 0 and attention_s >= self._viewer_s - 1e-6,
            described=bool(looks),
            attributes=self._consensus.verdicts(looks),
            places=places,
            shown=shown if shown is None or showed_face else replace(shown, looked_s=0.0),
        )

    def drop(self, alive: Collection[int]) -> None:
        """Delete every record whose track is not in ``alive``: it ended without becoming a visit."""
        self._open = {track_id: record for track_id, record in self._open.items() if track_id in alive}
