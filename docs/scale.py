"""Writes scale.md beside this file: the sums for a chain that is too large for one machine, from what was measured.

``python -m benchmarks.fleet --write`` measures. What nobody can measure here stands in :data:`ASSUMED`, and in the
page.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cloud.domain.levels import KEPT_DAYS, LEVELS

HERE = Path(__file__).parent
STORES = 10_000
EACH_S = 60
"""A window and a health message of each device every minute, which is what devices do unless told otherwise."""
DAY_S = 86_400
BUSY = 0.5
"""How much of a core is meant to be in use, so that an outage is made up for in the time that it lasted."""
REPLICAS = 2
"""Of everything there is one more than would do: any one machine may be away."""
ASSUMED = {"core": 25.0, "gb": 0.10}
"""Euros a month for a core with 4 GB of memory, and for a gigabyte on an SSD: what a rented server costs, roughly. They
are there to be replaced by one's own."""


def page() -> str:
    found: dict[str, Any] = json.loads((HERE / "scale-measured.json").read_text(encoding="utf-8"))
    return f"{_measured(found)}{_sums(found)}{_WAY}"


def _measured(found: dict[str, Any]) -> str:
    simulated, through, slowest = found["simulate"], found["through_broker"], found["slowest"]
    raw, machine = found["levels"]["raw"], found["machine"]
    cpu = through["cpu_ms_per_message"]
    return f"""# How far it scales

<!-- written by `make docs` from docs/scale.py and docs/scale-measured.json: change those -->

## What one machine does

Measured by `python -m tests.bench_fleet --write` on {machine["cores"]} cores ({machine["architecture"]}) that had
other work besides (load {machine["load"]:g}), with InfluxDB 1.6 and mosquitto 2.0: {simulated["sites"]} shops with
{found["devices"]} cameras over {simulated["days"]} days.

| | |
| --- | --- |
| windows written, simulated and all | {simulated["windows"]:,}, {simulated["windows_per_s"]:,} a second |
| of a message on the wire | {simulated["bytes"] / simulated["messages"]:.0f} bytes, without MQTT and TLS |
| of a window in InfluxDB, with its cohorts and health | {raw["bytes"] / simulated["windows"]:.1f} bytes |
| series | {raw["series"]:,}, {raw["series"] / found["devices"]:.1f} for each camera |
| rollup of all days | {found["rollup"]["seconds"]:g} s |
| queries of the dashboards | {len(found["queries"])}; the slowest took {1000 * slowest["s"]:.0f} ms \
({slowest["where"]}: {slowest["what"]}) |
| through a broker and one bridge | {through["messages_per_s"]:,} messages a second |
| time of a core for one message | broker {cpu["broker"]:.3f} ms, bridge {cpu["bridge"]:.3f} ms, InfluxDB \
{cpu["influxdb"]:.3f} ms |
"""


def _sums(found: dict[str, Any]) -> str:
    simulated, through = found["simulate"], found["through_broker"]
    cpu = through["cpu_ms_per_message"]
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
    cores = {part: messages_s * ms / 1000 / BUSY for part, ms in cpu.items()}
    rented = {part: REPLICAS * max(1, round(needed + 0.499)) for part, needed in cores.items()}
    euros = sum(rented.values()) * ASSUMED["core"] + REPLICAS * stored_gb * ASSUMED["gb"]
    lines = "".join(
        f"| cores for {name}, {100 * BUSY:.0f} % busy | {cores[part]:.2f}, rented {rented[part]} |\n"
        for part, name in (("broker", "brokers"), ("bridge", "bridges"), ("influxdb", "InfluxDB's writes"))
    )
    return f"""
## The sums for {STORES:,} stores

As many cameras to a store as above, a window and a health message every {EACH_S} s around the clock, levels kept
as [storage](storage.md) says (days for ten years). Everything is there {REPLICAS} times, so that any one machine
may be away.

| | |
| --- | --- |
| cameras | {devices:,} |
| messages | {messages_s:,.0f} a second, {messages_s * DAY_S / 1e6:,.0f} million a day |
| payload | {messages_s * size / 1e3:,.0f} kB a second, {messages_s * size * DAY_S / 1e9:,.1f} GB a day |
{lines}| stored | {stored_gb:,.0f} GB in each copy, of which {raw / 1e9:,.0f} GB minutes |
| series in the first level | {round(found["levels"]["raw"]["series"] / found["devices"] * devices):,} |
| cost | {euros:,.0f} euros a month, {euros / STORES:.2f} for a store |

The cost is the rent of cores and disks alone, assumed to be {ASSUMED["core"]:g} euros a month for a core with 4 GB
of memory and {ASSUMED["gb"]:.2f} for a gigabyte: put in your own prices. Queries come on top: head office asks the
levels of quarters and days, which grow with the stores and not with the minutes.

Windows end on the full minute everywhere, so that what is a mean of {messages_s:,.0f} messages a second comes as
{devices:,} windows at once, for which one bridge needs, at the rate above,
{devices / through["messages_per_s"]:.0f} s. Meanwhile they wait in the broker, or in the devices' outboxes. The broker
must be let keep that many (`max_queued_messages` in [its configuration](../cloud/compose/mosquitto.conf)): mosquitto
drops what comes after the first 1,000 unless told otherwise.
"""


_WAY = """
## Past one machine

Each part grows by itself, in this order. Nothing on the devices changes but the address of the broker.

1. **Bridges.** Start more of them: with MQTT 5 those of one `mqtt.share` split the load, each with a `mqtt.client_id`
   of its own. A message is acknowledged after it is stored, and a point overwrites itself, so that bridges may come
   and go. `compose.yaml` runs two; on Kubernetes they are a StatefulSet, whose pods' names are the client ids.
2. **Brokers.** mosquitto is one process. Put a cluster of EMQX in its place, behind a load balancer for TCP: shared
   subscriptions (`$share/...`), sessions that outlive a connection, certificates for both sides, and the same rule for
   topics. A device is held to its name by `acl.conf`, with `peer_cert_as_username = cn` for its listener:
   ```
   {allow, {username, "bridge"}, subscribe, ["footlight/v1/+/+/+"]}.
   {allow, {username, "bridge"}, publish, ["footlight/v1/+/+/echo", "footlight/v1-dead-letter/#",
                                           "footlight/v1-resend"]}.
   {allow, all, publish, ["footlight/v1/${username}/window", "footlight/v1/${username}/health",
                          "footlight/v1/${username}/status", "footlight/v1/${username}/alert"]}.
   {allow, all, subscribe, ["footlight/v1/${username}/config", "footlight/v1/${username}/echo",
                            "footlight/v1-resend"]}.
   {deny, all}.
   ```
   A broker of a cloud does as well where it has MQTT 5 with shared subscriptions, QoS 1 and retained messages.
3. **InfluxDB.** One large machine goes far: the writes and series above are few. Then a clustered InfluxDB or one of
   its clouds: the bridge speaks the v2 write API and every query is InfluxQL. Or several InfluxDB, with the regions of
   the chain divided among them, each with its own group of bridges, and head office's dashboards on the day level,
   which `footlight-cloud rollup` keeps small.
4. **Rollup.** It works site by site, and may be run for parts of the chain side by side: one chain file for each.
5. **Grafana.** Several behind a load balancer, with PostgreSQL as their database; `footlight-cloud provision` sets up
   each region, or all.

Measured is what the first table says, without TLS and over one connection. What the connections of all devices cost a
broker, EMQX, a clustered InfluxDB and the clouds were not measured here.
"""


if __name__ == "__main__":
    (HERE / "scale.md").write_text(page(), encoding="utf-8")
