"""Five weeks of one shop, for the tests of its reports."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pypdf import PdfReader

from cloud.analysis.confusion import shipped_confusions
from cloud.domain.chain import Chain
from cloud.reports.printing import write
from cloud.reports.site import SiteReport, site_report
from cloud.reports.week import week_named
from cloud.stores.window_tallies import WindowTallies
from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EXPRESSIONS, GENDERS, NOT_SEEN, UNKNOWN
from common.wire import Cohort, Coverage, Profile, Totals, WindowMessage, bin_label
from tests.support.messages import fitting, window
from tests.support.programs import require_program

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = week_named("2026-W44")
"""The clocks go back on the Sunday before it."""
MONDAY = WEEK.first
AFTER = datetime(2026, 11, 2, 6, tzinfo=UTC)
CALIBRATION = max(shipped_confusions())
OPENING = ["10:00-12:00", "13:00-15:30"]
QUARTERS = [
    (hour, minute) for hour in (10, 11, 13, 14, 15) for minute in (0, 15, 30, 45) if (hour, minute) < (15, 30)
]


def chain_data(
    *, sites: Sequence[str] = ("shop",), title: str = "Shop", opening: Any = OPENING
) -> dict[str, Any]:
    hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), opening) | {"sun": "closed"}
    shop = {"title": title, "timezone": "Europe/Berlin", "opening": hours}
    note = {"from": "2026-10-29", "to": "2026-11-03", "sites": [sites[0]], "text": "Shoes <half> price"}
    return {"name": "c", "sites": dict.fromkeys(sites, shop), "annotations": [note]}


def a_chain(**changes: Any) -> Chain:
    return Chain.model_validate(chain_data(**changes))


def a_cohort(
    since: datetime, *, visits: int = 40, hidden: int = 0, backs: int = 0, dice: random.Random
) -> Cohort:
    """Of which ``hidden`` visits are in no cell, and ``backs`` were not seen."""
    genders, bands = (*GENDERS, UNKNOWN), (*AGE_BANDS, UNKNOWN)
    shown = dice.choices(
        [(gender, band) for gender in genders for band in bands],
        [g * b for g in (60, 35, 5) for b in (6, 15, 40, 18, 10, 6, 3, 2)],
        k=visits - backs - hidden,
    )
    faces = dice.choices((*EXPRESSIONS, UNKNOWN), (60, 20, 2, 1, 1, 1, 1, 14), k=visits - backs - hidden)
    beside: dict[str, int | None] = {NOT_SEEN: backs}
    bins: dict[str, int | None] = dict.fromkeys(map(bin_label, DWELL_BINS_S), 0)
    return Cohort(
        since=since,
        visits=visits,
        occupancy_mean=0.1,
        occupancy_max=2,
        dwell_sum_s=visits * 12.5,
        attention_sum_s=visits * 3.25,
        described=visits - backs,
        dwell=bins,
        attention=bins,
        gender={**{gender: sum(one[0] == gender for one in shown) for gender in genders}, **beside},
        age_band={**{band: sum(one[1] == band for one in shown) for band in bands}, **beside},
        gender_age_band={**{g: {b: shown.count((g, b)) for b in bands} for g in genders}, NOT_SEEN: beside},
        expression={**{label: faces.count(label) for label in (*EXPRESSIONS, UNKNOWN)}, **beside},
    )


def five_weeks(
    *, last: float = 1.0, site: str = "shop", hidden: int = 0, profile: Profile = "expression", seed: int = 1
) -> list[WindowMessage]:
    """Quarters of an hour of four usual weeks and one with ``last`` times the visits, opening hours only. In the
    last one, Wednesday is missing, and on Thursday nobody watched from 13:15 to 14:15 and half of the time till 15."""
    dice = random.Random(seed)
    found = []
    for back in range(35):
        day = MONDAY + timedelta(days=back - 28)
        usual = dice.gauss(20, 1.0) * (2 if day.weekday() == 5 else 1) * (last if back >= 28 else 1)
        for hour, minute in QUARTERS:
            start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)
            share = _share(back - 28, hour, minute)
            if day.weekday() == 6 or share is None:
                continue
            visits = round(dice.gauss(usual, 2) * share)
            found.append(
                window(
                    0, site=site, start=start, duration_s=900, profile=profile, k=1, model="m", calibration=CALIBRATION,
                    totals=Totals(visits=visits, viewers=visits // 2),
                    coverage=Coverage(share=share),
                    cohort=fitting(a_cohort(start, hidden=hidden, dice=dice), profile)
                    if minute == 0 and share == 1
                    else None,
                )
            )  # fmt: skip
    return found


def _share(day: int, hour: int, minute: int) -> float | None:
    """Coverage on a day of the last week."""
    if day == 2:
        return None
    if day == 3 and 13 * 60 + 15 <= hour * 60 + minute < 15 * 60:
        return 0.0 if hour * 60 + minute < 14 * 60 + 15 else 0.5
    return 1.0


class Kept:
    """A store that holds windows in memory."""

    def __init__(self, windows: Sequence[WindowMessage]) -> None:
        self._windows = windows

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        return [one for one in self._windows if one.site == site and start <= one.start < end]


def report(windows: Sequence[WindowMessage], chain: Chain | None = None) -> SiteReport:
    chain = chain or a_chain()
    site = chain.sites["shop"]
    return site_report(WindowTallies(Kept(windows), chain), chain, site, WEEK, site.roles[0])


def this_week(windows: Sequence[WindowMessage]) -> list[WindowMessage]:
    return [one for one in windows if WEEK.first <= one.start.astimezone(BERLIN).date() <= WEEK.last]


def two_doors_and_a_shelf(
    usual: Sequence[WindowMessage], silent: str = ""
) -> tuple[list[WindowMessage], Chain]:
    """The same visitors at two doors, of which each sees all, and before a shelf; of ``silent`` nothing came."""
    chain = chain_data()
    chain["sites"]["shop"]["cameras"] = {"door/a": "entrance", "door/b": "entrance", "shelf/a": "display"}
    windows = [
        one.model_copy(update={"device": device, "camera": camera})
        for device, camera in (("door", "a"), ("door", "b"), ("shelf", "a"))
        for one in usual
        if f"{device}/{camera}" != silent
    ]
    return windows, Chain.model_validate(chain)


def pages(html: str, tmp_path: Path) -> list[str]:
    require_program("chromium", "apt-get install chromium")
    write(html, tmp_path / "report.pdf")
    return [page.extract_text() for page in PdfReader(tmp_path / "report.pdf").pages]
