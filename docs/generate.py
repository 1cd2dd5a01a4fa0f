"""Write wire.md, schema/*.json, asyncapi.yaml, storage.md and privacy-rules.md beside this file: ``make docs``.

The first three come from ``common.wire``, storage.md from ``cloud.stores.layout`` and from what was measured, the last
from ``edge.vision.rules``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from cloud.domain.levels import KEPT_DAYS, LEVELS, SHARD_DAYS, Level, bucket_of, creation
from cloud.stores import layout
from cloud.stores.measurement import Field, Measurement
from common import wire
from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EARLIEST, EXPRESSIONS, GENDERS, LATEST
from edge.vision.rules import RULES

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
bridge, see [delivery.md](delivery.md).
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
            "description": "Messages that a Footlight device sends and receives: totals, cohorts, state of the device.",
        },
        "defaultContentType": wire.CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }
    return f"# {HEAD}\n{yaml.safe_dump(page, sort_keys=False, allow_unicode=True, width=100)}"


STORAGE_HEAD = "written by `make docs` from `cloud/stores/layout.py`: change that"
BUCKET = "footlight"
HOLDS: dict[Level, str] = {
    "raw": "every window and cohort, health, status, alerts, notices, as the bridge writes them",
    "quarter": "tallies by quarter of an hour, opening hours only",
    "day": "tallies by local day, opening hours only, and figures calculated from them, from takings and count checks",
}

STORAGE = f"""# Stored measurements

<!-- {STORAGE_HEAD} -->

This page describes what is stored in InfluxDB 1.8, 2.x and 3.x. The embedded store of one shop stores the messages
themselves and calculates the same figures on request. The bridge writes points through the v2 write API; all queries
are InfluxQL over `/query`. All three versions support both;
[0015](decisions/0015-rollup-by-a-job-of-ours.md) and [0016](decisions/0016-a-database-for-each-level.md) give the
reasons. [queries](queries.md) has example queries, and CSV for a spreadsheet.

- A point is identified by its tags and its time. A point that is delivered or rolled up again overwrites itself.
- A label is a field, not a tag. If a count is withheld by the privacy rules or not released, its field is missing. 0 is
  a fact: nobody. A sum of 0 is also missing if some of its parts are withheld, because it may not be 0
  ([0059](decisions/0059-withheld-is-absent-at-all-levels.md)).
- Cameras of different roles (entrance, area, display) are never added: the role is a tag of the levels `quarter` and
  `day` ([0057](decisions/0057-cameras-are-compared-by-what-they-are-for.md)).
- A name that is a tag in one measurement is never a field in another.
- 0 visits at coverage 0 mean "no data". Add first, then divide: a mean of means gives a quiet hour the weight of a
  busy one.

## Levels

The retention applies to a whole database or bucket, so each level has a separate one.

| level | bucket | holds | kept |
| --- | --- | --- | --- |
"""

ROLLUP = """
`footlight-cloud rollup` calculates the other two levels from the first; `footlight-rollup.timer` runs it every six
hours. Each run calculates the last week again, to include late data of offline devices. It also catches up on
earlier days that have windows but were never rolled up: after an outage of the timer, for a site that was added to the
chain file, or for cameras that got another role. To calculate any other day again while its windows are still
stored, use `--from` and `--to`:
```
footlight-cloud rollup --config cloud.yaml --chain chain.yaml
footlight-cloud rollup --config cloud.yaml --chain chain.yaml --from 2026-03-02 --to 2026-03-08 --json
```
The figures of shops (`day_figure`, `hour_figure`) are calculated again for the last four weeks, and for every day whose
takings came in or were corrected in the last seven days; with `--from`, for all days from there on. They need the files
with takings and count checks ([0105](decisions/0105-derived-figures-are-stored-for-grafana.md)).

Opening hours, time zones and roles of cameras come from the chain file; after you correct opening hours, run it again
with `--from`. A day without data is not written, and a day that is not over is left for a later run. The command names
sites and cameras that are not in the chain file, and leaves them out. An embedded store needs no rollup.

## Create the databases

Do this once, before the bridge starts, and again whenever you like: what is right is left alone.
```
footlight-cloud rollup --setup --config cloud.yaml --admin-token-file admin-token
```
It creates the databases (1.8) or the buckets and DBRP mappings (2.x) with their retention, and prints a line for each
thing that it `made`, `found`, `changed` or `left`. The first level is kept for `store.retention_days`. A longer
retention is set; a shorter one is only told, because it would delete data at once. The token must be allowed to create
databases or buckets: in 1.8 `user:password` of an administrator, in 2.x an all-access token. Without
`--admin-token-file` it is `store.token`, which should be allowed less. The role `bridge` of the playbook creates the
databases of 1.8 itself, and `cloud/compose.yaml` its buckets.

InfluxDB 3.x has no such interface in common with the others: use its own program, below. By hand, all of them need:
"""


def kept(days: int | None) -> str:
    return "forever" if days is None else f"{days} days"


def levels() -> str:
    rows = [
        f"| {level} | `{bucket_of(BUCKET, level)}` | {HOLDS[level]} | {kept(KEPT_DAYS[level])} |"
        for level in LEVELS
    ]
    return "\n".join(rows) + "\n"


def creations() -> str:
    """Return the commands that create all levels, for each generation of InfluxDB."""
    in_1 = [f"influx -execute '{creation(BUCKET, level, KEPT_DAYS[level])}'" for level in LEVELS]
    in_2, in_3 = [], []
    for level in LEVELS:
        name, days = bucket_of(BUCKET, level), KEPT_DAYS[level]
        in_2.append(
            f"influx bucket create --name {name} --retention {days or 0}d --shard-group-duration {SHARD_DAYS[level]}d"
        )
        in_3.append(f"influxdb3 create database {f'--retention-period {days}d ' if days else ''}{name}")
    generations = {"InfluxDB 1.8": in_1, "InfluxDB 2.x": in_2, "InfluxDB 3.x": in_3}
    return "".join(
        f"\n{name}:\n```\n" + "\n".join(commands) + "\n```\n" for name, commands in generations.items()
    )


REMOVAL = """
## Delete the counts of a device

In the database `footlight`, in 1.8 and 2.x. This cannot be undone. The next rollup calculates the last seven days
without the device; earlier quarters and days keep what it counted, because they only know sites.
```
DELETE WHERE site = 'SHOP' AND device = 'DEVICE'
```
"""


def measurement(about: Measurement) -> str:
    """Return the table of a measurement in the order of the layout; fields with the same meaning share a line."""
    grouped: dict[Field, list[str]] = {}
    for name, field in about.fields.items():
        grouped.setdefault(field, []).append(f"`{name}`")
    lines = [
        f"\n### {about.name}\n",
        f"Level {about.level}. Tags: {', '.join(f'`{tag}`' for tag in about.tags)}. Time: {about.time}.",
        "",
        "| field | type | meaning |",
        "| --- | --- | --- |",
    ]
    for field, names in grouped.items():
        lines.append(f"| {', '.join(names)} | {field.kind} | {field.meaning} |")
    return "\n".join(lines) + "\n"


def measured() -> str:
    """Return the section on costs, from the last run of the benchmark."""
    found = json.loads((HERE / "storage-measured.json").read_text(encoding="utf-8"))
    cameras, devices, days = found["cameras"], found["devices"], found["days"]

    def series(*tags: str) -> int:
        """Count the series of measurements whose tags begin like this, without further device or camera tags."""
        rest = {"device", "camera"} - set(tags)
        chosen = [
            m.name for m in layout.MEASUREMENTS if m.tags[: len(tags)] == tags and not rest & set(m.tags)
        ]
        return sum(found["series"].get(name, 0) for name in chosen)

    rows = [
        ("series of a camera", f"{series('site', 'device', 'camera') / cameras:.1f}"),
        ("further series of a device", f"{series('site', 'device') / devices:.1f}"),
        ("series of a site, at the levels quarter and day", f"{series('site') / found['stores']:.1f}"),
        (
            "bytes of a window and all that is stored with it",
            f"{found['bytes']['raw'] / found['windows']:.0f}",
        ),
        ("level raw, bytes per device and day", f"{found['bytes']['raw'] / devices / days:,.0f}"),
        *(
            (f"level {level}, bytes per site and day", f"{found['bytes'][level] / found['site_days']:,.0f}")
            for level in LEVELS[1:]
        ),
        ("windows simulated and written per second of CPU", f"{found['written_per_cpu_s']:,}"),
        ("windows rolled up per second of CPU", f"{found['rolled_up_per_cpu_s']:,}"),
    ]
    return (
        "\n## What it costs\n\n"
        f"Measured by `python -m benchmarks.storage --write` on {found['engine']}: {found['stores']} simulated stores"
        f" with {cameras} cameras for {days} days, {found['windows']:,} windows. Bytes are those of the compacted files"
        " with the points; the number of windows a day depends on the opening hours.\n\n"
        "| | |\n| --- | ---: |\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)
    )


def storage() -> str:
    measurements = "".join(measurement(about) for about in layout.MEASUREMENTS)
    return f"{STORAGE}{levels()}{ROLLUP}{creations()}{REMOVAL}\n## Measurements\n{measurements}{measured()}"


RULES_PAGE = """# Published fields and their rules

<!-- written by `make docs` from `edge/vision/rules.py`: change that -->

Every field of a [window](wire.md#windowmessage) that is about people, with the rule that protects it. `*` stands for a
label, a name or a cell. [privacy.md](privacy.md#the-rule) explains the rules. All other fields are about the device and
its settings.

| field | rule |
| --- | --- |
"""


def rules() -> str:
    return RULES_PAGE + "".join(f"| `{field}` | {rule} |\n" for field, rule in RULES.items())


def pages() -> dict[str, str]:
    """Every generated file, by its path below ``docs``."""
    schemas = {
        f"schema/{channel}.json": json.dumps(schema(model), indent=2, ensure_ascii=False) + "\n"
        for channel, model in wire.BY_CHANNEL.items()
    }
    return {
        "wire.md": markdown(),
        "asyncapi.yaml": asyncapi(),
        "storage.md": storage(),
        "privacy-rules.md": rules(),
        **schemas,
    }


if __name__ == "__main__":
    for path, text in pages().items():
        (HERE / path).parent.mkdir(exist_ok=True)
        (HERE / path).write_text(text, encoding="utf-8")
