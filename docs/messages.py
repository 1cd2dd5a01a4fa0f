"""Write wire.md, schema/*.json and asyncapi.yaml beside this file, from ``common.wire``: ``make docs``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from common import wire
from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EARLIEST, EXPRESSIONS, GENDERS, LATEST

HERE = Path(__file__).parent
HEAD = "written by `make docs` from `common/wire`: change that"
ADDRESS = f"{wire.ROOT}/{{site}}/{{device}}"

INTRODUCTION = f"""# Messages on the wire

<!-- {HEAD} -->

Every message that a device sends or receives is one of those below: JSON in UTF-8 on MQTT, content type
`{wire.CONTENT_TYPE}`, at most {wire.MAX_BYTES // 1024} KiB. Field `schema` names the message and its version.
Both sides refuse unknown fields, unknown labels, and a payload whose `site` and `device` are not those of its
topic. Times are UTC, from {EARLIEST.year} to {LATEST.year}; durations are in seconds. The bridge also
refuses messages dated more than a day after their arrival. The same contract as JSON Schema: [schema/](schema/); as
AsyncAPI: [asyncapi.yaml](asyncapi.yaml). [privacy.md](privacy.md) explains why the messages contain so little.

| topic | message | quality of service |
| --- | --- | --- |
"""

RESEND = f"""
In addition, a message on `{wire.RESEND_TOPIC}` asks all devices to send again what they delivered in the last
{wire.HELD_S // 3600} hours. It is the last will of every bridge: the broker publishes it when it ends the session of a
bridge. A bridge publishes it itself when the broker no longer has its session, see [delivery.md](delivery.md).
"""

CELLS = f"""
## How to read counts

A map holds counts by label. A count of `null` is withheld by the privacy rules. 0 is a fact: nobody. A missing label
means 0. If a whole map is `null`, it is not released: the device's profile does not allow it, or the privacy rules
withhold it. Every attribute also has three labels for visits without a verdict:

- `unknown`: the face was looked at, and the looks are not sure or do not agree;
- `not_seen`: the face was never seen well enough for a look. Such a visit is `not_seen` in every attribute, so its
  count is the same everywhere: visits minus `described`;
- `no_verdict`: both together. Where `described` is null, they are not told apart, and `unknown` and `not_seen` are
  missing, which does not mean 0 there. In the table by gender and age band, a visit with one of the two was seen, so
  its other verdict may always be `unknown`.

The other labels:

- gender: {", ".join(GENDERS)}
- age band: {", ".join(AGE_BANDS)}
- expression, what the face shows: {", ".join(EXPRESSIONS)}
- dwell and attention time, by the lower edge of the bin in seconds; the last bin has no upper edge: \
{", ".join(wire.bin_label(edge) for edge in DWELL_BINS_S)}

0 visits at coverage 0 mean "no data", not "nobody came". `pending` visits are already in the totals and wait for a
cohort; those that still wait after the last window of a day are never broken down. A cohort covers the windows from
its `since` to the window that it came with.

The numbers in `noise` are no counts. They may be negative, and below `k`. Add up those of several cohorts, and their
variances, 2 q / (1 - q)² for each cell with q = exp(-1 / scale): [privacy.md](privacy.md#noise-with-a-budget).
"""

SERVICE = {
    "window": "1",
    "status": "1, retained; the last will is `online: false`",
    "health": "1",
    "alert": "1",
    "notice": "1; a beginning expires after 5 minutes",
    "probe": "1",
    "echo": "1, to the device",
    "config": "1, retained, to the device",
    "placement": "0, never stored; only during a check of the camera position",
}


ANY_JSON = "JsonValue"
"""pydantic's name of it."""


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a message as accepted: ``schema`` has a default in the model, but must be sent."""
    found = model.model_json_schema()
    required = ["schema", *found["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "required": required}


def kind(field: dict[str, Any]) -> str:
    """Describe the type of a field in a few words."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return "any value" if name == ANY_JSON else f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(kind(option) for option in field["anyOf"])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    of_names = next(iter(field.get("patternProperties", {}).values()), None)
    if inside := of_names or field.get("additionalProperties") or field.get("items"):
        of = kind(inside)
        return f"{'map' if field['type'] == 'object' else 'list'} of {f'({of})' if ' or ' in of else of}"
    words = [str(field.get("format") or field["type"])]
    for key, sign in (
        ("minimum", "≥"),
        ("exclusiveMinimum", ">"),
        ("maximum", "≤"),
        ("maxLength", "length ≤"),
    ):
        words += [f"{sign} {field[key]:,.12g}"] if key in field else []
    words += [f"`{field['pattern']}`"] if "pattern" in field else []
    return " ".join(words)


def table(name: str, described: dict[str, Any]) -> str:
    """Return the table of a message or of a part of one, field by field."""
    lines = [
        f"\n### {name}\n",
        described["description"],
        "",
        "| field | type | meaning |",
        "| --- | --- | --- |",
    ]
    for field, about in described["properties"].items():
        optional = "" if field in described.get("required", ()) else " (may be left out)"
        lines.append(f"| `{field}` | {kind(about)}{optional} | {about.get('description', '')} |")
    return "\n".join(lines) + "\n"


def markdown() -> str:
    text = INTRODUCTION
    for channel, model in wire.BY_CHANNEL.items():
        text += f"| `{ADDRESS}/{channel}` | [{model.__name__}](#{model.__name__.lower()}) | {SERVICE[channel]} |\n"
    text += RESEND + CELLS + "\n## The messages\n"
    for model in wire.BY_CHANNEL.values():
        described = schema(model)
        text += table(model.__name__, described)
        for name, part in described.get("$defs", {}).items():
            text += "" if name == ANY_JSON else table(name, part)
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
        action = "receive" if channel in wire.TO_DEVICE else "send"
        operations[f"{action}_{channel}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "bindings": {"mqtt": {"qos": int(SERVICE[channel][0]), "retain": "retained" in SERVICE[channel]}},
        }
        messages[name] = {
            "contentType": wire.CONTENT_TYPE,
            "summary": " ".join((model.__doc__ or name).split()),
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
            "description": "Messages that a Footlight device sends and receives: totals, cohorts, state of the device.",
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
