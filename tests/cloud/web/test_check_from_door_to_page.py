"""From people at a door to the recall on the page: simulator, real broker, bridge, store and browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from cloud.domain.chain import Chain
from cloud.domain.count_check import SETTLED_S
from cloud.simulation.chain import make_sites
from cloud.simulation.delivery import through_broker
from cloud.simulation.device import Arrival, Device, Release
from cloud.simulation.faults import Faults
from cloud.simulation.visitors import CROSSINGS, known_eyes, visitors
from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import CountChecks, judged
from cloud.stores.shops import OneBoxShops
from common.clock import SystemClock
from common.mqtt.broker import Broker
from tests.cloud.ingest.bridges import FaultyStore, make_bridge, running
from tests.cloud.web.browser import _Server, visit
from tests.support.brokers import Mosquitto, until
from tests.support.clock import ManualClock

pytestmark = [pytest.mark.chromium, pytest.mark.mosquitto, pytest.mark.slow]

SITE, DAY, MINUTES, RECALL = "berlin-01", date(2026, 3, 5), 20, 0.8
KEYS = {"entry": "ArrowUp", "exit": "ArrowDown"}


@dataclass(frozen=True, slots=True)
class Afternoon:
    """What a simulated device sends, and who really crossed its door during a check."""

    chain: Chain
    start: datetime
    arrivals: list[Arrival]
    crossed: list[tuple[float, str]]
    """Seconds after the start, and ``entry`` or ``exit``: those it counts and those it misses."""


@pytest.fixture(scope="module")
def afternoon() -> Afternoon:
    sites = make_sites(1, [DAY], seed=1)
    site, character = sites.chain.sites[SITE], sites.characters[SITE]
    rng = np.random.default_rng(15)
    start = site.local_day(DAY)[0] + timedelta(hours=15, seconds=20)
    end = start + timedelta(minutes=MINUTES)
    eyes = known_eyes()[-1]
    device = Device(
        character.cameras[0],
        site,
        character,
        Faults(coverage=1.0),
        window_s=60,
        until=end + timedelta(days=1),
        rng=rng,
    )
    factor = 60 * 6 / character.visits_per_hour  # about six people a minute
    day = device.day(DAY, visitors(rng, character, site, DAY, factor), Release("0.1.0", "1", eyes))
    inside = (day.counted.end_s >= start.timestamp() + SETTLED_S) & (day.counted.end_s < end.timestamp())
    people = day.counted.only(inside)
    crossed = []
    for end_s, crossing in zip(people.end_s.tolist(), people.crossing.tolist(), strict=True):
        if CROSSINGS[crossing] not in KEYS:
            continue
        crossed.append((end_s - start.timestamp() - SETTLED_S, CROSSINGS[crossing]))
        if rng.random() < 1 / RECALL - 1:  # somebody whom the camera does not see
            crossed.append((rng.uniform(0, 60 * MINUTES), CROSSINGS[crossing]))
    return Afternoon(sites.chain, start, list(day.arrivals), sorted(crossed))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running_broker:
        yield running_broker


def test_people_who_are_missed_are_found_by_a_count_by_hand(
    chromium: Browser, broker: Mosquitto, tmp_path: Path, afternoon: Afternoon
) -> None:
    start, end = afternoon.start, afternoon.start + timedelta(minutes=MINUTES)
    clock, store = ManualClock(start), FaultyStore(tmp_path / "store.sqlite")

    def send(since: datetime, until_: datetime) -> None:
        """Let the device send what it sends in this time, and wait until the bridge has stored it."""
        sent = [(one.at, one.message) for one in afternoon.arrivals if since <= one.at < until_]
        assert sent
        through_broker(sent, Broker("127.0.0.1", broker.port), SystemClock())
        last = until_ - timedelta(minutes=2)
        until(lambda: store.inner.windows(SITE, last, until_), "the windows are stored")

    with (
        closing(store),
        closing(CheckFile(tmp_path / "store.checks.sqlite")) as file,
        running(make_bridge(store, broker.port)),
    ):
        send(start - timedelta(hours=1), start)
        shops = OneBoxShops(store.inner, afternoon.chain.sites[SITE].zone, afternoon.chain)
        with (
            _Server(store.inner, clock, shops=shops, checks=CountChecks(file, store.inner, clock)) as address,
            visit(chromium, f"{address}/site/{SITE}/count-check") as page,
        ):
            page.clock.install(time=clock.now())
            page.clock.pause_at(clock.now() + timedelta(seconds=1))
            page.reload()
            page.locator("[name=light]").select_option("lamps")
            page.get_by_role("button", name="Start").click()
            expect(page.locator("#tapping")).to_be_visible()
            for after_s, what in [*afternoon.crossed, (60.0 * MINUTES, "")]:
                passed = after_s - (clock.now() - start).total_seconds()
                clock.elapsed_s += passed
                page.clock.run_for(round(1000 * passed))
                if what:
                    page.keyboard.press(KEYS[what])
            page.get_by_role("button", name="Finish").click()
            expect(page.locator("#results")).to_contain_text("Waiting for the counts of the device")
            send(start, end + timedelta(minutes=3))
            page.clock.run_for(6000)
            result = page.locator("#results .result")
            expect(result).to_contain_text("Recall")

            (one,) = judged(file, SITE)
            assert one.state == "holds"
            assert len(one.check.parts or ()) == MINUTES - 1
            sums = one.check.sums
            for way, what in (("entries", "entry"), ("exits", "exit")):
                first, last = one.check.parts[0].start, one.check.parts[-1].start + timedelta(minutes=1)  # type: ignore[index]
                truth = [at for at, how in afternoon.crossed if how == what]
                inside = [at for at in truth if first <= start + timedelta(seconds=at + SETTLED_S) < last]
                assert sums[way].people == len(inside)  # type: ignore[index]
                assert sums[way].false <= 1  # type: ignore[index]
            shown = result.locator("tbody tr").first.locator("td").all_inner_texts()
            assert shown[:2] == [str(sums["entries"].people), str(sums["entries"].counted)]
            low, high = (int(end_) for end_ in shown[2].replace("%", "").split()[1::2])
            assert low <= 100 * RECALL <= high

            page.goto(f"{address}/site/{SITE}")
            expect(page.locator("#doors .notes")).to_contain_text("Corrected by count checks")
            clock.advance(24 * 3600)
            page.goto(f"{address}/site/{SITE}/week")
            counted, right = (
                int(page.locator(f"#doors .counts {of} .value").first.inner_text().replace(",", ""))
                for of in ("div:first-child", "#corrected")
            )
            assert right > counted
