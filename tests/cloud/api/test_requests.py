"""How the API is asked: with names and dates that it knows, by those who may, and without asking twice."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from starlette.applications import Starlette

from cloud.api.answers import Days, Problem
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.web.app import create_app
from tests.cloud.api.conftest import NOW
from tests.cloud.api.serving import TOKEN, OneToken, serving
from tests.cloud.api.test_answers import FIRST, PERIOD
from tests.cloud.simulation.fleets import LAST_DAY
from tests.support.clock import ManualClock
from tests.support.programs import require_program

DAYS = "/api/v1/sites/berlin-01/days"


def refused(answer: httpx.Response, status: int) -> str:
    """The sentence of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    found = Problem.model_validate_json(answer.content)
    assert found.status == status
    return found.detail


def test_an_answer_that_has_not_changed_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get(DAYS)
    assert (first.status_code, first.headers["cache-control"]) == (200, "private, no-cache")
    again = client.get(DAYS, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(
        DAYS, params={"last": FIRST.isoformat()}, headers={"if-none-match": first.headers["etag"]}
    )
    assert other.status_code == 200
    assert client.get("/api/v1/sites/berlin-01/devices").headers["cache-control"] == "no-store"


def test_a_head_request_tells_the_same_headers(client: httpx.Client) -> None:
    asked, head = client.get(DAYS), client.head(DAYS)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == asked.headers["etag"]


def test_what_is_left_out_is_the_last_four_weeks_of_the_first_role(client: httpx.Client) -> None:
    found = Days.model_validate_json(client.get(DAYS).content)
    assert (found.last, len(found.days), found.role) == (LAST_DAY, 28, "entrance")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"first": "46"}, "first: must be a date such as 2026-03-31; found '46'."),
        ({"first": "0001-01-01"}, "first: must be at least 2020-01-01; found '0001-01-01'."),
        ({"last": "2026-03-31"}, "last: 2026-03-31 is not over at berlin-01; 2026-03-30 is the last day that is."),
        ({"first": "2026-03-02", "last": "2026-03-01"}, "first: 2026-03-02 is after the last day, 2026-03-01."),
        ({"first": "2025-03-02"}, "first: 2025-03-02 to 2026-03-30 are more than 92 days; ask for a part of them."),
        ({"role": "display"}, "role: no camera of berlin-01 has the role display; it has entrance."),
        ({"frist": "2026-03-02"}, "frist: unknown key; did you mean 'first'?."),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named_in_a_sentence(
    client: httpx.Client, query: dict[str, str], said: str
) -> None:
    assert refused(client.get(DAYS, params=query), 400) == said.replace("?.", "?")


def test_a_parameter_that_comes_twice_is_refused(client: httpx.Client) -> None:
    assert refused(client.get(f"{DAYS}?role=entrance&role=display"), 400) == (
        "role: is given twice; write it once."
    )


@pytest.mark.parametrize("path", ["/api/v1/sites/nowhere/days", "/api/v1/sites/nowhere/devices"])
def test_a_site_that_is_not_there_is_named(client: httpx.Client, path: str) -> None:
    assert refused(client.get(path), 404) == "No data has been received from a shop named nowhere."


def test_everything_else_below_the_root_is_refused_with_a_sentence(client: httpx.Client) -> None:
    refused(client.get("/api/v1/nothing"), 404)
    refused(client.get("/api/v1"), 404)
    refused(client.get("/api/v1/sites/berlin-01/exports/secrets"), 404)
    answer = client.post(DAYS, headers={"content-type": "application/json"}, content=b"{}")
    refused(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_nobody_is_answered_without_a_token(address: str) -> None:
    for path in (DAYS, "/api/v1/sites", "/api/v1/openapi.json", "/api/v1/sites/berlin-01/exports/days"):
        answer = httpx.get(f"{address}{path}")
        refused(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_document_names_the_path_at_which_a_proxy_shows_the_api(
    store: EmbeddedStore, shops: OneBoxShops
) -> None:
    app = create_app(
        store, ManualClock(NOW), access=OneToken(), shops=shops, only_api=True, path="/footlight"
    )
    with (
        serving(app) as address,
        httpx.Client(base_url=f"{address}/footlight/api/v1", headers=TOKEN) as client,
    ):
        assert client.get("/openapi.json").json()["servers"] == [{"url": "/footlight/api/v1"}]
        assert refused(client.get("/sites/nowhere/days"), 404)


def test_an_export_has_the_figures_of_the_answer(client: httpx.Client, app: Starlette) -> None:
    asked = Days.model_validate_json(client.get(DAYS, params=PERIOD).content)
    found = client.get("/api/v1/sites/berlin-01/exports/days", params=PERIOD)
    assert found.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    name = f"footlight-berlin-01-days-{FIRST}-{LAST_DAY}"
    assert found.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    rows: list[dict[str, Any]] = list(csv.DictReader(StringIO(found.text, newline="")))
    assert [row["visits"] for row in rows] == [
        "" if one.visits is None else str(one.visits) for one in asked.days
    ]
    table = pq.read_table(BytesIO(
        client.get("/api/v1/sites/berlin-01/exports/days", params={**PERIOD, "format": "parquet"}).content
    ))  # fmt: skip
    assert table.column("visits").to_pylist() == [one.visits for one in asked.days]
    done = ("program", "exported", f"days of berlin-01, {FIRST} to {LAST_DAY}")
    assert app.state.access.acts[-2:] == [done, done], "who took figures away is written down"


@pytest.mark.slow
def test_a_chart_and_a_report_of_a_week_come_as_files(client: httpx.Client) -> None:
    week = {"week": "2026-W13"}
    chart = client.get("/api/v1/sites/berlin-01/charts/hours", params=week)
    assert (chart.status_code, chart.headers["content-type"]) == (200, "image/png")
    assert chart.content.startswith(b"\x89PNG")
    page = client.get("/api/v1/sites/berlin-01/report", params=week)
    assert page.headers["content-disposition"] == 'attachment; filename="footlight-berlin-01-2026-W13.html"'
    assert "Berlin 1" in page.text
    assert refused(client.get("/api/v1/sites/berlin-01/report", params={"week": "2026-W14"}), 400) == (
        "week 2026-W14: does not end at berlin-01 before 2026-04-06 00:00 CEST."
    )


@pytest.mark.chromium
@pytest.mark.slow
def test_a_report_is_printed_as_pdf(client: httpx.Client) -> None:
    require_program("chromium", "apt-get install chromium")
    answer = client.get(
        "/api/v1/sites/berlin-01/report", params={"week": "2026-W13", "format": "pdf"}, timeout=120
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF")


def test_without_chromium_and_pyarrow_the_answer_says_what_to_do(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    said = refused(client.get("/api/v1/sites/berlin-01/exports/days", params={"format": "parquet"}), 503)
    assert "install Footlight with the exports extra, or take csv" in said
    said = refused(
        client.get("/api/v1/sites/berlin-01/report", params={"week": "2026-W13", "format": "pdf"}), 503
    )
    assert "take html and print that" in said
