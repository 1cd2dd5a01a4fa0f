"""The sites of a simulated chain: their chain file, and the properties that only the simulator knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import yaml

from cloud.domain.chain import Chain, Purpose
from cloud.simulation.beside import WAYS, Way
from common.wire import Profile

NAME = "simulated"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TOWNS: Mapping[str, tuple[str, float, float, str]] = {
    "berlin": ("Europe/Berlin", 52.52, 13.40, "east"),
    "hamburg": ("Europe/Berlin", 53.55, 10.00, "north"),
    "muenchen": ("Europe/Berlin", 48.14, 11.58, "south"),
    "koeln": ("Europe/Berlin", 50.94, 6.96, "west"),
    "leipzig": ("Europe/Berlin", 51.34, 12.37, "east"),
    "stuttgart": ("Europe/Berlin", 48.78, 9.18, "south"),
    "wien": ("Europe/Vienna", 48.21, 16.37, "south"),
    "zuerich": ("Europe/Zurich", 47.38, 8.54, "south"),
    "london": ("Europe/London", 51.51, -0.13, "isles"),
    "leeds": ("Europe/London", 53.80, -1.55, "isles"),
    "lisboa": ("Europe/Lisbon", 38.72, -9.14, "iberia"),
    "helsinki": ("Europe/Helsinki", 60.17, 24.94, "north"),
}
"""Time zone, degrees of latitude and longitude, region."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of shop. ``peaks``: local hour, width in hours and weight of each rush, above a constant flow of 1."""

    opening: Mapping[str, str]
    visits_per_hour: float
    week: tuple[float, ...]
    """Monday to Sunday, as a factor."""
    peaks: tuple[tuple[float, float, float], ...]
    female: float
    ages: tuple[float, ...]
    """Shares of the age bands."""


def _hours(weekday: str, saturday: str, sunday: str) -> dict[str, str]:
    return {**dict.fromkeys(_DAYS[:5], weekday), "sat": saturday, "sun": sunday}


KINDS: Mapping[str, Kind] = {
    "high-street": Kind(
        opening=_hours("10:00-19:00", "10:00-19:00", "closed"),
        visits_per_hour=22.0,
        week=(0.85, 0.85, 0.9, 1.0, 1.15, 1.5, 0.0),
        peaks=((12.5, 1.0, 0.6), (17.0, 1.2, 1.1)),
        female=0.56,
        ages=(0.06, 0.14, 0.24, 0.20, 0.16, 0.12, 0.08),
    ),
    "mall": Kind(
        opening=_hours("10:00-20:00", "10:00-20:00", "closed"),
        visits_per_hour=34.0,
        week=(0.8, 0.8, 0.85, 0.95, 1.2, 1.7, 0.0),
        peaks=((15.0, 2.0, 0.8), (18.0, 1.0, 0.7)),
        female=0.54,
        ages=(0.14, 0.20, 0.24, 0.18, 0.12, 0.07, 0.05),
    ),
    "station": Kind(
        opening=_hours("06:30-22:00", "08:00-22:00", "09:00-21:00"),
        visits_per_hour=26.0,
        week=(1.1, 1.05, 1.05, 1.1, 1.2, 0.75, 0.65),
        peaks=((8.0, 0.8, 1.8), (17.5, 1.0, 1.6)),
        female=0.47,
        ages=(0.05, 0.19, 0.28, 0.21, 0.15, 0.08, 0.04),
    ),
    "corner": Kind(
        opening=_hours("09:00-18:30", "09:00-14:00", "closed"),
        visits_per_hour=7.0,
        week=(1.0, 0.95, 0.9, 1.0, 1.1, 1.2, 0.0),
        peaks=((11.0, 1.2, 0.7), (16.5, 1.2, 0.6)),
        female=0.58,
        ages=(0.04, 0.06, 0.13, 0.17, 0.20, 0.20, 0.20),
    ),
}
_SHARES = {"high-street": 0.4, "mall": 0.2, "station": 0.15, "corner": 0.25}
_EXPRESSIONS = (0.66, 0.19, 0.05, 0.03, 0.04, 0.02, 0.01)
_PROFILES: Mapping[Profile, float] = {"demographics": 0.6, "expression": 0.3, "count": 0.1}


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera, on its own device."""

    device: str
    purpose: Purpose
    sees: float
    """Share of the shop's visits that pass this camera."""

    @property
    def name(self) -> str:
        """The name in the chain file."""
        return f"{self.device}/{CAMERA}"


CAMERA = "front"
"""The name of the camera on every device."""
_LAYOUTS: Sequence[tuple[Camera, ...]] = (
    (Camera("door", "entrance", 1.0),),
    (Camera("door", "entrance", 0.6), Camera("side", "entrance", 0.4)),
    (Camera("door", "entrance", 1.0), Camera("shelf", "display", 0.5)),
    (
        Camera("door", "entrance", 0.7),
        Camera("side", "entrance", 0.3),
        Camera("shelf", "display", 0.5),
        Camera("till", "display", 0.6),
    ),
)


@dataclass(frozen=True, slots=True)
class Character:
    """The properties of one shop. Mixes are shares of the labels in the order of :mod:`common.vocabulary`."""

    kind: Kind
    visits_per_hour: float
    viewers: float
    """Share of the visits whose face looks at the camera."""
    described: float
    """Share of the other visits whose face is seen well enough once; of viewers, each one is."""
    dwell_s: float
    """The median."""
    female: float
    ages: tuple[float, ...]
    expressions: tuple[float, ...]
    profile: Profile
    cameras: tuple[Camera, ...]
    staff: frozenset[Way]
    """How its devices know staff; empty if they leave nobody out."""
    loyalty: bool
    """Whether members show a code."""


@dataclass(frozen=True, slots=True)
class Sites:
    """A chain with its chain file, and the properties of each site."""

    document: Mapping[str, Any]
    chain: Chain
    characters: Mapping[str, Character]

    def yaml(self) -> str:
        return yaml.safe_dump(dict(self.document), sort_keys=False, allow_unicode=True)


PROMOTION = 1.3
"""The factor by which a promotion changes the visits of a day."""


def make_sites(count: int, days: Sequence[date], seed: int) -> Sites:
    """Make ``count`` sites and the promotions of ``days``; equal arguments give equal results."""
    towns = list(_TOWNS)
    sites: dict[str, Any] = {}
    characters = {}
    for index in range(count):
        town = towns[index % len(towns)]
        name = f"{town}-{index // len(towns) + 1:02d}"
        rng = np.random.default_rng([seed, index])
        kind = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
        characters[name] = _character(KINDS[kind], rng)
        zone, latitude, longitude, region = _TOWNS[town]
        sites[name] = {
            "title": f"{town.capitalize()} {index // len(towns) + 1}, {kind.replace('-', ' ')}",
            "timezone": zone,
            "opening": dict(KINDS[kind].opening),
            "place": {
                "latitude": round(latitude + float(rng.normal(0, 0.05)), 4),
                "longitude": round(longitude + float(rng.normal(0, 0.08)), 4),
            },
            "region": region,
            "cameras": {camera.name: camera.purpose for camera in characters[name].cameras},
        }
    document = {"name": NAME, "sites": sites, "annotations": _promotions(list(sites), days)}
    return Sites(document, Chain.model_validate(document), characters)


def _character(kind: Kind, rng: np.random.Generator) -> Character:
    dice = rng.spawn(1)[0]
    return Character(
        kind=kind,
        visits_per_hour=kind.visits_per_hour * float(rng.lognormal(0, 0.3)),
        viewers=float(rng.beta(30, 20)),
        described=float(rng.beta(8, 8)),
        dwell_s=float(rng.lognormal(np.log(9), 0.2)),
        female=float(np.clip(rng.normal(kind.female, 0.05), 0.2, 0.8)),
        ages=tuple(rng.dirichlet(60 * np.array(kind.ages)).tolist()),
        expressions=tuple(rng.dirichlet(100 * np.array(_EXPRESSIONS)).tolist()),
        profile=rng.choice(list(_PROFILES), p=list(_PROFILES.values())),
        cameras=_LAYOUTS[int(rng.integers(1, len(_LAYOUTS)))]
        if kind.visits_per_hour > 20 and rng.random() < 0.3
        else _LAYOUTS[0],
        staff=frozenset(way for way in WAYS if dice.random() < 0.5),
        loyalty=bool(dice.random() < 0.5),
    )


def _promotions(sites: Sequence[str], days: Sequence[date]) -> list[dict[str, Any]]:
    """Make promotions: every third shop for six days in the middle, all shops on the last Friday and Saturday."""
    middle = days[len(days) // 2]
    last_friday = next((day for day in reversed(days[:-1]) if day.weekday() == 4), None)
    promotions: list[dict[str, Any]] = [
        {
            "from": middle,
            "to": min(middle + timedelta(days=5), days[-1]),
            "sites": list(sites[::3]),
            "text": "Spring window",
        }
    ]
    if last_friday is not None:
        promotions.append(
            {"from": last_friday, "to": last_friday + timedelta(days=1), "text": "Long weekend"}
        )
    return promotions
