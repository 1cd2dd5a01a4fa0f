"""The API keeps to its own OpenAPI document, whatever it is asked: schemathesis makes up the requests."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig

from cloud.api.endpoints import BY_NAME
from cloud.api.openapi import document
from tests.cloud.api.serving import TOKEN

SLOW = {"chart", "report"}
"""They draw and print; the tests of the exports ask for them."""


@pytest.fixture(scope="session")
def contract(address: str) -> Any:
    # A date that fits the document may be in the future, and a name may be that of no shop.
    checks = {"positive_data_acceptance": {"enabled": False}}
    config = SchemathesisConfig.from_dict({"checks": checks})
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", config=config)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - SLOW))
def test_every_answer_is_one_of_the_document(contract: Any, name: str, mode: GenerationMode) -> None:
    operation = contract[BY_NAME[name].path]["GET"]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=20, derandomize=True, deadline=None, database=None)
    def holds(case: Case[Any]) -> None:
        case.call_and_validate(headers=TOKEN, timeout=30)

    holds()


def test_the_served_document_is_the_generated_one(client: httpx.Client) -> None:
    assert client.get("/api/v1/openapi.json").json() == document()
