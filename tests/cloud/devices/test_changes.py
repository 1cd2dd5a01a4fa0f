"""What a person asks of a device is kept with its answer, and loses nothing that was asked before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from cloud.devices.change_file import KEPT, ChangeFile, ChangesUnavailable
from cloud.devices.changes import ELSEWHERE, Changes, NotPossible, NotSent
from common.errors import UserError
from common.wire import MAX_BYTES, AlertMessage, ConfigMessage, Message, decode, encode, topic
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, asking, health, placement

DOOR: dict[str, JsonValue] = {"name": "street", "line": [[0.3, 0.6], [0.7, 0.6]], "inside": [0.5, 0.9]}
ZONE: dict[str, JsonValue] = {"name": "shelf", "polygon": [[0.5, 0], [1, 0], [1, 1]]}


class Sent:
    """The way to the devices: what came to the broker, unless it is away."""

    def __init__(self) -> None:
        self.messages: list[ConfigMessage] = []
        self.away = False

    def send(self, topic: str, payload: bytes) -> None:
        if self.away:
            raise NotSent("The broker does not answer.")
        message = decode(topic, payload)
        assert isinstance(message, ConfigMessage)
        self.messages.append(message)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[ChangeFile]:
    opened = ChangeFile(tmp_path / "changes.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def changes(file: ChangeFile, sent: Sent, clock: ManualClock) -> Changes:
    return Changes(file, sent, clock)


def hear(changes: Changes, message: Message) -> None:
    changes.hear(topic(message), encode(message))


def ask(changes: Changes, clock: ManualClock, **sections: Any) -> str:
    """Send sections, knowing of all that was sent before; return the hash of the message."""
    clock.advance(1)
    history = changes.history("shop", "door")
    seen = history[0].number if history else None
    return changes.change("shop", "door", sections, who="anna", seen=seen).message


def refusal(message: str, why: str) -> AlertMessage:
    return AlertMessage(
        site="shop", device="door", at=MORNING, fault="config", active=True, text=f"config {message} {why}"
    )


def answers(changes: Changes) -> list[tuple[str, str]]:
    return [(change.answer, change.reason) for change in changes.history("shop", "door")]


def test_a_change_is_sent_with_everything_that_was_asked_before(
    changes: Changes, sent: Sent, clock: ManualClock
) -> None:
    hear(changes, asking({"pacing": {"hot_c": 60}, "doors": []}))
    ask(changes, clock, doors=[DOOR])
    ask(changes, clock, zones=[ZONE])
    assert sent.messages[-1].settings == {"pacing": {"hot_c": 60}, "doors": [DOOR], "zones": [ZONE]}
    assert [change.who for change in changes.history("shop", "door")] == ["anna", "anna", ELSEWHERE]
    assert changes.history("shop", "shelf") == []


def test_what_the_device_answers_is_kept(changes: Changes, clock: ManualClock) -> None:
    hear(changes, health(config="0" * 12))
    name = ask(changes, clock, doors=[DOOR])
    hear(changes, health(config="0" * 12))
    assert answers(changes) == [("none", "")]
    hear(changes, health(config="0" * 12, config_waiting=name))
    assert answers(changes) == [("checked", "")]
    hear(changes, health(config="1" * 12, config_message=name))
    (change,) = changes.history("shop", "door")
    assert (change.answer, change.before, change.config) == ("accepted", "0" * 12, "1" * 12)
    assert change.answered == health().at


def test_what_was_refused_is_no_part_of_the_next_change(
    changes: Changes, sent: Sent, clock: ManualClock
) -> None:
    ask(changes, clock, doors=[DOOR])
    name = ask(changes, clock, zones=[{**ZONE, "polygon": []}])
    hear(changes, refusal("0" * 12, "refused: another"))
    assert answers(changes)[0] == ("none", "")
    hear(changes, refusal(name, "refused: zones.1.polygon: too short"))
    assert answers(changes)[0] == ("refused", "refused: zones.1.polygon: too short")
    ask(changes, clock, targets=[])
    assert sent.messages[-1].settings == {"doors": [DOOR], "targets": []}


def test_a_change_that_did_not_run_is_refused_after_all(changes: Changes, clock: ManualClock) -> None:
    name = ask(changes, clock, doors=[DOOR])
    hear(changes, health(config_message=name))
    hear(changes, refusal(name, "dropped: no frame came within 60 s; send it again to try again"))
    assert answers(changes)[0][0] == "refused"


def test_an_earlier_version_can_be_sent_again(changes: Changes, sent: Sent, clock: ManualClock) -> None:
    ask(changes, clock, doors=[DOOR])
    ask(changes, clock, doors=[], zones=[ZONE])
    first = changes.history("shop", "door")[-1]
    changes.restore("shop", "door", first.number, who="berta")
    assert sent.messages[-1].settings == {"doors": [DOOR]}
    changes.restore("shop", "door", 0, who="berta")
    assert sent.messages[-1].settings == {}
    assert len(changes.history("shop", "door")) == 4
    with pytest.raises(NotPossible, match="not kept any more"):
        changes.restore("shop", "door", 99, who="berta")
    with pytest.raises(NotPossible, match="not kept any more"):
        changes.restore("shop", "other", first.number, who="berta")


def test_nobody_overwrites_a_change_that_he_has_not_seen(changes: Changes, sent: Sent) -> None:
    first = changes.change("shop", "door", {"doors": [DOOR]}, who="anna", seen=None)
    for seen in (None, first.number + 1):
        with pytest.raises(NotPossible, match="Somebody else has changed this device meanwhile"):
            changes.change("shop", "door", {"doors": []}, who="berta", seen=seen)
    assert len(sent.messages) == 1


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"privacy": {"k": 1}}, "The section privacy is none of plan, doors"),
        (
            {"zones": [{**ZONE, "stop_s": float("nan")}]},
            "These settings cannot be sent: settings.zones.0.stop_s",
        ),
        ({"zones": ["x" * MAX_BYTES]}, "too large"),
        ({"zones": ["\ud800"]}, "cannot be sent|too large"),
    ],
)
def test_what_cannot_be_sent_is_a_sentence_and_is_not_kept(
    changes: Changes, sent: Sent, sections: dict[str, Any], says: str
) -> None:
    with pytest.raises(NotPossible, match=says):
        changes.change("shop", "door", sections, who="anna", seen=None)
    assert (changes.history("shop", "door"), sent.messages) == ([], [])


def test_a_change_that_no_broker_has_was_never_made(changes: Changes, sent: Sent, clock: ManualClock) -> None:
    sent.away = True
    with pytest.raises(NotSent):
        ask(changes, clock, doors=[DOOR])
    assert changes.history("shop", "door") == []
    changes.send_again()
    sent.away = False
    ask(changes, clock, doors=[DOOR])
    assert answers(changes) == [("none", "")]


def test_the_places_in_the_file_of_a_device_are_kept_and_nothing_about_people(
    tmp_path: Path, changes: Changes
) -> None:
    assert changes.own("shop", "door") is None
    said = placement(places={"zones": [ZONE]}, floor=((0.1234, 0.5678),))
    hear(changes, said)
    assert changes.own("shop", "door") == {"zones": [ZONE]}
    hear(changes, placement())
    assert changes.own("shop", "door") == {}
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"0.1234" not in kept
    assert b"faces" not in kept


def test_history_is_there_after_a_restart_and_is_sent_to_a_broker_that_forgot_it(
    tmp_path: Path, sent: Sent, clock: ManualClock
) -> None:
    for doors in ([DOOR], []):
        file = ChangeFile(tmp_path / "again.sqlite")
        ask(Changes(file, sent, clock), clock, doors=doors)
        file.close()
    file, again = ChangeFile(tmp_path / "again.sqlite"), Sent()
    changes = Changes(file, again, clock)
    changes.send_again()
    assert again.messages == sent.messages[-1:]
    # Heard from the broker once more, it is no new change.
    hear(changes, again.messages[0])
    assert len(changes.history("shop", "door")) == 2
    file.close()


def test_the_history_of_a_device_has_an_end(changes: Changes, clock: ManualClock) -> None:
    for number in range(KEPT + 5):
        hear(changes, asking({"doors": []}, at=MORNING + timedelta(minutes=number)))
    hear(changes, asking({"doors": []}, device="shelf"))
    history = changes.history("shop", "door")
    assert len(history) == KEPT
    assert history[0].asked.at == MORNING + timedelta(minutes=KEPT + 4)
    assert len(changes.history("shop", "shelf")) == 1


def test_what_breaks_the_contract_is_not_heard(changes: Changes) -> None:
    changes.hear("footlight/v1/shop/door/config", b"{}")
    changes.hear("footlight/v1/other/door/config", encode(asking({})))
    changes.hear("nonsense", b"")
    assert changes.history("shop", "door") == []


def test_a_damaged_file_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "changes.sqlite"
    path.write_bytes(b"no database" * 100)
    ChangeFile(path).close()
    assert (tmp_path / "changes.sqlite.damaged").exists()
    assert "the history of changes begins anew" in caplog.text


def test_a_file_of_a_later_version_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "changes.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(UserError, match=r"^store.path: .*another version of Footlight \(schema 9\)$"):
        ChangeFile(path)


def test_a_locked_file_is_a_fault_of_its_own(
    file: ChangeFile, changes: Changes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(tmp_path / "changes.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ChangesUnavailable, match="database is locked"):
        changes.change("shop", "door", {"doors": []}, who="anna", seen=None)
    hear(changes, asking({}))
    assert "was not kept" in caplog.text
    other.execute("ROLLBACK")
    other.close()
