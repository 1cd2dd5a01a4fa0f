"""Write scale.md beside this file: measurements, and an estimate for a chain that is too large for one machine.

``benchmarks.fleet``, ``benchmarks.load`` and ``benchmarks.cluster`` measure, with ``--write``. Figures that cannot be
measured are in :data:`ASSUMED`, and the page says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cloud.domain.levels import KEPT_DAYS, LEVELS

HERE = Path(__file__).parent
STORES = 10_000
EACH_S = 60
"""Seconds between two windows, and between two health messages, of a device: the defaults."""
DAY_S = 86_400
BUSY = 0.5
"""Planned use of a core. The rest catches up after an outage, in the time that the outage lasted."""
REPLICAS = 2
"""Everything exists twice, so that any one machine may fail."""
ASSUMED = {"core": 25.0, "gb": 0.10}
"""Euros a month for a core with 4 GB of memory, and for a gigabyte on an SSD: roughly the
price of a rented server. Replace them by your own prices."""


def page() -> str:
    found: dict[str, Any] = json.loads((HERE / "scale-measured.json").read_text(encoding="utf-8"))
    load: dict[str, Any] = json.loads((HERE / "load-measured.json").read_text(encoding="utf-8"))
    cluster: dict[str, Any] = json.loads((HERE / "cluster-measured.json").read_text(encoding="utf-8"))
    bridge = load["programs"]["bridge"]
    parts = (
        *(
            _cost(load),
            _away(load),
            _beside_telegraf(load["beside_telegraf"]),
            _backlog(load),
            _cluster(cluster),
        ),
        *(_sums(found, bridge), _GROW),
    )
    return f"{_measured(found)}{''.join(parts)}"


def _measured(found: dict[str, Any]) -> str:
    simulated, slowest = found["simulate"], found["slowest"]
    raw, machine = found["levels"]["raw"], found["machine"]
    return f"""# Scaling

<!-- written by `make docs` from docs/scale.py and docs/*-measured.json: change those -->

## What one machine can do

Measured by `python -m benchmarks.fleet --write` on {machine["cores"]} cores ({machine["architecture"]}) that were
also busy with other work (load {machine["load"]:g}), with InfluxDB 1.6: {simulated["sites"]} shops
with {found["devices"]} cameras over {simulated["days"]} days.

| | |
| --- | --- |
| windows, simulated and written | {simulated["windows"]:,}, {simulated["windows_per_s"]:,} per second |
| size of a message on the wire | {simulated["bytes"] / simulated["messages"]:.0f} bytes, without MQTT and TLS |
| size of a window in InfluxDB, with its cohorts and health | {raw["bytes"] / simulated["windows"]:.1f} bytes |
| series | {raw["series"]:,}, {raw["series"] / found["devices"]:.1f} for each camera |
| rollup of all days | {found["rollup"]["seconds"]:g} s |
| queries of the dashboards | {len(found["queries"])}; the slowest took {1000 * slowest["s"]:.0f} ms \
({slowest["where"]}: {slowest["what"]}) |
"""


def _cost(load: dict[str, Any]) -> str:
    machine, bridge, stages = load["machine"], load["programs"]["bridge"], load["stages"]
    cpu = bridge["cpu_us"]
    rest = cpu["program"] - sum(stages.values())
    rows = "".join(
        f"| {name} | {us:.1f} | {100 * us / cpu['program']:.0f} % |\n"
        for name, us in {**stages, "MQTT, threads and the rest": rest}.items()
    )
    return f"""
## What a window costs

Measured by `python -m benchmarks.load --backlog 0 --write`: {load["windows"]:,} windows of a simulated chain through
mosquitto 2.0 and the bridge into InfluxDB {load["store"]}, without TLS, {load["rounds"]} rounds; the table has the
medians. It is CPU time, because the {machine["cores"]} cores ({machine["architecture"]}) were also busy with other
work (load {machine["load"]:g}); that makes it longer, too.

| | microseconds for a window |
| --- | ---: |
| broker | {cpu["broker"]:.1f} |
| bridge | {cpu["program"]:.1f} |
| InfluxDB | {cpu["store"]:.1f} |

So a CPU second carries {bridge["chain_per_cpu_s"]:,} windows through all three, and {bridge["per_cpu_s"]:,} through
the bridge alone. By the clock it was {bridge["per_s"]:,} windows a second on this busy machine.

The bridge checks each window, and writes a point for it and for each of its doors and breakdowns. Where its time goes:

| stage | microseconds | share |
| --- | ---: | ---: |
{rows}"""


def _away(load: dict[str, Any]) -> str:
    away = load["away"]["bridge"]
    return f"""
## An hour of windows while the store is away

In the same run, InfluxDB was killed for {away["away_s"]:g} s. Meanwhile came {away["windows"]:,} windows, as many as
{away["windows"] // 60} devices send in an hour, and {away["unreadable"]} messages that nobody can read.

| | |
| --- | ---: |
| windows lost | {away["lost"]:,} |
| all stored, after InfluxDB was back | {away["caught_up_s"]:g} s |
| memory before | {away["rss_before_mib"]:.0f} MiB |
| most memory | {away["rss_most_mib"]:.0f} MiB |
| unreadable messages kept, with the reason | {away["unreadable_kept"]} |

The bridge looks for the store every ten seconds at the latest, which is a part of that time.
"""


def _beside_telegraf(run: dict[str, Any]) -> str:
    both = [run["programs"][name] for name in ("bridge", "telegraf")]
    away = [run["away"][name] for name in ("bridge", "telegraf")]
    cpu = {part: [f"{one['cpu_us'][part]:.1f}" for one in both] for part in ("broker", "program", "store")}
    pairs = {
        "broker, microseconds for a window": cpu["broker"],
        "program": cpu["program"],
        "InfluxDB": cpu["store"],
        "all three: windows for a CPU second": [f"{one['chain_per_cpu_s']:,}" for one in both],
        "windows a second": [f"{one['per_s']:,}" for one in both],
        "windows lost while InfluxDB was away": [f"{one['lost']:,}" for one in away],
        "all stored, after InfluxDB was back": [f"{one['caught_up_s']:g} s" for one in away],
        "most memory": [f"{one['rss_most_mib']:.0f} MiB" for one in away],
        f"of {away[0]['unreadable']} unreadable messages, kept": [
            f"{one['unreadable_kept']}" for one in away
        ],
    }
    rows = "".join(f"| {name} | {one} | {other} |\n" for name, (one, other) in pairs.items())
    return f"""
## Beside Telegraf

[Telegraf](https://www.influxdata.com/time-series-platform/telegraf/) 1.38 (`mqtt_consumer` with a session that is
kept, `json_v2`, `influxdb_v2`) gets the same windows in turns with the bridge with
`python -m benchmarks.load --telegraf PROGRAM --backlog 0 --write`. **These figures are those of the last such run**,
on {run["machine"]["day"]} with a load of {run["machine"]["load"]:g}. Compare them only with each other: the figures
above may be of a later bridge and another machine.

| | bridge | Telegraf |
| --- | ---: | ---: |
{rows}
Telegraf checks nothing and writes one point for a window. It logs an error for what it cannot read and acknowledges it,
so that it is gone.
"""


def _backlog(load: dict[str, Any]) -> str:
    paced, at_once = load["backlog_paced"], load["backlog_at_once"]
    pairs = {
        "late windows": [f"{one['late']:,}" for one in (paced, at_once)],
        "hours that they had waited": [f"{one['hours']:g}" for one in (paced, at_once)],
        "until all were stored": [f"{one['drained_s']:.0f} s" for one in (paced, at_once)],
        "live windows meanwhile": [f"{one['live']:,}" for one in (paced, at_once)],
        "from device to store: half of them": [f"{one['median_s']:g} s" for one in (paced, at_once)],
        "the slowest": [f"{one['worst_s']:g} s" for one in (paced, at_once)],
        "windows missing in the end": [f"{one['missing']}" for one in (paced, at_once)],
        "most memory of the bridge": [f"{one['rss_most_mib']:.0f} MiB" for one in (paced, at_once)],
    }
    rows = "".join(f"| {name} | {one} | {other} |\n" for name, (one, other) in pairs.items())
    return f"""
## After hours without a network

`python -m benchmarks.load --rounds 0 --away 0 --backlog {paced["hours"]:g} --write` sends what {paced["devices"]}
devices kept, and live windows of all of them every ten seconds. One connection stands for all devices. At their pace is
as [they do it](delivery.md#after-an-outage-of-the-network). All at once is as fast as that connection can:
{at_once["late"] / at_once["drained_s"]:,.0f} windows a second on this busy machine (load {at_once["load"]:g}), so
that few queued there, too.

| | at their pace | all at once |
| --- | ---: | ---: |
{rows}"""


def _cluster(found: dict[str, Any]) -> str:
    machine, per_s = found["machine"], found["per_s"]
    again_s = found["resend_within_s"]
    rows = "".join(
        f"| {one['node']} | {one['windows']:,} | {one['lost'] + one['wrong']} | {one['again']:,} |"
        f" {one['settled_s']:g} s | {one['last_s']:g} s | {one['stored_s']:g} s |\n"
        for one in found["killed"]
    )
    return f"""
## A cluster of brokers

Measured by `python -m benchmarks.cluster --write`: {found["nodes"]} nodes of {found["broker"]} (Raft), and in turns
one mosquitto, with TLS and certificates, and two bridges into InfluxDB {found["store"]}, all on the same
{machine["cores"]} cores ({machine["architecture"]}), which were also busy with other work (load {machine["load"]:g}).

| {found["windows"]:,} windows, medians of {found["rounds"]} rounds | windows a second |
| --- | ---: |
| {found["nodes"]} nodes, each bridge on a node of its own | {per_s["cluster"]:,} |
| one mosquitto | {per_s["mosquitto"]:,} |

So a cluster on one machine is not faster; it is there so that a machine may fail. Then devices with the real outbox
and uplink sent through HAProxy, and a node was killed (SIGKILL) in the middle, with the connections of its devices
and of the bridge that was on it, if one was. Times are from the kill. "Again" came to a bridge although it had come
before, and is in the store once. Devices waited {again_s:g} s at most before they sent again; in the product it is a
quarter of an hour.

| killed node | windows | lost | again | all from before the kill stored | last window sent | all stored |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}{_MORE}"""


def _sums(found: dict[str, Any], bridge: dict[str, Any]) -> str:
    simulated, cpu = found["simulate"], bridge["cpu_us"]
    devices = round(STORES * found["devices"] / simulated["sites"])
    messages_s = 2 * devices / EACH_S
    size = simulated["bytes"] / simulated["messages"]
    windows_day = devices * DAY_S / EACH_S
    raw = windows_day * found["levels"]["raw"]["bytes"] / simulated["windows"] * KEPT_DAYS["raw"]
    coarse = {
        level: found["levels"][level]["bytes"] / simulated["sites"] / simulated["days"] * STORES
        for level in ("quarter", "day")
    }
    kept = {
        "raw": raw,
        "quarter": coarse["quarter"] * (KEPT_DAYS["quarter"] or 0),
        "day": coarse["day"] * 3650,
    }
    stored_gb = sum(kept[level] for level in LEVELS) / 1e9
    cores = {part: messages_s * us / 1e6 / BUSY for part, us in cpu.items()}
    rented = {part: REPLICAS * max(1, round(needed + 0.499)) for part, needed in cores.items()}
    euros = sum(rented.values()) * ASSUMED["core"] + REPLICAS * stored_gb * ASSUMED["gb"]
    lines = "".join(
        f"| cores for {name}, {100 * BUSY:.0f} % busy | {cores[part]:.2f}, rented {rented[part]} |\n"
        for part, name in (("broker", "brokers"), ("program", "bridges"), ("store", "InfluxDB's writes"))
    )
    return f"""
## An estimate for {STORES:,} stores

This assumes the same number of cameras per store as above, a window and a health message every {EACH_S} s around the
clock, and the retention in [storage](storage.md) (days for ten years). Everything exists {REPLICAS} times, so that any
one machine may fail.

| | |
| --- | --- |
| cameras | {devices:,} |
| messages | {messages_s:,.0f} a second, {messages_s * DAY_S / 1e6:,.0f} million a day |
| payload | {messages_s * size / 1e3:,.0f} kB a second, {messages_s * size * DAY_S / 1e9:,.1f} GB a day |
{lines}| stored | {stored_gb:,.0f} GB in each copy, of which {raw / 1e9:,.0f} GB minutes |
| series in the first level | {round(found["levels"]["raw"]["series"] / found["devices"] * devices):,} |
| cost | {euros:,.0f} euros a month, {euros / STORES:.2f} for a store |

The cost covers only the rent of cores and disks, assumed to be {ASSUMED["core"]:g} euros a month for a core with 4 GB
of memory and {ASSUMED["gb"]:.2f} for a gigabyte: use your own prices. Queries need additional capacity. The dashboards
of head office read the levels of quarters and days, which grow with the number of stores, not with the minutes.

Windows end on the full minute everywhere. So the mean of {messages_s:,.0f} messages per second arrives as {devices:,}
windows at once; one bridge needs {devices / bridge["per_s"]:.0f} s for them at the rate above. Meanwhile they
wait in the broker or in the devices' outboxes. The broker must be allowed to queue that many (`max_queued_messages` in
[its configuration](../cloud/compose/mosquitto.conf)): by default, mosquitto drops messages after the first 1,000.
"""


_MORE = """
The tests in `tests/cloud/ingest/test_broker_cluster.py` show more: bridges on two nodes share the windows, and none
comes twice; what comes while a bridge is away waits for it, also when it comes back on another node; the name in a
certificate is the user name, and a device can publish under no other; its last status and its configuration are
known to every node. [Growing](growing.md#how-rmqtt-was-set-up) says how it was set up, and what it fails at.
"""


_GROW = """
## More than one machine

[Growing](growing.md) says in which order to scale the parts.

The tables before the estimate were measured, all but those of the cluster without TLS and over one or two
connections. Not measured: the load of all device connections on a broker, nodes on machines of their own, a clustered
InfluxDB, and the cloud services.
"""


if __name__ == "__main__":
    (HERE / "scale.md").write_text(page(), encoding="utf-8")
