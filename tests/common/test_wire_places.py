"""Both ends refuse places that no device can have counted, and what a device must not publish of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from common.vocabulary import EXPRESSIONS
from common.wire import MAX_BYTES, MOST_WAYS, Cohort, WindowMessage, WireError, decode, encode, topic
from tests.support import messages

GOOD = messages.window(0, visits=20, cohort=messages.cohort())
FACES = dict.fromkeys((*EXPRESSIONS, "unknown", "not_seen"), 0)


def changed(path: str, value: object) -> bytes:
    """The good window of twenty visits and profile ``expression``, with some of its JSON changed."""
    document = GOOD.model_dump(mode="json", by_alias=True)
    document["profile"] = "expression"
    cohort: dict[str, Any] = document["cohort"]
    cohort |= {"visits": 20, "described": 20, "gender": None, "age_band": None, "gender_age_band": None}
    cohort |= {"dwell": {"0": None, "5": None}, "attention": {"0": None}, "dwell_sum_s": 400.0}
    cohort |= {"expression": {**FACES, "happy": 12, "neutral": 8}}
    part: Any = document
    *way, last = path.split("/")
    for step in way:
        part = part[step]
    part[last] = value
    return WindowMessage.model_validate(document).model_dump_json(by_alias=True).encode()


def shelf(**changes: Any) -> dict[str, Any]:
    return messages.zone(8).model_dump() | changes


def queue(**changes: Any) -> dict[str, Any]:
    till = messages.zone(8, queue=True).model_dump()
    return {**till, "queue": till["queue"] | changes}


def tea(**changes: Any) -> dict[str, Any]:
    return {"passers": 20, "viewers": 8, "attention_sum_s": 20.0, "attention": {"2": 8}} | changes


def heat(standing_s: int | None, looking_s: int | None) -> Mapping[str, object]:
    return {"columns": 1, "rows": 1, "standing_s": [standing_s], "looking_s": [looking_s]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cohort/zones/shelf", shelf()),
        ("cohort/zones/shelf", shelf(dwell_sum_s=None, dwell={"5": None}, occupancy_mean=None)),
        ("cohort/zones/till", queue(served=8)),
        ("cohort/targets/tea", tea(expression={**FACES, "happy": None, "neutral": 8} | {"happy": 0})),
        ("cohort/heat", heat(240, 120)),
        ("cohort/ways", {"entry": {"shelf": 8, "exit": 12}}),
        ("totals/doors", {}),
    ],
)
def test_what_a_device_may_publish_of_places_is_taken(path: str, value: object) -> None:
    assert decode(topic(GOOD), changed(path, value)) != GOOD


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("totals/doors/front", {"entries": 1, "exits": 0, "passers": 0, "groups": 2}, "groups exceed entries"),
        ("totals/doors", {f"door{n}": GOOD.totals.doors["front"].model_dump() for n in range(9)}, "at most 8"),
        ("cohort/zones/shelf", shelf(visits=3, stops=0, dwell={"5": 3}), "tell a cell of 1 to 4 visits"),
        ("cohort/zones/shelf", shelf(visits=18), "tell a cell of 1 to 4 visits"),
        ("cohort/zones/shelf", shelf(visits=10, stops=8), "tell a cell of 1 to 4 visits"),
        ("cohort/zones/till", queue(waits=6, length_max=2, waiting={"5": 6}), "tell a cell of 1 to 4 visits"),
        ("cohort/zones/till", queue(served=2), "tell a cell of 1 to 4 visits"),
        ("cohort/zones/shelf", shelf(visits=14, dwell={"5": 14}), "in both of two zones"),
        ("cohort/zones/shelf", shelf(visits=25), "exceeds the cohort"),
        ("cohort/zones/shelf", shelf(dwell_sum_s=500.0), "exceeds the cohort"),
        ("cohort/zones/shelf", shelf(dwell={"5": 4, "10": 4}), "dwell: tells a cell of 1 to 4"),
        ("cohort/zones/shelf", shelf(dwell={"5": 9}), "cells exceed the visits"),
        ("cohort/zones/shelf", shelf(dwell={"7": 8}), "unknown label"),
        ("cohort/zones/shelf", shelf(dwell_sum_s=None), "a part of times that are withheld"),
        ("cohort/zones/shelf", shelf(visits=None), "times although the visits are withheld"),
        ("cohort/zones/shelf", shelf(stops=9), "stops is more than the whole"),
        ("cohort/zones/shelf", shelf(occupancy_max=9), "occupancy_max is more than the whole"),
        ("cohort/zones/till", {**queue(), "dwell_sum_s": 9.0}, "dwell_sum_s of a queue"),
        ("cohort/targets/tea", tea(viewers=21), "viewers is more than the whole"),
        ("cohort/targets/tea", tea(viewers=4, attention={"2": None}), "tell a cell of 1 to 4 visits"),
        ("cohort/targets/tea", tea(attention_sum_s=401.0), "exceeds the cohort"),
        ("cohort/targets/tea", tea(expression={"happy": 8}), "other labels than in the cohort"),
        ("cohort/targets/tea", tea(expression={**FACES, "happy": 4, "neutral": 4}), "tells a cell of 1 to 4"),
        ("cohort/targets/tea", tea(expression={**FACES, "happy": 8, "sad": None}), "tells a cell of 1 to 4"),
        ("cohort/targets/tea", tea(expression={**FACES, "sad": 8}), "more than the cohort"),
        ("cohort/targets/tea", tea(expression={"smiling": 8}), "unknown label"),
        ("cohort/heat", heat(60, None), "too few seconds"),
        ("cohort/heat", heat(300, 110), "too few seconds"),
        ("cohort/heat", heat(125, None), "multiple of 10"),
        ("cohort/heat", heat(None, 130), "looking_s exceeds standing_s"),
        ("cohort/heat", heat(130, 140), "looking_s exceeds standing_s"),
        ("cohort/heat/standing_s", [80], "columns x rows"),
        ("cohort/ways", {"entry": {"shelf": 3}}, "ways: tells a cell of 1 to 4 visits"),
        ("cohort/ways", {"entry": {"shelf": 7}}, "ways: tells a cell of 1 to 4 visits"),
        ("cohort/ways", {"entry": {"attic": 8}}, "'attic' is not a place"),
        ("cohort/ways", {"exit": {"shelf": 8}}, "'exit' is not a place"),
    ],
)  # fmt: skip
def test_places_that_break_a_rule_are_refused(path: str, value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(topic(GOOD), changed(path, value))


def test_expressions_towards_a_target_need_the_profile() -> None:
    wide = Cohort.model_validate(messages.cohort().model_dump() | {"expression": {**FACES, "happy": 8}})
    target = wide.targets["tea"].model_copy(update={"expression": {**FACES, "happy": 8}})
    cohort = wide.model_copy(update={"targets": {"tea": target}})
    cohort.check(5, "expression")
    with pytest.raises(ValueError, match="not in profile"):
        cohort.model_copy(update={"expression": None}).check(5, "demographics")


def test_the_largest_window_fits_a_message() -> None:
    """Names of 64 characters, 32 zones, 16 targets, all ways between 16 of them, and the finest grid."""
    names = [f"{n:02d}".ljust(64, "x") for n in range(32)]
    ways = {
        place: dict.fromkeys([*names[: MOST_WAYS - 1], "exit"], 8)
        for place in [*names[: MOST_WAYS - 1], "entry"]
    }
    target = {
        "passers": 8,
        "viewers": 8,
        "attention_sum_s": 16.5,
        "attention": {"2": 8},
        "expression": FACES | {"happy": 8},
    }
    cohort = messages.cohort().model_dump() | {
        "expression": FACES | {"happy": 8},
        "zones": dict.fromkeys(names, messages.zone(8, queue=True).model_dump()),
        "targets": dict.fromkeys(names[:16], target),
        "heat": {"columns": 16, "rows": 9, "standing_s": [999_990] * 144, "looking_s": [999_980] * 144},
        "ways": ways,
    }
    window = messages.window(0, visits=8, profile="expression", cohort=Cohort.model_validate(cohort))
    assert 30_000 < len(encode(window)) < MAX_BYTES


def test_a_window_without_places_is_valid() -> None:
    bare = messages.cohort().model_copy(update={"zones": {}, "targets": {}, "heat": None, "ways": None})
    window = messages.window(0, visits=8, cohort=bare)
    assert decode(topic(window), encode(window)) == window
    with pytest.raises(WireError, match="zones"):
        decode(topic(window), encode(window).replace(b'"zones":{}', b'"zones":{"a":5}'))
