"""The kinds of fields that messages are made of, and their bounds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from common.vocabulary import EARLIEST, LATEST

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""Site, device, camera and zone names: they become topic levels and tags, so no '/', '+', '#' or space."""

MOST = 10**9
"""No number is larger: sums over years of windows still fit a 64-bit integer, and a float holds each exactly."""
MOST_VISITS = 10**6
"""No window and no cohort has more visits: thirty times what a door that is never empty could count in a day."""
MOST_ZONES = 32
WINDOW_S = (1, 3600)
"""Shortest and longest window in seconds."""

Count = Annotated[int, Field(ge=0, le=MOST)]
Visits = Annotated[int, Field(ge=0, le=MOST_VISITS)]
Number = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
Seconds = Number
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _plausible(value: datetime) -> datetime:
    """Convert to UTC, and then compare: across time zones that takes longer than the conversion."""
    try:
        at = value.astimezone(UTC)
    except OverflowError:  # at an end of the calendar
        at = LATEST
    if not EARLIEST <= at < LATEST:
        raise ValueError(f"must be from {EARLIEST.year} to {LATEST.year}")
    return at


Timestamp = Annotated[AwareDatetime, AfterValidator(_plausible)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
"""See :func:`short_hash`."""
Profile = Literal["count", "demographics", "expression"]
Label = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.+-]{0,15}$")]
"""A word of ``common.vocabulary``, or the edge of a bin; each message says which ones it knows."""
MOST_LABELS = 16
Cells = Annotated[dict[Label, Visits | None], Field(max_length=MOST_LABELS)]
"""Counts by label. ``null`` is a cell withheld by the privacy rules; 0 is a fact."""


SCHEMA = "name of the message and its version"
Site = Annotated[Name, Field(description="the shop")]
Device = Annotated[Name, Field(description="the device in the shop")]
Camera = Annotated[Name, Field(description="the camera of the device, as its settings call it")]
At = Annotated[Timestamp, Field(description="when it was sent, by the clock of the device")]
BootId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8,32}$", description="one run of the service; a new one with every start")
]
Software = Annotated[str, Field(max_length=64, description="version of Footlight")]
Model = Annotated[str, Field(max_length=64, description="version of the models")]


class WireModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


def bin_label(edge_s: float) -> str:
    """Return the label of the histogram bin that starts at ``edge_s`` seconds."""
    return f"{edge_s:g}"
