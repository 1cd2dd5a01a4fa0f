"""Who is staff: decided before anything is estimated of a person, and for as long as the track lasts.

Four ways lead to it, and each may be left out: times when only staff is in, places where only staff is, and the badge.
Nobody is recognised: a track that is lost and comes back is decided anew.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from common.clock import Clock
from edge.places.staff import StaffPlaces, StaffTimes
from edge.types import Frame, Track
from edge.vision.badge import BadgeLooks, BadgeReader
from edge.vision.scheduler import Budget


class Staff:
    """Call ``look`` for each frame. ``badge`` None: no badge is looked for; ``budget`` is the time for these looks."""

    def __init__(
        self,
        *,
        times: StaffTimes,
        places: StaffPlaces | None = None,
        badge: BadgeReader | None = None,
        budget: Budget,
        clock: Clock,
    ) -> None:
        self._times, self._places, self._badge = times, places, badge
        self._budget, self._clock = budget, clock
        self._looks = BadgeLooks()
        self._met: set[int] = set()
        self._staff: set[int] = set()

    def look(self, frame: Frame, tracks: Sequence[Track], shows_faces_px: float) -> None:
        """Find out who of the people in view is staff. In this frame a face of ``shows_faces_px`` and more is found if
        it shows."""
        only_staff = self._times.hold(frame.captured_at)
        for track in tracks:
            # Who came in before such a time is a customer who is still there.
            if only_staff and track.track_id not in self._met:
                self._staff.add(track.track_id)
            self._met.add(track.track_id)
        strangers = [one for one in tracks if one.sighting is not None and one.track_id not in self._staff]
        if self._places is not None:
            height, width = frame.image.shape[:2]
            for track in strangers:
                if self._places.see(track, (width, height), frame.monotonic_s):
                    self._staff.add(track.track_id)
        if self._badge is not None:
            self._look_for_badges(self._badge, frame, strangers, shows_faces_px)

    def is_staff(self, track_id: int) -> bool:
        """Whether this track is known to be staff."""
        return track_id in self._staff

    def may_be_described(self, track: Track) -> bool:
        """Whether anything may be estimated of this person: not of staff, nor of somebody who may turn out to be."""
        if track.track_id in self._staff or (self._places and self._places.is_there(track.track_id)):
            return False
        return self._badge is None or not self._looks.is_open(track)

    def keep(self, alive: Collection[int]) -> None:
        """Forget every track that is not in ``alive``."""
        self._met &= set(alive)
        self._staff &= set(alive)
        self._looks.keep(alive)
        if self._places is not None:
            self._places.keep(alive)

    def _look_for_badges(
        self, badge: BadgeReader, frame: Frame, tracks: Sequence[Track], shows_faces_px: float
    ) -> None:
        at_s = frame.monotonic_s
        self._budget.next_frame()
        for track in sorted(tracks, key=lambda one: self._looks.count(one.track_id)):
            if not self._budget.has_time:
                return
            if not self._looks.wanted(track, at_s, shows_faces_px):
                continue
            began_s = self._clock.monotonic()
            shows = badge.shows(frame.image, track)
            self._budget.spend(self._clock.monotonic() - began_s)
            if self._looks.looked(track, at_s, shows=shows):
                self._staff.add(track.track_id)
