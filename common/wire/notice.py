"""A notice for the staff of a shop: the queue is long, nobody is at the desk, it is full, or a zone is empty."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from common.wire.fields import MOST_VISITS, SCHEMA, At, Device, Name, Site, Visits, WireModel

NoticeRule = Literal["queue_over", "nobody_at_desk", "inside_over", "zone_empty"]

NEWS_S = 300.0
"""A notice that begins is news for this time. Afterwards nobody is told any more, and a device deletes it unsent."""


def least_people(limit: int | None) -> int:
    """Return the smallest number of people who can begin a notice with this limit, or end one about an empty zone."""
    return 1 if limit is None else limit + 1


class NoticeMessage(WireModel):
    """A notice that begins or ends. It has no time of a person: only the threshold of its rule was passed. A limit is
    about k people at least, and a count is told from k people on. The end is told only where the rule has a limit:
    otherwise beginning and end together would tell how long one person stayed or waited. A beginning is not delivered
    after five minutes."""

    kind: Literal["footlight.notice/1"] = Field(
        default="footlight.notice/1", alias="schema", description=SCHEMA
    )
    site: Site
    device: Device
    at: At
    name: Name = Field(description="the notice, as the settings of the device call it")
    rule: NoticeRule = Field(description="which rule it is")
    active: bool = Field(description="true when the notice begins, false when it ends")
    count: Visits | None = Field(
        description="people in the zone, waiting or inside when it begins; null below k, and when it ends"
    )
    limit: Visits | None = Field(
        description="the rule holds above this number of people; null where the rule has no such number"
    )
    k: int = Field(ge=1, le=MOST_VISITS, description="smallest group that the device tells")

    @property
    def has_end(self) -> bool:
        """Whether its end is told, too."""
        return least_people(self.limit) >= self.k

    @model_validator(mode="after")
    def _tells_only_thresholds(self) -> Self:
        if (self.rule in {"queue_over", "inside_over"}) != (self.limit is not None):
            raise ValueError(f"limit does not fit the rule {self.rule}")
        if self.limit is not None and least_people(self.limit) < self.k:
            raise ValueError(f"limit is about fewer than {self.k} people")
        if not self.active and not self.has_end:
            raise ValueError(f"tells the end of a notice that fewer than {self.k} people can cause")
        if self.count is None:
            return self
        if not self.active:
            raise ValueError("count must be null when a notice ends")
        if 0 < self.count < self.k:
            raise ValueError(f"count tells a group of 1 to {self.k - 1} people")
        if (self.count == 0) != (self.rule == "zone_empty") or self.count <= (self.limit or -1):
            raise ValueError(f"count does not fit the rule {self.rule}")
        return self
