"""A till tells its sales over HTTP with an access token, as often as it likes, and the figures follow."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from cloud.api.answers import Days, Metrics
from cloud.domain.chain import Chain
from cloud.simulation.fleet import SiteDay
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillShops
from cloud.web.app import create_app
from tests.cloud.api.conftest import NOW
from tests.cloud.api.serving import TOKEN, OneToken
from tests.cloud.simulation.fleets import LAST_DAY
from tests.support.asgi import AsgiClient
from tests.support.clock import ManualClock

SITE = "berlin-01"
PATH = f"/api/v1/sites/{SITE}"
DAY = {"first": LAST_DAY.isoformat(), "last": LAST_DAY.isoformat()}
ROW = {
    "start": "2026-03-30T10:00",
    "minutes": 60,
    "transactions": 4,
    "turnover": 80.5,
    "items": 9,
    "staff_hours": 2,
}


@pytest.fixture
def access() -> OneToken:
    return OneToken()


@pytest.fixture
def served(store: EmbeddedStore, shops: OneBoxShops, access: OneToken, tmp_path: Path) -> Iterator[Starlette]:
    with closing(TillFile(tmp_path / "till.sqlite")) as till:
        yield create_app(
            store, ManualClock(NOW), "Europe/Berlin", access=access, shops=TillShops(shops, till), till=till
        )


def tell(app: Starlette, *rows: Any, path: str = f"{PATH}/till", **headers: str) -> httpx.Response:
    return AsgiClient(app).post(path, json={"rows": list(rows)}, headers=headers or TOKEN)


def ask(app: Starlette, what: str, **query: str) -> httpx.Response:
    answer = AsgiClient(app).get(f"{PATH}/{what}", params=DAY | query, headers=TOKEN)
    assert answer.status_code == 200, answer.text
    return answer


def day_of(app: Starlette) -> Any:
    (day,) = Days.model_validate_json(ask(app, "days").content).days
    return day


def test_a_row_that_is_told_again_counts_once_and_a_late_correction_replaces_it(
    served: Starlette, access: OneToken
) -> None:
    assert tell(served, ROW).json() == {"new": 1, "corrected": 0, "unchanged": 0}
    assert tell(served, ROW).json() == {"new": 0, "corrected": 0, "unchanged": 1}
    assert day_of(served).till.model_dump() == {
        "transactions": 4,
        "turnover": 80.5,
        "items": 9,
        "staff_hours": 2.0,
        "corrected_at": None,
    }
    assert tell(served, ROW | {"transactions": 5}).json() == {"new": 0, "corrected": 1, "unchanged": 0}
    assert (day_of(served).till.transactions, day_of(served).till.corrected_at) == (5, NOW)
    assert [act[1:] for act in access.acts] == [("till_corrected", f"1 intervals of {SITE}")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW | {"customer": 17}, "rows.1.customer: unknown key"),
        (ROW | {"transactions": "4"}, "rows.1.transactions: must be a whole number"),
        (ROW | {"start": "2026-03-29T02:30"}, "rows.1: start: 2026-03-29T02:30 does not exist at berlin-01"),
        (ROW | {"start": "2026-03-30T10:30"}, "rows.1: 2026-03-30 08:30 to 2026-03-30 09:30 UTC overlaps"),
        (ROW | {"start": "2026-04-30T10:00"}, "rows.1: start: the interval from 2026-04-30T10:00 ends"),
        ({"start": "2026-03-30T11:00", "minutes": 60}, "rows.1.transactions: is required"),
    ],
)
def test_a_wrong_row_is_a_sentence_and_nothing_is_taken(served: Starlette, row: Any, said: str) -> None:
    answer = tell(served, ROW, row)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert day_of(served).till is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"rows": []}', b"\xff", b'{"rows": 1}'])
def test_what_is_no_list_of_rows_is_a_sentence(served: Starlette, body: bytes) -> None:
    answer = AsgiClient(served).post(f"{PATH}/till", content=body, headers=TOKEN)
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_only_a_token_with_the_permission_is_heard(served: Starlette) -> None:
    assert tell(served, ROW, Authorization="Bearer wrong").status_code == 401
    assert tell(served, ROW, path="/api/v1/sites/nowhere/till").status_code == 404
    too_long = AsgiClient(served).post(f"{PATH}/till", content=b" " * 300_000, headers=TOKEN)
    assert too_long.status_code == 413


def test_the_figures_of_a_day_are_those_of_its_sales_and_entries(
    served: Starlette, simulated: tuple[Chain, list[SiteDay]]
) -> None:
    hours = [ROW | {"start": f"2026-03-30T{hour}:00"} for hour in range(10, 20)]
    assert tell(served, *hours).json()["new"] == 10
    found = Metrics.model_validate_json(ask(served, "metrics").content)
    figures = {one.name: one for one in found.metrics}
    entries = day_of(served).doors.entries
    conversion = figures["conversion_rate"]
    assert conversion.coverage is not None
    assert conversion.coverage >= 0.8
    assert conversion.value == pytest.approx(40 * day_of(served).coverage / entries)
    assert conversion.interval is not None
    assert conversion.value is not None
    assert conversion.interval[0] < conversion.value < conversion.interval[1]
    assert (conversion.interval_by, conversion.sources) == ("wilson", ["till", "doors"])
    assert figures["items_per_sale"].value == pytest.approx(9 / 4)
    assert figures["sales_per_entry"].interval is None, "one day does not tell how days differ"
    rows = list(csv.DictReader(StringIO(ask_export(served, "metrics"), newline="")))
    by_name = {row["name"]: row for row in rows}
    assert float(by_name["conversion_rate"]["value"]) == conversion.value
    (day,) = csv.DictReader(StringIO(ask_export(served, "days"), newline=""))
    assert (day["transactions"], day["turnover"]) == ("40", "805.0")


def ask_export(app: Starlette, table: str) -> str:
    return ask(app, f"exports/{table}").text


def test_a_day_without_a_till_says_so(served: Starlette) -> None:
    found = Metrics.model_validate_json(ask(served, "metrics").content)
    assert {one.refused for one in found.metrics} == {"the till told nothing"}
    assert json.loads(ask(served, "days").content)["days"][0]["till"] is None


def test_a_late_row_of_last_week_is_taken(served: Starlette) -> None:
    late = datetime.fromisoformat("2026-03-30T10:00") - timedelta(days=7)
    assert tell(served, ROW | {"start": late.isoformat(timespec="minutes")}).json()["new"] == 1
