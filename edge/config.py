"""The settings of one device, their defaults, and the rules that combine them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    field_serializer,
    model_validator,
)

from common.config_file import load_yaml_model, masked_yaml, secret_file, state_file
from common.errors import UserError
from common.loyalty import parse_key
from common.masking import masked
from common.settings import MqttSettings, Section, first_line
from common.signage import ProgrammeSettings
from common.wire import WINDOW_S, Budget, Name, Profile
from edge.capture.source import SampleScene, parse_source
from edge.place_settings import PlaceSettings
from edge.places.notice_privacy import revealing_pair
from edge.signage_settings import SignageSettings
from edge.staff_settings import StaffSettings
from edge.vision.privacy import MAX_COHORT

SECONDS_PER_DAY = 86_400

Hour = Annotated[int, Field(ge=0, le=23)]
Degrees = Annotated[float, Field(gt=0, le=90)]
Pixels = Annotated[int, Field(ge=8)]
Positive = Annotated[float, Field(gt=0)]


def _source(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not is_number and not (isinstance(value, str) and value):
        raise ValueError("must be a camera number, or a text such as rtsp://..., csi or a path")
    parse_source(str(value))
    return value


class CameraSettings(Section):
    source: Annotated[int | str, BeforeValidator(_source)] = 0
    name: Name = "main"
    width: Annotated[int, Field(ge=64, le=8192)] = 1280
    height: Annotated[int, Field(ge=64, le=8192)] = 720
    fps: Annotated[float, Field(gt=0, le=240)] = 15
    rotate: Literal[0, 90, 180, 270] = 0
    realtime: bool = False

    @field_serializer("source", when_used="json")
    def _without_credentials(self, source: int | str) -> int | str:
        return masked(source) if isinstance(source, str) else source


class DetectionSettings(Section):
    # Within these bounds one person stays one visit. Below, patterns on or near a person become tracks; above, the
    # detector loses a face that turns away.
    min_score: Annotated[float, Field(ge=0.3, le=1)] = 0.5
    low_score: Annotated[float, Field(ge=0.1, le=0.7)] = 0.25
    min_face_px: Pixels = 12
    near_budget_ms: Annotated[float, Field(ge=0)] = 12
    threads: Annotated[int, Field(ge=1, le=64)] = 2

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_score > self.min_score:
            raise ValueError(f"low_score {self.low_score:g} must not exceed min_score {self.min_score:g}")
        return self


class TrackingSettings(Section):
    confirm_s: Annotated[float, Field(ge=0, le=60)] = 0.4
    # A shorter time would split one person into many visits when the detector misses a face for a moment.
    lost_s: Annotated[float, Field(ge=1, le=60)] = 2.0


class AttributeSettings(Section):
    observations_per_visit: Annotated[int, Field(ge=1, le=100)] = 5
    budget_ms: Positive = 40
    min_face_px: Pixels = 28
    max_yaw_deg: Degrees = 50
    max_pitch_deg: Degrees = 40


class AttentionSettings(Section):
    yaw_deg: Degrees = 30
    pitch_deg: Degrees = 30


class WindowSettings(Section):
    seconds: Annotated[int, Field(ge=WINDOW_S[0], le=WINDOW_S[1])] = 60
    max_gap_s: Positive = 1.0

    @model_validator(mode="after")
    def _fits_the_day(self) -> Self:
        if SECONDS_PER_DAY % self.seconds:
            raise ValueError(f"seconds {self.seconds} does not divide a day (86400); use 60, 300 or 900")
        if self.max_gap_s >= self.seconds:
            raise ValueError(f"max_gap_s {self.max_gap_s:g} must be less than seconds {self.seconds}")
        return self


class PacingSettings(Section):
    idle_fps: Annotated[float, Field(ge=2, le=240)] = 3
    hot_c: Annotated[float, Field(ge=40, le=100)] = 75


class PrivacySettings(Section):
    profile: Profile = "demographics"
    k: Annotated[int, Field(ge=1)] = 5
    max_cohort: Annotated[int, Field(ge=1)] = MAX_COHORT
    release_hours: Annotated[tuple[Hour, ...], Field(max_length=24)] = (12,)
    closing_hour: Hour = 20
    noise_budget: Budget | None = None

    @model_validator(mode="after")
    def _noise_is_about_verdicts(self) -> Self:
        if self.noise_budget is not None and self.profile == "count":
            raise ValueError(
                "noise_budget: with profile count no verdict is told, so there is nothing to add noise to; delete it,"
                " or choose another profile"
            )
        return self

    @model_validator(mode="after")
    def _cohort_holds_k(self) -> Self:
        if self.k == 2:
            raise ValueError(
                "k 2 hides nothing, because a withheld cell could only be 1; use 5, or at least 3"
            )
        if self.max_cohort < self.k:
            raise ValueError(f"max_cohort {self.max_cohort} must not be less than k {self.k}")
        return self


class OutboxSettings(Section):
    path: Path = Path("footlight.db")
    max_messages: Annotated[int, Field(ge=10)] = 20_000

    def location(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the path of the file; see ``state_file`` for a relative one."""
        return state_file(self.path, environ)


class ModelSettings(Section):
    directory: Path | None = None
    runtime: Literal["auto", "ai-edge-litert", "tflite-runtime"] = "auto"


class HealthSettings(Section):
    every_s: Annotated[float, Field(ge=5)] = 60


class LoyaltySettings(Section):
    key_file: Path | None = None

    def keys(self, environ: Mapping[str, str] = os.environ) -> list[bytes]:
        """Read the keys, one in each line; none without a file. See ``secret_file`` for a relative path.

        Raises ``UserError`` for a file that cannot be read or has something else in it.
        """
        if self.key_file is None:
            return []
        path = secret_file(self.key_file, environ)
        first_line(path, "loyalty.key_file")
        lines = path.read_text(encoding="utf-8-sig").split()
        return [parse_key(line, f"loyalty.key_file: {path}") for line in lines]


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"


class SeeingSettings(Section):
    """The first part of the settings: who this device is, and how it sees people."""

    site: Name = "demo-shop"
    device: Name = "door"
    camera: CameraSettings = CameraSettings()
    detection: DetectionSettings = DetectionSettings()
    tracking: TrackingSettings = TrackingSettings()
    attributes: AttributeSettings = AttributeSettings()
    attention: AttentionSettings = AttentionSettings()


class Settings(PlaceSettings, SeeingSettings):
    """All settings of a device, in the order of ``edge/example.yaml``, which explains each key."""

    staff: StaffSettings = StaffSettings()
    loyalty: LoyaltySettings = LoyaltySettings()
    signage: SignageSettings | None = None
    window: WindowSettings = WindowSettings()
    pacing: PacingSettings = PacingSettings()
    privacy: PrivacySettings = PrivacySettings()
    mqtt: MqttSettings = MqttSettings()
    outbox: OutboxSettings = OutboxSettings()
    models: ModelSettings = ModelSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _idle_time_is_watched(self) -> Self:
        # half an interval more, because frames do not come exactly on time
        idle_fps, max_gap_s = self.pacing.idle_fps, self.window.max_gap_s
        if 1.5 / idle_fps > max_gap_s:
            raise ValueError(
                f"pacing.idle_fps {idle_fps:g} is too low for window.max_gap_s {max_gap_s:g}: an empty shop would"
                f" count as not watched; use at least {1.5 / max_gap_s:.1f}"
            )
        return self

    @model_validator(mode="after")
    def _notices_tell_no_stay(self) -> Self:
        k = self.privacy.k
        if small := next((one for one in self.notices if one.limit is not None and one.limit + 1 < k), None):
            raise ValueError(
                f"limit {small.limit} of notice {small.name!r} is about fewer than k {k} people: it would tell how many"
                f" they are; use at least {k - 1}, or the rule nobody_at_desk"
            )
        if pair := revealing_pair([notice.value() for notice in self.notices], self.counted_zones, k):
            raise ValueError(
                f"notices {pair[0].name!r} and {pair[1].name!r} are about the same part of the shop, and fewer than"
                f" k {k} people can cause them: together they would tell how long one person stays; delete one"
            )
        return self

    @model_validator(mode="after")
    def _signage_is_about_places_and_people(self) -> Self:
        if self.signage is None:
            return self
        self.signage.check_places(
            [zone.name for zone in self.counted_zones], [target.name for target in self.targets]
        )
        if self.signage.attributes and self.privacy.profile == "count":
            raise ValueError(
                "signage: a rule is about gender or age, but with privacy.profile count neither is estimated; delete"
                " gender and ages of the rules"
            )
        if self.signage.broker is not None and self.signage.broker.is_that_of(self.mqtt):
            raise ValueError(
                "signage.broker: this is the broker of mqtt, which gets the counts; what a display shows must not leave"
                " the shop: name another one, or delete it"
            )
        return self


LEAST_K, LEAST_WINDOW_S = 3, 30


def refuse_to_publish(settings: Settings) -> None:
    """Raise ``UserError`` if ``run`` would publish data that may describe one person. The sample scene has no real
    people, so it is exempt."""
    if isinstance(parse_source(str(settings.camera.source)), SampleScene):
        return
    if settings.privacy.k < LEAST_K:
        raise UserError(
            f"privacy.k: {settings.privacy.k} would publish single visits; use 5, or at least {LEAST_K}"
            " (1 is for 'replay' and for the source scene)"
        )
    if settings.window.seconds < LEAST_WINDOW_S:
        raise UserError(
            f"window.seconds: {settings.window.seconds} would reveal when a single visit ended; use 60, or at least"
            f" {LEAST_WINDOW_S} (less is for 'replay' and for the source scene)"
        )


REMOTELY_SETTABLE = frozenset(
    {
        *("detection", "tracking", "attributes", "attention", "pacing", "health", "log"),
        *PlaceSettings.model_fields,
        *(f"signage.{key}" for key in ProgrammeSettings.model_fields),
        *("camera.width", "camera.height", "camera.fps"),
    }
)
"""The sections and keys that a server may set. Only the owner of the device can set the others: its identity, what it
may publish, how often, and to whom."""


def load(path: Path | str) -> Settings:
    """Load the settings from a YAML file. Raises ``UserError``: one line with the file, the key and what to do."""
    return load_yaml_model(Path(path), Settings)


def show(settings: Settings) -> str:
    """Return the effective settings as YAML, with secrets and credentials masked."""
    return masked_yaml(settings)
