"""Doors, zones, a queue and a target of the small chain, of which any part may be withheld."""

from __future__ import annotations

from random import Random
from typing import Any

from common.vocabulary import DWELL_BINS_S
from common.wire import ENTRY, EXIT, Door, Heat, Queue, Target, Zone, bin_label

K = 5
DOOR = "street"
_BINS = [bin_label(edge) for edge in DWELL_BINS_S]


def doors(device: str, visits: int, random: Random) -> dict[str, Door]:
    """One door at each entrance: as many exits as come, and now and then one more."""
    if device != "door":
        return {}
    entries = random.randrange(visits + 1)
    return {
        DOOR: Door(
            entries=entries,
            exits=min(visits, random.randrange(entries + 2)),
            passers=visits - entries,
            groups=random.randrange(min(entries, 1), entries + 1),
        )
    }


def places(visits: int, random: Random) -> dict[str, Any]:
    """Zones and targets of a cohort. A count from 1 to K - 1 is withheld, and times are told half of the time."""
    in_shelf, waited, looked = (random.randrange(visits + 1) for _ in range(3))
    shelf = in_shelf if in_shelf >= K else None
    waits = waited if waited >= K else None
    viewers = looked if looked >= K else None
    return {
        "zones": {
            "shelf": Zone(
                visits=shelf,
                stops=_part(shelf, random),
                occupancy_max=None,
                **_times("dwell_sum_s", "dwell", "occupancy_mean", shelf, random),
            ),
            "till": Zone(
                visits=visits,
                stops=None,
                dwell_sum_s=None,
                dwell={},
                occupancy_mean=None,
                occupancy_max=None,
                queue=Queue(
                    waits=waits,
                    served=_part(waits, random),
                    length_max=None,
                    **_times("waiting_sum_s", "waiting", "length_mean", waits, random),
                ),
            ),
        },
        "targets": {
            "sign": Target(
                passers=visits,
                viewers=viewers,
                **_times("attention_sum_s", "attention", "", viewers, random),
            )
        },
        "heat": _heat(random),
        "ways": {
            ENTRY: {"shelf": visits, "till": visits // 2},
            "shelf": {"till": random.randrange(K, 2 * K), EXIT: K},
        },
    }


def _heat(random: Random) -> Heat | None:
    """Two rows of three cells; one is never told, and half of the cohorts have no map."""
    if random.random() < 0.5:
        return None
    stood = [random.choice([None, 10 * random.randrange(7, 90)]) for _ in range(5)]
    looked = [None if seconds is None else random.choice([None, seconds // 20 * 10]) for seconds in stood]
    return Heat(columns=3, rows=2, standing_s=(*stood, None), looking_s=(*looked, None))


def _part(count: int | None, random: Random) -> int | None:
    """Return 0, all, or nothing of them."""
    return None if count is None else random.choice([None, 0, count])


def _times(sum_s: str, bins: str, mean: str, count: int | None, random: Random) -> dict[str, Any]:
    told = count is not None and random.random() < 0.5
    found: dict[str, Any] = {
        sum_s: round((count or 0) * random.uniform(2, 5), 2) if told else None,
        bins: {label: count if label == "2" else 0 for label in _BINS} if told else {},
    }
    return {**found, mean: None} if mean else found
