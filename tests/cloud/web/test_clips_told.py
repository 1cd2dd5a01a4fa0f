"""What was shown on a display and what it changed: on its page, in the API and in the exports, to who may see it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloud.accounts.accounts import Accounts
from cloud.domain.till import Takings
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillShops
from cloud.web.access import OpenAccess
from cloud.web.app import create_app
from common.signage import held_out_in
from common.wire import Clip, Cohort, Door, Totals, WindowMessage
from tests.cloud.web.logins import add_person, logged_in, page_with
from tests.cloud.web.test_page_till import MONDAY, chain
from tests.support.asgi import AsgiClient
from tests.support.clock import ManualClock
from tests.support.messages import cohort, window

DAYS, SHARE, EFFECT = 35, 0.5, 1.25
FIRST = MONDAY - timedelta(days=28)
API = "/api/v1/sites/shop"
OF = f"first={FIRST}&last={FIRST + timedelta(days=DAYS - 1)}"


def clips() -> Cohort:
    """A hundred visits before the display: a clip with its holdout, and the rotation."""
    shown, held, rest = (
        {"visits": visits, "shows": 9, "shown_s": 90.0, "viewers": 10, "attention_sum_s": 30.0}
        for visits in (40, 40, 20)
    )
    told: dict[str, Any] = {
        "visits": 100,
        "described": None,
        "gender": None,
        "age_band": None,
        "gender_age_band": None,
        "clips": {
            "tea": Clip.model_validate({"shown": shown, "held": held, "holdout_hours": SHARE}),
            "brand": Clip.model_validate({"shown": rest}),
        },
    }
    return Cohort.model_validate(cohort().model_dump() | told)


def hours() -> Iterator[tuple[datetime, bool, int]]:
    """Each hour, whether the clip was held out in it, and who came in: a quarter more if it was not."""
    for day in range(DAYS):
        for hour in range(8, 18):
            start = datetime.combine(FIRST + timedelta(days=day), time(hour), UTC)
            held = held_out_in(
                int(start.timestamp() // 3600), site="shop", device="door", clip="tea", share=SHARE
            )
            people = 80 + 10 * (day % 5) + 3 * hour + (7 * day + hour) % 5
            yield start, held, round(people * (1.0 if held else EFFECT))


def told() -> list[WindowMessage]:
    found = []
    for seq, (start, _, people) in enumerate(hours()):
        door = Door(entries=people, exits=people, passers=0, groups=people)
        found.append(
            window(
                0,
                start=start,
                duration_s=3600,
                seq=seq,
                visits=people,
                totals=Totals(visits=people, viewers=0, doors={"street": door}),
                cohort=clips() if start.hour in (8, 17) else None,
            )
        )
    return found


@pytest.fixture
def till(tmp_path: Path) -> Iterator[TillFile]:
    with closing(TillFile(tmp_path / "till.sqlite")) as opened:
        yield opened


@pytest.fixture
def shop(store: EmbeddedStore, till: TillFile, clock: ManualClock) -> AsgiClient:
    store.write(told())
    rows = [("shop", Takings(at, at + timedelta(hours=1), people // 4)) for at, _, people in hours()]
    till.take(rows, clock.now())
    shops = TillShops(OneBoxShops(store, ZoneInfo("UTC"), chain()), till)
    return AsgiClient(create_app(store, clock, "UTC", access=OpenAccess(), shops=shops, till=till))


def test_the_page_says_what_the_clip_did_to_attention_entries_sales_and_conversion(shop: AsgiClient) -> None:
    page = shop.get("/site/shop/offers").text
    assert "Entries: <b>worked</b>" in page
    assert "Sales: <b>worked</b>" in page
    assert "Conversion rate: <b>did not work</b>" in page
    assert "hours" in page
    assert "with those for which chance held it out" in page


def test_the_api_has_each_clip_with_its_effects(shop: AsgiClient) -> None:
    answer = shop.get(f"{API}/clips?{OF}").json()
    assert (answer["site"], answer["role"]) == ("shop", "entrance")
    brand, tea = answer["clips"]
    assert (brand["clip"], brand["attention"], brand["entries"]) == ("brand", None, None)
    assert (tea["clip"], tea["device"], tea["visits"], tea["mean_attention_s"]) == ("tea", "door", 2800, 0.75)
    assert tea["attention"]["compared"] == 2 * DAYS * 80
    entries = tea["entries"]
    assert entries["verdict"] == "worked"
    assert entries["change"] == pytest.approx(EFFECT - 1, abs=0.02)
    assert entries["interval"][0] < EFFECT - 1 < entries["interval"][1]
    assert 300 < entries["compared"] <= 350
    assert tea["conversion"]["interval"][0] < 0 < tea["conversion"]["interval"][1]
    assert tea["sales"]["verdict"] == "worked"


def test_the_export_has_a_row_for_each_clip(shop: AsgiClient) -> None:
    rows = list(csv.DictReader(StringIO(shop.get(f"{API}/exports/clips?{OF}").text, newline="")))
    assert [row["clip"] for row in rows] == ["brand", "tea"]
    (tea,) = shop.get(f"{API}/clips?{OF}").json()["clips"][1:]
    assert rows[1]["entries_verdict"] == "worked"
    assert float(rows[1]["entries_interval_low"]) == tea["entries"]["interval"][0]
    assert float(rows[1]["conversion_change"]) == tea["conversion"]["change"]
    assert rows[1]["visits"] == "2800"
    assert {
        rows[0][name] for name in rows[0] if name.startswith(("attention_verdict", "entries_", "sales_"))
    } == {""}


def test_days_without_a_display_have_no_clips(shop: AsgiClient) -> None:
    answer = shop.get(f"{API}/clips?first=2026-01-01&last=2026-01-07").json()
    assert answer["clips"] == []
    assert shop.get(f"{API}/clips?first=2026-03-20&last=2026-03-21").status_code == 400
    assert shop.get(f"{API}/clips?device=door").status_code == 400


def test_clips_are_for_those_who_see_the_shop_and_their_files_for_who_exports(
    accounts: Accounts, store: EmbeddedStore, clock: ManualClock
) -> None:
    store.write(told())
    add_person(accounts, "manager", "manager")
    add_person(accounts, "viewer", "viewer")
    app = page_with(accounts, store, clock)
    assert AsgiClient(app).get(f"{API}/clips").status_code in (302, 303, 401)
    viewer, manager = logged_in(app, "viewer"), logged_in(app, "manager")
    (link,) = re.findall(r'href="(/api/v1/[^"]*)" download', manager.get("/site/shop/offers").text)
    assert manager.get(unescape(link)).text.count("\n") == 3
    assert "download" not in viewer.get("/site/shop/offers").text
    assert viewer.get(f"{API}/clips?{OF}").status_code == 200
    assert viewer.get(f"{API}/exports/clips?{OF}").status_code == 403
    assert manager.get(f"{API}/exports/clips?{OF}").status_code == 200
    assert [(one.who, one.act) for one in accounts.audit.newest(1)] == [("manager", "exported")]
