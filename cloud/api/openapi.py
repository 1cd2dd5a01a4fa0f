"""The OpenAPI document, made from the endpoints and the models of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from cloud.api.answers import Problem
from cloud.api.endpoints import ENDPOINTS, JSON, ROOT, Endpoint, Question

PROBLEM: Final = "application/problem+json"
REFUSALS: Final[Mapping[int, str]] = {
    400: "A parameter is wrong; `detail` says which, and what to write",
    401: "Nobody is logged in, or the access token is not valid",
    403: "Your role may not do this",
    404: "There is no such thing, or you may not see it",
    503: "The store, or a program that is needed, is not available",
}
_DESCRIPTION = """Counts of a shop, as the page shows them. It only reads; a till also tells what it sold.

Send an access token as `Authorization: Bearer TOKEN`. Durations are in seconds and end in `_s`, shares are from 0 to 1.
A day is a local day of the shop, and only its opening hours count. `null` means not known: nobody was watching, or the
privacy rules withhold it. 0 is a fact."""


def document(root_path: str = "") -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of an API that a proxy shows below ``root_path``."""
    return {**_document(), "servers": [{"url": f"{root_path}{ROOT}"}]}


@cache
def _document() -> dict[str, Any]:
    models = {answer for endpoint in ENDPOINTS for answer in endpoint.answers.values() if answer} | {Problem}
    bodies = [endpoint.tells for endpoint in ENDPOINTS if endpoint.tells]
    _, schemas = models_json_schema(
        [
            *((model, "serialization") for model in sorted(models, key=lambda model: model.__name__)),
            *((body, "validation") for body in bodies),
        ],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Footlight", "version": ROOT.rsplit("/", 1)[-1], "description": _DESCRIPTION},
        "security": [{"token": []}],
        "paths": {endpoint.path: {endpoint.method.lower(): _operation(endpoint)} for endpoint in ENDPOINTS},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"Needs the permission `{endpoint.needs}`.",
        "parameters": [*parameters(endpoint.of, "path"), *parameters(endpoint.asks, "query")],
        **(
            {"requestBody": {"required": True, "content": {JSON: {"schema": _reference(endpoint.tells)}}}}
            if endpoint.tells
            else {}
        ),
        "responses": {
            "200": {
                "description": "The answer",
                "content": {
                    media: {"schema": _reference(answer)} if answer else {}
                    for media, answer in endpoint.answers.items()
                },
            },
            **{
                str(status): {"description": why, "content": {PROBLEM: {"schema": _reference(Problem)}}}
                for status, why in REFUSALS.items()
            },
        },
    }


def parameters(question: type[Question], where: str) -> list[dict[str, Any]]:
    """Return the fields of a question as OpenAPI parameters."""
    return [
        {
            "name": name,
            "in": where,
            "required": where == "path",
            "description": schema.pop("description", ""),
            "schema": _plain(schema),
        }
        for name, schema in question.model_json_schema().get("properties", {}).items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: one that may be left out is not null."""
    (plain,) = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    default = schema.get("default")
    kept = {name: value for name, value in plain.items() if name not in ("title", "default", "description")}
    return kept if default is None else {**kept, "default": default}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
