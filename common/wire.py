"""The contract between a device and everything that listens to it.

Every message that leaves a device is one of the models below, as JSON. Unknown fields are refused on both
sides. The producer owns this file; it needs nothing but the standard library and pydantic, so that a bridge
can import it without a camera library.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from common.vocabulary import AGE_BANDS, EARLIEST, EXPRESSIONS, GENDERS, LATEST, UNKNOWN

ROOT = "footlight/v1"
CONTENT_TYPE = "application/json"
MAX_BYTES = 64 * 1024
"""No message is larger; a broker with a lower limit would disconnect, and QoS 1 would resend for ever."""

DWELL_BINS_S = (0.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Lower edges in seconds of the dwell and attention histograms; the last bin is open."""

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
    """Convert to UTC. Compare first: near the ends of the calendar the conversion itself would overflow."""
    if not EARLIEST <= value < LATEST:
        raise ValueError(f"must be from {EARLIEST.year} to {LATEST.year}")
    return value.astimezone(UTC)


Timestamp = Annotated[AwareDatetime, AfterValidator(_plausible)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
"""See :func:`short_hash`."""
Profile = Literal["count", "demographics", "expression"]
_NOT_IN: Mapping[Profile, tuple[str, ...]] = {
    "count": ("gender", "age_band", "gender_age_band", "expression"),
    "demographics": ("expression",),
    "expression": (),
}
Cells = dict[str, Visits | None]
"""Counts by label. ``null`` is a cell withheld by the privacy rules; 0 is a fact."""


_SCHEMA = "name of the message and its version"
Site = Annotated[Name, Field(description="the shop")]
Device = Annotated[Name, Field(description="the device in the shop")]
Camera = Annotated[Name, Field(description="the camera of the device, as its settings call it")]
At = Annotated[Timestamp, Field(description="when it was sent, by the clock of the device")]
BootId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8,32}$", description="one run of the service; a new one with every start")
]
Software = Annotated[str, Field(max_length=64, description="version of Footlight")]
Model = Annotated[str, Field(max_length=64, description="version of the models")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class Totals(_Message):
    """What is published of every window, however few came."""

    visits: Visits = Field(description="visits that ended in this window; each is counted once")
    viewers: Visits = Field(description="those of them that faced the camera at least once")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.viewers > self.visits:
            raise ValueError("viewers exceed visits")
        return self


class Coverage(_Message):
    """How much of the window was really watched. 0 visits at coverage 1 is a fact, at 0 it is no data."""

    # No numbers of frames: more of them are processed while somebody is in view, so they would tell for how long.
    share: Share = Field(description="share of the window in which frames were processed without a gap")


class Cohort(_Message):
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
        description="sum of attention times, never more than the dwell times; null when withheld, as with 1 to k-1"
        " viewers"
    )
    dwell: Cells = Field(description="visits by dwell time; a label is the lower edge in seconds")
    attention: Cells = Field(description="visits by attention time, likewise")
    gender: Cells | None = Field(default=None, description="visits by gender (profile demographics)")
    age_band: Cells | None = Field(default=None, description="visits by age band (profile demographics)")
    gender_age_band: dict[str, Cells] | None = Field(
        default=None, description="visits by gender, then age band (profile demographics)"
    )
    expression: Cells | None = Field(default=None, description="visits by expression (profile expression)")
    zones: Annotated[dict[Name, Visits | None], Field(max_length=MOST_ZONES)] = Field(
        default_factory=dict, description="visits that were in each zone; they may overlap"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bins = {bin_label(edge) for edge in DWELL_BINS_S}
        genders, bands = {*GENDERS, UNKNOWN}, {*AGE_BANDS, UNKNOWN}
        vocabularies = {
            "dwell": bins,
            "attention": bins,
            "gender": genders,
            "age_band": bands,
            "gender_age_band": {f"{gender}.{band}" for gender in genders for band in bands},
            "expression": {*EXPRESSIONS, UNKNOWN},
        }
        for name, cells in self.lists().items():
            if foreign := cells.keys() - vocabularies[name]:
                raise ValueError(f"{name}: unknown label {min(foreign)!r}")
            if sum(value or 0 for value in cells.values()) > self.visits:
                raise ValueError(f"{name}: cells exceed the visits of the cohort")
        if any((value or 0) > self.visits for value in self.zones.values()):
            raise ValueError("zones: a cell exceeds the visits of the cohort")
        if (self.attention_sum_s or 0.0) > (self.dwell_sum_s or 0.0) + 1e-6:
            raise ValueError("attention_sum_s exceeds dwell_sum_s")
        return self

    def lists(self) -> dict[str, Cells]:
        """The lists that each share all visits out, by name; labels of the joint table are joined by a dot."""
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
        for name, cells in self.lists().items():
            if name in _NOT_IN[profile]:
                raise ValueError(f"cohort.{name}: not in profile {profile}")
            rest = self.visits - sum(value or 0 for value in cells.values())
            if any(0 < (value or 0) < k for value in cells.values()) or 0 < rest < k:
                raise ValueError(f"cohort.{name}: tells a cell of 1 to {k - 1} visits")
        zones = sorted({0, self.visits, *(value for value in self.zones.values() if value is not None)})
        if any(high - low < k for low, high in pairwise(zones)):
            raise ValueError(f"cohort.zones: tells a cell of 1 to {k - 1} visits")


class WindowMessage(_Message):
    """One aggregation window of one camera. Its identity is (site, device, camera, start)."""

    kind: Literal["footlight.window/1"] = Field(
        default="footlight.window/1", alias="schema", description=_SCHEMA
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
    clock_trusted: bool = Field(description="false while the clock was not synchronised")
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


class StatusMessage(_Message):
    """Retained; ``online`` false is the last will, sent by the broker when the device is gone."""

    kind: Literal["footlight.status/1"] = Field(
        default="footlight.status/1", alias="schema", description=_SCHEMA
    )
    site: Site
    device: Device
    online: bool = Field(description="whether the device is connected to the broker")
    since: Timestamp = Field(description="when this state began; in a last will, when the connection began")
    boot_id: BootId
    software: Software


class HealthMessage(_Message):
    """How the device is doing, once a window: for the installer."""

    kind: Literal["footlight.health/1"] = Field(
        default="footlight.health/1", alias="schema", description=_SCHEMA
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


class AlertMessage(_Message):
    """A fault that begins or ends. A device that has just started reports every fault, then changes only."""

    kind: Literal["footlight.alert/1"] = Field(
        default="footlight.alert/1", alias="schema", description=_SCHEMA
    )
    site: Site
    device: Device
    at: At
    fault: Literal["camera", "outbox", "clock", "config"] = Field(description="what the fault is about")
    active: bool = Field(description="true when the fault begins, false when it ends")
    text: str = Field(max_length=240, description="what is wrong and what to do, in words")


Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{8,32}$")]


class ProbeMessage(_Message):
    """A question to the bridge, asked by ``footlight-edge doctor``: do you hear me, and can you store? It counts
    nothing."""

    kind: Literal["footlight.probe/1"] = Field(
        default="footlight.probe/1", alias="schema", description=_SCHEMA
    )
    site: Site
    device: Device
    at: At
    nonce: Nonce = Field(description="made for this one question")


class EchoMessage(_Message):
    """The bridge's answer to a probe: it was stored, and read back from the store."""

    kind: Literal["footlight.echo/1"] = Field(default="footlight.echo/1", alias="schema", description=_SCHEMA)
    site: Site
    device: Device
    at: Timestamp = Field(description="by the clock of the bridge, when the probe was read back")
    nonce: Nonce = Field(description="that of the probe")


class ConfigMessage(_Message):
    """What the server asks of one device, retained until it asks for something else. The device is the judge: it
    takes all of it, or nothing and raises the fault ``config``. No settings at all mean the device's own file."""

    kind: Literal["footlight.config/1"] = Field(
        default="footlight.config/1", alias="schema", description=_SCHEMA
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


class PlacementReading(_Message):
    """One thing the placement check measures."""

    name: Name = Field(description="for programs")
    label: str = Field(max_length=40, description="for people")
    value: float | None = Field(allow_inf_nan=False, description="null while there was nothing to measure")
    says: str = Field(max_length=120, description="the value in words, with what is needed")
    level: Share | None = Field(description="how much of what would be ideal, for a bar")
    state: Literal["good", "poor", "bad", "unknown"] = Field(description="unknown without a value")


class PlacementFace(_Message):
    """Where a face is now, in shares of the picture's width and height."""

    x1: Share = Field(description="left edge")
    y1: Share = Field(description="upper edge")
    x2: Share = Field(description="right edge")
    y2: Share = Field(description="lower edge")
    good: bool = Field(description="whether the models can tell something of it")


class PlacementMessage(_Message):
    """What ``footlight-edge place --publish`` shows on the built-in page, about once a second while somebody hangs
    a camera: numbers and outlines, never a picture. Nobody stores it."""

    kind: Literal["footlight.placement/1"] = Field(
        default="footlight.placement/1", alias="schema", description=_SCHEMA
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
    advice: Annotated[tuple[Annotated[str, Field(max_length=240)], ...], Field(max_length=32)] = Field(
        description="what to change, most important first"
    )
    verdict: Literal["works", "limits", "fails", "unclear"] = Field(
        description="so far; unclear while too few faces were seen"
    )


Message = (
    WindowMessage
    | StatusMessage
    | HealthMessage
    | AlertMessage
    | ProbeMessage
    | EchoMessage
    | ConfigMessage
    | PlacementMessage
)

BY_CHANNEL: dict[str, type[Message]] = {
    "window": WindowMessage,
    "status": StatusMessage,
    "health": HealthMessage,
    "alert": AlertMessage,
    "probe": ProbeMessage,
    "echo": EchoMessage,
    "config": ConfigMessage,
    "placement": PlacementMessage,
}
"""The last topic level names what travels there."""

STORED = ("window", "status", "health", "alert", "probe")
"""The channels that a bridge hears and stores."""

RESEND_TOPIC = f"{ROOT}-resend"
"""The last will of every bridge, for all devices: whatever comes here asks for what was delivered lately once more."""
HELD_S = 7200
"""So long a device keeps what it has delivered."""
LONGEST_SESSION_S = HELD_S // 2
"""After this time a broker may forget a bridge that is away, and with it what waited for it."""

TO_DEVICE = frozenset({"echo", "config"})
"""The channels on which a device is spoken to; on all others it speaks."""

_CHANNELS = {model: channel for channel, model in BY_CHANNEL.items()}
_TOPIC = re.compile(rf"^{re.escape(ROOT)}/([^/]+)/([^/]+)/([^/]+)$")


class WireError(ValueError):
    """A message that breaks the contract; the text says where."""


def bin_label(edge_s: float) -> str:
    """Return the label of the histogram bin that starts at ``edge_s`` seconds."""
    return f"{edge_s:g}"


def topic(message: Message) -> str:
    """Return where a message is published: ``footlight/v1/{site}/{device}/{channel}``."""
    return address(message.site, message.device, _CHANNELS[type(message)])


def address(site: str, device: str, channel: str) -> str:
    """Return the topic of a message that does not exist yet."""
    return f"{ROOT}/{site}/{device}/{channel}"


def short_hash(payload: bytes) -> str:
    """Return the first 12 hexadecimal digits of SHA-256, to tell payloads apart; no protection against forgery."""
    return hashlib.sha256(payload).hexdigest()[:12]


def encode(message: Message) -> bytes:
    """Encode as the JSON that travels. Raises ``WireError`` when it is larger than :data:`MAX_BYTES`, or holds text
    that is not Unicode (such as the odd bytes of a file name)."""
    try:
        payload = message.model_dump_json(by_alias=True).encode()
    except ValueError:
        raise WireError(f"{topic(message)}: holds text that is not Unicode") from None
    if len(payload) > MAX_BYTES:
        raise WireError(f"{topic(message)}: {len(payload)} bytes, more than {MAX_BYTES}")
    return payload


def decode(topic_name: str, payload: bytes) -> Message:
    """Decode the message of a topic. Raises ``WireError`` for a foreign topic, a payload that breaks the contract,
    or one whose site and device are not those of its topic (a device speaks only as itself)."""
    match, said = _TOPIC.match(topic_name), one_line(topic_name, 200)
    if match is None or match[3] not in BY_CHANNEL:
        raise WireError(f"{said}: not a topic of {ROOT}")
    if len(payload) > MAX_BYTES:
        raise WireError(f"{said}: {len(payload)} bytes, more than {MAX_BYTES}")
    try:
        message = BY_CHANNEL[match[3]].model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = one_line(".".join(str(part) for part in first["loc"]), 100) or "payload"
        raise WireError(f"{said}: {where}: {one_line(first['msg'], 200)}") from None
    except Exception as error:  # noqa: BLE001 - whatever a foreign text does to a parser, only that text is refused
        raise WireError(f"{said}: cannot be read ({type(error).__name__})") from None
    if "kind" not in message.model_fields_set:
        raise WireError(f"{said}: schema: Field required")
    if (message.site, message.device) != (match[1], match[2]):
        raise WireError(f"{said}: payload speaks for {message.site}/{message.device}")
    return message


def one_line(foreign: str, longest: int) -> str:
    """Make text from outside fit for a log or an MQTT property: printable ASCII on one line, at most ``longest``."""
    text = "".join(
        char if " " <= char <= "~" else char.encode("unicode_escape").decode()
        for char in foreign[: longest + 1]
    )
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
