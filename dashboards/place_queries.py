"""The InfluxQL queries about doors and places; the rules are those of :mod:`dashboards.queries`."""

from __future__ import annotations

from dashboards.queries import SITE, Query

_WATCHED = '("coverage" > 0 OR "entries" > 0 OR "exits" > 0 OR "passers" > 0)'
"""Windows with real counts, as for visits."""
_DOORS = f'FROM "door" WHERE {SITE} AND {_WATCHED}'

ENTRIES = Query(f'SELECT sum("entries") AS "entries" {_DOORS}')
EXITS = Query(f'SELECT sum("exits") AS "exits" {_DOORS}')
PASSERS = Query(f'SELECT sum("passers") AS "passers" {_DOORS}')
GROUPS = Query(f'SELECT sum("groups") AS "groups" {_DOORS}')
CAPTURE = Query(
    'SELECT "entries" / "outside" AS "capture" FROM (SELECT sum("entries") AS "entries",'
    f' sum("entries") + sum("passers") AS "outside" {_DOORS}) WHERE "outside" > 0'
)
INSIDE = Query(f'SELECT sum("entries") - sum("exits") AS "inside" {_DOORS}')
INSIDE_TIMES = Query(
    'SELECT cumulative_sum("change") FROM (SELECT sum("entries") - sum("exits") AS "change"'
    f" {_DOORS} GROUP BY time(15m) fill(none))",
    alias="inside",
)
ZONES = Query(
    'SELECT sum("visits") AS "visits", sum("stops") AS "stops", sum("stops") / sum("stops_of") AS "stopped",'
    ' sum("dwell_sum_s") / sum("dwell_visits") AS "dwell"'
    f' FROM "cohort_zone" WHERE {SITE} GROUP BY "zone"'
)
QUEUES = Query(
    'SELECT sum("waits") AS "waits", sum("served") / sum("served_of") AS "served",'
    ' sum("waiting_sum_s") / sum("waiting_visits") AS "waiting"'
    f' FROM "cohort_queue" WHERE {SITE} GROUP BY "zone"'
)
TARGETS = Query(
    'SELECT sum("passers") AS "passers", sum("viewers") AS "viewers",'
    ' sum("attention_sum_s") / sum("attention_passers") AS "interest"'
    f' FROM "cohort_target" WHERE {SITE} GROUP BY "target"'
)
