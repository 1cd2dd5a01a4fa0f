"""Writes wire.md, schema/*.json and asyncapi.yaml beside this file from ``edge.wire``: ``make docs``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from edge import wire
from edge.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS

HERE = Path(__file__).parent
HEAD = "written by `make docs` from `edge/wire.py`: change that"
ADDRESS = f"{wire.ROOT}/{{site}}/{{device}}"

INTRODUCTION = f"""# What travels

<!-- {HEAD} -->

Everything a device says is one of the messages below: JSON in UTF-8 on MQTT, content type
`{wire.CONTENT_TYPE}`, at most {wire.MAX_BYTES // 1024} KiB. Field `schema` names the message and its version.
Both sides refuse unknown fields, unknown labels, and a payload whose `site` and `device` are not those of its
topic. Times are UTC, durations seconds. The same as JSON Schema: [schema/](schema/), as AsyncAPI:
[asyncapi.yaml](asyncapi.yaml). Why it holds so little: [privacy.md](privacy.md).

| topic | message | quality of service |
| --- | --- | --- |
"""

CELLS = f"""
## How to read counts

`null` is a cell that the privacy rules withhold, 0 is a fact: nobody. A label that is missing stands for 0.
Every attribute also has the label `unknown`, for visits that were not seen well enough.

- gender: {", ".join(GENDERS)}
- age band: {", ".join(AGE_BANDS)}
- expression, what the face shows: {", ".join(EXPRESSIONS)}
- dwell and attention time, lower edge in seconds, the last one open: \
{", ".join(wire.bin_label(edge) for edge in wire.DWELL_BINS_S)}

Visits at coverage 0 are no data, not zero visits. `pending` visits are in the totals already and wait for a
cohort; after the last window of a day they get none. A cohort covers the windows from its `since` to the one
it came with.
"""

SERVICE = {
    "window": "1",
    "status": "1, retained; the last will says `online: false`",
    "health": "1",
    "alert": "1",
}


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema of a message as it is accepted."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}


def kind(field: dict[str, Any]) -> str:
    """A field's type in a few words."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(kind(option) for option in field["anyOf"])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "object":
        return f"map of {kind(field['additionalProperties'])}"
    words = [str(field.get("format") or field["type"])]
    for key, sign in (
        ("minimum", "≥"),
        ("exclusiveMinimum", ">"),
        ("maximum", "≤"),
        ("maxLength", "length ≤"),
    ):
        words += [f"{sign} {field[key]:g}"] if key in field else []
    words += [f"`{field['pattern']}`"] if "pattern" in field else []
    return " ".join(words)


def table(name: str, described: dict[str, Any]) -> str:
    """One message or part of one, field by field."""
    lines = [
        f"\n### {name}\n",
        described["description"],
        "",
        "| field | type | meaning |",
        "| --- | --- | --- |",
    ]
    for field, about in described["properties"].items():
        optional = "" if field in described["required"] else " (may be left out)"
        lines.append(f"| `{field}` | {kind(about)}{optional} | {about.get('description', '')} |")
    return "\n".join(lines) + "\n"


def markdown() -> str:
    text = INTRODUCTION
    for channel, model in wire.BY_CHANNEL.items():
        text += f"| `{ADDRESS}/{channel}` | [{model.__name__}](#{model.__name__.lower()}) | {SERVICE[channel]} |\n"
    text += CELLS + "\n## The messages\n"
    for model in wire.BY_CHANNEL.values():
        described = schema(model)
        text += table(model.__name__, described)
        for name, part in described.get("$defs", {}).items():
            text += table(name, part)
    return text


def asyncapi() -> str:
    channels, operations, messages = {}, {}, {}
    for channel, model in wire.BY_CHANNEL.items():
        name = model.__name__
        channels[channel] = {
            "address": f"{ADDRESS}/{channel}",
            "parameters": {
                "site": {"description": "the shop"},
                "device": {"description": "the device in it"},
            },
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        }
        operations[f"send_{channel}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{channel}"},
            "bindings": {"mqtt": {"qos": 1, "retain": channel == "status"}},
        }
        messages[name] = {
            "contentType": wire.CONTENT_TYPE,
            "summary": (model.__doc__ or name).strip(),
            "payload": {
                "schemaFormat": "application/schema+json;version=draft-2020-12",
                "schema": {"$ref": f"schema/{channel}.json"},
            },
        }
    page = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Footlight",
            "version": wire.ROOT.rsplit("/", 1)[-1],
            "description": "What a Footlight device sends: totals and cohorts, and how it does.",
        },
        "defaultContentType": wire.CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }
    return f"# {HEAD}\n{yaml.safe_dump(page, sort_keys=False, allow_unicode=True, width=100)}"


def pages() -> dict[str, str]:
    """Every generated file, by its path below ``docs``."""
    schemas = {
        f"schema/{channel}.json": json.dumps(schema(model), indent=2, ensure_ascii=False) + "\n"
        for channel, model in wire.BY_CHANNEL.items()
    }
    return {"wire.md": markdown(), "asyncapi.yaml": asyncapi(), **schemas}


if __name__ == "__main__":
    for path, text in pages().items():
        (HERE / path).parent.mkdir(exist_ok=True)
        (HERE / path).write_text(text, encoding="utf-8")
