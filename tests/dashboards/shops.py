"""A small chain as its devices tell it: four shops, eight days and one that is not over, with all that can go wrong.

Nothing here knows a database. What the tests expect of a dashboard they work out from these messages themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from cloud.domain.chain import Chain
from cloud.domain.notices import Acknowledgement
from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EXPRESSIONS, GENDERS, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire import (
    AlertMessage,
    Cells,
    Cohort,
    Coverage,
    Door,
    HealthMessage,
    Message,
    Profile,
    StatusMessage,
    Totals,
    WindowMessage,
    bin_label,
)
from tests.dashboards import shop_noise, shop_places, shop_sales
from tests.support.messages import alert, health, notice

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 3, 18)
NOW = datetime(2026, 3, 18, 15, 20, tzinfo=BERLIN).astimezone(UTC)
FIRST = TODAY - timedelta(days=8)
K = 5

HOURS = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "09:00-20:00")


def _site(title: str, zone: str = "Europe/Berlin", **more: Any) -> dict[str, Any]:
    return {"title": title, "timezone": zone, "opening": HOURS, **more}


CHAIN = Chain.model_validate(
    {
        "name": "corner-shops",
        "sites": {
            "mitte": _site(
                "Berlin Mitte",
                region="east",
                place={"latitude": 52.52, "longitude": 13.4},
                cameras={"door/front": "entrance", "till/front": "display"},
            ),
            "nord.2": _site(
                "Berlin Nord",
                region="east",
                place={"latitude": 52.6, "longitude": 13.4},
                cameras={"door/front": "entrance"},
            ),
            "baixa": _site("Lisboa", "Europe/Lisbon", region="west", cameras={"door/front": "entrance"}),
            "dark": _site("Without light"),
        },
        "annotations": [
            {"from": "2026-03-16", "to": "2026-03-17", "sites": ["mitte"], "text": "coffee for free"},
            {"from": "2026-03-16", "to": "2026-03-16", "sites": ["mitte"], "text": "sun"},
            {"from": "2026-03-12", "to": "2026-03-12", "text": "prices cut"},
        ],
        "currency": "EUR",
        "metrics": shop_sales.METRICS,
        "alerts": shop_sales.ALERTS,
    }
)
DEVICES = (("mitte", "door"), ("mitte", "till"), ("nord.2", "door"), ("baixa", "door"), ("dark", "door"))
PROFILES: dict[str, Profile] = {
    "mitte": "expression",
    "nord.2": "demographics",
    "baixa": "demographics",
    "dark": "count",
}
BUSY = {"mitte": 10, "nord.2": 2, "baixa": 5, "dark": 3}
"""Most visits in a window."""

BLIND_HOUR, HALF_HOUR, FAILED_HOUR, EMPTY_HOUR = 12, 13, 11, 14
"""Hours of today in Berlin: nobody watched; half of it was watched; the camera failed as somebody left; nobody came."""
NOISY_UNTIL = 12
"""Until this hour in Berlin, the device at the till adds noise."""
WOMEN_FROM = TODAY - timedelta(days=2)
"""From then on nearly all who come to Mitte are women."""


def windows() -> list[WindowMessage]:
    """Every window: half hours on past days, five minutes today; a minute at Nord yesterday."""
    random = Random(7)
    made = [window for site, device in DEVICES for window in _device(site, device, random)]
    sent = [window for window in made if not _lost(window)]
    return [part for window in sent for part in (_minutes(window) if _is_by_minute(window) else [window])]


def again(made: Sequence[WindowMessage]) -> list[WindowMessage]:
    """The windows of today that came once more, one of them twice."""
    of_today = [window for window in made if window.start.astimezone(BERLIN).date() == TODAY]
    till, *_ = (window for window in of_today if window.device == "till")
    return [till, till, *(window for window in of_today if window.site == "nord.2")]


def _is_by_minute(window: WindowMessage) -> bool:
    return window.site == "nord.2" and window.start.astimezone(BERLIN).date() == TODAY - timedelta(days=1)


def _minutes(window: WindowMessage) -> Iterator[WindowMessage]:
    """The same half hour as a device tells it minute by minute: who enters and who leaves, do so in one of them."""
    random, count = Random(window.start.isoformat()), window.duration_s // 60
    came, went = random.randrange(count), random.randrange(count)
    for minute in range(count):
        last = minute == count - 1
        doors = {
            name: Door(
                entries=door.entries * (minute == came),
                exits=door.exits * (minute == went),
                passers=door.passers * (minute == came),
                groups=door.groups * (minute == came),
            )
            for name, door in window.totals.doors.items()
        }
        totals = window.totals if last else Totals(visits=0, viewers=0)
        yield window.model_copy(
            update={
                "start": window.start + timedelta(minutes=minute),
                "duration_s": 60,
                "seq": window.seq * count + minute,
                "totals": totals.model_copy(update={"doors": doors}),
                "cohort": window.cohort if last else None,
            }
        )


def _lost(window: WindowMessage) -> bool:
    """Two windows of one device never came."""
    return window.site == "nord.2" and window.start.date() == TODAY and window.seq in (7, 9)


def _device(site: str, device: str, random: Random) -> Iterator[WindowMessage]:
    zone = CHAIN.sites[site].zone
    for day in (FIRST + timedelta(days=n) for n in range((TODAY - FIRST).days + 1)):
        begin = datetime.combine(day, time(9), zone).astimezone(UTC)
        end = min(begin + timedelta(hours=11), NOW)
        step = timedelta(minutes=5 if day == TODAY else 30)
        waiting, since = 0, begin
        for seq in range((end - begin) // step):
            start = begin + seq * step
            share = _coverage(site, day, start, random)
            visits = random.randrange(BUSY[site] + 1) if share > 0 else 0
            local = start.astimezone(BERLIN)
            if site == "mitte" and day == TODAY and local.hour in (FAILED_HOUR, EMPTY_HOUR):
                visits = 1 if local.time() == time(FAILED_HOUR) else 0 if local.hour == EMPTY_HOUR else visits
            waiting += visits
            cohort = None
            if waiting >= 3 * K:
                women = 12 if site == "mitte" and day >= WOMEN_FROM else 2
                told = shop_sales.beside(site, device, waiting, K, Random(start.isoformat()))
                cohort = _cohort(waiting, since, PROFILES[site], women, random, told)
                if device == "till" and local.hour < NOISY_UNTIL:
                    cohort = shop_noise.with_noise(cohort, Random(start.isoformat()))
                waiting, since = 0, start + step
            yield WindowMessage(
                site=site,
                device=device,
                camera="front",
                start=start,
                duration_s=round(step.total_seconds()),
                boot_id=f"{day.toordinal():016x}",
                seq=seq,
                clock_trusted=not (device == "till" and seq == 3),
                is_historical=device == "till" and seq == 4,
                software="0.1.0",
                model="1",
                calibration="2026.11.21-2",
                profile=PROFILES[site],
                k=1,  # which cells are withheld is made up here
                totals=Totals(
                    visits=visits,
                    viewers=random.randrange(visits + 1),
                    doors=shop_places.doors(device, visits, Random(start.isoformat())),
                ),
                coverage=Coverage(share=share),
                pending=waiting,
                cohort=cohort,
            )


def _coverage(site: str, day: date, start: datetime, random: Random) -> float:
    local = start.astimezone(BERLIN)
    if site == "dark":
        return 0.0 if start >= NOW - timedelta(minutes=20) else random.choice((0.0, 0.0, 0.6))
    if site != "mitte" or day != TODAY:
        return random.choice((1.0, 1.0, 0.9375))
    if local.hour == BLIND_HOUR or local.time() == time(FAILED_HOUR):
        return 0.0
    return 0.5 if local.hour == HALF_HOUR else 1.0


def _cohort(
    visits: int, since: datetime, profile: Profile, women: int, random: Random, beside: Mapping[str, Any]
) -> Cohort:
    """``women`` to two men and one whose gender is unknown; up to a quarter of the visits were not seen."""
    dwell = [round(random.expovariate(1 / 20), 2) for _ in range(visits)]
    attention = [round(seconds * random.random(), 2) for seconds in dwell]
    not_seen = random.randrange(visits // 4 + 1)
    told = not_seen == 0 or not_seen >= K
    genders = random.choices((*GENDERS, UNKNOWN), (women, 2, 1), k=visits - not_seen)
    people = [(gender, random.choice((*AGE_BANDS[2:4], UNKNOWN))) for gender in genders]
    joint = {gender: [band for g, band in people if g == gender] for gender in (*GENDERS, UNKNOWN)}
    faces = random.choices((*EXPRESSIONS[:2], UNKNOWN), k=visits - not_seen)
    with_people = profile != "count"

    def of_people(labels: Sequence[str], vocabulary: Sequence[str]) -> Cells:
        if told:
            return _cells(labels, (*vocabulary, UNKNOWN)) | {NOT_SEEN: not_seen}
        named = [NO_VERDICT if label == UNKNOWN else label for label in labels]
        return _cells([*named, *[NO_VERDICT] * not_seen], (*vocabulary, NO_VERDICT))

    return Cohort(
        since=since,
        visits=visits,
        occupancy_mean=0.5,
        occupancy_max=3,
        dwell_sum_s=None if women == 12 and visits % 3 == 0 else round(sum(dwell), 2),
        attention_sum_s=None if women == 12 and visits % 3 < 2 else round(sum(attention), 2),
        described=visits - not_seen if told and with_people else None,
        dwell=_cells([_bin(seconds) for seconds in dwell], [bin_label(edge) for edge in DWELL_BINS_S]),
        attention=_cells(
            [_bin(seconds) for seconds in attention], [bin_label(edge) for edge in DWELL_BINS_S]
        ),
        gender=of_people([g for g, _ in people], GENDERS) if with_people else None,
        age_band=of_people([band for _, band in people], AGE_BANDS) if with_people else None,
        gender_age_band={
            **{g: _cells(joint[g], (*AGE_BANDS, UNKNOWN)) for g in GENDERS},
            UNKNOWN: _cells(joint[UNKNOWN], (*AGE_BANDS, *([UNKNOWN] if told else []))),
            **({NOT_SEEN: {NOT_SEEN: not_seen}} if told else {}),
        }
        if with_people
        else None,
        expression=of_people(faces, EXPRESSIONS) if profile == "expression" else None,
        **shop_places.places(visits, Random(random.randrange(visits + 1))),
        **beside,
    )


def _bin(seconds: float) -> str:
    return bin_label(max(edge for edge in DWELL_BINS_S if edge <= seconds))


def _cells(labels: Sequence[str], vocabulary: Sequence[str]) -> Cells:
    """Counts by label; what would be readable and is below k is withheld."""
    counts = Counter(labels)
    return {
        label: counts[label] if counts[label] == 0 or counts[label] >= K else None for label in vocabulary
    }


def others() -> list[Message]:
    """Health, status and alerts of the last hours. One device is silent for 40 minutes, one is blind and slowed."""
    random = Random(8)
    told: list[Message] = []
    for site, device in DEVICES:
        silent = timedelta(minutes=40) if site == "baixa" else timedelta(minutes=1)
        for minutes in range(180, 0, -2):
            at = NOW - timedelta(minutes=minutes)
            if at <= NOW - silent:
                told.append(_health(site, device, at, random))
        started = NOW - timedelta(hours=2, minutes=len(device))
        told.append(_status(site, device, True, started))
    told.append(_status("baixa", "door", False, NOW - timedelta(minutes=39)))
    for site, fault, active, minutes in (
        ("dark", "camera", True, 30),
        ("mitte", "clock", True, 50),
        ("mitte", "clock", False, 45),
        ("mitte", "moved", True, 40),
        ("dark", "moved", True, 90),
        ("dark", "moved", False, 80),
        ("nord.2", "picture", True, 35),
        ("mitte", "picture", True, 60),
        ("mitte", "picture", False, 55),
        ("mitte", "privacy", False, 70),
        ("dark", "privacy", True, 60),
    ):
        found = alert(active=active, at=NOW - timedelta(minutes=minutes), fault=fault)
        told.append(AlertMessage.model_validate({**found.model_dump(by_alias=True), "site": site}))
    said: list[tuple[int, dict[str, Any]]] = [
        (300, {}),
        (290, {"active": False}),
        (60, {"count": None}),
        (50, {"name": "empty", "rule": "zone_empty", "count": 0, "limit": None, "device": "till"}),
    ]
    told += [notice(site="mitte", at=NOW - timedelta(minutes=minutes), **more) for minutes, more in said]
    return told


def acknowledgements() -> list[Acknowledgement]:
    """The first notice was answered, and the last."""
    return [
        Acknowledgement(
            site="mitte",
            device=device,
            name=name,
            began=NOW - timedelta(minutes=minutes),
            who=who,
            at=NOW - timedelta(minutes=minutes - 2),
        )
        for device, name, minutes, who in (("door", "long-queue", 300, "Ana"), ("till", "empty", 50, "Ben"))
    ]


def _health(site: str, device: str, at: datetime, random: Random) -> HealthMessage:
    return health(
        at=at,
        site=site,
        device=device,
        fps=round(random.uniform(8, 10), 2),
        step_ms=random.uniform(30, 50),
        camera_open=site != "dark",
        temperature_c=None if device == "till" else round(random.uniform(50, 84), 1),
        throttled=None if device == "till" else site == "dark",
        disk_free_mb=round(random.uniform(900, 9000), 1),
        outbox_depth=random.randrange(61, 200) if site == "nord.2" else 0,
        clock_trusted=device != "till",
    )


def _status(site: str, device: str, online: bool, since: datetime) -> StatusMessage:
    return StatusMessage(
        site=site, device=device, online=online, since=since, boot_id="0123456789abcdef", software="0.1.0"
    )
