"""The complete pipeline over a file, at full speed. Nothing is published."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from common.clock import Clock
from common.errors import UserError
from common.vocabulary import ATTRIBUTES, NOT_SEEN, UNKNOWN
from edge.capture.replay import replay
from edge.config import Settings
from edge.service.build import Models, build_pipeline, camera_of
from edge.types import Visit

Json = dict[str, Any]


def counts(visits: Iterable[Visit], attribute: str) -> dict[str, int]:
    """Count visits by label; every label of the attribute is present, ``unknown`` and ``not_seen`` are last."""
    found = Counter(visit.attributes[attribute].label for visit in visits)
    return {label: found[label] for label in (*ATTRIBUTES[attribute], UNKNOWN, NOT_SEEN)}


def replay_source(
    source: str, settings: Settings, models: Models, clock: Clock, *, progress: Callable[[int], None]
) -> Json:
    """Play a finite source through the pipeline at full speed; ``progress`` is called with the number of frames."""
    asked = settings.camera.model_copy(update={"source": source, "realtime": False})
    camera = camera_of(asked, clock=clock)
    pipeline = build_pipeline(settings, models, clock, budget_s=None)
    visits: list[Visit] = []
    windows = frames = 0
    first_s = last_s = 0.0
    began = time.perf_counter()
    for frame in replay(camera):
        step = pipeline.step(frame)
        visits += step.visits
        windows += len(step.windows)
        first_s, last_s = (frame.monotonic_s if frames == 0 else first_s), frame.monotonic_s
        frames += 1
        progress(frames)
    step = pipeline.finish(last_s)
    visits += step.visits
    windows += len(step.windows)
    elapsed = time.perf_counter() - began
    if not frames:
        raise UserError(f"{source}: contains no picture")
    visits.sort(key=lambda visit: visit.started_at)
    return {
        "source": source,
        "frames": frames,
        "seconds": round(last_s - first_s, 3),
        "fps": round(frames / elapsed, 1),
        "visits": len(visits),
        "described": sum(visit.described for visit in visits),
        "viewers": sum(visit.viewer for visit in visits),
        **{attribute: counts(visits, attribute) for attribute in ATTRIBUTES},
        "dwell_s": [round(visit.dwell_s, 2) for visit in visits],
        "attention_s": [round(visit.attention_s, 2) for visit in visits],
        "windows": windows,
    }
