"""From frames and finished visits to windows aligned to UTC.

Every frame carries the wall clock and the monotonic clock, and the two disagree when somebody sets the clock. One
rule covers this: a visit is counted in the window of the last frame, and an emitted window never opens again. A
frame that falls into an emitted window is counted in the next window that was not emitted. So:

- the clock steps back into emitted windows, of this run or an earlier one: the open window stays open until the clock
  has caught up;
- it steps back to before anything was emitted: the open window ends and an earlier one opens;
- it steps forward: the open window ends. Windows in between are emitted, empty and uncovered, only where the
  monotonic clock says that the time has really passed (the camera was away), and for a day at most.

No window comes twice, no visit is lost, and only time that the clock puts into a window
counts as its coverage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from common.vocabulary import ATTRIBUTES, DWELL_BINS_S, LOOK_MOST_S, NOT_SEEN, UNKNOWN
from edge.place_types import DoorCounts, PlaceCounts, counts_of, time_bin
from edge.types import Coverage, Visit, WindowAggregate
from edge.vision.place_counts import of_moment, of_show

LONGEST_SILENCE_S = 86_400
"""A longer outage is filled with empty windows only for its last day."""


@dataclass(slots=True)
class _Window:
    """The open window; times are seconds of the UTC epoch."""

    start: int
    end: int
    visits: int = 0
    viewers: int = 0
    occupancy_s: float = 0.0
    occupancy_max: int = 0
    dwell_sum_s: float = 0.0
    attention_sum_s: float = 0.0
    dwell: list[int] = field(default_factory=lambda: [0] * len(DWELL_BINS_S))
    attention: list[int] = field(default_factory=lambda: [0] * len(DWELL_BINS_S))
    breakdown: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    places: PlaceCounts = field(default_factory=PlaceCounts)
    staff: int = 0
    members: int = 0
    covered_s: float = 0.0
    covered_until: float = 0.0
    frames: int = 0
    dropped: int = 0

    def cover(self, since: float, until: float, occupancy: int) -> None:
        """Count the part of ``since``..``until`` that lies in this window and was not counted before."""
        since, until = max(since, self.start, self.covered_until), min(until, self.end)
        if until > since:
            self.covered_s += until - since
            self.occupancy_s += occupancy * (until - since)
            self.covered_until = until

    def add(self, visit: Visit, timed: Collection[str]) -> None:
        self.visits += 1
        attention_s = visit.attention_s if visit.viewer else 0.0  # a shorter look does not count
        self.viewers += visit.viewer
        self.members += visit.member
        self.dwell_sum_s += visit.dwell_s
        self.attention_sum_s += min(attention_s, LOOK_MOST_S)
        self.dwell[time_bin(visit.dwell_s)] += 1
        self.attention[time_bin(attention_s)] += 1
        # All three or none: the privacy rule relies on it.
        default = UNKNOWN if visit.described else NOT_SEEN
        verdicts = visit.attributes if visit.described else {}
        gender, age_band, expression = (
            verdicts[name].label if name in verdicts else default for name in ATTRIBUTES
        )
        self.breakdown[gender, age_band, expression] += 1
        self.places += counts_of(visit.places, visit.dwell_s, expression, timed)
        if visit.shown is not None:
            self.places += of_show(visit.shown)

    def freeze(self, *, due: bool, closing: bool) -> WindowAggregate:
        return WindowAggregate(
            start=datetime.fromtimestamp(self.start, UTC),
            end=datetime.fromtimestamp(self.end, UTC),
            visits=self.visits,
            viewers=self.viewers,
            occupancy_mean=self.occupancy_s / self.covered_s if self.covered_s else 0.0,
            occupancy_max=self.occupancy_max,
            dwell_sum_s=self.dwell_sum_s,
            attention_sum_s=self.attention_sum_s,
            dwell_histogram=tuple(self.dwell),
            attention_histogram=tuple(self.attention),
            breakdown=dict(self.breakdown),
            coverage=Coverage(min(self.covered_s, self.end - self.start), self.frames, self.dropped),
            due=due,
            closing=closing,
            places=self.places,
            staff=self.staff,
            members=self.members,
        )

    @classmethod
    def of(cls, window: WindowAggregate) -> _Window:
        """Reopen a window that was stored before its end."""
        covered_s = window.coverage.covered_s
        return cls(
            start=int(window.start.timestamp()),
            end=int(window.end.timestamp()),
            visits=window.visits,
            viewers=window.viewers,
            occupancy_s=window.occupancy_mean * covered_s,
            occupancy_max=window.occupancy_max,
            dwell_sum_s=window.dwell_sum_s,
            attention_sum_s=window.attention_sum_s,
            dwell=list(window.dwell_histogram),
            attention=list(window.attention_histogram),
            breakdown=Counter(window.breakdown),
            places=window.places,
            staff=window.staff,
            members=window.members,
            covered_s=covered_s,
            covered_until=window.start.timestamp() + covered_s,
            frames=window.coverage.frames,
            dropped=window.coverage.dropped,
        )


class Aggregator:
    """Collects frames and visits; returns every window once, when it has ended.

    ``window_s`` is the length of a window in seconds. The time between two frames counts as covered, with the
    occupancy of the earlier one, if it is at most ``max_gap_s``. ``counted`` are the stretches of time whose windows
    earlier runs emitted, the newest last. Those windows must not be overwritten by a service that restarts within a
    minute, or after the clock was set back. ``resume`` is the window that was open when the last run ended; it
    continues, or is the first to be returned. ``doors`` are the names that a window reports, even if nobody was there;
    ``timed`` zones overlap none of the others, see ``PlaceCounts.elsewhere``. The window that contains the hour
    ``closing_hour`` (0 to 23) of ``timezone`` is the last of its day. Windows that contain one of ``release_hours`` are
    marked as due. ``timezone`` None is this machine's zone. At midnight the day ends in any case. If an hour has passed
    since the last of the ``counted``, the first window is marked for it.
    """

    def __init__(
        self,
        *,
        window_s: int,
        max_gap_s: float = 1.0,
        counted: Sequence[tuple[datetime, datetime]] = (),
        doors: Sequence[str] = (),
        timed: Collection[str] = (),
        closing_hour: int = 0,
        release_hours: Sequence[int] = (),
        timezone: tzinfo | None = None,
        resume: WindowAggregate | None = None,
    ) -> None:
        self._window_s, self._max_gap_s = window_s, max_gap_s
        self._timed = timed
        self._nothing = PlaceCounts(doors={name: DoorCounts() for name in doors})
        self._closing_hour, self._release_hours, self._timezone = closing_hour, release_hours, timezone
        self._open: _Window | None = None
        # Stretches of emitted windows: one more per clock step.
        self._emitted = [
            (self._floor(start.timestamp()), -self._floor(-end.timestamp())) for start, end in counted
        ]
        self._last_end = counted[-1][1].timestamp() if counted else None
        if resume is not None and resume.end - resume.start == timedelta(seconds=window_s):
            self._open = _Window.of(resume)
            self._open.places += self._nothing
        self._monotonic_s: float | None = None
        self._occupancy = 0

    def observe(
        self, at: datetime, monotonic_s: float, occupancy: int, dropped: int
    ) -> list[WindowAggregate]:
        """Advance to one processed frame and return the windows that have ended, in order.

        A frame exactly on an edge belongs to the later window. ``occupancy`` is the number of visits in view,
        ``dropped`` the number of stale frames since the last one that was processed.
        """
        now = at.timestamp()
        gap = self._since_last_frame(monotonic_s)
        since = now - gap if gap <= self._max_gap_s else now
        over = self._move_to(now, since, gap)
        assert self._open is not None
        self._open.frames += 1
        self._open.dropped += dropped
        self._open.occupancy_max = max(self._open.occupancy_max, occupancy)
        self._monotonic_s, self._occupancy = monotonic_s, occupancy
        return over

    def advance(self, at: datetime, monotonic_s: float) -> list[WindowAggregate]:
        """Let time pass without a frame; return the windows that have ended, so that a blind camera is visible.

        A window is returned only ``max_gap_s`` after its end, because a frame that covers it may still come.
        """
        now = at.timestamp() - self._max_gap_s
        if self._open is not None and self._floor(now) <= self._open.start:
            return []
        return self._move_to(now, now, self._since_last_frame(monotonic_s))

    def _since_last_frame(self, monotonic_s: float) -> float:
        return 0.0 if self._monotonic_s is None else max(0.0, monotonic_s - self._monotonic_s)

    def _move_to(self, now: float, since: float, gap: float) -> list[WindowAggregate]:
        """Open the window of ``now``, covered from ``since`` on, and return those that it ends."""
        start = self._not_emitted(self._floor(now))
        over: list[WindowAggregate] = []
        if self._open is not None and self._open.start != start:
            self._open.cover(since, now, self._occupancy)
            silent_from = max(self._open.end, self._floor(now - min(gap, LONGEST_SILENCE_S)))
            over.append(self._emit(self._open))
            for silent in range(silent_from, start, self._window_s):
                if self._not_emitted(silent) == silent:
                    window = self._window(silent)
                    window.cover(since, now, self._occupancy)
                    over.append(self._emit(window))
            self._open = None
        if self._open is None:
            self._open = self._window(start)
        self._open.cover(since, now, self._occupancy)
        return over

    @property
    def open_window(self) -> WindowAggregate | None:
        """The open window so far; give it as ``resume`` to the next run."""
        return None if self._open is None else self._open.freeze(due=False, closing=False)

    def held_until(self, at: datetime) -> datetime | None:
        """Return the end of the open window if it begins more than a window after ``at``, because the clock was set
        back; else None."""
        if self._open is None or self._open.start <= at.timestamp() + self._window_s:
            return None
        return datetime.fromtimestamp(self._open.end, UTC)

    def add(self, visit: Visit) -> None:
        """Count a finished visit in the open window. Raises ``ValueError`` before the first frame."""
        if self._open is None:
            raise ValueError("no window is open: observe a frame first")
        self._open.add(visit, self._timed)

    def leave_out(self) -> None:
        """Count a track of staff that has ended in the open window. Raises ``ValueError`` before the first frame."""
        if self._open is None:
            raise ValueError("no window is open: observe a frame first")
        self._open.staff += 1

    def note(self, doors: Mapping[str, DoorCounts], crowds: Mapping[str, int]) -> None:
        """Count in the open window what has happened at the doors, and the people in each zone now. Raises
        ``ValueError`` before the first frame."""
        if self._open is None:
            raise ValueError("no window is open: observe a frame first")
        zones = self._open.places.zones
        more = {
            name: people for name, people in crowds.items() if name not in zones or people > zones[name].most
        }
        if doors or more:
            self._open.places += of_moment(doors, more)

    def close(self) -> list[WindowAggregate]:
        """End the run: return the open window, marked as closing; nothing if no frame came since the last close."""
        if self._open is None:
            return []
        last, self._open = self._emit(self._open, closing=True), None
        return [last]

    def _floor(self, epoch_s: float) -> int:
        return int(epoch_s // self._window_s) * self._window_s

    def _window(self, start: int) -> _Window:
        return _Window(start, start + self._window_s, places=self._nothing)

    def _not_emitted(self, start: int) -> int:
        """Return the first window from ``start`` on that was not emitted."""
        moved = True
        while moved:
            moved = False
            for first, end in self._emitted:
                if first <= start < end:
                    start, moved = end, True
        return start

    def _emit(self, window: _Window, *, closing: bool = False) -> WindowAggregate:
        for index, (first, end) in enumerate(self._emitted):
            if end == window.start:
                self._emitted[index] = (first, window.end)
                break
        else:
            self._emitted.append((window.start, window.end))
        since = window.start if self._last_end is None else min(window.start, self._last_end)
        self._last_end = window.end
        return window.freeze(
            due=any(self._comes(hour, since, window.end) for hour in self._release_hours),
            closing=closing or any(self._comes(hour, since, window.end) for hour in {0, self._closing_hour}),
        )

    def _comes(self, hour: int, since: float, until: float) -> bool:
        """Return whether this hour of the day begins after ``since`` and not after ``until``."""
        end = datetime.fromtimestamp(until, self._timezone)
        # When clocks go back, an hour comes twice and counts once (fold), and an earlier moment can show a later hour.
        at = end.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
        if at.timestamp() > until:
            at -= timedelta(days=1)
        return at.timestamp() > since
