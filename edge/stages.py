"""The stages of the pipeline, built from the settings: what a camera's run and a trial by hand have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge.capture.camera import Camera, open_camera
from edge.clock import Clock
from edge.config import CameraSettings, Settings
from edge.inference.classify import AttributeClassifier
from edge.inference.detect import FaceDetector
from edge.inference.landmarks import LandmarkRefiner
from edge.inference.manifest import Manifest, load_manifest, packaged_models
from edge.inference.model import Model
from edge.pipeline import AttentionCone, Looks, Pipeline
from edge.types import Classifier, Detector, Refiner
from edge.vision.aggregate import Aggregator
from edge.vision.closeup import CloseUps
from edge.vision.consensus import Consensus
from edge.vision.quality import QualityGate
from edge.vision.tracker import Tracker
from edge.vision.visits import Visits
from edge.vision.zones import Zone, Zones

SECOND_LOOK_GAIN = 1.15
LOOK_SPACING_S = 0.3
"""Between two looks at a visit, and between two directions of its face, so that both share their landmarks."""
"""Between two looks at a visit, and as long between two directions of its face: so they share their landmarks."""


@dataclass(frozen=True, slots=True)
class Models:
    """The networks, loaded, and what is written about them."""

    detector: Detector
    refiner: Refiner
    classifier: Classifier
    manifest: Manifest


def load_models(settings: Settings) -> Models:
    """Raises ``UserError`` for a file that is missing, truncated or not the one of the manifest."""
    manifest = load_manifest(settings.models.directory or packaged_models())
    runtime, threads = settings.models.runtime, settings.detection.threads
    detector = FaceDetector(
        Model(manifest.detector, threads=threads, runtime=runtime),
        calibration=manifest.detector_calibration,
        min_score=settings.detection.low_score,
        min_side_px=settings.detection.min_face_px,
    )
    refiner = LandmarkRefiner(Model(manifest.landmarks, threads=threads, runtime=runtime))
    classifier = AttributeClassifier(
        Model(manifest.attributes, threads=threads, runtime=runtime), manifest.temperatures
    )
    return Models(detector, refiner, classifier, manifest)


def camera_of(asked: CameraSettings, *, clock: Clock) -> Camera:
    """The camera that the settings ask for, not yet opened. Raises ``CameraError`` for a source that is none."""
    return open_camera(
        asked.source,
        width=asked.width,
        height=asked.height,
        fps=asked.fps,
        clock=clock,
        realtime=asked.realtime,
    )


def build_pipeline(
    settings: Settings,
    models: Models,
    clock: Clock,
    *,
    budget_s: float | None,
    counted_until: datetime | None = None,
) -> Pipeline:
    """The stages with their plain values. ``budget_s`` None classifies without regard to time;
    ``counted_until`` is where an earlier run of the service stopped counting."""
    attributes, detection = settings.attributes, settings.detection
    return Pipeline(
        detector=models.detector,
        close_ups=CloseUps(models.refiner, every_s=LOOK_SPACING_S),
        classifier=models.classifier,
        tracker=Tracker(
            confirm_s=settings.tracking.confirm_s,
            lost_s=settings.tracking.lost_s,
            high_score=detection.min_score,
            low_score=detection.low_score,
        ),
        # longer than one direction is kept, so that one mistake makes nobody a viewer
        visits=Visits(Consensus(models.manifest.thresholds), viewer_s=LOOK_SPACING_S),
        gate=QualityGate(
            min_side_px=attributes.min_face_px,
            max_yaw=attributes.max_yaw_deg,
            max_pitch=attributes.max_pitch_deg,
        ),
        zones=Zones([Zone(zone.name, zone.polygon, zone.exclude) for zone in settings.zones]),
        aggregator=Aggregator(
            window_s=settings.window.seconds,
            max_gap_s=settings.window.max_gap_s,
            counted_until=counted_until,
            zones=[zone.name for zone in settings.zones if not zone.exclude],
            closing_hour=settings.privacy.closing_hour,
        ),
        cone=AttentionCone(settings.attention.yaw_deg, settings.attention.pitch_deg),
        looks=Looks(attributes.observations_per_visit, LOOK_SPACING_S, SECOND_LOOK_GAIN, budget_s),
        clock=clock,
    )
