"""What breaks the contract of the wire is refused in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common import wire
from common.wire import (
    Message,
    WireError,
    decode,
    encode,
    topic,
)
from tests.support import messages
from tests.support.messages import zone

TOPIC = "footlight/v1/shop/door/window"


def changed(**changes: Any) -> bytes:
    """A good window with some of its JSON changed; a dotted path with ``__`` for the dot."""
    document = json.loads(encode(messages.window(0, visits=8, cohort=messages.cohort())))
    for path, value in changes.items():
        *way, last = path.split("__")
        part = document
        for step in way:
            part = part[step]
        part[last] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("topic_name", "payload", "reason"),
    [
        (TOPIC, changed(face="..."), "face: Extra inputs are not permitted"),
        (TOPIC, changed(cohort__track_id=7), "cohort.track_id: Extra inputs are not permitted"),
        (TOPIC, changed(device="till"), "payload speaks for shop/till"),
        (TOPIC, changed(site="other"), "payload speaks for other/door"),
        (TOPIC, changed(site="a/b"), "site: String should match pattern"),
        (TOPIC, changed(software="x" * wire.MAX_BYTES), f"bytes, more than {wire.MAX_BYTES}"),
        (TOPIC, changed(cohort__gender={"woman": 8}), "cohort: Value error, gender: unknown label 'woman'"),
        (TOPIC, changed(cohort__dwell={"3": 8}), "dwell: unknown label '3'"),
        (
            TOPIC,
            changed(cohort__gender_age_band={"x": {"25-34": 8}}),
            "gender_age_band: unknown label 'x.25-34'",
        ),
        (
            TOPIC,
            changed(cohort__gender_age_band={"male": {"7": 1}}),
            "gender_age_band: unknown label 'male.7'",
        ),
        (TOPIC, changed(cohort__gender={"male": 9}), "gender: cells exceed the visits"),
        (TOPIC, changed(cohort__attention_sum_s=99.0), "attention_sum_s exceeds dwell_sum_s"),
        (TOPIC, changed(cohort__visits=4), "cohort"),
        (
            TOPIC,
            changed(cohort__gender={"female": 4, "male": None}),
            "cohort.gender: tells a cell of 1 to 4 visits",
        ),
        (
            TOPIC,
            changed(cohort__gender={"female": 6, "male": None}),
            "cohort.gender: tells a cell of 1 to 4 visits",
        ),
        (TOPIC, changed(cohort__dwell={"0": 1, "5": None}), "cohort.dwell: tells a cell of 1 to 4 visits"),
        (
            TOPIC,
            changed(cohort__gender_age_band={"female": {"25-34": 2}, "male": {"25-34": 6}}),
            "cohort.gender_age_band: tells a cell of 1 to 4 visits",
        ),
        (TOPIC, changed(cohort__staff_excluded=0.2), "cohort.staff_excluded: tells of 1 to 4 people"),
        (TOPIC, changed(cohort__staff_excluded=0.00001), "cohort.staff_excluded: tells of 1 to 4 people"),
        (TOPIC, changed(cohort__staff_excluded=1.0), "staff_excluded leaves no visits"),
        (TOPIC, changed(cohort__members=9), "members exceed the visits"),
        (TOPIC, changed(cohort__members=3), "cohort: 0 and 3 visits tell a cell of 1 to 4 visits"),
        (TOPIC, changed(cohort__described=9), "described exceeds the visits"),
        (TOPIC, changed(cohort__described=2), "gender: not_seen is not visits minus described"),
        (
            TOPIC,
            changed(cohort__described=None),
            "gender: unknown or not_seen although described is withheld",
        ),
        (
            TOPIC,
            changed(cohort__age_band={"25-34": 8, "no_verdict": 0}),
            "age_band: not_seen is not visits minus described",
        ),
        (
            TOPIC,
            changed(cohort__gender_age_band={"not_seen": {"unknown": 0}}),
            "gender_age_band: unknown label 'not_seen.unknown'",
        ),
        (
            TOPIC,
            changed(
                cohort__described=6,
                cohort__gender={"not_seen": 2},
                cohort__age_band=None,
                cohort__gender_age_band=None,
            ),
            "cohort.described: tells a cell of 1 to 4 visits",
        ),
        (TOPIC, changed(profile="count", cohort__gender=None), "cohort.described: not in profile count"),
        (TOPIC, changed(cohort__expression={"happy": 8}), "cohort.expression: not in profile demographics"),
        (
            TOPIC,
            changed(
                profile="count",
                cohort__described=None,
                cohort__gender={"female": 8},
                cohort__age_band=None,
                cohort__gender_age_band=None,
            ),
            "cohort.gender: not in profile count",
        ),
        (TOPIC, changed(k=9), "cohort is smaller than k"),
        (TOPIC, changed(totals__viewers=9), "viewers exceed visits"),
        (TOPIC, changed(totals__visits=-1), "totals.visits: Input should be greater than or equal to 0"),
        (TOPIC, changed(start="2026-03-02T08:00:00"), "start: Input should have timezone info"),
        (TOPIC, changed(schema="footlight.window/2"), "schema: Input should be 'footlight.window/1'"),
        (TOPIC, b'{"schema": "footlight.window/1"', "payload: Invalid JSON"),
        (TOPIC, b"\xff\xfe", "payload: Invalid JSON"),
        (TOPIC, b"[]", "payload: Input should be an object"),
        ("footlight/v1/shop\n/door/window", changed(), "payload speaks for shop/door"),
        ("footlight/v1/shop/door/picture", changed(), "not a topic of footlight/v1"),
        ("footlight/v2/shop/door/window", changed(), "not a topic of footlight/v1"),
        ("footlight/v1/shop/door/status", changed(), "schema: Input should be 'footlight.status/1'"),
        (TOPIC, changed(**{"a\nb": 1}), "a\\nb: Extra inputs are not permitted"),
        (
            TOPIC,
            changed(cohort__gender={"a\nb": 1}),
            "cohort.gender.a\\nb.[key]: String should match pattern",
        ),
    ],
)
def test_what_breaks_the_contract_is_refused_in_one_line(
    topic_name: str, payload: bytes, reason: str
) -> None:
    with pytest.raises(WireError) as refused:
        decode(topic_name, payload)
    text = str(refused.value)
    assert text.startswith(topic_name.replace("\n", "\\n") + ": ")
    assert reason in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start": "0001-01-01T00:00:00+00:01"}, "start: Value error, must be from 2020 to 2100"),
        ({"start": "9999-12-31T23:59:59-12:00"}, "start: Value error, must be from 2020 to 2100"),
        (
            {"cohort__since": "0001-01-01T00:00:00+23:59"},
            "cohort.since: Value error, must be from 2020 to 2100",
        ),
        ({"start": "2026-03-02T08:00:01Z"}, "start is not aligned to duration_s"),
        ({"start": "2026-03-02T08:00:00.5Z"}, "start is not aligned to duration_s"),
        ({"duration_s": 0}, "duration_s: Input should be greater than or equal to 1"),
        ({"duration_s": 7200}, "duration_s: Input should be less than or equal to 3600"),
        ({"totals__visits": 10**6 + 1}, "totals.visits: Input should be less than or equal to 1000000"),
        ({"cohort__occupancy_mean": 1e300}, "cohort.occupancy_mean: Input should be less than"),
        ({"seq": 2**63}, "seq: Input should be less than or equal to 1000000000"),
        ({"pending": 10**400}, "pending: "),
        ({"cohort__gender": {"male": 2**64}}, "cohort.gender.male: "),
        ({"cohort__dwell_sum_s": 1e12}, "cohort.dwell_sum_s: Input should be less than"),
        ({"cohort__zones": {"till,site=other": {}}}, "String should match pattern"),
        (
            {"cohort__zones": dict.fromkeys((f"zone{n}" for n in range(33)), zone(8).model_dump())},
            "at most 32",
        ),
    ],
)
def test_a_window_that_no_device_can_have_counted_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        decode(TOPIC, changed(**changes))


@pytest.mark.parametrize("message", [messages.health(), messages.alert(active=True), messages.probe()])
@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "1969-12-31T23:59:59Z"]
)
def test_a_time_outside_of_the_years_of_the_wire_is_refused(message: Message, at: str) -> None:
    payload = json.dumps({**json.loads(encode(message)), "at": at}).encode()
    with pytest.raises(WireError, match="at: Value error, must be from 2020 to 2100"):
        decode(topic(message), payload)


def test_settings_that_are_no_json_are_refused() -> None:
    for foreign in (b"NaN", b"Infinity", b"[" * 100_000, b"9" * 5000, b'"\\ud800"'):
        payload = encode(messages.asking({"zones": 0})).replace(b":0", b":" + foreign)
        with pytest.raises(WireError):
            decode("footlight/v1/shop/door/config", payload)
