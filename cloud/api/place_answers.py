"""What the API answers about places: zones, queues, targets, heat and ways."""

from __future__ import annotations

from pydantic import Field

from cloud.api.answers import Answer, Asked, Bins, Doors, Range


class ZoneAnswer(Answer):
    """One zone."""

    name: str
    visits: int = Field(description="visits that were in it")
    cohort_visits: int = Field(description="visits of the groups that tell `visits`")
    stops: int | None = Field(description="those of `stops_of` that stayed longer than the stop time")
    stops_of: int = Field(description="visits in it where `stops` is told; divide by these")
    stop_share: float | None = Field(description="stops / stops_of")
    mean_dwell_s: float | None = Field(description="seconds in it; null for a queue")
    dwell_visits: int = Field(description="visits of which `mean_dwell_s` is the mean")


class QueueAnswer(Answer):
    """One queue; it is a zone, too."""

    name: str
    waits: int = Field(description="people who waited")
    cohort_visits: int = Field(description="visits of the groups that tell `waits`")
    served: int | None = Field(description="those of `served_of` who left at its front; the others gave up")
    served_of: int = Field(description="people where `served` is told; divide by these")
    served_share: float | None = Field(description="served / served_of")
    mean_waiting_s: float | None = Field(description="seconds from joining to leaving")
    waiting_visits: int = Field(description="people of whom `mean_waiting_s` is the mean")
    median_s: Range | None = Field(
        description="half of the people waited no longer; two ends, because some bins may be withheld; 300 means 300 or"
        " more"
    )
    ninth_decile_s: Range | None = Field(description="the same for nine in ten people")
    waiting: Bins


class TargetAnswer(Answer):
    """One target: a product, a screen, a sign."""

    name: str
    passers: int = Field(description="visits that could see it")
    cohort_visits: int = Field(description="visits of the groups that tell `passers`")
    viewers: int | None = Field(description="those of `viewers_of` who looked at it")
    viewers_of: int = Field(description="passers where `viewers` is told; divide by these")
    viewer_share: float | None = Field(description="viewers / viewers_of")
    interest_s: float | None = Field(
        description="seconds of looking for each passer, of one visit at most 30"
    )
    interest_interval_s: Range | None = Field(description="its 95 % interval")
    attention_passers: int = Field(description="passers of whom `interest_s` is the mean")
    attention: Bins


class HeatAnswer(Answer):
    """Where people stood in front of one camera: a grid over its picture or its plan, row by row from the top left."""

    camera: str = Field(description="device/camera; twice if its grid was changed in the period")
    columns: int
    rows: int
    cohort_visits: int = Field(description="visits of the groups that have such a map")
    standing_s: list[int | None] = Field(description="seconds of standing by cell; null is withheld")
    looking_s: list[int | None] = Field(
        description="those of them in which people looked at the camera or a target"
    )


class WayAnswer(Answer):
    """Visits that went from one place to the next at least once."""

    place: str = Field(description="`entry` or a zone")
    next_place: str = Field(description="a zone or `exit`")
    visits: int


class Places(Asked):
    """What happened at doors and in places, added up over a period. A place is missing if all of it is withheld."""

    coverage: float | None = Field(
        description="share of the opening time that was watched; null if never open"
    )
    cohort_visits: int = Field(
        description="visits of all released groups; what tells fewer is withheld in part"
    )
    doors: Doors | None = Field(description="null if no camera has a door")
    zones: list[ZoneAnswer]
    queues: list[QueueAnswer]
    targets: list[TargetAnswer]
    heat: list[HeatAnswer]
    ways: list[WayAnswer] = Field(description="a way that is missing is 0 of `ways_visits`")
    ways_visits: int = Field(
        description="visits of the groups that tell ways; nothing is known of the others"
    )
