"""The window: what a camera counted in one interval, and the cohorts that were released in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EXPRESSIONS, GENDERS, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire.clips import Clips, check_clips
from common.wire.fields import (
    MOST_LABELS,
    MOST_VISITS,
    MOST_ZONES,
    SCHEMA,
    WINDOW_S,
    Camera,
    Cells,
    Count,
    Device,
    Label,
    Name,
    Profile,
    Seconds,
    Share,
    Site,
    Timestamp,
    Visits,
    WireModel,
    bin_label,
)
from common.wire.noise import Noise
from common.wire.place_checks import check_places, check_sizes, tells_few
from common.wire.places import Doors, Heat, Targets, Ways, Zone

_NOT_IN: Mapping[Profile, tuple[str, ...]] = {
    "count": ("described", "gender", "age_band", "gender_age_band", "expression", "noise"),
    "demographics": ("expression",),
    "expression": (),
}

_WITHOUT = (UNKNOWN, NOT_SEEN, NO_VERDICT)
"""Labels of visits without a verdict."""
_OF_TIMES = ("dwell", "attention")
SHARE_DIGITS = 6
"""Digits of ``staff_excluded``: enough to tell the number of staff that it stands for."""


def few_staff(k: int) -> int:
    """Return what stands for 1 to k-1 members of staff: the middle, rounded up, so that sums are about right."""
    return (k + 1) // 2


class Totals(WireModel):
    """What is published of every window, however few came."""

    visits: Visits = Field(
        description="visits that ended in this window: people, whose face may never have been seen; each counts once"
    )
    viewers: Visits = Field(description="those of them whose face looked here at least once")
    doors: Doors = Field(default_factory=dict, description="what happened at each door")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.viewers > self.visits:
            raise ValueError("viewers exceed visits")
        return self


class Coverage(WireModel):
    """How much of the window was really watched. 0 visits at coverage 1 is a fact, at 0 it is no data."""

    # No numbers of frames: more of them are processed while somebody is in view, so they would tell for how long.
    share: Share = Field(description="share of the window in which frames were processed without a gap")


class Cohort(WireModel):
    """The breakdown of at least k visits, released together. A cell of 1 to k-1 visits is never readable,
    neither directly nor as a difference of other cells."""

    since: Timestamp = Field(description="start of the first window whose visits are in here")
    visits: Annotated[int, Field(ge=1, le=MOST_VISITS)] = Field(description="visits in the cohort")
    occupancy_mean: Annotated[float, Field(ge=0, le=MOST_VISITS, allow_inf_nan=False)] | None = Field(
        description="visits in view at a time, on average since the cohort before: dwell times / watched time;"
        " null when the dwell times are withheld"
    )
    occupancy_max: Visits = Field(description="most visits in view at one instant since the cohort before")
    dwell_sum_s: Seconds | None = Field(description="sum of dwell times; null when withheld")
    attention_sum_s: Seconds | None = Field(
        description="sum of attention times, of one visit at most 30 s; never more than the dwell times; null when"
        " withheld, as with 1 to k-1 viewers"
    )
    described: Visits | None = Field(
        default=None,
        description="visits whose face was surely seen and classified, the others are not_seen; null when withheld, and"
        " with profile count",
    )
    staff_excluded: Share | None = Field(
        default=None,
        description="share of staff among all tracks since the cohort before, staff / (staff + visits); they are in no"
        " other number; 1 to k-1 count as (k + 1) / 2, rounded down; null when withheld, or when nobody is left out",
    )
    members: Visits | None = Field(
        default=None,
        description="visits that showed the code of a member; null when withheld, or when none is looked for",
    )
    dwell: Cells = Field(description="visits by dwell time; a label is the lower edge in seconds")
    attention: Cells = Field(description="visits by attention time, all of it; likewise")
    gender: Cells | None = Field(default=None, description="visits by gender (profile demographics)")
    age_band: Cells | None = Field(default=None, description="visits by age band (profile demographics)")
    gender_age_band: Annotated[dict[Label, Cells], Field(max_length=MOST_LABELS)] | None = Field(
        default=None, description="visits by gender, then age band (profile demographics)"
    )
    expression: Cells | None = Field(default=None, description="visits by expression (profile expression)")
    noise: Noise | None = Field(
        default=None,
        description="the verdicts with noise, of a device with a budget; then all other verdicts are withheld",
    )
    zones: Annotated[dict[Name, Zone], Field(max_length=MOST_ZONES)] = Field(
        default_factory=dict, description="each zone and queue"
    )
    targets: Targets = Field(default_factory=dict, description="each target")
    clips: Clips = Field(default_factory=dict, description="each clip of the display")
    heat: Heat | None = Field(
        default=None, description="where people stood; null when withheld, or without a grid"
    )
    ways: Ways | None = Field(
        default=None,
        description="visits by place (`entry` or a zone), then next place (a zone or `exit`), each at most once in a"
        " cell; a missing cell is 0; null when withheld",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bins = {bin_label(edge) for edge in DWELL_BINS_S}
        genders, bands = {*GENDERS, *_WITHOUT}, {*AGE_BANDS, *_WITHOUT}
        vocabularies = {
            "dwell": bins,
            "attention": bins,
            "gender": genders,
            "age_band": bands,
            "gender_age_band": {
                f"{gender}.{band}"
                for gender in genders
                for band in bands
                if gender == band or not {gender, band} & {NOT_SEEN, NO_VERDICT}
            },
            "expression": {*EXPRESSIONS, *_WITHOUT},
        }
        for name, cells in self.lists().items():
            if foreign := cells.keys() - vocabularies[name]:
                raise ValueError(f"{name}: unknown label {min(foreign)!r}")
            if sum(value or 0 for value in cells.values()) > self.visits:
                raise ValueError(f"{name}: cells exceed the visits of the cohort")
        self._check_not_seen()
        self._check_noise()
        check_sizes(self.visits, self.dwell_sum_s, self.zones, self.targets, self.ways)
        if (self.members or 0) > self.visits:
            raise ValueError("members exceed the visits of the cohort")
        if self.staff_excluded == 1:
            raise ValueError("staff_excluded leaves no visits")
        if (self.attention_sum_s or 0.0) > (self.dwell_sum_s or 0.0) + 1e-6:
            raise ValueError("attention_sum_s exceeds dwell_sum_s")
        return self

    def _check_not_seen(self) -> None:
        """Refuse a breakdown of people whose visits not seen are not those of the cohort, or are told without it."""
        not_seen = self.visits - (self.described or 0)
        if not_seen < 0:
            raise ValueError("described exceeds the visits of the cohort")
        for name, cells in self.lists().items():
            if name in _OF_TIMES:
                continue
            unknown, unseen, none = (
                f"{label}.{label}" if name == "gender_age_band" else label for label in _WITHOUT
            )
            if self.described is None and cells.keys() & {unknown, unseen}:
                raise ValueError(f"{name}: {UNKNOWN} or {NOT_SEEN} although described is withheld")
            if self.described is not None and (none in cells or cells.get(unseen, 0) != not_seen):
                raise ValueError(f"{name}: {NOT_SEEN} is not visits minus described")

    def _check_noise(self) -> None:
        """Refuse noise beside anything else that depends on verdicts: the bound of the noise would not hold."""
        if self.noise is None:
            return
        told = {name: cells for name, cells in self.lists().items() if name not in _OF_TIMES}
        told |= {f"targets.{name}.expression": one.expression or {} for name, one in self.targets.items()}
        for name, cells in told.items():
            if any(count is not None for count in cells.values()):
                raise ValueError(f"{name}: is told beside noise")
        if self.described is not None:
            raise ValueError("described: is told beside noise")

    @property
    def staff(self) -> int | None:
        """How many tracks of staff were left out, ``few_staff`` for 1 to k-1; None when withheld."""
        share = self.staff_excluded
        return None if share is None else round(share * self.visits / (1 - share))

    def lists(self) -> dict[str, Cells]:
        """Return the lists that each divide all visits, by name; labels of the joint table are joined by a dot."""
        lists = {
            "dwell": self.dwell,
            "attention": self.attention,
            "gender": self.gender,
            "age_band": self.age_band,
            "expression": self.expression,
            "gender_age_band": None
            if self.gender_age_band is None
            else {f"{g}.{b}": n for g, cells in self.gender_age_band.items() for b, n in cells.items()},
        }
        return {name: cells for name, cells in lists.items() if cells is not None}

    def check(self, k: int, profile: Profile) -> None:
        """Raise ``ValueError`` for what a device with these settings must not publish."""
        if self.visits < k:
            raise ValueError("cohort is smaller than k")
        staff = self.staff or 0
        if (0 < staff < k and staff != few_staff(k)) or (not staff and self.staff_excluded):
            raise ValueError(f"cohort.staff_excluded: tells of 1 to {k - 1} people")
        if self.described is not None and "described" in _NOT_IN[profile]:
            raise ValueError(f"cohort.described: not in profile {profile}")
        if self.described is not None and any(
            0 < n < k for n in (self.described, self.visits - self.described)
        ):
            raise ValueError(f"cohort.described: tells a cell of 1 to {k - 1} visits")
        noise = {} if self.noise is None else {"noise": self.noise, **self.noise.lists()}
        if beyond := (self.lists().keys() | noise.keys()) & set(_NOT_IN[profile]):
            raise ValueError(f"cohort.{min(beyond)}: not in profile {profile}")
        for name, cells in self.lists().items():
            if tells_few(k, cells, self.visits):
                raise ValueError(f"cohort.{name}: tells a cell of 1 to {k - 1} visits")
        check_clips(k, self.visits, self.clips)
        check_places(
            k,
            profile,
            self.visits,
            self.members,
            self.expression,
            self.zones,
            self.targets,
            self.heat,
            self.ways,
        )


class WindowMessage(WireModel):
    """One aggregation window of one camera. Its identity is (site, device, camera, start)."""

    kind: Literal["footlight.window/1"] = Field(
        default="footlight.window/1", alias="schema", description=SCHEMA
    )
    site: Site
    device: Device
    camera: Camera
    start: Timestamp = Field(description="aligned to the window length in UTC")
    duration_s: Annotated[int, Field(ge=WINDOW_S[0], le=WINDOW_S[1])] = Field(
        description="length of the window in seconds"
    )
    boot_id: Annotated[str, Field(pattern=r"^[0-9a-f]{8,32}$")] = Field(
        description="one run of the service; seq counts within it"
    )
    seq: Count = Field(description="0 for the first window of a boot_id, then one more each; a gap is a loss")
    clock_trusted: bool = Field(
        description="false if the clock was not synchronised all the time while the window was open"
    )
    is_historical: bool = Field(
        default=False, description="true when delivered late, from the outbox after an outage"
    )
    software: str = Field(max_length=64, description="version of Footlight")
    model: str = Field(max_length=64, description="version of the models")
    calibration: str = Field(max_length=64, description="version of the calibration")
    profile: Profile = Field(description="which breakdowns this device may release at all")
    k: Annotated[int, Field(ge=1, le=MOST_VISITS)] = Field(
        description="smallest cohort and smallest readable cell"
    )
    totals: Totals = Field(description="what is published of every window")
    coverage: Coverage = Field(description="how much of the window was really watched")
    pending: Visits = Field(description="visits still waiting for a cohort; they are in the totals already")
    cohort: Cohort | None = Field(default=None, description="null when no cohort was released here")

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.duration_s)

    @model_validator(mode="after")
    def _aligned(self) -> Self:
        if self.start.microsecond or int(self.start.timestamp()) % self.duration_s:
            raise ValueError("start is not aligned to duration_s")
        return self

    @model_validator(mode="after")
    def _private(self) -> Self:
        if self.cohort is not None:
            self.cohort.check(self.k, self.profile)
        return self
