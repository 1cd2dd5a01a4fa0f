"""The settings about staff, who are left out before anything is estimated of them."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from common.settings import Section
from common.wire import Share
from edge.places.doors import Door
from edge.places.geometry import area, on_line
from edge.places.staff import StaffTime
from edge.places.zones import Zone

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)
MIDNIGHT = "24:00"


def _clock(text: str) -> str:
    if text != MIDNIGHT and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError('is not a time of day; write one like "07:30"')
    return text


Clock = Annotated[str, AfterValidator(_clock)]
SharePoint = tuple[Share, Share]


class StaffTimeSettings(Section):
    begins: Clock
    ends: Clock
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEK

    @model_validator(mode="after")
    def _is_a_time(self) -> Self:
        if self.begins >= self.ends:
            raise ValueError(
                f"begins {self.begins} must be before ends {self.ends}; give a time over midnight as two, up to"
                f" {MIDNIGHT} and from 00:00"
            )
        return self

    def value(self) -> StaffTime:
        ends = None if self.ends == MIDNIGHT else time.fromisoformat(self.ends)
        return StaffTime(frozenset(map(WEEK.index, self.days)), time.fromisoformat(self.begins), ends)


class StaffZoneSettings(Section):
    polygon: Annotated[tuple[SharePoint, ...], Field(min_length=3, max_length=32)]
    seconds: Annotated[float, Field(ge=1, le=3600)] = 20.0

    @model_validator(mode="after")
    def _encloses_something(self) -> Self:
        if area(self.polygon) < 5e-7:
            raise ValueError("the polygon of a staff zone has no area; give its corners in order")
        return self

    def value(self) -> Zone:
        return Zone("staff", self.polygon, stop_s=self.seconds)


class StaffLineSettings(Section):
    line: tuple[SharePoint, SharePoint]
    shop: SharePoint

    @model_validator(mode="after")
    def _has_two_sides(self) -> Self:
        if on_line(self.line, self.shop):
            raise ValueError(
                "line of staff needs two different points, and shop a point beside it in the shop"
            )
        return self


class StaffSettings(Section):
    """Who is staff. Without any of these, nobody is left out."""

    times: Annotated[tuple[StaffTimeSettings, ...], Field(max_length=32)] = ()
    zones: Annotated[tuple[StaffZoneSettings, ...], Field(max_length=8)] = ()
    lines: Annotated[tuple[StaffLineSettings, ...], Field(max_length=8)] = ()
    badge: bool = False

    @property
    def is_used(self) -> bool:
        """Whether anybody can be staff."""
        return bool(self.times or self.zones or self.lines or self.badge)

    @property
    def is_found_later(self) -> bool:
        """Whether somebody may turn out to be staff only after having crossed a door."""
        return bool(self.zones or self.lines or self.badge)

    def doors(self) -> list[Door]:
        """Return the lines, each with the shop on its inner side."""
        return [Door(f"line {place}", one.line, one.shop) for place, one in enumerate(self.lines)]
