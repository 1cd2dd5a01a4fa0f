"""What the API answers about devices, their faults and the notices for staff."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from cloud.api.answers import Answer
from common.wire import NoticeRule


class AlertAnswer(Answer):
    """A fault that goes on."""

    fault: Literal["camera", "moved", "picture", "dark", "outbox", "clock", "config", "privacy"]
    since: datetime
    text: str = Field(description="what is wrong and what to do")


class HealthAnswer(Answer):
    """What a device told of itself last."""

    at: datetime = Field(description="when it said so")
    camera_open: bool = Field(description="whether its camera works")
    fps: float = Field(description="frames a second that the camera gives")
    clock_trusted: bool = Field(description="false while its clock is not synchronised")
    temperature_c: float | None = Field(description="of the processor, in degrees Celsius")
    throttled: bool | None = Field(description="true while it is slowed for heat or a weak power supply")
    outbox_depth: int = Field(description="messages that wait for the broker")
    outbox_lost: int = Field(
        description="messages refused because the outbox was full, since the service started"
    )
    disk_free_mb: float | None = Field(description="MiB free where the outbox lies")
    uptime_s: float = Field(description="seconds since the service started")


class DeviceAnswer(Answer):
    """One device."""

    device: str
    online: bool | None = Field(description="whether it is connected; null until it says so")
    since: datetime | None = Field(description="since when it is online or offline")
    last_seen: datetime | None = Field(description="when it sent its last window, health message or alert")
    software: str | None = Field(description="version of Footlight")
    model: str | None = Field(description="version of the models")
    health: HealthAnswer | None = Field(description="null until it has told something")
    alerts: list[AlertAnswer]


class AcknowledgedAnswer(Answer):
    """Somebody takes care of a notice."""

    who: str
    at: datetime


class NoticeAnswer(Answer):
    """Something that staff should know now."""

    device: str
    name: str
    rule: NoticeRule
    since: datetime
    count: int | None = Field(description="people when it began; null below k")
    text: str
    acknowledged: AcknowledgedAnswer | None = Field(
        description="who takes care of it; null if nobody said so"
    )


class Devices(Answer):
    """The devices of a shop, and the notices that hold now."""

    site: str
    at: datetime = Field(description="when this was read")
    devices: list[DeviceAnswer]
    notices: list[NoticeAnswer]
