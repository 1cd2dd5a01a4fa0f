"""What the placement check shows while somebody hangs a camera."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.wire.fields import (
    MOST,
    SCHEMA,
    At,
    Camera,
    Device,
    Name,
    Seconds,
    Share,
    Site,
    Visits,
    WireModel,
)
from common.wire.own_places import OwnPlaces


class PlacementReading(WireModel):
    """One thing the placement check measures."""

    name: Name = Field(description="for programs")
    label: str = Field(max_length=40, description="for people")
    value: float | None = Field(allow_inf_nan=False, description="null while there was nothing to measure")
    says: str = Field(max_length=120, description="the value in words, with what is needed")
    level: Share | None = Field(description="how much of what would be ideal, for a bar")
    state: Literal["good", "poor", "bad", "unknown"] = Field(description="unknown without a value")


class PlacementFace(WireModel):
    """Where a face is now, in shares of the picture's width and height."""

    x1: Share = Field(description="left edge")
    y1: Share = Field(description="upper edge")
    x2: Share = Field(description="right edge")
    y2: Share = Field(description="lower edge")
    good: bool = Field(description="whether the models can tell something of it")


FloorPoint = Annotated[tuple[Share, Share], Field(description="from the left and from the top")]
MOST_FLOOR_POINTS = 500
FLOOR_S = 60
"""For so long a point is shown where somebody stood."""


class PlacementMessage(WireModel):
    """What ``footlight-edge place --publish`` shows on the built-in page, about once a second while somebody hangs
    a camera: numbers and outlines, never a picture. Nobody stores what it says about people."""

    kind: Literal["footlight.placement/1"] = Field(
        default="footlight.placement/1", alias="schema", description=SCHEMA
    )
    site: Site
    device: Device
    camera: Camera
    at: At
    left_s: Seconds = Field(description="how long the check still watches; 0 in its last message")
    width: Annotated[int, Field(ge=1, le=MOST)] = Field(description="of the picture, in pixels")
    height: Annotated[int, Field(ge=1, le=MOST)] = Field(description="likewise")
    visits: Visits = Field(description="seen so far")
    readings: Annotated[tuple[PlacementReading, ...], Field(max_length=32)] = Field(
        description="everything that is measured"
    )
    faces: Annotated[tuple[PlacementFace, ...], Field(max_length=64)] = Field(
        description="every face in the picture now"
    )
    floor: Annotated[tuple[FloorPoint, ...], Field(max_length=MOST_FLOOR_POINTS)] = Field(
        default=(),
        description=f"where people stood within the last {FLOOR_S} s, in shares of the picture, rounded to 0.01; each"
        " point is there once, sorted by place, not by time",
    )
    places: OwnPlaces = Field(
        default=OwnPlaces(),
        description="the settings plan, doors, zones, targets and notices in the device's own file, for the editor",
    )
    advice: Annotated[tuple[Annotated[str, Field(max_length=240)], ...], Field(max_length=32)] = Field(
        description="what to change, most important first"
    )
    verdict: Literal["works", "limits", "fails", "unclear"] = Field(
        description="so far; unclear while too few faces were seen"
    )
