"""The places in a device's own file, as the placement check tells them to the editor.

They are what a person drew: lines and corners in shares of the picture, names, and thresholds. The device checks how
they fit together (``edge.place_settings``); here every name and number has its bounds, so that nothing else fits in.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from common.wire.fields import MOST_ZONES, Name, Share, WireModel
from common.wire.notice import NoticeRule
from common.wire.places import MOST_DOORS, MOST_TARGETS

MOST_CORNERS, MOST_NOTICES = 32, 16
OF_DEVICE = "as the settings of the device call it"
MOST_M = 1000
"""No point of a plan is farther from its origin, in metres."""

DrawnPoint = tuple[Share, Share]
Metres = Annotated[float, Field(ge=-MOST_M, le=MOST_M, allow_inf_nan=False)]
Degrees = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Threshold = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Hour = Annotated[int, Field(ge=0, le=24)]


class AsWritten(WireModel):
    """A part of a file: only what is written there travels, because what is missing has its default."""

    @model_serializer(mode="wrap")
    def _what_is_written(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in whole(self).items() if key in self.model_fields_set}


class OwnPlan(AsWritten):
    """The floor plan."""

    points: Annotated[tuple[DrawnPoint, ...], Field(max_length=4, description="in shares of the picture")]
    metres: Annotated[
        tuple[tuple[Metres, Metres], ...], Field(max_length=4, description="the same on the drawn plan")
    ]


class OwnDoor(AsWritten):
    """A door."""

    name: Name = Field(description=OF_DEVICE)
    line: tuple[DrawnPoint, DrawnPoint] = Field(description="on the floor")
    inside: DrawnPoint = Field(description="on its inner side")


class OwnZone(AsWritten):
    """A zone."""

    name: Name = Field(description=OF_DEVICE)
    polygon: Annotated[tuple[DrawnPoint, ...], Field(max_length=MOST_CORNERS, description="its corners")]
    exclude: bool = Field(default=False, description="nobody is counted in it")
    where: Literal["floor", "shelf"] = Field(default="floor", description="feet or heads are in it")
    stop_s: Threshold | None = Field(default=None, description="a longer stay is a stop")
    queue: bool = Field(default=False, description="people wait in it")
    front: Name | None = Field(default=None, description="the zone in which they are served")


class OwnTarget(AsWritten):
    """Something to look at."""

    name: Name = Field(description=OF_DEVICE)
    yaw: Degrees | None = Field(default=None, description="how a head is turned that looks at it")
    pitch: Degrees | None = Field(default=None, description="likewise, up and down")
    half_angle: Degrees | None = Field(default=None, description="how far beside it a look may go")
    at: Annotated[tuple[Metres, ...], Field(max_length=3)] | None = Field(
        default=None, description="on the plan, with its height"
    )
    zone: Name | None = Field(default=None, description="only people in this zone can see it")


class OwnNotice(AsWritten):
    """A notice for staff."""

    name: Name = Field(description=OF_DEVICE)
    rule: NoticeRule = Field(description="when it holds")
    zone: Name | None = Field(default=None, description="the zone it is about")
    desk: Name | None = Field(default=None, description="the zone in which people are served")
    limit: Annotated[int, Field(ge=0, le=10_000)] | None = Field(default=None, description="people")
    seconds: Threshold | None = Field(default=None, description="for so long")
    hours: tuple[Hour, Hour] | None = Field(default=None, description="of the day, in which it holds")


class OwnPlaces(AsWritten):
    """The settings plan, doors, zones, targets and notices of a device, as its own file has them."""

    plan: OwnPlan | None = Field(default=None, description="four points of the floor")
    doors: Annotated[tuple[OwnDoor, ...], Field(max_length=MOST_DOORS)] = Field(
        default=(), description="each door"
    )
    zones: Annotated[tuple[OwnZone, ...], Field(max_length=MOST_ZONES)] = Field(
        default=(), description="each zone and queue"
    )
    targets: Annotated[tuple[OwnTarget, ...], Field(max_length=MOST_TARGETS)] = Field(
        default=(), description="each target"
    )
    notices: Annotated[tuple[OwnNotice, ...], Field(max_length=MOST_NOTICES)] = Field(
        default=(), description="each notice"
    )
