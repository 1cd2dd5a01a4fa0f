"""What notices tell: thresholds, and never for how long one person stayed or waited."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from edge.config import Settings
from edge.places.notice_privacy import is_told, is_told_late, told_count
from edge.places.notices import Notice

K = 5


def notice(rule: Any, *, active: bool = True, count: int = 0, limit: int | None = None) -> Notice:
    return Notice("n", rule, active, count, limit)


@pytest.mark.parametrize(
    ("given", "count", "told", "late"),
    [
        (notice("queue_over", count=6, limit=4), 6, True, False),
        (notice("queue_over", count=4, limit=4, active=False), None, True, False),
        (notice("inside_over", count=81, limit=80), 81, True, False),
        (notice("inside_over", count=80, limit=80, active=False), None, True, False),
        (notice("nobody_at_desk", count=1), None, True, False),
        (notice("nobody_at_desk", count=5), 5, True, False),
        (notice("nobody_at_desk", active=False), None, False, False),
        (notice("zone_empty"), 0, True, True),
        (notice("zone_empty", count=1, active=False), None, False, True),
    ],
)
def test_a_count_is_told_from_k_on_and_an_end_where_k_people_are_needed(
    given: Notice, count: int | None, told: bool, late: bool
) -> None:
    assert (told_count(given, K), is_told(given, K), is_told_late(given, K)) == (count, told, late)


def test_with_a_k_of_one_everything_is_told_at_once() -> None:
    alone = notice("nobody_at_desk", count=1)
    assert (told_count(alone, 1), is_told(alone, 1)) == (1, True)
    assert is_told(notice("zone_empty", count=1, active=False), 1)
    assert not is_told_late(notice("zone_empty"), 1)


def square(left: float, right: float) -> list[list[float]]:
    return [[left, 0.5], [right, 0.5], [right, 1], [left, 1]]


ZONES = [
    {"name": "line", "polygon": square(0.1, 0.5)},
    {"name": "twin", "polygon": square(0.1, 0.5)},
    {"name": "part", "polygon": square(0.3, 0.7)},
    {"name": "desk", "polygon": square(0.8, 1)},
    {"name": "board", "polygon": square(0.1, 0.5), "where": "shelf"},
]


def check(*notices: dict[str, Any], k: int = K) -> Settings:
    named = [{"name": f"n{number}", **one} for number, one in enumerate(notices)]
    return Settings.model_validate({"zones": ZONES, "notices": named, "privacy": {"k": k}})


def queue(zone: str, limit: int, seconds: float = 10) -> dict[str, Any]:
    return {"rule": "queue_over", "zone": zone, "limit": limit, "seconds": seconds}


def desk(zone: str, seconds: float = 30) -> dict[str, Any]:
    return {"rule": "nobody_at_desk", "zone": zone, "desk": "desk", "seconds": seconds}


def empty(zone: str) -> dict[str, Any]:
    return {"rule": "zone_empty", "zone": zone, "seconds": 60, "hours": [9, 20]}


@pytest.mark.parametrize(
    "pair",
    [
        (desk("line"), empty("twin")),
        (desk("line"), empty("part")),
        (desk("line"), desk("part")),
        (desk("line", 30), desk("twin", 60)),
        (empty("line"), empty("twin")),
    ],
)
def test_two_notices_that_tell_how_long_one_person_stays_are_refused(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    with pytest.raises(ValidationError, match=r"notices 'n0' and 'n1' .* delete one"):
        check(*pair)
    check(*pair, k=1)


def test_notices_that_tell_nothing_together_are_taken() -> None:
    found = check(
        desk("line"), empty("desk"), queue("line", 4), queue("part", 4), queue("line", 9), empty("board")
    )
    assert len(found.notices) == 6


@pytest.mark.parametrize(("limit", "k"), [(0, 3), (3, 5), (8, 10)])
def test_a_limit_that_fewer_than_k_people_pass_is_refused(limit: int, k: int) -> None:
    with pytest.raises(ValidationError, match=rf"limit {limit} of notice 'n0' .* use at least {k - 1}"):
        check(queue("line", limit), k=k)
    assert check(queue("line", k - 1), k=k).notices[0].limit == k - 1
