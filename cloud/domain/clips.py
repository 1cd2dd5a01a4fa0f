"""What is known of the clips of a display, from the cohorts of its camera."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from common.wire import Clips
from common.wire import Watched as Told

EFFECT_DAYS = 56
"""The effect of a clip is that of its last days."""


class ToldClips(NamedTuple):
    """What one cohort tells. ``at``: the start of the window with which it was released."""

    device: str
    at: datetime
    clips: Clips


class HeldByHours(NamedTuple):
    """A clip that chance holds out for whole hours, a ``share`` of them, at least from ``since`` to ``until``."""

    device: str
    clip: str
    share: float
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Watched:
    """Visits before a display, and their seconds of looking at it during one show."""

    visits: int
    attention_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One cohort of one clip: the visits that it was shown to, and those for whom chance held it out."""

    shown: Watched
    held: Watched


@dataclass(slots=True)
class ClipSums:
    """One clip over some cohorts. Sums are of the cohorts that tell them; ``viewers`` are some of ``viewers_of``.
    ``trials``: the cohorts that tell the attention on both sides. ``withheld``: cohorts that tell nothing of it."""

    shows: int = 0
    shown_s: float = 0.0
    visits: int = 0
    viewers: int = 0
    viewers_of: int = 0
    attention_s: float = 0.0
    attention_visits: int = 0
    suited: bool = False
    withheld: int = 0
    trials: list[Trial] = field(default_factory=list)


def clips_of(cohorts: Iterable[ToldClips]) -> dict[str, ClipSums]:
    """Add up what cohorts tell of each clip."""
    found: dict[str, ClipSums] = {}
    for cohort in cohorts:
        for name, clip in sorted(cohort.clips.items()):
            sums = found.setdefault(name, ClipSums())
            _add(sums, clip.shown)
            sums.suited |= clip.held is not None
            sides = _watched(clip.shown), None if clip.held is None else _watched(clip.held)
            if sides[0] is not None and sides[1] is not None:
                sums.trials.append(Trial(sides[0], sides[1]))
    return found


def held_by_hours(cohorts: Iterable[ToldClips]) -> list[HeldByHours]:
    """Return the clips that are held out for whole hours, each since its share was changed last.

    A cohort in between that tells nothing of a clip does not end it: what the privacy rules withhold may depend on how
    many people came.
    """
    running: dict[tuple[str, str], HeldByHours | None] = {}
    for cohort in sorted(cohorts, key=lambda one: one.at):
        for name, clip in sorted(cohort.clips.items()):
            before, share = running.get((cohort.device, name)), clip.holdout_hours
            if share is None:
                running[cohort.device, name] = None
            elif before is not None and before.share == share:
                running[cohort.device, name] = before._replace(until=cohort.at)
            else:
                running[cohort.device, name] = HeldByHours(cohort.device, name, share, cohort.at, cohort.at)
    return [one for one in running.values() if one is not None]


def _add(sums: ClipSums, told: Told) -> None:
    if told.visits is None:
        sums.withheld += 1
        return
    sums.visits += told.visits
    sums.shows += told.shows or 0
    sums.shown_s += told.shown_s or 0.0
    if told.viewers is not None:
        sums.viewers += told.viewers
        sums.viewers_of += told.visits
    if told.attention_sum_s is not None:
        sums.attention_s += told.attention_sum_s
        sums.attention_visits += told.visits


def _watched(told: Told) -> Watched | None:
    if told.visits is None or told.attention_sum_s is None:
        return None
    return Watched(told.visits, told.attention_sum_s)
