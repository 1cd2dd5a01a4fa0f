"""What to change, in plain words: one sentence for each cause, for somebody on a ladder."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from edge.commands.placement.measures import Figures, Needs
from edge.commands.placement.sights import Edge
from edge.vision.light import DIM
from edge.vision.quality import SHARP

VIEW_DEG = 65.0
FACE_M = 0.17
"""Angle of view of a usual camera, and the side of a face: they turn pixels into a distance, within a third."""

SIZES = ((640, 480), (1280, 720), (1920, 1080))
"""Usual picture sizes of cameras, in pixels."""


def few(figures: Figures) -> str:
    seen = "Nobody was seen" if figures.people == 0 else "Only one person was seen"
    return f"{seen}: ask somebody to walk by twice, as customers do."


def _fps(figures: Figures, needs: Needs) -> str:
    fps, camera_fps = figures.fps or 0.0, figures.camera_fps or 0.0
    if camera_fps > 2 * fps:
        return (
            f"Reduce the load: the camera sends {camera_fps:.0f} frames a second, but this device processes {fps:.1f}. "
            "Lower camera.width and camera.height, or end other programs."
        )
    cause = "It is dark: add more light." if figures.luma < 2 * DIM else "Try another cable, port or size."
    return f"Make the camera faster: it sends {fps:.1f} frames a second instead of {needs.fps:.0f}. {cause}"


def _light(figures: Figures, _: Needs) -> str:
    return f"Add more light: the picture is too dark (brightness {figures.luma:.0f} of 255)."


def _burnt(figures: Figures, _: Needs) -> str:
    return f"Turn it away from the bright window or lamp: {figures.burnt:.0%} of the picture is burnt out."


def _backlight(figures: Figures, _: Needs) -> str:
    return (
        f"Turn it away from the window, or hang it on the window's side: {figures.backlit or 0:.0%} of the faces are "
        "dark in front of a bright background."
    )


def _sharpness(figures: Figures, _: Needs) -> str:
    slow, all_of = figures.slow_sharpness, figures.sharpness
    if slow is not None and all_of is not None and slow > max(3 * all_of, SHARP / 2):
        return "Add more light, or use a shorter exposure: faces are sharp at rest, but blurred while people walk."
    what = "the picture is" if all_of is None else "faces are"
    return f"Focus it: clean the lens, remove its protective film, turn its focus ring; {what} blurred."


def _roll(figures: Figures, needs: Needs) -> str:
    if figures.hangs is not None:
        rotate = (needs.rotate + figures.hangs) % 360
        how = "upside down" if figures.hangs == 180 else "on its side"
        return f"Set camera.rotate: {rotate} in the settings, or turn the camera itself: it hangs {how}."
    roll = figures.roll or 0.0
    way = "clockwise" if roll > 0 else "anticlockwise"
    return f"Turn the camera {abs(roll):.0f}° {way}, seen from behind it: faces lean to one side."


def _pitch(figures: Figures, _: Needs) -> str:
    pitch = figures.pitch or 0.0
    metres = distance_m(figures) * math.tan(math.radians(abs(pitch)))
    way, sees = ("lower", "down on") if pitch < 0 else ("higher", "up at")
    return (
        f"Hang it about {max(1, round(10 * metres)) * 10} cm {way}: it looks {abs(pitch):.0f}° {sees} faces."
    )


def _yaw(figures: Figures, _: Needs) -> str:
    yaw = figures.yaw or 0.0
    way = "right" if yaw > 0 else "left"
    return f"Move it to the {way}, seen from behind it: most people look {abs(yaw):.0f}° to its side."


_TOWARDS: Final[dict[Edge, str]] = {
    "top": "Tilt it up",
    "bottom": "Tilt it down",
    "left": "Turn it to the left",
    "right": "Turn it to the right",
}


def _cut(figures: Figures, _: Needs) -> str:
    edge = figures.cut_edge or "top"
    says = f"{figures.cut or 0:.0%} of the faces are cut off, mostly at the {edge}"
    return f"{_TOWARDS[edge]}, or take it farther away: {says}."


def _size(figures: Figures, needs: Needs) -> str:
    least, small = needs.face_px, round((figures.too_small or 0) * figures.people)
    if small <= 1:  # hardly any face is too small, but all are close to the limit
        side = figures.side_px or 0.0
        return f"Come closer: faces are {side:.0f} px, hardly more than the {least:.0f} needed; smaller ones go unseen."
    side = figures.small_px or 1.0
    says = f"{small} of {figures.people} faces are too small, {side:.0f} px where {least:.0f} are needed"
    larger = _larger(figures, side, least)
    if larger and 5 * figures.missed < figures.people:  # the faces are found, they only have too few pixels
        return f"{larger}: {says}."
    if 5 * figures.missed >= figures.people:
        return f"Come much closer: {says}, and smaller ones are not found at all."
    return f"Come closer, to {5 * int(20 * side / least)} % of the distance: {says}."


def _distance(figures: Figures, needs: Needs) -> str:
    unseen, side = round((figures.unseen or 0.0) * figures.closeups), figures.unseen_px or 1.0
    does = _larger(figures, side, needs.face_px) or "Come much closer"
    return (
        f"{does}: {unseen} of {figures.closeups} faces are so far away that they are found only where the picture is "
        f"enlarged, {side:.0f} px where {needs.face_px:.0f} are needed."
    )


def _larger(figures: Figures, side: float, least: float) -> str | None:
    """Advise the smallest usual size of the picture in which faces of ``side`` pixels now have ``least``, if any."""
    for width, height in SIZES:
        if width > figures.width and side * width / figures.width >= least:
            return f"Use {width}x{height} (camera.width, camera.height), or come closer"
    return None


def _excluded(figures: Figures, _: Needs) -> str:
    return (
        f"Check the excluded zones: {figures.excluded or 0:.0%} of the faces are in them and are not counted."
    )


def _facing(figures: Figures, _: Needs) -> str:
    return (
        f"Hang it where people walk towards it, close to what they look at: only {figures.facing or 0:.0%} face it, "
        f"and faces are turned by {figures.turned or 0:.0f}°."
    )


def _missed(figures: Figures, _: Needs) -> str:
    return (
        "Hang it where faces are seen larger, longer and from the front: "
        f"{figures.missed} of {figures.people} people were seen too poorly to be counted."
    )


def _unknown(figures: Figures, _: Needs) -> str:
    worst = max(figures.unknown, key=lambda name: figures.unknown[name])
    return (
        f"Hang it where people stop or walk towards it: {worst.replace('_', ' ')} stays unknown for "
        f"{figures.unknown[worst]} of {figures.judged} visits."
    )


ADVICE: Final[dict[str, Callable[[Figures, Needs], str]]] = {
    "fps": _fps,
    "light": _light,
    "backlight": _backlight,
    "burnt": _burnt,
    "sharpness": _sharpness,
    "roll": _roll,
    "pitch": _pitch,
    "yaw": _yaw,
    "cut": _cut,
    "distance": _distance,
    "size": _size,
    "excluded": _excluded,
    "facing": _facing,
    "missed": _missed,
    "unknown": _unknown,
}
"""By the name of the reading that needs it; causes come before their effects."""

CONSEQUENCES: Final = ("facing", "missed", "unknown")
"""Effects of the other faults, or of where people walk: the last thing to work on."""


def distance_m(figures: Figures) -> float:
    """Estimate the distance of the people in metres."""
    focal_px = figures.width / 2 / math.tan(math.radians(VIEW_DEG / 2))
    return FACE_M * focal_px / max(figures.side_px or 0.0, 1.0)
