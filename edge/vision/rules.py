"""The rule that protects each field that a window publishes about people: docs/privacy.md has them in words.

A field of ``WindowMessage`` that is not listed here is about the device and its settings. A test compares this list
with the message, so nobody can add a field without naming its rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RULES: Final[Mapping[str, str]] = {
    "totals.visits": "exact: anybody who stands there can count them",
    "totals.viewers": "exact: anybody who stands there can count them",
    "totals.doors.*.entries": "exact: anybody who stands there can count them",
    "totals.doors.*.exits": "exact: anybody who stands there can count them",
    "totals.doors.*.passers": "exact: anybody who stands there can count them",
    "totals.doors.*.groups": "exact: anybody who stands there can count them",
    "pending": "follows from the totals and the cohorts",
    "cohort.since": "follows from the totals",
    "cohort.visits": "at least k, and due by published numbers alone",
    "cohort.staff_excluded": "1 to k-1 are told alike, and nothing else counts them",
    "cohort.members": "overlapping counts",
    "cohort.occupancy_mean": "follows from the dwell times and the coverage",
    "cohort.occupancy_max": "with the cohort only",
    "cohort.dwell_sum_s": "times: p% rule, judged with histograms and viewers",
    "cohort.dwell.*": "times",
    "cohort.attention_sum_s": "times, at most 30 s of one visit",
    "cohort.attention.*": "times",
    "cohort.described": "once for all lists, or not at all",
    "cohort.gender.*": "list",
    "cohort.age_band.*": "list",
    "cohort.gender_age_band.*.*": "two-way table",
    "cohort.expression.*": "list",
    "cohort.zones.*.visits": "overlapping counts",
    "cohort.zones.*.stops": "overlapping counts",
    "cohort.zones.*.dwell_sum_s": "times of places: p% rule, also for differences",
    "cohort.zones.*.dwell.*": "times of places",
    "cohort.zones.*.occupancy_mean": "follows from the dwell times and the coverage",
    "cohort.zones.*.occupancy_max": "where the visits are told and not fewer",
    "cohort.zones.*.queue.waits": "overlapping counts",
    "cohort.zones.*.queue.served": "overlapping counts",
    "cohort.zones.*.queue.waiting_sum_s": "times of places",
    "cohort.zones.*.queue.waiting.*": "times of places",
    "cohort.zones.*.queue.length_mean": "follows from the waiting times and the coverage",
    "cohort.zones.*.queue.length_max": "where the waits are told and not fewer",
    "cohort.targets.*.passers": "follows from the visits, or those of its zone",
    "cohort.targets.*.viewers": "overlapping counts",
    "cohort.targets.*.attention_sum_s": "times of places, at most 30 s of one visit",
    "cohort.targets.*.attention.*": "times of places",
    "cohort.targets.*.expression.*": "two-way table of viewers and others",
    "cohort.clips.*.shown.visits": "list of the shows",
    "cohort.clips.*.shown.shows": "where the visits are told; never more than these",
    "cohort.clips.*.shown.shown_s": "where the visits are told; the lengths of clips",
    "cohort.clips.*.shown.viewers": "two-way table of shows and looking",
    "cohort.clips.*.shown.attention_sum_s": "times of places, at most 30 s of one visit",
    "cohort.clips.*.held.visits": "list of the shows",
    "cohort.clips.*.held.shows": "where the visits are told; never more than these",
    "cohort.clips.*.held.shown_s": "where the visits are told; the lengths of clips",
    "cohort.clips.*.held.viewers": "two-way table of shows and looking",
    "cohort.clips.*.held.attention_sum_s": "times of places, at most 30 s of one visit",
    "cohort.clips.*.holdout_hours": "a setting",
    "cohort.heat.columns": "a setting",
    "cohort.heat.rows": "a setting",
    "cohort.heat.standing_s.*": "heat: k visits, p% rule, also for differences",
    "cohort.heat.looking_s.*": "heat, at most 30 s of one visit in all cells",
    "cohort.ways.*.*": "ways: all or nothing",
}
