"""The uplink against a real mosquitto: at least once, in order, whatever is killed."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paho.mqtt.client import MQTTMessage

from common import wire
from common.clock import SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.mqtt.refusals import SESSION_TAKEN_OVER
from common.mqtt.tls import Tls
from edge.uplink.mqtt import Answer
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from tests.edge.uplink.boxes import pending
from tests.support.brokers import Listener, Mosquitto, free_port, password_file, until

pytestmark = pytest.mark.mosquitto

BOOT = "0123456789abcdef"
TOPIC = "footlight/v1/shop/door/window"
HOLD_S = 0.2
"""The pause after a refusal."""


def window(seq: int, *, ended: timedelta = timedelta(0)) -> wire.WindowMessage:
    """Window number ``seq``, whose end lies ``ended`` in the past."""
    return wire.WindowMessage(
        site="shop",
        device="door",
        camera="main",
        start=(datetime.now(UTC) - ended - timedelta(seconds=1)).replace(microsecond=0),
        duration_s=1,
        boot_id=BOOT,
        seq=seq,
        clock_trusted=True,
        software="1",
        model="1",
        calibration="1",
        profile="demographics",
        k=5,
        totals=wire.Totals(visits=seq, viewers=0),
        coverage=wire.Coverage(share=1.0),
        pending=0,
    )


def alert(text: str) -> wire.AlertMessage:
    return wire.AlertMessage(
        site="shop", device="door", at=datetime.now(UTC), fault="camera", active=True, text=text
    )


def health() -> wire.HealthMessage:
    return wire.HealthMessage(
        site="shop",
        device="door",
        at=datetime.now(UTC),
        boot_id=BOOT,
        software="1",
        model="1",
        camera_open=True,
        fps=10.0,
        step_ms=5.0,
        dropped=0,
        outbox_depth=0,
        outbox_lost=0,
        clock_trusted=True,
        rss_mb=100.0,
        uptime_s=1.0,
    )


def sequence(messages: list[MQTTMessage]) -> list[int]:
    """The seq of every window heard, each through the contract."""
    found = []
    for message in messages:
        decoded = wire.decode(message.topic, bytes(message.payload))
        assert isinstance(decoded, wire.WindowMessage)
        found.append(decoded.seq)
    return found


def statuses(listener: Listener) -> list[bool]:
    found = []
    for message in listener.on("status"):
        decoded = wire.decode(message.topic, bytes(message.payload))
        assert isinstance(decoded, wire.StatusMessage)
        found.append(decoded.online)
    return found


def make(outbox: Outbox, broker: Broker) -> Uplink:
    return Uplink(
        outbox,
        broker,
        site="shop",
        device="door",
        boot_id=BOOT,
        software="1",
        clock=SystemClock(),
        late_after_s=120.0,
        retry_s=(0.02, HOLD_S),
        late_per_s=10_000,
    )


@contextmanager
def uplink(outbox: Outbox, broker: Broker) -> Iterator[Uplink]:
    link = make(outbox, broker)
    link.start()
    try:
        yield link
    finally:
        link.stop(5.0)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db", max_messages=10_000)
    yield box
    box.close()


def test_everything_arrives_in_order_and_the_outbox_is_empty(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener:
        with uplink(outbox, Broker("127.0.0.1", server.port)) as link:
            for seq in range(200):
                link.send(window(seq))
            until(lambda: outbox.depth == 0, "all is acknowledged")
            until(lambda: len(listener.on("window")) >= 200, "all is heard")
            assert sequence(listener.on("window")) == list(range(200))
            link.send(health())
            until(lambda: listener.on("health"), "the health message")
            assert link.connected
        until(lambda: statuses(listener) == [True, False], "it says that it goes")
        assert outbox.lost == link.dropped == 0


def test_a_broker_killed_twice_midway_costs_nothing(tmp_path: Path, outbox: Outbox) -> None:
    server = Mosquitto(tmp_path)
    with server, Listener(server.port) as listener, uplink(outbox, Broker("127.0.0.1", server.port)) as link:
        for seq in range(600):
            link.send(window(seq))
            if seq in (200, 400):
                heard = len(set(sequence(listener.on("window"))))
                server.kill()
                if seq == 400:
                    until(lambda: not link.connected, "the broker is missed")
                server.start()
                assert heard < 600
        until(lambda: outbox.depth == 0, "all is acknowledged", 60)
        until(lambda: len(set(sequence(listener.on("window")))) == 600, "all is heard")
        # At least once on the way: the identity of a window makes it once in the store.
        assert set(sequence(listener.on("window"))) == set(range(600))
        until(lambda: len(statuses(listener)) >= 2, "the status is said on every connection")
        assert all(statuses(listener))


def test_an_absent_broker_is_waited_for_and_what_waited_is_marked_late(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="edge")
    server = Mosquitto(tmp_path)
    with uplink(outbox, Broker("127.0.0.1", server.port)) as link:
        link.send(window(0, ended=timedelta(hours=3)))
        link.send(window(1))
        link.send(alert("dark"))
        link.send(health())
        before = link.progress
        until(lambda: link.progress > before + 20, "several attempts")
        assert not link.connected
        assert outbox.depth == 3
        with server, Listener(server.port) as listener:
            until(lambda: outbox.depth == 0, "all is acknowledged")
            # The alert may have come before anybody listened; windows wait for somebody who does.
            until(lambda: len(listener.on("window")) == 2, "both are heard")
            messages = [wire.decode(m.topic, bytes(m.payload)) for m in listener.on("window")]
            assert [m.is_historical for m in messages if isinstance(m, wire.WindowMessage)] == [True, False]
            assert listener.on("health") == []
            link.stop(5.0)
    lines = [r.message for r in caplog.records if r.name == "edge.uplink.publisher"]
    # It may also say that nobody receives windows yet.
    told = [line for line in lines if "kept and delivered later" in line or ": connected" in line]
    assert [": connected" in line for line in told] == [False, True]


def test_a_login_that_is_refused_costs_no_count(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    """At the start, since the broker's user database may be slow, and later on."""
    passwords = tmp_path / "passwords"

    def password(text: str) -> None:
        password_file(passwords, "pi", text)

    password("changed")
    server = Mosquitto(tmp_path, f"password_file {passwords}", anonymous=False)
    with server, uplink(outbox, Broker("127.0.0.1", server.port, username="pi", password="right")) as link:
        for seq in range(2):
            link.send(window(seq))
            before = link.progress
            until(lambda before=before: link.progress > before + 20, "several attempts")  # type: ignore[misc]
            assert not link.connected
            assert link.broker_fault is not None
            assert "refuses this client: Not authorized; check mqtt.username" in link.broker_fault
            assert outbox.depth == 1
            server.kill()
            password("right")
            server.start()
            with Listener(server.port, username="pi", password="right") as listener:
                until(lambda: sequence(listener.on("window")), "the window after all")
            until(lambda: link.connected and outbox.depth == 0, "it works")
            assert link.broker_fault is None
            server.kill()
            password("changed")
            server.start()
    assert sum("kept and delivered later" in record.message for record in caplog.records) == 3


def test_what_no_later_attempt_can_change_ends_the_start(outbox: Outbox, tmp_path: Path) -> None:
    link = make(outbox, Broker("127.0.0.1", free_port(), tls=Tls(ca=tmp_path / "none.pem")))
    with pytest.raises(UserError, match=r"mqtt\.tls\.ca: .*none\.pem is not a readable file"):
        link.start()


def test_a_forbidden_publish_keeps_the_message_says_so_once_and_heals(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite footlight/v1/shop/door/status\ntopic read #\n")
    server = Mosquitto(tmp_path, f"acl_file {acl}")
    with server, Listener(server.port) as listener, uplink(outbox, Broker("127.0.0.1", server.port)) as link:
        for seq in range(30):
            link.send(window(seq))
        log = tmp_path / "mosquitto.log"
        until(lambda: log.read_text().count("Denied PUBLISH") > 40, "several refusals")
        assert outbox.depth == 30
        assert link.connected
        acl.write_text("topic readwrite #\n")
        server.reload()
        until(lambda: outbox.depth == 0, "all is acknowledged")
        until(lambda: len(listener.on("window")) >= 30, "all is heard")
        assert set(sequence(listener.on("window"))) == set(range(30))
    assert sum("Not authorized" in record.message for record in caplog.records) == 1


def test_one_window_is_tried_again_while_the_broker_takes_none(tmp_path: Path, outbox: Outbox) -> None:
    """A chain whose bridges are away would send the same windows each minute, and the first alert not at all."""
    acl = tmp_path / "acl"
    acl.write_text("topic write footlight/v1/shop/door/status\ntopic write footlight/v1/shop/door/alert\n")
    log = tmp_path / "mosquitto.log"
    with (
        Mosquitto(tmp_path, f"acl_file {acl}") as server,
        uplink(outbox, Broker("127.0.0.1", server.port)) as link,
    ):
        for seq in range(40):
            link.send(window(seq))
        until(lambda: log.read_text().count("Denied PUBLISH") >= 20, "those that go at once")
        began = time.monotonic()
        until(lambda: log.read_text().count("Denied PUBLISH") >= 30, "some more")
        link.send(alert("somebody may hear this"))
        until(lambda: outbox.depth == 40, "the alert has gone")
        denied = log.read_text().count("Denied PUBLISH")
        assert denied <= 22 + (time.monotonic() - began) / HOLD_S


def test_a_window_that_nobody_takes_is_kept_until_somebody_does(tmp_path: Path, outbox: Outbox) -> None:
    """A broker that was killed may have forgotten its subscribers; it acknowledges all the same."""
    with Mosquitto(tmp_path) as server, uplink(outbox, Broker("127.0.0.1", server.port)) as link:
        link.send(window(7))
        link.send(alert("nobody needs to hear this"))
        until(lambda: outbox.depth == 1, "the alert has gone")
        assert pending(outbox, 1)[0].topic == TOPIC
        with Listener(server.port) as listener:
            until(lambda: sequence(listener.on("window")) == [7], "the window")
            until(lambda: outbox.depth == 0, "the acknowledgement")


def test_windows_of_this_run_alone_say_that_it_delivers(tmp_path: Path, outbox: Outbox) -> None:
    """An upgrade is judged by them: a version that only empties the outbox of the one before does not count."""
    earlier = window(7).model_copy(update={"boot_id": "fedcba9876543210"})
    outbox.put(TOPIC, wire.encode(earlier), datetime.now(UTC))
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener:
        with uplink(outbox, Broker("127.0.0.1", server.port)) as link:
            until(lambda: outbox.depth == 0, "the earlier one has gone")
            assert link.windows_delivered == 0
            link.send(window(8))
            link.send(alert("no window"))
            until(lambda: outbox.depth == 0, "the others have gone")
            assert link.windows_delivered == 1
        until(lambda: sequence(listener.on("window")) == [7, 8], "both are heard")


def test_a_message_no_broker_takes_is_dropped_and_does_not_stand_before_the_rest(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    size = len(wire.encode(window(10**6)))
    for seq in range(3):
        outbox.put(TOPIC, wire.encode(window(seq)), datetime.now(UTC))
    outbox.put(TOPIC, b" " * 4 * size, datetime.now(UTC))
    outbox.put(TOPIC, wire.encode(window(3)), datetime.now(UTC))
    server = Mosquitto(tmp_path, f"message_size_limit {2 * size}")
    with server, Listener(server.port) as listener, uplink(outbox, Broker("127.0.0.1", server.port)) as link:
        until(lambda: outbox.depth == 0, "all is settled")
        until(lambda: set(sequence(listener.on("window"))) == {0, 1, 2, 3}, "the good ones are heard")
        assert link.dropped == 1
    assert sum("dropped" in record.message for record in caplog.records) == 1


def test_stop_is_bounded_and_leaves_the_rest_in_the_outbox(tmp_path: Path, outbox: Outbox) -> None:
    server = Mosquitto(tmp_path)
    link = make(outbox, Broker("127.0.0.1", server.port))
    link.start()
    link.send(window(0))
    began = SystemClock().monotonic()
    link.stop(1.0)
    assert SystemClock().monotonic() - began < 4.0
    again = Outbox(tmp_path / "outbox.db", max_messages=9)
    assert [item.topic for item in pending(again, 9)] == [TOPIC]
    again.close()


DEVICE = """
import sys, time
from pathlib import Path
from common.mqtt.broker import Broker
from edge.uplink.outbox import Outbox
from tests.edge.uplink.test_publisher import make, window
outbox = Outbox(Path(sys.argv[1]), max_messages=1000)
link = make(outbox, Broker("127.0.0.1", int(sys.argv[2])))
link.start()
for seq in range(int(sys.argv[3]), int(sys.argv[3]) + 50):
    link.send(window(seq))
print("sent", flush=True)
time.sleep(60)
"""


def test_a_killed_device_is_reported_by_its_last_will_and_loses_nothing(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener:
        for run in range(3):
            arguments = [str(tmp_path / "outbox.db"), str(server.port), str(50 * run)]
            with subprocess.Popen(
                [sys.executable, "-c", DEVICE, *arguments], stdout=subprocess.PIPE
            ) as device:
                assert device.stdout is not None
                assert device.stdout.readline() == b"sent\n"
                device.kill()
            until(lambda n=run: statuses(listener).count(False) == n + 1, "the last will")  # type: ignore[misc]
        outbox = Outbox(tmp_path / "outbox.db", max_messages=1000)
        with uplink(outbox, Broker("127.0.0.1", server.port)):
            until(lambda: outbox.depth == 0, "the rest is delivered")
            until(lambda: set(sequence(listener.on("window"))) == set(range(150)), "all is heard")
            with Listener(server.port, "footlight/v1/+/+/status", client_id="newcomer") as newcomer:
                until(lambda: statuses(newcomer) == [True], "the retained status")
                assert newcomer.messages[0].retain
        outbox.close()


def test_two_devices_of_one_name_are_told_of_each_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """mosquitto 2.0.11 does not say why it hangs up, as later ones do: that it does so again and again can be told."""
    one, other = (Outbox(tmp_path / name, max_messages=10) for name in ("one.db", "other.db"))
    with Mosquitto(tmp_path) as server:
        broker = Broker("127.0.0.1", server.port)
        with uplink(one, broker), uplink(other, broker):
            said = re.compile("another device uses? the name shop/door")
            until(lambda: any(said.search(record.message) for record in caplog.records), "both are told")


def test_a_broker_that_goes_again_and_again_makes_nobody_suspect_another_device(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    with Mosquitto(tmp_path) as server, uplink(outbox, Broker("127.0.0.1", server.port)) as link:
        for _ in range(5):
            until(lambda: link.connected, "it is connected")
            server.stop()
            until(lambda: "refused" in (link.broker_fault or ""), "the broker is away")
            server.start()
    assert len([record for record in caplog.records if "messages are kept" in record.message]) == 5
    assert not any("another device" in record.message for record in caplog.records)


def test_a_broker_that_says_who_took_the_connection_is_quoted(outbox: Outbox) -> None:
    link = make(outbox, Broker("127.0.0.1", 1))
    taken, lost = (
        Answer(None, SESSION_TAKEN_OVER, "Session taken over"),
        Answer(None, 0x80, "the connection was lost"),
    )
    assert "another device uses the name shop/door" in link._why(taken)
    assert link._why(lost) == "the connection was lost"
