"""The random choices about one drawn person: skin, hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.scene.portraits import Portrait
from edge.scene.sheet import Colour, Sheet
from edge.types import Floats

HAIR: dict[str, tuple[Colour, ...]] = {
    "young": ((28, 32, 42), (20, 22, 26), (40, 62, 98), (30, 44, 72), (92, 140, 178)),
    "grey": ((120, 124, 128), (150, 152, 156), (92, 96, 104)),
    "white": ((205, 207, 210), (182, 186, 190)),
}
CLOTHES: tuple[Colour, ...] = (
    (62, 44, 38), (120, 84, 46), (54, 58, 150), (74, 112, 60), (150, 150, 156),
    (44, 44, 48), (170, 120, 150), (60, 140, 190), (205, 205, 200), (110, 60, 96),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = ((70, 52, 40), (40, 40, 44), (92, 88, 84), (58, 70, 92))


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What head and body share. ``child`` is shorter."""

    skin: Floats
    hair: Colour
    long_hair: bool
    bald: bool
    child: bool
    female: bool


@dataclass(frozen=True, slots=True)
class Outfit:
    """Clothes; ``neck`` is the lowest point of the neckline, in units."""

    cloth: Colour
    trouser: Colour
    neck: float
    jacket: bool


def choose_looks(portrait: Portrait, rng: np.random.Generator) -> Looks:
    female = portrait.gender == "female"
    skin, hair = skin_colour(portrait), hair_colour(portrait, rng)
    long_hair = female and bool(rng.random() < 0.8)
    bald = not female and portrait.age_band in ("55-64", "65+") and bool(rng.random() < 0.5)
    return Looks(skin, hair, long_hair, bald, portrait.age_band == "0-17", female)


def choose_outfit(rng: np.random.Generator) -> Outfit:
    cloth = CLOTHES[int(rng.integers(len(CLOTHES)))]
    trouser = TROUSERS[int(rng.integers(len(TROUSERS)))]
    return Outfit(cloth, trouser, neck=float(rng.uniform(1.35, 1.7)), jacket=bool(rng.random() < 0.45))


def skin_colour(portrait: Portrait) -> Floats:
    """Return the median colour of the cheeks, BGR."""
    side = portrait.side
    rows = slice(int(0.45 * side), int(0.62 * side))
    cheeks = [
        portrait.picture[rows, int(a * side) : int(b * side), :3].reshape(-1, 3)
        for a, b in ((0.2, 0.35), (0.65, 0.8))
    ]
    return np.asarray(np.median(np.vstack(cheeks), 0), np.float32)


def hair_colour(portrait: Portrait, rng: np.random.Generator) -> Colour:
    age = {"65+": "white", "55-64": "grey"}.get(portrait.age_band, "young")
    choices = HAIR[age]
    if float(skin_colour(portrait).mean()) < 130 and age == "young":
        choices = choices[:2]
    return choices[int(rng.integers(len(choices)))]


def strands_of(sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """Return brightness factors (h, w) around 1 that make a patch of colour look like hair."""
    grain = rng.normal(0, 1, sheet.shape).astype(np.float32)
    fine = cv2.GaussianBlur(grain, (0, 0), sigmaX=0.008 * sheet.scale, sigmaY=0.1 * sheet.scale)
    falling = np.linspace(1.1, 0.85, sheet.shape[0], dtype=np.float32)[:, None]
    return np.asarray(falling + 0.07 * fine / fine.std(), np.float32)


def ragged(mask: np.ndarray, strands: np.ndarray, scale: float) -> np.ndarray:
    """Roughen the edge of the mask along the strands."""
    soft = cv2.GaussianBlur(mask, (0, 0), 0.035 * scale)
    return np.asarray(
        np.clip((soft - 0.5 + 1.2 * (strands - strands.mean())) * 4 + 0.5, 0, 1) * (soft > 0.02), np.float32
    )
