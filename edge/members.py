"""Who shows the code of a member: checked here, counted once, and forgotten.

The code is never stored or sent. So that a picture of it is not worth more than the code itself, it counts once in
``AGAIN_S``: for that long a hash of it stays in memory, with a key that is new at every start.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, tzinfo

from common.clock import Clock
from common.loyalty import last_day_of
from edge.types import Frame, Track, TrackState
from edge.vision.code import CodeReader, can_be_read
from edge.vision.scheduler import Budget

AGAIN_S = 3600.0
"""Whoever shows a code that was shown within this time is no member: it may be a picture of it."""

SPACING_S = 0.5
"""Time between two looks for the code of one person."""


class Members:
    """Call ``look`` for each frame. Without ``keys`` no code is looked for. ``budget``: the time for these looks;
    ``timezone``: that in which a code ends, None is this machine's."""

    def __init__(
        self,
        *,
        keys: Sequence[bytes],
        reader: CodeReader,
        budget: Budget,
        clock: Clock,
        timezone: tzinfo | None = None,
    ) -> None:
        self._keys, self._reader = keys, reader
        self._budget, self._clock, self._timezone = budget, clock, timezone
        self._salt = secrets.token_bytes(16)
        self._shown: dict[bytes, float] = {}
        self._looked_s: dict[int, float] = {}
        self._members: set[int] = set()

    def look(self, frame: Frame, tracks: Sequence[Track]) -> None:
        """Look for codes of the people in view who are near enough."""
        if not self._keys:
            return
        at_s = frame.monotonic_s
        self._shown = {shown: since_s for shown, since_s in self._shown.items() if at_s - since_s < AGAIN_S}
        self._budget.next_frame()
        # Of two who stand together, the nearer one shows it.
        for track in sorted(tracks, key=lambda one: -one.box.side):
            if not self._budget.has_time:
                return
            looked_s = self._looked_s.get(track.track_id, -math.inf)
            if track.track_id in self._members or at_s - looked_s < SPACING_S or not can_be_read(track):
                continue
            self._looked_s[track.track_id] = at_s
            began_s = self._clock.monotonic()
            code = self._reader.read(frame.image, track)
            self._budget.spend(self._clock.monotonic() - began_s)
            if code and self._is_new(code, frame.captured_at, at_s):
                self._members.add(track.track_id)

    def is_member(self, track_id: int) -> bool:
        """Whether this track has shown a code."""
        return track_id in self._members

    def in_view(self, tracks: Sequence[Track]) -> int:
        """Return how many of these people are members who are in view now."""
        return sum(one.state is TrackState.CONFIRMED and one.track_id in self._members for one in tracks)

    def keep(self, alive: Collection[int]) -> None:
        """Forget every track that is not in ``alive``."""
        self._members &= set(alive)
        self._looked_s = {track_id: at_s for track_id, at_s in self._looked_s.items() if track_id in alive}

    def _is_new(self, code: str, at: datetime, at_s: float) -> bool:
        """Return whether the code is valid today and was not shown lately."""
        last_day = last_day_of(self._keys, code)
        if last_day is None or at.astimezone(self._timezone).date() > last_day:
            return False
        shown = hashlib.blake2b(code.encode(), key=self._salt, digest_size=16).digest()
        if shown in self._shown:
            return False
        self._shown[shown] = at_s
        return True
