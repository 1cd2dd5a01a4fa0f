"""Noise from the device to the page: its rule and its uplink, a real broker, bridge, store, API, page and exports."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cloud.api.noise_answers import Noisy
from cloud.domain.chain import Chain
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.web.access import OpenAccess
from cloud.web.app import create_app
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.wire import WindowMessage
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from edge.vision.privacy import CohortRule
from edge.vision.waiting import Waiting
from tests.cloud.domain.test_tally import WEEKDAYS
from tests.cloud.ingest.bridges import FaultyStore, make_bridge, running
from tests.edge.vision.test_privacy import Person, window
from tests.support.asgi import AsgiClient
from tests.support.brokers import Mosquitto, until
from tests.support.clock import ManualClock
from tests.support.messages import window as message_of

MONDAY, DAYS, VISITS = date(2026, 3, 2), 7, 120
AFTER = datetime(2026, 3, 9, 6, tzinfo=UTC)
PERIOD = f"first={MONDAY}&last={MONDAY + timedelta(days=DAYS - 1)}"
API = "/api/v1/sites/shop"
VIEWS = (
    *(f"{API}/{name}?{PERIOD}" for name in ("days", "hours", "cohorts", "places", "metrics", "clips")),
    *(
        f"{API}/exports/{name}?{PERIOD}"
        for name in ("days", "hours", "cohorts", "places", "metrics", "clips")
    ),
    f"{API}/report?week=2026-W10",
)
"""All that is shown beside the block with noise."""


@dataclass(frozen=True, slots=True)
class Week:
    """What a device sent in a week, and the people who were there."""

    sent: list[WindowMessage]
    people: list[Person]

    def numbers(self, attribute: str, label: str) -> int:
        """The sum that was told with noise."""
        told = [one.cohort.noise.lists()[attribute] for one in self.sent if one.cohort and one.cohort.noise]
        return sum(cells[label] for cells in told)


def device(broker: Broker, folder: Path, noise_budget: float | None) -> Week:
    """Publish a week through the device's own rule, outbox and uplink."""
    dice = random.Random(4)
    labels = [("female", "25-34", "neutral"), ("female", "65+", "happy"), ("male", "35-44", "unknown")]
    rule = CohortRule(k=5, profile="expression", noise_budget=noise_budget)
    uplink = Uplink(
        Outbox(folder / "outbox.db", max_messages=1000),
        broker,
        site="shop",
        device="door",
        boot_id="0123456789abcdef",
        software="0.1.0",
        clock=SystemClock(),
        late_after_s=10**9,
        late_per_s=1000.0,
    )
    uplink.start()
    found = Week([], [])
    for day in range(DAYS):
        people = [(*dice.choice(labels), 2, 1) for _ in range(VISITS)]
        aggregate = window(people, 24 * 60 * day, closing=True)
        release = rule.release(aggregate)
        one = message_of(
            0,
            start=aggregate.start,
            seq=day,
            profile="expression",
            totals=release.totals,
            pending=release.pending,
            cohort=release.cohort,
        )
        uplink.send(one, waiting=Waiting(rule.pool).dump())
        found.sent.append(one)
        found.people.extend(people)
    assert uplink.stop(20.0)
    return found


def chain() -> Chain:
    shop = {"title": "Shop", "timezone": "UTC", "opening": {day: ["08:00-20:00"] for day in WEEKDAYS}}
    return Chain.model_validate({"name": "c", "sites": {"shop": shop}})


def page_over(store: EmbeddedStore) -> AsgiClient:
    shops = OneBoxShops(store, ZoneInfo("UTC"), chain())
    return AsgiClient(create_app(store, ManualClock(AFTER), "UTC", access=OpenAccess(), shops=shops))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Week, AsgiClient]]:
    folder = tmp_path_factory.mktemp("noise")
    with (
        Mosquitto(folder) as broker,
        closing(FaultyStore(folder / "store.sqlite")) as store,
        running(make_bridge(store, broker.port)),
    ):
        week = device(Broker("127.0.0.1", broker.port), folder, 1.0)
        until(lambda: len(store.windows()) == DAYS, "all windows are stored")
        assert store.letters == []
        yield week, page_over(store.inner)


@pytest.mark.mosquitto
def test_the_api_tells_the_sums_that_were_drawn_and_ranges_that_have_the_truth(
    served: tuple[Week, AsgiClient],
) -> None:
    week, client = served
    answer = client.get(f"{API}/noise?{PERIOD}")
    told = Noisy.model_validate_json(answer.content)
    assert (told.visits, [(one.budget, one.days) for one in told.budgets]) == (DAYS * VISITS, [(1.0, DAYS)])
    inside = []
    for place, name in enumerate(("gender", "age_band", "expression")):
        of = getattr(told, name)
        assert sum(one.visits for one in of.counts) == of.visits == DAYS * VISITS
        for one in of.counts:
            assert one.number == week.numbers(name, one.label)
            true = sum(person[place] == one.label for person in week.people) / of.visits
            inside.append(one.interval[0] <= true <= one.interval[1])
    assert any(one.number < 0 for name in ("age_band", "expression") for one in getattr(told, name).counts)
    assert sum(inside) >= len(inside) - 3


@pytest.mark.mosquitto
def test_the_page_shows_them_with_their_budget(served: tuple[Week, AsgiClient]) -> None:
    _, client = served
    page = unescape(client.get("/site/shop/week?of=2026-W10").text)
    block = re.search(r'<section class="panel wide-panel" id="noise".*?</section>', page, re.DOTALL)
    assert block is not None
    assert "With noise" in block[0]
    assert "Budget of each visit, each day: 1.00 (7 days)." in block[0]
    assert "-" not in re.sub(r"<[^>]*>|\d+-\d+", "", block[0])  # no negative share
    assert page.count("Told with noise only, below.") == 3
    one_day = client.get(f"/site/shop/compare?from={MONDAY}&to={MONDAY}").text
    assert "Budget of each visit, each day: 1.00 (1 day)." in unescape(one_day)


@pytest.mark.mosquitto
def test_all_other_views_are_those_of_a_shop_whose_verdicts_are_withheld(
    served: tuple[Week, AsgiClient], tmp_path: Path
) -> None:
    week, client = served
    with closing(
        EmbeddedStore(tmp_path / "store.sqlite", retention_days=3650, clock=ManualClock(AFTER))
    ) as store:
        silent = [one.cohort and one.cohort.model_copy(update={"noise": None}) for one in week.sent]
        store.write(
            [one.model_copy(update={"cohort": cohort}) for one, cohort in zip(week.sent, silent, strict=True)]
        )
        withheld = page_over(store)
        for path in VIEWS:
            answer, expected = client.get(path), withheld.get(path)
            assert (answer.status_code, answer.content) == (200, expected.content), path
        # the page of today has yesterday, too, whose noise stands apart
        today, expected_today = (one.get("/api/shop/today").json() for one in (client, withheld))
        assert today["yesterday"].pop("noise")["visits"] == VISITS
        assert expected_today["yesterday"].pop("noise") is None
        assert {**today, "devices": []} == {**expected_today, "devices": []}
        assert 'id="noise"' not in withheld.get("/site/shop/week?of=2026-W10").text
        cohorts = withheld.get(f"{API}/cohorts?{PERIOD}").json()["days"]
    assert [day["gender"]["withheld"] for day in cohorts] == [VISITS] * DAYS


@pytest.mark.mosquitto
def test_a_shop_without_a_budget_has_no_such_block(served: tuple[Week, AsgiClient]) -> None:
    _, client = served
    empty = client.get(f"{API}/noise?first=2026-02-01&last=2026-02-07").json()
    assert (empty["visits"], empty["budgets"], empty["gender"]) == (0, [], None)
