"""Somebody takes care of a notice: nobody else is called for it until it is over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.__main__ import main
from cloud.domain.notices import WITHOUT_END, Acknowledgement, taken_care_of
from cloud.ingest.acknowledging import Acknowledged, acknowledge
from cloud.ingest.notices import Relay
from cloud.stores.embedded import EmbeddedStore
from common.clock import SystemClock
from common.errors import UserError
from common.wire import NoticeMessage
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, notice

DESK: dict[str, Any] = {"name": "desk", "rule": "nobody_at_desk", "limit": None, "count": None}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING + MINUTE)


@pytest.fixture
def book(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(tmp_path / "store.sqlite", retention_days=30, clock=clock)) as store:
        yield store


def taken(
    book: EmbeddedStore, clock: ManualClock, name: str = "long-queue", who: str = "Ana"
) -> Acknowledgement:
    return acknowledge(book, site="shop", device="door", name=name, who=who, at=clock.now())


def test_who_was_first_takes_care_of_it(book: EmbeddedStore, clock: ManualClock) -> None:
    book.write([notice(), notice(site="other")])
    first = taken(book, clock)
    assert first == Acknowledgement("shop", "door", "long-queue", MORNING, "Ana", clock.now())
    clock.advance(60)
    assert taken(book, clock, who="Ben") == first
    assert book.acknowledgements() == book.acknowledgements("shop") == [first]
    assert book.acknowledgements("other") == []


def test_when_it_begins_again_somebody_must_take_care_of_it_again(
    book: EmbeddedStore, clock: ManualClock
) -> None:
    book.write([notice()])
    taken(book, clock)
    again = notice(at=MORNING + 3 * MINUTE)
    book.write([notice(active=False, at=MORNING + 2 * MINUTE), again])
    assert taken_care_of(again, book.acknowledgements()) is None
    clock.advance(180)
    assert taken(book, clock, who="Ben").began == again.at
    assert [one.who for one in book.acknowledgements()] == ["Ben"], "the last one of each notice"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "other"}, r"no open notice 'other' of shop/door; open ones of shop: door long-queue"),
        ({"device": "shelf"}, "no open notice 'long-queue' of shop/shelf"),
        ({"site": "other"}, "open ones of other: none"),
        ({"who": "  "}, "who: '' is no name"),
        ({"who": "x" * 65}, "is no name; use 1 to 64"),
        ({"who": "two\nlines"}, "is no name"),
    ],
)
def test_what_is_not_open_and_who_has_no_name_is_refused_in_one_line(
    book: EmbeddedStore, clock: ManualClock, changes: dict[str, str], reason: str
) -> None:
    book.write([notice()])
    asked = {"site": "shop", "device": "door", "name": "long-queue", "who": "Ana", **changes}
    with pytest.raises(UserError, match=reason) as refused:
        acknowledge(book, **asked, at=clock.now())
    assert "\n" not in str(refused.value)
    assert book.acknowledgements() == []


def test_a_notice_that_is_over_cannot_be_acknowledged(book: EmbeddedStore, clock: ManualClock) -> None:
    book.write([notice(), notice(active=False, at=MORNING + MINUTE), notice(**DESK)])
    with pytest.raises(UserError, match="open ones of shop: door desk"):
        taken(book, clock)
    clock.advance(WITHOUT_END.total_seconds())
    with pytest.raises(UserError, match="open ones of shop: none"):
        taken(book, clock, "desk")


seconds = st.integers(-3600, 3600)


@given(seconds, seconds, st.booleans(), st.booleans())
def test_an_acknowledgement_holds_for_its_notice_and_for_repeats_without_an_end(
    began_s: int, later_s: int, has_end: bool, active: bool
) -> None:
    at = MORNING + timedelta(seconds=max(0, began_s))
    one = Acknowledgement("shop", "door", "desk", MORNING + timedelta(seconds=began_s), "Ana", at)
    when = MORNING + timedelta(seconds=later_s)
    given = notice(active=active, at=when, name="desk") if has_end or not active else notice(at=when, **DESK)
    assert not Acknowledgement("shop", "shelf", "desk", when, "Ana", at).covers(given)
    expected = active and (when <= one.began or (not has_end and when < at + WITHOUT_END))
    assert one.covers(given) == expected


def relayed(
    book: EmbeddedStore, clock: ManualClock, *, most_an_hour: int
) -> tuple[Relay, Acknowledged, list[NoticeMessage]]:
    """A relay, what somebody takes care of as it knows it, and all that it sends."""
    sent: list[NoticeMessage] = []
    acknowledged = Acknowledged(book, every_s=0.01)
    relay = Relay(
        sent.append,
        clock=clock,
        acknowledged=acknowledged,
        zone=ZoneInfo("UTC"),
        quiet_hours=None,
        most_an_hour=most_an_hour,
    )
    return relay, acknowledged, sent


def test_repeats_of_what_somebody_takes_care_of_reach_nobody_and_cost_no_other_notice(
    book: EmbeddedStore, clock: ManualClock
) -> None:
    relay, acknowledged, sent = relayed(book, clock, most_an_hour=3)

    def tell(message: NoticeMessage) -> int:
        book.write([message])
        relay.tell(message)
        return len(sent)

    with acknowledged.reading():
        first = notice(at=clock.now(), **DESK)
        assert tell(first) == 1
        taken(book, clock, "desk")
        until(lambda: first in acknowledged, "the acknowledgement is read")
        for _ in range(10):
            clock.advance(60)
            assert tell(notice(at=clock.now(), **DESK)) == 1
        assert tell(notice(at=clock.now())) == 2, "another notice still has room in this hour"
        clock.advance(6 * 60)
        assert tell(notice(at=clock.now(), **DESK)) == 3, (
            "still nobody at the desk after a quarter of an hour"
        )


def test_the_end_of_what_somebody_takes_care_of_is_told(book: EmbeddedStore, clock: ManualClock) -> None:
    one = Acknowledgement("shop", "door", "long-queue", MORNING, "Ana", clock.now())
    book.record_acknowledgement(one)
    relay, acknowledged, sent = relayed(book, clock, most_an_hour=9)
    relay.tell(notice())
    with acknowledged.reading():
        until(lambda: notice() in acknowledged, "the acknowledgement is read")
        for message in (notice(active=False, at=MORNING + MINUTE), notice(at=MORNING + 2 * MINUTE)):
            relay.tell(message)
    assert [one.active for one in sent] == [True, False, True]


def test_notices_are_listed_and_acknowledged_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "cloud.yaml"
    config.write_text(f"store: {{path: {tmp_path / 'store.sqlite'}}}\n")
    clock = SystemClock()
    with closing(EmbeddedStore(tmp_path / "store.sqlite", retention_days=30, clock=clock)) as store:
        store.write([notice(at=clock.now()), notice(site="other", at=clock.now())])
    listing = ["notices", "list", "--config", str(config), "--site", "shop"]
    taking = ["notices", "acknowledge", "--config", str(config), "shop", "door"]
    assert main(listing) == 0
    assert "shop door long-queue: more than 4 people wait (6)\n" in capsys.readouterr().out
    assert main([*taking, "desk", "--who", "Ana"]) == 2
    assert "there is no open notice 'desk' of shop/door" in capsys.readouterr().err
    assert main([*taking, "long-queue", "--who", "Ana"]) == 0
    assert capsys.readouterr().out.startswith("Ana takes care of long-queue since 20")
    assert main([*listing, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["acknowledged"]["who"]) == ("long-queue", "Ana")
