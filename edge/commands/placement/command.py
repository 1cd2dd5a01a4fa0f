"""``footlight-edge place``: from the settings to an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any

from rich.console import Console

from common.clock import Clock
from common.errors import UserError
from common.masking import masked
from common.wire import Profile
from edge.capture.camera import Camera
from edge.capture.thread import CameraThread
from edge.commands.placement.assessment import Verdict
from edge.commands.placement.check import Moment, watch
from edge.commands.placement.measures import Needs
from edge.commands.placement.panel import follow
from edge.commands.placement.publish import LONGEST_S, Page, places
from edge.commands.placement.watch import Listening, Watcher
from edge.config import Settings
from edge.service.build import Models, build_pipeline, camera_of, load_models
from edge.service.place_building import excluded_zones

PUBLISHED: dict[Profile, tuple[str, ...]] = {
    "count": (),
    "demographics": ("gender", "age_band"),
    "expression": ("gender", "age_band", "expression"),
}
"""The attributes that each privacy profile publishes: an attribute that is not published cannot fail a position."""


EXIT: dict[Verdict, int] = {"works": 0, "limits": 1, "unclear": 1, "fails": 2}


def place(settings: Settings, *, seconds: float, as_json: bool, publish: bool, clock: Clock) -> int:
    """Watch, report, and return the exit code: 0 works, 1 works with limits or too few faces, 2 will not work."""
    if publish and seconds > LONGEST_S:
        raise UserError(
            f"--seconds: with --publish at most {LONGEST_S:g}, because the page shows where people stand"
        )
    moments = check(settings, seconds=seconds, clock=clock)
    if publish:
        moments = _published(moments, settings, clock)
    if as_json:
        *_, last = moments
        sys.stdout.write(json.dumps(figures(last)) + "\n")
    else:
        source = masked(str(settings.camera.source))
        title = f"Camera position: {settings.device} in {settings.site} (camera {source})"
        last = follow(moments, title, Console())
    return EXIT[last.assessment.verdict]


def needs(settings: Settings) -> Needs:
    """Return what these settings need from a position."""
    attributes = PUBLISHED[settings.privacy.profile]
    return Needs(
        face_px=settings.attributes.min_face_px if attributes else settings.detection.min_face_px,
        cone_yaw=settings.attention.yaw_deg,
        cone_pitch=settings.attention.pitch_deg,
        fps=settings.camera.fps,
        rotate=settings.camera.rotate,
        attributes=attributes,
    )


def check(
    settings: Settings,
    *,
    seconds: float,
    clock: Clock,
    camera: Camera | None = None,
    models: Models | None = None,
) -> Iterator[Moment]:
    """Watch with the camera and the stages of the service; nothing is sent. ``camera`` and ``models`` replace those of
    the settings. Raises ``UserError`` when the camera cannot be used."""
    models = models or load_models(settings)
    detector = Listening(models.detector)
    source = camera or camera_of(settings.camera, clock=clock)
    pipeline = build_pipeline(
        settings,
        replace(models, detector=detector),
        clock,
        budget_s=settings.attributes.budget_ms / 1000 if source.live else None,
    )
    excluded = excluded_zones(settings)
    watcher = Watcher(pipeline, detector, excluded, sure_score=settings.detection.min_score)
    thread = CameraThread(source, clock=clock)
    thread.start()
    try:
        yield from watch(thread, watcher, needs(settings), seconds=seconds, clock=clock)
    finally:
        thread.stop()


def figures(moment: Moment) -> dict[str, Any]:
    """Return everything that was measured, for programs."""
    assessment = moment.assessment
    return {
        "verdict": assessment.verdict,
        "advice": [asdict(advice) for advice in assessment.advice],
        "readings": [asdict(reading) for reading in assessment.readings],
        "figures": asdict(assessment.figures),
    }


def _published(moments: Iterator[Moment], settings: Settings, clock: Clock) -> Iterator[Moment]:
    """Pass on ``moments`` unchanged, and show each one on the page."""
    page = Page(
        settings.mqtt.broker(),
        site=settings.site,
        device=settings.device,
        camera=settings.camera.name,
        clock=clock,
        own=places(settings),
    )
    with closing(page):
        for moment in moments:
            page.show(moment)
            yield moment
