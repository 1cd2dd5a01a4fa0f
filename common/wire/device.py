"""What a device says of itself, what it is asked, and what it answers."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator

from common.wire.fields import (
    SCHEMA,
    At,
    BootId,
    Count,
    Device,
    Hash,
    Model,
    Number,
    Seconds,
    Share,
    Site,
    Software,
    Timestamp,
    WireModel,
)


class StatusMessage(WireModel):
    """Retained; ``online`` false is the last will, sent by the broker when the device is gone."""

    kind: Literal["footlight.status/1"] = Field(
        default="footlight.status/1", alias="schema", description=SCHEMA
    )
    site: Site
    device: Device
    online: bool = Field(description="whether the device is connected to the broker")
    since: Timestamp = Field(description="when this state began; in a last will, when the connection began")
    boot_id: BootId
    software: Software


class HealthMessage(WireModel):
    """How the device is doing, once a window: for the installer."""

    kind: Literal["footlight.health/1"] = Field(
        default="footlight.health/1", alias="schema", description=SCHEMA
    )
    site: Site
    device: Device
    at: At
    boot_id: BootId
    software: Software
    model: Model
    camera_open: bool = Field(description="whether the camera works at present")
    fps: Number = Field(description="frames a second that the camera gives")
    step_ms: Number = Field(description="median time of one pipeline step")
    near_share: Share | None = Field(
        default=None,
        description="share of the frames with a near look, over the last whole hour, rounded to 0.05; null in the first"
        " hour of a run",
    )
    dropped: Count = Field(description="stale frames since the last health message")
    outbox_depth: Count = Field(description="messages waiting for the broker")
    outbox_lost: Count = Field(description="messages refused because the outbox was full, since boot")
    clock_trusted: bool = Field(description="false while the clock is not synchronised")
    temperature_c: float | None = Field(
        default=None, allow_inf_nan=False, description="of the processor; null where nothing measures it"
    )
    throttled: bool | None = Field(
        default=None,
        description="true while the processor is slowed for heat or a weak power supply; null where nothing tells",
    )
    disk_free_mb: Number | None = Field(default=None, description="MiB free where the outbox lies")
    rss_mb: Number = Field(description="MiB of memory the service uses")
    uptime_s: Seconds = Field(description="since the service started")
    config: Hash | None = Field(
        default=None, description="hash of the settings in force: devices that show the same one count alike"
    )
    config_message: Hash | None = Field(
        default=None, description="hash of the config message that is in force; null while there is none"
    )
    config_waiting: Hash | None = Field(
        default=None,
        description="hash of a valid config message whose places wait for closing time; null while there is none",
    )


class AlertMessage(WireModel):
    """A fault that begins or ends. A device that has just started reports every fault, then changes only; `privacy` is
    reported by the doctor, each time."""

    kind: Literal["footlight.alert/1"] = Field(
        default="footlight.alert/1", alias="schema", description=SCHEMA
    )
    site: Site
    device: Device
    at: At
    fault: Literal["camera", "moved", "picture", "dark", "outbox", "clock", "config", "privacy"] = Field(
        description="what the fault is about; `moved`: the camera shows another view than before; `picture`: it is"
        " frozen, washed out or blurred; `dark`: too dark to see faces; `privacy`: the privacy audit found a leak"
    )
    active: bool = Field(description="true when the fault begins, false when it ends")
    text: str = Field(max_length=240, description="what is wrong and what to do, in words")


Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{8,32}$")]


class ProbeMessage(WireModel):
    """A question to the bridge, asked by ``footlight-edge doctor``: do you hear me, and can you store? It counts
    nothing."""

    kind: Literal["footlight.probe/1"] = Field(
        default="footlight.probe/1", alias="schema", description=SCHEMA
    )
    site: Site
    device: Device
    at: At
    nonce: Nonce = Field(description="made for this one question")


class EchoMessage(WireModel):
    """The bridge's answer to a probe: it was stored, and read back from the store."""

    kind: Literal["footlight.echo/1"] = Field(default="footlight.echo/1", alias="schema", description=SCHEMA)
    site: Site
    device: Device
    at: Timestamp = Field(description="by the clock of the bridge, when the probe was read back")
    nonce: Nonce = Field(description="that of the probe")


class ConfigMessage(WireModel):
    """What the server asks of one device, retained until it asks for something else. The device is the judge: it
    takes all of it, or nothing and raises the fault ``config``. No settings at all mean the device's own file."""

    kind: Literal["footlight.config/1"] = Field(
        default="footlight.config/1", alias="schema", description=SCHEMA
    )
    site: Site
    device: Device
    at: Timestamp = Field(description="when it was asked for; the same settings sent again are tried again")
    settings: dict[str, JsonValue] = Field(description="a part of the settings, as in the file of the device")

    @field_validator("settings")
    @classmethod
    def _finite(cls, settings: dict[str, JsonValue]) -> dict[str, JsonValue]:
        json.dumps(settings, allow_nan=False)  # NaN and Infinity are not JSON, but Python's parsers take them
        return settings
