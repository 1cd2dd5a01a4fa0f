"""Write api.md and openapi.json beside this file, from the endpoints and answers of ``cloud.api``: ``make docs``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloud.api.endpoints import ENDPOINTS, MOST_DAYS, MOST_DAYS_BY_HOUR, ROOT, USUAL_DAYS, Endpoint
from cloud.api.openapi import REFUSALS, document, parameters

HERE = Path(__file__).parent
HEAD = "written by `make docs` from `cloud/api`: change that"

INTRODUCTION = f"""# The read API

<!-- {HEAD} -->

Counts of a shop for other programs, as JSON. The same as OpenAPI: [openapi.json](openapi.json), also served at
`{ROOT}/openapi.json`. The page of one box and of a chain answers it below `{ROOT}`. `footlight-cloud api` answers it
alone, without pages, from InfluxDB or from an embedded store that `serve` fills:
```
footlight-cloud api --config cloud.yaml --chain chain.yaml
```
An installer makes an access token on the page or with `footlight-cloud tokens`; send it with each request:
```
curl -H "Authorization: Bearer $TOKEN" "http://127.0.0.1:8080{ROOT}/sites/shop/days?first=2026-03-02&last=2026-03-08"
```
Without accounts, programs on the same machine need no token. A token sees the sites of its user.

- **Days are local days** of the shop, and only its opening hours count. Only days that are over can be asked for: with
  InfluxDB, the rollup writes them every six hours. Without `first` and `last`, an answer is about the {USUAL_DAYS} days
  up to yesterday.
- **At most {MOST_DAYS} days** are in one answer, {MOST_DAYS_BY_HOUR} by hour. Sites come in pages.
- **Durations** are in seconds and end in `_s`. **Shares** are from 0 to 1. **Times** are ISO 8601 with their
  offset to UTC.
- **`null` means not known**: nobody was watching, or the privacy rules withhold it. 0 is a fact. A breakdown also says
  how many visits are `withheld`. Never compare figures without their `coverage`.
- **Cameras of different roles** (entrance, area, display) must not be added up; `role` chooses one.
- An answer about the past has an `ETag`; sent back as `If-None-Match`, it is answered with 304 while nothing has
  changed.
- **A refusal** is `application/problem+json` (RFC 9457). Its `detail` says in a sentence what is wrong.

[numbers](numbers.md) says how to read the figures, [exports](exports.md) how to take them away as files.

## Questions

| | address | what | parameters | permission |
| --- | --- | --- | --- | --- |
"""


def questions() -> Iterator[str]:
    """Return a line for each endpoint."""
    for endpoint in ENDPOINTS:
        asked = ", ".join(f"`{one['name']}`" for one in parameters(endpoint.asks, "query")) or "none"
        what = f"{endpoint.summary.lower()}{_link(endpoint)}"
        if endpoint.tells:
            asked = f"body: [{endpoint.tells.__name__}](#{endpoint.tells.__name__.lower()})"
        yield f"| {endpoint.method} | `{ROOT}{endpoint.path}` | {what} | {asked} | `{endpoint.needs}` |"


def _link(endpoint: Endpoint) -> str:
    (answer, *_) = endpoint.answers.values()
    if answer is None:
        return f" ({', '.join(endpoint.answers)})"
    return f": [{answer.__name__}](#{answer.__name__.lower()})"


def all_parameters() -> Iterator[str]:
    """Return a line for each parameter; those of one name mean the same everywhere."""
    found: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        for one in (*parameters(endpoint.of, "path"), *parameters(endpoint.asks, "query")):
            known = found.setdefault(f"{one['name']} {kind(one['schema'])}", one)
            assert known["schema"] == one["schema"]
    for one in found.values():
        default = one["schema"].get("default")
        usual = f"; default {default}" if default is not None else ""
        yield f"| `{one['name']}` | {kind(one['schema'])} | {one['description']}{usual} |"


def answers() -> Iterator[str]:
    """Return a table for each model, in the order of the endpoints, parts after what they are parts of."""
    schemas: dict[str, dict[str, Any]] = document()["components"]["schemas"]
    order: list[str] = []
    for endpoint in ENDPOINTS:
        for answer in (*endpoint.answers.values(), endpoint.tells):
            if answer is not None:
                _add(answer.__name__, schemas, order)
    for name in (*order, "Problem"):
        about = schemas[name]
        yield f"\n### {name}\n\n{about['description']}\n\n| field | type | meaning |\n| --- | --- | --- |"
        for field, of in about["properties"].items():
            yield f"| `{field}` | {kind(of)} | {of.get('description', '')} |"


def _add(name: str, schemas: dict[str, dict[str, Any]], order: list[str]) -> None:
    if name in order:
        return
    order.append(name)
    for part in _parts(schemas[name]["properties"]):
        _add(part, schemas, order)


def _parts(node: Any) -> Iterator[str]:
    """Yield the names of the models inside a schema."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rsplit("/", 1)[-1]
        for inside in node.values():
            yield from _parts(inside)
    elif isinstance(node, list):
        for inside in node:
            yield from _parts(inside)


def kind(schema: dict[str, Any]) -> str:
    """Describe the type of a field in a few words."""
    match schema:
        case {"$ref": path}:
            name = path.rsplit("/", 1)[-1]
            said = f"[{name}](#{name.lower()})"
        case {"anyOf": options}:
            said = " or ".join(kind(option) for option in options)
        case {"enum": values}:
            said = " or ".join(f"`{value}`" for value in values)
        case {"const": value}:
            said = f"`{value}`"
        case {"prefixItems": _}:
            said = "two numbers"
        case {"type": "array", "items": inside} | {"type": "object", "additionalProperties": inside}:
            of = kind(inside)
            what = "list" if schema["type"] == "array" else "map"
            said = f"{what} of {f'({of})' if ' or ' in of else of}"
        case _:
            limits = [str(schema[name]) for name in ("minimum", "maximum") if name in schema]
            word = schema.get("format") or _WORDS.get(schema["type"], schema["type"])
            said = f"{word} {' to '.join(limits)}".strip()
    return said


_WORDS = {"string": "text", "integer": "whole number"}


def pages() -> dict[str, str]:
    """Every generated file, by its name."""
    refusals = "\n".join(f"| {status} | {why} |" for status, why in REFUSALS.items())
    text = "\n".join(
        (
            INTRODUCTION.rstrip("\n"),
            *questions(),
            "\n| parameter | type | meaning |\n| --- | --- | --- |",
            *all_parameters(),
            f"\n| refused with | because |\n| --- | --- |\n{refusals}",
            "\n## Answers",
            *answers(),
        )
    )
    return {
        "api.md": f"{text}\n",
        "openapi.json": json.dumps(document(), indent=2, ensure_ascii=False) + "\n",
    }


if __name__ == "__main__":
    for path, text in pages().items():
        (HERE / path).write_text(text, encoding="utf-8")
