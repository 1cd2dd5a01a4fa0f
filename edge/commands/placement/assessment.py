"""From figures to a verdict: how good each one is, and what to change first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from edge.commands.placement.advice import ADVICE, CONSEQUENCES, few
from edge.commands.placement.measures import FEWEST, Figures, Needs, interval, measure
from edge.commands.placement.sights import Glance
from edge.types import Visit
from edge.vision.light import DARK, DIM, GLARING
from edge.vision.quality import SHARP

State = Literal["good", "poor", "bad", "unknown"]
Verdict = Literal["works", "limits", "fails", "unclear"]

_BY_RANK: Final[tuple[State, ...]] = ("unknown", "good", "poor", "bad")


@dataclass(frozen=True, slots=True)
class Limit:
    """The value from which a figure is poor, and the value from which it is bad; either may be the larger one."""

    poor: float
    bad: float

    def judge(self, value: float) -> State:
        worse = 1.0 if self.bad >= self.poor else -1.0
        if worse * value >= worse * self.bad:
            return "bad"
        return "poor" if worse * value >= worse * self.poor else "good"


SHARE = Limit(0.2, 0.5)
"""A fault of every fifth person is a limit, a fault of every second person makes the position useless."""

BARELY = 1.25
"""Below this ratio of the usual face to the smallest allowed one, faces are too small. Measured on the sample scene
from farther away: at 1.3 everybody is found, at 1.2 a third is missed or too small."""

FPS = Limit(6.0, 3.0)
"""A visit needs three detections: below, a person who is in view for one second is not counted."""

LUMA = Limit(DIM, DARK)
BURNT = Limit(GLARING, 2 * GLARING)

SHARPNESS = Limit(SHARP / 4, SHARP / 8)
"""Measured on the sample scene, blurred: at a sixth of a sharp face 2 of 10 verdicts are missing, at a tenth half."""

FRAME_SHARPNESS = Limit(0.001, 0.0005)
"""For a whole picture, if there is no face: sharp pictures have 0.002 and more."""

ROLL = Limit(15.0, 40.0)
"""Degrees, measured on the sample scene, tilted: from 20 on visits break in two, at 60 most faces are not found."""

FACING = Limit(0.5, -1.0)
"""Never bad: people who pass without looking are normal."""

UNKNOWN = Limit(0.2, 0.5)
"""Limits for the lower end of the interval."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure for people: its text, a ``level`` 0..1 for a bar (1 is ideal), and how good it is."""

    name: str
    label: str
    value: float | None
    says: str
    level: float | None
    state: State


@dataclass(frozen=True, slots=True)
class Advice:
    """What to change; ``cause`` is the name of the reading that needs it, or ``few``."""

    cause: str
    text: str


@dataclass(frozen=True, slots=True)
class Assessment:
    figures: Figures
    readings: tuple[Reading, ...]
    advice: tuple[Advice, ...]
    verdict: Verdict


def assess(glances: Sequence[Glance], visits: Sequence[Visit], needs: Needs) -> Assessment:
    """Assess the position from ``glances`` (at least one, in order of time) and the ``visits`` that have ended."""
    figures = measure(glances, visits, needs)
    readings = read(figures, needs)
    faulty = [reading for reading in readings if reading.state in ("poor", "bad")]
    causes = list(ADVICE)
    faulty.sort(key=lambda one: (one.name in CONSEQUENCES, one.state != "bad", causes.index(one.name)))
    advice = [Advice(reading.name, ADVICE[reading.name](figures, needs)) for reading in faulty]
    if figures.people < FEWEST:
        advice.append(Advice("few", few(figures)))
    return Assessment(figures, tuple(readings), tuple(advice), _verdict(figures, readings))


def _verdict(figures: Figures, readings: Sequence[Reading]) -> Verdict:
    states = {reading.state for reading in readings}
    if "bad" in states:
        return "fails"
    if figures.people < FEWEST:
        return "unclear"
    return "limits" if "poor" in states else "works"


def read(figures: Figures, needs: Needs) -> list[Reading]:
    """Return every reading, in the order of the panel."""
    f = figures
    tilt = Limit(needs.cone_pitch * 2 / 3, needs.cone_pitch)
    aside = Limit(needs.cone_yaw * 2 / 3, needs.cone_yaw)
    burnt, facing = f"{f.burnt:.0%} of the picture burnt out", f"{_of(f.facing, f.counted)} face the camera"
    excluded = f"{f.excluded or 0:.0%} in excluded zones"
    missed = f.missed / f.people if f.people else None
    readings = [
        _speed(f, needs),
        _reading("light", "Light", f.luma, f"brightness {f.luma:.0f} of 255", LUMA, f.luma / 128),
        _reading("burnt", "Highlights", f.burnt, burnt, BURNT, 1 - f.burnt),
        _sharpness(f),
        _size(f, needs),
        _fault("distance", "Distance", f.unseen, f.closeups, "{} faces found only in an enlarged picture"),
        _fault("backlight", "Backlight", f.backlit, f.people, "{} against the light"),
        _angle("roll", "Tilt", f.roll, ("faces lean left", "faces lean right"), ROLL),
        _angle("pitch", "Height", f.pitch, ("seen from above", "seen from below"), tilt),
        _angle("yaw", "Direction", f.yaw, ("they look left of it", "they look right of it"), aside),
        _reading("facing", "Attention", f.facing, facing, FACING, f.facing or 0.0),
        _fault("cut", "Cut off", f.cut, f.people, "{} at the edge"),
        _reading("excluded", "Excluded", f.excluded, excluded, SHARE, 1 - (f.excluded or 0.0)),
        _fault("missed", "Missed", missed, f.people, "{} not seen well enough to count"),
    ]
    return [*readings, _unknown(f)] if needs.attributes else readings


def _reading(name: str, label: str, value: float | None, says: str, limit: Limit, level: float) -> Reading:
    if value is None:
        return Reading(name, label, None, "too few faces seen yet", None, "unknown")
    return Reading(name, label, value, says, min(1.0, max(0.0, level)), limit.judge(value))


def _fault(name: str, label: str, share: float | None, people: int, says: str) -> Reading:
    """Return the reading of the share of ``people`` with a fault; one person among several is ignored as chance."""
    found = _reading(name, label, share, says.format(_of(share, people)), SHARE, 1 - (share or 0.0))
    is_accident = people > 1 and round((share or 0.0) * people) == 1
    return replace(found, state="good") if is_accident else found


def _speed(figures: Figures, needs: Needs) -> Reading:
    fps = figures.fps or 0.0
    says = f"{fps:.1f} frames a second" + (f", {figures.dropped} dropped" if figures.dropped else "")
    return _reading("fps", "Speed", figures.fps, says, FPS, fps / needs.fps)


def _size(figures: Figures, needs: Needs) -> Reading:
    """Return the reading of the face size: poor if some faces are too small, or if all are barely large enough,
    because then faces a step farther away are not found."""
    side, least = figures.side_px or 0.0, needs.face_px
    says = f"{side:.0f} px, {least:.0f} needed; {{}} too small"
    found = _fault("size", "Face size", figures.too_small, figures.people, says)
    if found.level is None:
        return found
    barely = Limit(BARELY * least, least).judge(side)
    worse = max(found.state, barely, key=_BY_RANK.index)
    return replace(found, level=min(1.0, side / (2 * least)), state=worse)


def _unknown(figures: Figures) -> Reading:
    """Return the reading of unknown attributes, by the lower end of the interval, so that chance does not fail a
    position."""
    found, of = max(figures.unknown.values()), figures.judged
    low, high = interval(found, of)
    says = f"{found} of {of} visits; expect {low:.0%} to {high:.0%}"
    return _reading(
        "unknown", "Unknown", low if of >= FEWEST else None, says, UNKNOWN, 1 - found / max(of, 1)
    )


def _angle(name: str, label: str, value: float | None, sides: tuple[str, str], limit: Limit) -> Reading:
    """Return the reading of an angle to either side; a few degrees are ignored."""
    size = None if value is None else abs(value)
    straight = size is None or size < limit.poor / 3
    words = "straight" if straight else sides[(value or 0) > 0]
    return _reading(name, label, size, f"{size or 0:.0f}°, {words}", limit, 1 - (size or 0) / limit.bad)


def _sharpness(figures: Figures) -> Reading:
    """Return the sharpness of the faces, or of the whole picture while there are none."""
    if figures.sharpness is None:
        value = figures.frame_sharpness
        is_sharp = value is None or value > FRAME_SHARPNESS.poor
        says = f"no face yet; the picture is {'sharp' if is_sharp else 'blurred'}"
        level = (value or 0.0) / FRAME_SHARPNESS.poor
        return _reading("sharpness", "Sharpness", value, says, FRAME_SHARPNESS, level)
    share = min(1.0, figures.sharpness / SHARP)
    return _reading("sharpness", "Sharpness", figures.sharpness, f"faces {share:.0%} sharp", SHARPNESS, share)


def _of(share: float | None, people: int) -> str:
    return f"{round((share or 0) * people)} of {people}"
