"""A simulated fleet, day by day: every message that reaches the broker, and the truth of each site and day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud.domain.chain import Chain, Interval, Role, Site
from cloud.simulation.beside import true_beside
from cloud.simulation.chain import PROMOTION, Camera, Sites, make_sites
from cloud.simulation.device import Arrival, Device, DeviceDay, Release
from cloud.simulation.doors import true_re_entries
from cloud.simulation.faults import draw_faults
from cloud.simulation.places import true_places
from cloud.simulation.till import TillDay, conversion_of, till_day
from cloud.simulation.visitors import Visitors, known_eyes, visitors
from common.vocabulary import ATTRIBUTES, LOOK_MOST_S

_TILL = 15
"""Makes the chance of the till another one than that of the visitors."""
DAY_TO_DAY = 0.12
"""Standard deviation of the log of a shop's visits around the usual value of the weekday, such as from the weather."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened in front of the cameras of one role at one site on one local day, while it was open.

    ``came`` is the number of people in front of them; ``visits`` of them are in windows that reached the broker. The
    other figures are about these visits, by true label: what the store would contain without mistakes of the models and
    without withholding.
    """

    site: str
    role: Role
    day: date
    open_s: float
    came: int
    visits: int
    viewers: int
    described: int
    dwell_sum_s: float
    attention_sum_s: float
    gender: Mapping[str, int]
    age_band: Mapping[str, int]
    expression: Mapping[str, int]
    places: Mapping[str, Mapping[str, Mapping[str, float]]]
    """What they did at doors, in zones, towards targets and before clips, by name."""
    beside: Mapping[str, int]
    """How many of the ``entries`` are ``re_entries``. The others hold for all the time in which devices are on, as
    cohorts do: ``visits``, those of ``members`` among them, and how many of all who were followed are ``staff``, and of
    these were ``left_out``."""
    till: Mapping[str, float] | None = None
    """Only of entrances: how many people really ``entered``, counted or not, and the share of them that buys
    (``conversion``)."""

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "day": self.day.isoformat()}


@dataclass(frozen=True, slots=True)
class SiteDay:
    """One site and day. ``arrivals`` are in order for each device; there is a truth for each role."""

    day: date
    site: Site
    arrivals: Sequence[Arrival]
    truths: Sequence[Truth]
    till: TillDay


class Fleet:
    """``sites`` shops over the ``days`` days that end with ``last_day``, but not after ``until``.

    Equal arguments give equal messages. ``window_s`` is the length of a window in seconds, ``noise_budget`` that of
    devices which add noise to verdicts, None if none does.
    """

    def __init__(
        self,
        *,
        sites: int,
        days: int,
        last_day: date,
        until: datetime,
        window_s: int,
        seed: int,
        noise_budget: float | None = None,
    ) -> None:
        self.days = [last_day - timedelta(days=back) for back in reversed(range(days))]
        self._sites: Sites = make_sites(sites, self.days, seed)
        self._seed, self._noise_budget = seed, noise_budget
        self._until = until
        self._devices = {
            name: [
                self._device(index, name, camera, window_s) for camera in self._sites.characters[name].cameras
            ]
            for index, name in enumerate(self.chain.sites)
        }

    @property
    def chain(self) -> Chain:
        return self._sites.chain

    def chain_yaml(self) -> str:
        """Return the chain file."""
        return self._sites.yaml()

    def site_days(self) -> Iterator[SiteDay]:
        """Generate every site of each day, day by day. Call it only once, because the devices keep their state."""
        for index, day in enumerate(self.days):
            for number, (name, site) in enumerate(self.chain.sites.items()):
                rng = np.random.default_rng([self._seed, number, day.toordinal()])
                release = self._release(number, index)
                yield self._site_day(number, site, self._devices[name], day, release, rng)

    def _device(self, site_number: int, site_name: str, camera: Camera, window_s: int) -> Device:
        site, character = self.chain.sites[site_name], self._sites.characters[site_name]
        rng = np.random.default_rng([self._seed, site_number, character.cameras.index(camera)])
        return Device(
            camera,
            site,
            character,
            draw_faults(rng, site, self.days),
            window_s=window_s,
            until=self._until,
            rng=rng,
            noise_budget=self._noise_budget,
        )

    def _release(self, site_number: int, day_number: int) -> Release:
        """Return what a site runs on a day.

        The new release comes to three pilot sites in each hundred on the tenth day, and to most others five days later;
        every eighth site never updates.
        """
        eyes = known_eyes()
        pilot = site_number % 100 in (1, 2, 3)
        new = day_number >= (10 if pilot else 15) and site_number % 8 != 7
        software = version("footlight")
        if new or len(self.days) <= 10:
            return Release(software, eyes[-1].calibration, eyes[-1])
        return Release(software, f"{eyes[0].calibration}-previous", eyes[0])

    def _site_day(
        self,
        number: int,
        site: Site,
        devices: Sequence[Device],
        day: date,
        release: Release,
        rng: np.random.Generator,
    ) -> SiteDay:
        character = self._sites.characters[site.name]
        promoted = any(
            one.first <= day <= one.last and (not one.sites or site.name in one.sites)
            for one in self.chain.annotations
        )
        factor = (PROMOTION if promoted else 1.0) * float(rng.lognormal(0, DAY_TO_DAY))
        arrivals: list[Arrival] = []
        played: dict[Role, list[DeviceDay]] = {role: [] for role in site.roles}
        for camera, device in zip(character.cameras, devices, strict=True):
            everybody = visitors(rng, character, site, day, factor * camera.sees)
            one = device.day(day, everybody, release)
            arrivals += one.arrivals
            played[camera.purpose].append(one)
        # Of its own chance, so that the days are those of a chain without tills.
        dice = np.random.default_rng([self._seed, number, day.toordinal(), _TILL])
        conversion = conversion_of(np.random.default_rng([self._seed, number, _TILL]))
        till = till_day(dice, site, day, [one.came for one in played.get("entrance", [])], conversion)
        truths = [
            _truth(site, role, day, days, till if role == "entrance" else None)
            for role, days in played.items()
        ]
        return SiteDay(day, site, arrivals, truths, till)


def _during(people: Visitors, opening: Sequence[Interval]) -> NDArray[np.bool_]:
    """Mark the people who left while the shop was open."""
    inside = np.zeros(len(people.end_s), dtype=bool)
    for first, last in opening:
        inside |= (people.end_s >= first.timestamp()) & (people.end_s < last.timestamp())
    return inside


def _truth(site: Site, role: Role, day: date, played: Sequence[DeviceDay], till: TillDay | None) -> Truth:
    opening = site.opening_intervals(day)
    pairs = [(one.counted, _during(one.counted, opening)) for one in played]
    mixes = {
        attribute: {
            name: sum(int((people.labels[attribute][i] == index).sum()) for people, i in pairs)
            for index, name in enumerate(names)
        }
        for attribute, names in ATTRIBUTES.items()
    }
    return Truth(
        site=site.name,
        role=role,
        day=day,
        open_s=sum((last - first).total_seconds() for first, last in opening),
        came=sum(int(_during(one.came, opening).sum()) for one in played),
        visits=sum(int(i.sum()) for _, i in pairs),
        viewers=sum(int((people.attention_s[i] > 0).sum()) for people, i in pairs),
        described=sum(int(people.described[i].sum()) for people, i in pairs),
        dwell_sum_s=round(sum(float(people.dwell_s[i].sum()) for people, i in pairs), 1),
        attention_sum_s=round(
            sum(float(np.minimum(people.attention_s[i], LOOK_MOST_S).sum()) for people, i in pairs), 1
        ),
        gender=mixes["gender"],
        age_band=mixes["age_band"],
        expression=mixes["expression"],
        places=true_places(role, pairs),
        beside=true_beside([one.counted.beside for one in played], [one.left_out.beside for one in played])
        | true_re_entries(people.only(i) for people, i in pairs),
        till={"entered": till.entered, "conversion": till.conversion} if till else None,
    )
