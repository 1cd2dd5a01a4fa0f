"""Messages as a device sends them, for tests that are about their way and not their content."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from common.vocabulary import ATTRIBUTES, NO_VERDICT
from common.wire import (
    NOISY_LABELS,
    AlertMessage,
    Clip,
    Cohort,
    ConfigMessage,
    Coverage,
    Door,
    HealthMessage,
    Heat,
    NoticeMessage,
    PlacementFace,
    PlacementMessage,
    PlacementReading,
    ProbeMessage,
    Profile,
    Queue,
    StatusMessage,
    Target,
    Totals,
    Watched,
    WindowMessage,
    Zone,
)
from edge.service.health import Health
from tests.support.clock import START, ManualClock

MORNING = START
BOOT = "0123456789abcdef"


def window(minute: int, *, visits: int = 3, cohort: Cohort | None = None, **changes: Any) -> WindowMessage:
    """The window that starts ``minute`` minutes after :data:`MORNING`."""
    values: dict[str, Any] = {
        "site": "shop",
        "device": "door",
        "camera": "front",
        "start": MORNING + timedelta(minutes=minute),
        "duration_s": 60,
        "boot_id": BOOT,
        "seq": minute,
        "clock_trusted": True,
        "software": "0.1.0",
        "model": "1",
        "calibration": "1",
        "profile": "demographics",
        "k": 5,
        "totals": Totals(
            visits=visits,
            viewers=min(visits, 2),
            doors={"front": Door(entries=3, exits=2, passers=5, groups=2)},
        ),
        "coverage": Coverage(share=1.0),
        "pending": 0,
        "cohort": cohort,
    }
    return WindowMessage.model_validate({**values, **changes})


def cohort() -> Cohort:
    """Eight visits, all described, with some cells withheld."""
    return Cohort(
        since=MORNING,
        visits=8,
        occupancy_mean=0.027,
        occupancy_max=2,
        dwell_sum_s=96.5,
        attention_sum_s=40.25,
        described=8,
        staff_excluded=0.5,
        members=8,
        dwell={"0": None, "5": 8},
        attention={"0": 0, "2": 8},
        gender={"female": 8, "male": 0, "unknown": 0, "not_seen": 0},
        age_band={"25-34": 8, "35-44": 0, "unknown": None, "not_seen": 0},
        gender_age_band={"female": {"25-34": 8}, "male": {"25-34": None}},
        zones={"shelf": zone(8), "till": zone(8, queue=True), "lift": zone(None)},
        targets={
            "tea": Target(passers=8, viewers=8, attention_sum_s=16.5, attention={"2": 8}),
            "sign": Target(passers=8, viewers=None, attention_sum_s=None, attention={"0": None}),
        },
        heat=Heat(columns=2, rows=1, standing_s=(80, None), looking_s=(None, None)),
        ways={"entry": {"shelf": 8}, "shelf": {"till": 8}, "till": {"exit": 8}},
    )


def with_clips() -> Cohort:
    """The same eight visits before a display: what suited was shown to all of them, and nothing else."""
    told = Watched(visits=8, shows=3, shown_s=30.0, viewers=8, attention_sum_s=16.5)
    nobody = Watched(visits=0, shows=0, shown_s=0.0, viewers=None, attention_sum_s=None)
    clips = {"running": Clip(shown=told, held=nobody, holdout_hours=0.5), "welcome": Clip(shown=nobody)}
    return cohort().model_copy(update={"clips": clips})


def with_noise(
    visits: int = 8,
    *,
    budget: float = 1.0,
    cells: Mapping[str, Mapping[str, int]] | None = None,
    **changes: Any,
) -> Cohort:
    """A cohort of a device with a budget. ``cells``: the numbers with noise that are not 0, by attribute."""
    told = cells or {}
    names = ("gender", "age_band", *(["expression"] if "expression" in told else []))
    noise = {name: {**dict.fromkeys(NOISY_LABELS[name], 0), **told.get(name, {})} for name in names}
    values: dict[str, Any] = {
        **cohort().model_dump(),
        **dict.fromkeys(("described", "gender_age_band", "members", "ways", "heat")),
        **{name: dict.fromkeys((*ATTRIBUTES[name], NO_VERDICT)) for name in names},
        **{name: {} for name in ("dwell", "attention", "zones", "targets")},
        "noise": {"budget": budget, **noise},
        "visits": visits,
        **changes,
    }
    return Cohort.model_validate(values)


def zone(visits: int | None, *, queue: bool = False) -> Zone:
    """A zone in which each visit stayed for 6 s and made no stop, or waited; None if all of it is withheld."""
    times = Zone(
        visits=visits,
        stops=0 if visits is not None else None,
        dwell_sum_s=None if visits is None else 6.0 * visits,
        dwell={"5": visits},
        occupancy_mean=None if visits is None else 0.02,
        occupancy_max=None if visits is None else min(visits, 2),
    )
    if not queue:
        return times
    return Zone(
        visits=visits,
        stops=None,
        dwell_sum_s=None,
        dwell={"5": None},
        occupancy_mean=None,
        occupancy_max=None,
        queue=Queue(
            waits=visits,
            served=None if visits is None else 0,
            waiting_sum_s=times.dwell_sum_s,
            waiting=times.dwell,
            length_mean=times.occupancy_mean,
            length_max=times.occupancy_max,
        ),
    )


def fitting(given: Cohort, profile: Profile) -> Cohort:
    """The same without what the profile does not allow."""
    people = dict.fromkeys(
        ("described", "gender", "age_band", "gender_age_band") if profile == "count" else ()
    )
    faces = {} if profile == "expression" else {"expression": None}
    return given.model_copy(update={**people, **faces})


def health(*, at: datetime = MORNING, **changes: Any) -> HealthMessage:
    values: dict[str, Any] = {
        "site": "shop",
        "device": "door",
        "at": at,
        "boot_id": BOOT,
        "software": "0.1.0",
        "model": "1",
        "camera_open": True,
        "fps": 9.5,
        "step_ms": 41.0,
        "near_share": 0.35,
        "dropped": 3,
        "outbox_depth": 0,
        "outbox_lost": 0,
        "clock_trusted": True,
        "temperature_c": None,
        "rss_mb": 142.0,
        "uptime_s": 3600.0,
        "config": "0123456789ab",
    }
    return HealthMessage.model_validate({**values, **changes})


def status(
    *, online: bool, since: datetime = MORNING, boot_id: str = BOOT, device: str = "door"
) -> StatusMessage:
    return StatusMessage(
        site="shop", device=device, online=online, since=since, boot_id=boot_id, software="0.1.0"
    )


def alert(*, active: bool, at: datetime = MORNING, fault: Any = "camera") -> AlertMessage:
    return AlertMessage(site="shop", device="door", at=at, fault=fault, active=active, text="camera gone")


def notice(*, active: bool = True, at: datetime = MORNING, **changes: Any) -> NoticeMessage:
    """More than four people in the queue."""
    values: dict[str, Any] = {
        "site": "shop",
        "device": "door",
        "at": at,
        "name": "long-queue",
        "rule": "queue_over",
        "active": active,
        "count": 6 if active else None,
        "limit": 4,
        "k": 5,
    }
    return NoticeMessage.model_validate({**values, **changes})


def probe(number: int = 0, *, at: datetime = MORNING, device: str = "door") -> ProbeMessage:
    return ProbeMessage(site="shop", device=device, at=at, nonce=f"{number:016x}")


def asking(asked: dict[str, Any], *, at: datetime = MORNING, device: str = "door") -> ConfigMessage:
    return ConfigMessage(site="shop", device=device, at=at, settings=asked)


def placement(*, left_s: float = 12.0, **changes: Any) -> PlacementMessage:
    """A camera that hangs too far away."""
    size = PlacementReading(
        name="size",
        label="Face size",
        value=0.5,
        says="18 px, 28 needed; 2 of 4 too small",
        level=0.3,
        state="bad",
    )
    values: dict[str, Any] = {
        "site": "shop",
        "device": "door",
        "camera": "front",
        "at": MORNING,
        "left_s": left_s,
        "width": 640,
        "height": 480,
        "visits": 4,
        "readings": (size,),
        "faces": (
            PlacementFace(x1=0.1, y1=0.2, x2=0.2, y2=0.4, good=True),
            PlacementFace(x1=0.6, y1=0.2, x2=0.65, y2=0.3, good=False),
        ),
        "advice": ("Come closer: 2 of 4 faces are too small.",),
        "verdict": "fails",
    }
    return PlacementMessage.model_validate({**values, **changes})


def first_words(at: datetime, *, camera: str | None = None) -> list[AlertMessage]:
    """What a device says of its faults when it has started ``at``."""
    speaking = Health(
        site="shop",
        device="door",
        boot_id="fedcba98",
        software="0.1.0",
        model="1",
        clock=ManualClock(at),
        state=Path(),
    )
    return speaking.alerts({"camera": camera})
