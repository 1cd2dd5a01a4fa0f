"""The API keeps to its own OpenAPI document, whatever it is asked: schemathesis makes up the requests."""

from __future__ import annotations

import runpy
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from starlette.applications import Starlette

from cloud.api.endpoints import BY_NAME, ENDPOINTS
from cloud.api.openapi import document
from cloud.web.access import GuardedRoute
from tests.cloud.api.serving import TOKEN
from tests.support.paths import ROOT

SLOW = {"chart", "report"}
"""They draw and print; the tests of the exports ask for them."""


@pytest.fixture(scope="session")
def contract(address: str) -> Any:
    # A date that fits the document may be in the future, and a name may be that of no shop.
    checks = {"positive_data_acceptance": {"enabled": False}}
    config = SchemathesisConfig.from_dict({"checks": checks})
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", headers=TOKEN, config=config)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - SLOW))
def test_every_answer_is_one_of_the_document(contract: Any, name: str, mode: GenerationMode) -> None:
    operation = contract[BY_NAME[name].path][BY_NAME[name].method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=20, derandomize=True, deadline=None, database=None)
    def holds(case: Case[Any]) -> None:
        case.call_and_validate(headers=TOKEN, timeout=30)

    holds()


def test_the_served_document_is_the_generated_one(client: httpx.Client) -> None:
    assert client.get("/api/v1/openapi.json").json() == document()


def test_the_page_and_the_document_are_those_of_the_code() -> None:
    docs = ROOT / "docs"
    for name, text in runpy.run_path(str(docs / "api.py"))["pages"]().items():
        assert (docs / name).read_text(encoding="utf-8") == text, "run `make docs`"


def test_every_question_of_the_document_has_a_route_and_a_permission(app: Starlette) -> None:
    needs = {route.path: route.needs for route in app.routes if isinstance(route, GuardedRoute)}
    assert {f"/api/v1{one.path}": one.needs for one in ENDPOINTS}.items() <= needs.items()
    assert {one.needs for one in ENDPOINTS} == {"numbers", "exports", "till"}
