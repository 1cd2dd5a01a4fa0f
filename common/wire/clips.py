"""What a cohort tells of the clips of a display. Numbers may be null: withheld by the privacy rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from common.wire.fields import Name, Seconds, Share, Visits, WireModel

MOST_CLIPS = 32


class Watched(WireModel):
    """Shows of one clip, and the visits before the display. A visit belongs to the first show that began while it was
    there, so it counts once; a show counts if a visit belongs to it and a player had it on its screen."""

    visits: Visits | None = Field(
        description="visits that belong to these shows; null when withheld, and then all is"
    )
    shows: Visits | None = Field(description="shows that a visit belongs to; null when withheld")
    shown_s: Seconds | None = Field(description="seconds for which these ran; null when withheld")
    viewers: Visits | None = Field(
        description="those of the visits that looked at the display during the show; null when withheld"
    )
    attention_sum_s: Seconds | None = Field(
        description="sum of their seconds of looking at it during the show, of one visit at most 30; null when withheld"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.visits is None) != (self.shows is None) or (self.visits is None) != (self.shown_s is None):
            raise ValueError("only a part of visits, shows and shown_s is withheld")
        if self.viewers is not None and (self.visits is None or self.viewers > self.visits):
            raise ValueError("viewers exceed the visits")
        if self.attention_sum_s is not None and (
            self.viewers is None or (self.attention_sum_s > 0 and not self.viewers)
        ):
            raise ValueError("attention_sum_s without viewers")
        if (self.shows or 0) > (self.visits or 0):
            raise ValueError("shows exceed the visits")
        return self


class Clip(WireModel):
    """One clip in a cohort."""

    shown: Watched = Field(description="shows of the clip")
    held: Watched | None = Field(
        default=None,
        description="shows of the rotation at moments at which the clip suited and chance held it out: compare these"
        " with `shown`; null for a clip of the rotation",
    )
    holdout_hours: Share | None = Field(
        default=None,
        description="share of the hours in which chance holds it out, a setting; null if it holds out single shows",
    )

    @model_validator(mode="after")
    def _held_by_hours(self) -> Self:
        if self.holdout_hours is not None and self.held is None:
            raise ValueError("holdout_hours of a clip that is never held out")
        return self


Clips = Annotated[dict[Name, Clip], Field(max_length=MOST_CLIPS)]


def sides_of(clips: Mapping[str, Clip]) -> Iterator[tuple[str, Watched]]:
    """Yield both sides of each clip, by name."""
    for name, clip in clips.items():
        yield f"{name}.shown", clip.shown
        if clip.held is not None:
            yield f"{name}.held", clip.held


def check_clips(k: int, visits: int, clips: Mapping[str, Clip]) -> None:
    """Raise ``ValueError`` for what a device must not publish of the clips in a cohort of so many visits."""
    sides = dict(sides_of(clips))
    told = [one.visits for one in sides.values() if one.visits is not None]
    rest = visits - sum(told)
    if rest < 0:
        raise ValueError("cohort.clips: exceed the visits of the cohort")
    if any(0 < count < k for count in (*told, *([rest] if sides else []))):
        raise ValueError(f"cohort.clips: tells a cell of 1 to {k - 1} visits")
    for name, one in sides.items():
        if one.visits is not None and one.viewers is not None:
            few = (one.viewers, one.visits - one.viewers)
            if any(0 < count < k for count in few):
                raise ValueError(f"cohort.clips.{name}: tells a cell of 1 to {k - 1} visits")
