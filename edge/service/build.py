"""The composition root: from the settings to models, a pipeline, a broker, and one run of the service."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event

from common.clock import Clock
from common.mqtt.broker import Broker
from edge.capture.camera import Camera
from edge.capture.factory import open_camera
from edge.capture.thread import CameraThread
from edge.config import CameraSettings, Settings
from edge.inference.classify import AttributeClassifier
from edge.inference.detect import PeopleDetector
from edge.inference.landmarks import LandmarkRefiner
from edge.inference.manifest import Manifest, load_manifest, packaged_models
from edge.inference.model import Model
from edge.pipeline import AttentionCone, Looks, Pipeline
from edge.service.display_building import build_display, build_link, build_topic
from edge.service.health import Health
from edge.service.host import clock_trusted
from edge.service.notice_messages import NoticeMessages
from edge.service.pacing import Heat, Pacer
from edge.service.place_building import (
    build_members,
    build_notices,
    build_places,
    build_staff,
    excluded_zones,
    place_plan,
    timed_zones,
)
from edge.service.remote_config import Remote, fingerprint
from edge.service.run import Run, software_version
from edge.service.signage import Signage
from edge.service.systemd import Notifier, Watchdog
from edge.service.trust import ClockTrust
from edge.types import Classifier, Detector, Refiner, WindowAggregate
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from edge.vision.aggregate import Aggregator
from edge.vision.consensus import Consensus
from edge.vision.pool import Pool
from edge.vision.privacy import CohortRule
from edge.vision.quality import QualityGate
from edge.vision.refinement import Refinement
from edge.vision.scheduler import Budget, Scheduler
from edge.vision.tracker import Tracker
from edge.vision.visits import Visits
from edge.vision.waiting import Waiting

log = logging.getLogger(__name__)

SECOND_LOOK_GAIN = 1.15
LOOK_SPACING_S = 0.3
"""Seconds between two looks at a visit, and between two measurements of its direction: both share the landmarks."""


@dataclass(frozen=True, slots=True)
class Models:
    """The loaded networks and their manifest."""

    detector: Detector
    refiner: Refiner
    classifier: Classifier
    manifest: Manifest


def load_models(settings: Settings) -> Models:
    """Load the models. Raises ``UserError`` for a file that is missing, truncated or differs from the manifest."""
    manifest = load_manifest(settings.models.directory or packaged_models())
    runtime, threads = settings.models.runtime, settings.detection.threads
    detector = PeopleDetector(
        Model(manifest.detector, threads=threads, runtime=runtime),
        faces=manifest.face_calibration,
        bodies=manifest.person_calibration,
        min_score=settings.detection.low_score,
        min_side_px=settings.detection.min_face_px,
    )
    refiner = LandmarkRefiner(Model(manifest.landmarks, threads=threads, runtime=runtime))
    classifier = AttributeClassifier(
        Model(manifest.attributes, threads=threads, runtime=runtime), manifest.temperatures
    )
    return Models(detector, refiner, classifier, manifest)


def camera_of(asked: CameraSettings, *, clock: Clock) -> Camera:
    """Return the configured camera, not yet opened. Raises ``CameraError`` for an invalid source."""
    return open_camera(
        asked.source,
        width=asked.width,
        height=asked.height,
        fps=asked.fps,
        clock=clock,
        rotate=asked.rotate,
        realtime=asked.realtime,
    )


def build_pipeline(
    settings: Settings,
    models: Models,
    clock: Clock,
    *,
    budget_s: float | None,
    counted: Sequence[tuple[datetime, datetime]] = (),
    resume: WindowAggregate | None = None,
) -> Pipeline:
    """Build the stages from plain values. With ``budget_s`` None, classification has no time limit. ``counted``
    are the stretches of time that earlier runs of the service counted, ``resume`` the window that was open then."""
    attributes, detection = settings.attributes, settings.detection
    # Longer than one measured direction is valid, so that a single wrong one does not make a viewer.
    visits = Visits(Consensus(models.manifest.thresholds), viewer_s=LOOK_SPACING_S)
    places = build_places(settings, least_look_s=LOOK_SPACING_S)
    return Pipeline(
        detector=models.detector,
        refinement=Refinement(models.refiner, every_s=LOOK_SPACING_S),
        classifier=models.classifier,
        tracker=Tracker(
            confirm_s=settings.tracking.confirm_s,
            lost_s=settings.tracking.lost_s,
            high_score=detection.min_score,
            low_score=detection.low_score,
        ),
        visits=visits,
        gate=QualityGate(
            min_side_px=attributes.min_face_px,
            max_yaw=attributes.max_yaw_deg,
            max_pitch=attributes.max_pitch_deg,
        ),
        excluded=excluded_zones(settings),
        staff=build_staff(settings, clock, has_budget=budget_s is not None),
        members=build_members(settings, clock, has_budget=budget_s is not None),
        places=places,
        aggregator=Aggregator(
            window_s=settings.window.seconds,
            max_gap_s=settings.window.max_gap_s,
            counted=counted,
            doors=[door.name for door in settings.doors],
            timed=timed_zones(settings),
            closing_hour=settings.privacy.closing_hour,
            release_hours=settings.privacy.release_hours,
            resume=resume,
        ),
        cone=AttentionCone(settings.attention.yaw_deg, settings.attention.pitch_deg),
        looks=Looks(
            attributes.observations_per_visit,
            LOOK_SPACING_S,
            SECOND_LOOK_GAIN,
            budget_s,
            detection.min_score,
        ),
        scheduler=Scheduler(
            models.detector.near_size, least_px=attributes.min_face_px, spacing_s=LOOK_SPACING_S
        ),
        near_budget=Budget(None if budget_s is None else detection.near_budget_ms / 1000),
        clock=clock,
        display=build_display(settings, visits, places, looks_s=LOOK_SPACING_S),
    )


def build(
    settings: Settings,
    *,
    clock: Clock,
    camera: Camera | None = None,
    broker: Broker | None = None,
    models: Models | None = None,
    remote: Remote | None = None,
    stop: Event | None = None,
    is_clock_set: Callable[[], bool] = clock_trusted,
) -> Run:
    """Compose one run of the service; ``camera``, ``broker`` and ``models`` replace those of the settings in tests, and
    ``is_clock_set`` what this machine says of its clock.

    ``remote`` holds the settings that the server asked for. Visits that waited at the end of the last run, or at a
    power cut, keep waiting. Raises ``UserError`` for any error in models, files or the source.
    """
    location = settings.outbox.location()
    remote = remote or Remote(settings)
    settings = remote.settings
    boot_id = secrets.token_hex(8)
    software = software_version()
    models = models or load_models(settings)
    notifier = Notifier()
    source = camera or camera_of(settings.camera, clock=clock)
    broker = broker or settings.mqtt.broker()
    link = build_link(settings)
    topic = build_topic(settings, link)
    # Last, so that no file stays open when something else is refused.
    outbox = Outbox(location, max_messages=settings.outbox.max_messages)
    waiting = _waiting(outbox)
    pipeline = build_pipeline(
        settings,
        models,
        clock,
        budget_s=settings.attributes.budget_ms / 1000,
        counted=outbox.counted,
        resume=waiting.window,
    )
    return Run(
        settings,
        pipeline=pipeline,
        camera=CameraThread(source, clock=clock),
        uplink=Uplink(
            outbox,
            broker,
            site=settings.site,
            device=settings.device,
            boot_id=boot_id,
            software=software,
            clock=clock,
            late_after_s=2 * settings.window.seconds,
        ),
        health=Health(
            site=settings.site,
            device=settings.device,
            boot_id=boot_id,
            software=software,
            model=models.manifest.version,
            clock=clock,
            state=location.parent,
            config=fingerprint(settings),
        ),
        remote=remote,
        pacer=Pacer(idle_fps=settings.pacing.idle_fps),
        heat=Heat(hot_c=settings.pacing.hot_c),
        rule=_cohort_rule(settings, waiting.pool),
        watchdog=Watchdog(notifier, clock),
        notifier=notifier,
        notices=NoticeMessages(
            build_notices(settings),
            site=settings.site,
            device=settings.device,
            k=settings.privacy.k,
            window_s=settings.window.seconds,
            clock=clock,
        ),
        signage=Signage(pipeline.display, link, topic),
        manifest=models.manifest,
        boot_id=boot_id,
        clock=clock,
        trust=ClockTrust(is_clock_set),
        stop=stop or Event(),
    )


def _waiting(outbox: Outbox) -> Waiting:
    text = outbox.waiting
    try:
        return Waiting.load(text) if text else Waiting(Pool())
    except ValueError as error:
        log.warning(
            "outbox: the visits that wait for a cohort cannot be read (%s); they are published in totals only",
            error,
        )
        return Waiting(Pool())


def _cohort_rule(settings: Settings, pool: Pool) -> CohortRule:
    privacy = settings.privacy
    return CohortRule(
        k=privacy.k,
        profile=privacy.profile,
        max_cohort=privacy.max_cohort,
        plan=place_plan(settings),
        pool=pool,
        noise_budget=privacy.noise_budget,
    )
