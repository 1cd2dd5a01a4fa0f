"""The chain file: the list of sites on the server; ``cloud/chain.example.yaml`` shows all its settings.

A device knows only the name of its site. Opening hours, time zone, title and the purpose of each camera belong to the
chain. They are in one file, which every analysis, report and dashboard uses.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

from cloud.domain.custom_metric import MOST_METRICS, CustomMetric
from cloud.domain.figures import COUNTS, MOST_LIMITS, Limit, check_limits
from cloud.domain.formula import BUILT_IN, TAKEN, Formula
from cloud.domain.opening import Hours, Opening
from common.config_file import load_yaml_model
from common.errors import UserError
from common.settings import Section
from common.wire import NAME_PATTERN, Name, WindowMessage

Interval = tuple[datetime, datetime]
"""Two instants in aware UTC, the second not included."""

Purpose = Literal["entrance", "area", "display"]
"""What a camera is for. ``entrance`` sees people coming in, ``area`` a part of the shop, ``display`` people in front of
a display or shelf."""

Role = Literal["entrance", "area", "display", "unassigned"]
"""Figures are added up and compared within one role. ``unassigned``: the chain file does not say what the cameras are
for."""
ROLES: tuple[Role, ...] = get_args(Role)

_NAME = re.compile(NAME_PATTERN)
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone; write one like Europe/Berlin") from None
    return name


def shop_zone(name: str | None) -> ZoneInfo:
    """Return the time zone ``name``; for None this machine's, or UTC if it has none. Raises ``UserError``."""
    if name is None:
        local = Path("/etc/localtime").resolve()
        _, _, key = str(local).partition("zoneinfo/")
        return ZoneInfo(key or "UTC")
    try:
        return ZoneInfo(_time_zone(name))
    except ValueError as error:
        raise UserError(f"timezone: {name!r} {error}") from None


TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""The name of a time zone in the IANA database."""


def _camera(name: str) -> str:
    device, _, camera = name.partition("/")
    if not (_NAME.match(device) and _NAME.match(camera)):
        raise ValueError("is not a camera; write device/camera, such as door/main")
    return name


CameraId = Annotated[str, AfterValidator(_camera)]
"""``device/camera``, with the names that the device is configured with."""


def _day(value: object) -> object:
    """Take a date as text alone: a bare number is no date, although pydantic would make one of it."""
    if isinstance(value, date) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("is not a date; write it as 2026-12-25")


Day = Annotated[date, BeforeValidator(_day)]


class Place(Section):
    """The position of a site on the map, in degrees."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class Site(Section):
    """One shop. Its ``name`` is its key in the file and the site in its devices' settings."""

    title: Annotated[str, Field(min_length=1, max_length=100)]
    timezone: TimeZone
    opening: Opening
    special_days: dict[Day, Hours] = Field(default_factory=dict)
    """Days with other hours than those of their weekday, such as holidays."""
    place: Place | None = None
    region: Name | None = None
    cameras: Annotated[dict[CameraId, Purpose], Field(min_length=1)] | None = None
    """What each camera is for. None: all cameras have the role ``unassigned``."""
    _name: str = PrivateAttr(default="")

    @property
    def name(self) -> str:
        return self._name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles of its cameras, the most informative one for the whole shop first."""
        if self.cameras is None:
            return ("unassigned",)
        return tuple(role for role in ROLES if role in self.cameras.values())

    def cameras_of(self, role: Role) -> tuple[str, ...]:
        """Return the cameras that must report for this role, by name; empty if the chain file does not list them."""
        return tuple(sorted(camera for camera, purpose in (self.cameras or {}).items() if purpose == role))

    def role_of(self, window: WindowMessage) -> Role | None:
        """Return the role of a window's camera; None if the chain file lists cameras, but not this one."""
        return self.role_of_camera(camera_of(window))

    def role_of_camera(self, camera: str) -> Role | None:
        """Return the same for a camera, ``device/camera``."""
        return "unassigned" if self.cameras is None else self.cameras.get(camera)

    def local_day(self, day: date) -> Interval:
        """Return local midnight and the next one in UTC; they are 23, 24 or 25 hours apart."""
        return self._instant(day, 0), self._instant(day, 24 * 60)

    def hours_of(self, day: date) -> tuple[tuple[int, int], ...]:
        """Return the opening hours of one date as sorted [start, end), in minutes of the local day: those of a special
        day, or else of its weekday."""
        return self.special_days.get(day, self.opening.of(day))

    def opening_intervals(self, day: date) -> list[Interval]:
        """Return the opening hours of a local day in UTC, sorted; empty if the site is closed.

        An hour that is skipped when the clocks change is not open. A repeated hour is open twice, unless the site opens
        or closes in it: then the first one counts.
        """
        spans = [(self._instant(day, start), self._instant(day, end)) for start, end in self.hours_of(day)]
        return [(start, end) for start, end in spans if start < end]

    def _instant(self, day: date, minute: int) -> datetime:
        """Return when the local clock first shows ``minute`` of ``day``, or skips it."""
        wall = datetime.combine(day, time.min) + timedelta(minutes=minute)
        first, second = (wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first <= second:
            return first
        # A skipped time: with the UTC offset before and after, it lies on both sides of the moment at which the
        # clocks go forward.
        after = first.astimezone(self.zone).utcoffset()
        seconds = range(int((first - second).total_seconds()))
        skipped = bisect_left(
            seconds,
            True,
            key=lambda s: (second + timedelta(seconds=s)).astimezone(self.zone).utcoffset() == after,
        )
        return second + timedelta(seconds=skipped)


class Controller(Section):
    """Who answers for the measuring, as the sign at the door says."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    contact: Annotated[str, Field(min_length=1, max_length=200)]
    officer: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The data protection officer."""
    legal_basis: Annotated[str, Field(min_length=1, max_length=300)] | None = None


class Annotation(Section):
    """Something that explains the figures of some days, such as a promotion."""

    model_config = ConfigDict(populate_by_name=True)

    first: date = Field(alias="from")
    last: date = Field(alias="to", description="the last day, included")
    sites: list[Name] = Field(default_factory=list, description="empty for all")
    text: Annotated[str, Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"ends on {self.last}, before it begins")
        return self


class Chain(Section):
    """All sites of one chain."""

    name: Name
    sites: Annotated[dict[Name, Site], Field(min_length=1)]
    annotations: list[Annotation] = Field(default_factory=list)
    controller: Controller | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """The currency of every turnover; None: it is not named."""
    metrics: Annotated[dict[Name, CustomMetric], Field(max_length=MOST_METRICS)] = Field(default_factory=dict)
    alerts: Annotated[list[Limit], Field(max_length=MOST_LIMITS)] = Field(default_factory=list)
    """Limits of figures, of which somebody is told."""

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        if taken := sorted(TAKEN.intersection(self.metrics)):
            raise ValueError(f"metrics: {taken[0]} is a metric that every chain has; choose another name")
        return self

    @model_validator(mode="after")
    def _register(self) -> Self:
        for name, site in self.sites.items():
            site._name = name  # noqa: SLF001 - the chain sets the names of its sites
        for annotation in self.annotations:
            if unknown := [name for name in annotation.sites if name not in self.sites]:
                raise ValueError(
                    f"annotations: {annotation.text!r} names {unknown[0]!r}, which is not a site of this file"
                )
        return self

    @model_validator(mode="after")
    def _known_limits(self) -> Self:
        units = {**dict.fromkeys(COUNTS, ""), **{one.name: one.unit for one in self.formulas}}
        check_limits(self.alerts, units, self.sites)
        return self

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """The metrics with a formula: those that every chain has, then its own."""
        return (
            *(replace(one, unit=self.currency or "") if one.uses_money else one for one in BUILT_IN),
            *(one.named(name) for name, one in self.metrics.items()),
        )

    @property
    def roles(self) -> tuple[Role, ...]:
        """Every role of the chain's cameras, the most informative one for a shop first."""
        return tuple(role for role in ROLES if any(role in site.roles for site in self.sites.values()))

    def with_role(self, role: Role) -> dict[str, Site]:
        """Return the sites that have cameras of this role, by name."""
        return {name: self.sites[name] for name in sorted(self.sites) if role in self.sites[name].roles}

    @classmethod
    def load(cls, path: Path) -> Chain:
        """Read the chain from ``path``. Raises ``UserError``."""
        return load_yaml_model(path, cls)


def camera_of(window: WindowMessage) -> str:
    """Return the camera of a window as in the chain file: ``device/camera``."""
    return f"{window.device}/{window.camera}"
