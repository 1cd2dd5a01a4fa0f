"""Notices on the wire: a threshold was passed, and nothing about fewer than k people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.wire import NoticeMessage, NoticeRule, WireError, decode, encode, least_people, topic
from tests.support import messages

TOPIC = "footlight/v1/shop/door/notice"

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True)
times = st.datetimes(datetime(2020, 1, 2), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def notices(draw: st.DrawFn) -> NoticeMessage:
    rule, k = draw(st.sampled_from(get_args(NoticeRule))), draw(st.integers(1, 20))
    limit = draw(st.integers(k - 1, 100)) if rule in {"queue_over", "inside_over"} else None
    least = least_people(limit)
    active = least < k or draw(st.booleans())
    counts = st.just(0) if rule == "zone_empty" else st.integers(max(k, least), 200)
    return NoticeMessage(
        site=draw(names),
        device=draw(names),
        at=draw(times),
        name=draw(names),
        rule=rule,
        active=active,
        count=draw(st.none() | counts) if active else None,
        limit=limit,
        k=k,
    )


ABOUT_PEOPLE = {
    "at": "when a threshold was passed; an end from k people on; an empty zone at the end of a window",
    "active": "ends from k people on",
    "count": "from k people on",
}
ABOUT_THE_DEVICE = {"kind", "site", "device", "name", "rule", "limit", "k"}


def test_every_field_is_a_setting_or_has_a_rule() -> None:
    """As for windows: nobody adds a field without naming the rule that protects it."""
    assert set(NoticeMessage.model_fields) == {*ABOUT_PEOPLE, *ABOUT_THE_DEVICE}


@given(notices())
def test_a_valid_notice_comes_back_as_it_was(message: NoticeMessage) -> None:
    assert decode(topic(message), encode(message)) == message


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(encode(messages.notice())), **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"count": None, "limit": 3}, "limit is about fewer than 5 people"),
        ({"count": 1, "limit": None, "rule": "nobody_at_desk"}, "count tells a group of 1 to 4 people"),
        ({"count": 4, "limit": 4}, "count tells a group of 1 to 4 people"),
        ({"count": 6, "active": False}, "count must be null when a notice ends"),
        ({"limit": 3, "count": None, "active": False}, "limit is about fewer than 5 people"),
        (
            {"rule": "zone_empty", "limit": None, "count": None, "active": False},
            "tells the end of a notice that fewer than 5 people can cause",
        ),
        (
            {"rule": "nobody_at_desk", "limit": None, "count": None, "active": False},
            "tells the end of a notice that fewer than 5 people can cause",
        ),
        ({"count": 6, "limit": 6}, "count does not fit the rule queue_over"),
        ({"count": 0}, "count does not fit the rule queue_over"),
        ({"rule": "zone_empty", "limit": None}, "count does not fit the rule zone_empty"),
        ({"limit": None}, "limit does not fit the rule queue_over"),
        ({"rule": "nobody_at_desk"}, "limit does not fit the rule nobody_at_desk"),
        ({"count": 10**6 + 1}, "count: Input should be less than or equal to 1000000"),
        ({"k": 0}, "k: Input should be greater than or equal to 1"),
        ({"rule": "sad_people"}, "rule: Input should be 'queue_over'"),
        ({"name": "a b"}, "name: String should match pattern"),
        ({"waited_s": 31.5}, "waited_s: Extra inputs are not permitted"),
        ({"expression": "angry"}, "expression: Extra inputs are not permitted"),
    ],
)
def test_what_tells_more_than_a_threshold_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(WireError) as refused:
        decode(TOPIC, changed(**changes))
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"active": False, "count": None},
        {"rule": "nobody_at_desk", "limit": None, "count": None},
        {"rule": "nobody_at_desk", "limit": None, "count": 5},
        {"rule": "zone_empty", "limit": None, "count": 0},
        {"rule": "inside_over", "limit": 80, "count": 81},
        {"k": 1, "limit": 0, "count": 1},
        {"k": 1, "limit": 0, "count": None, "active": False},
    ],
)
def test_what_is_only_a_threshold_is_taken(changes: dict[str, Any]) -> None:
    message = decode(TOPIC, changed(**changes))
    assert isinstance(message, NoticeMessage)
    assert message.has_end == (least_people(message.limit) >= message.k)
