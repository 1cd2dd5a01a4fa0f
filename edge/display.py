"""The display of a device: who of the people in view is before it, and what it shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from common.vocabulary import AGE_BANDS, GENDERS
from edge.place_types import Shown
from edge.places.places import Places
from edge.signage.programme import Programme, Show
from edge.signage.rules import Person
from edge.types import Track, TrackState
from edge.vision.visits import Visits


class Display:
    """A display with its programme.

    ``zone``: where people stand who can see it, None for the whole view. ``target``: the target that it is, None if the
    camera is at the display, so that attention is looking at it.
    """

    def __init__(
        self,
        programme: Programme,
        *,
        visits: Visits,
        places: Places,
        zone: str | None = None,
        target: str | None = None,
    ) -> None:
        self._programme, self._visits, self._places = programme, visits, places
        self._zone, self._target = zone, target

    @property
    def show(self) -> Show | None:
        """What is on display; None before the first decision."""
        return self._programme.show

    def step(self, tracks: Iterable[Track], at_s: float, at: datetime) -> None:
        """Decide what to show to the people in view now, if it is time to."""
        if self._programme.due(at_s):
            present = {
                track.track_id: self._person(track.track_id)
                for track in tracks
                if track.state is TrackState.CONFIRMED and self._is_before(track.track_id)
            }
            hour, utc_hour = at.astimezone().hour, int(at.timestamp() // 3600)
            self._programme.decide(present, self._looked_s, at_s, hour, utc_hour)

    def confirm(self, number: int) -> None:
        """Note that a player shows this show."""
        self._programme.confirm(number)

    def finish(self, track_id: int) -> Shown | None:
        """Return the show that a visit belongs to which ends now; ask before its other records are closed."""
        return self._programme.finish(track_id, self._looked_s(track_id))

    def drop(self, alive: Collection[int]) -> None:
        """Delete every record whose track is not in ``alive``."""
        self._programme.drop(alive)

    def _is_before(self, track_id: int) -> bool:
        return self._zone is None or self._zone in self._places.inside(track_id)

    def _person(self, track_id: int) -> Person:
        labels = {name: verdict.label for name, verdict in self._visits.verdicts(track_id).items()}
        gender, age_band = labels.get("gender"), labels.get("age_band")
        return Person(
            gender if gender in GENDERS else None,
            age_band if age_band in AGE_BANDS else None,
            self._places.inside(track_id),
        )

    def _looked_s(self, track_id: int) -> float:
        if self._target is not None:
            return self._places.looked_s(track_id, self._target)
        return self._visits.attention_s(track_id)
