"""Write storage.md beside this file, from ``cloud.stores.layout`` and from what was measured: ``make docs``."""

from __future__ import annotations

import json
from pathlib import Path

from cloud.domain.levels import KEPT_DAYS, LEVELS, SHARD_DAYS, Level, bucket_of, creation
from cloud.stores import layout
from cloud.stores.measurement import Field, Measurement

HERE = Path(__file__).parent
HEAD = "written by `make docs` from `cloud/stores/layout.py`: change that"
BUCKET = "footlight"
HOLDS: dict[Level, str] = {
    "raw": "every window and cohort, health, status, alerts, notices, as the bridge writes them",
    "quarter": "tallies by quarter of an hour, opening hours only",
    "day": "tallies by local day, opening hours only, and figures calculated from them, from takings and count checks",
}

INTRODUCTION = f"""# Stored measurements

<!-- {HEAD} -->

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


def page() -> str:
    measurements = "".join(measurement(about) for about in layout.MEASUREMENTS)
    return (
        f"{INTRODUCTION}{levels()}{ROLLUP}{creations()}{REMOVAL}\n## Measurements\n{measurements}{measured()}"
    )


if __name__ == "__main__":
    (HERE / "storage.md").write_text(page(), encoding="utf-8")
