"""Devices and notices are told as they are now: what goes on, and who takes care of it."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cloud.api.device_answers import AcknowledgedAnswer
from cloud.api.devices import devices
from cloud.domain.notices import Acknowledgement
from cloud.stores.embedded import EmbeddedStore
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, alert, health, notice, status

BERLIN = ZoneInfo("Europe/Berlin")
NOW = MORNING + timedelta(minutes=10)


def test_what_goes_on_is_told_and_what_is_over_is_not(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path / "s.sqlite", retention_days=30, clock=ManualClock(NOW))) as store:
        store.write(
            [
                status(online=True),
                health(fps=9.0, throttled=True),
                alert(active=True),
                alert(active=True, fault="clock"),
                alert(active=False, fault="clock", at=NOW),
                notice(),
                notice(name="over"),
                notice(name="over", active=False, at=NOW),
            ]
        )
        store.record_acknowledgement(
            Acknowledgement("shop", "door", "long-queue", began=MORNING, who="ann", at=NOW)
        )
        found = devices(store, "shop", NOW, BERLIN)
    (door,) = found.devices
    assert (door.online, door.since, door.last_seen) == (True, MORNING, NOW)
    assert door.health is not None
    assert (door.health.fps, door.health.throttled, door.health.at) == (9.0, True, MORNING)
    assert [one.fault for one in door.alerts] == ["camera"]
    (queue,) = found.notices
    assert (queue.name, queue.rule, queue.count) == ("long-queue", "queue_over", 6)
    assert queue.text == "long-queue: more than 4 people wait (6)"
    assert queue.acknowledged == AcknowledgedAnswer(who="ann", at=NOW)
    assert str(queue.since) == "2026-03-02 09:00:00+01:00"


def test_a_device_that_never_spoke_has_no_health(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path / "s.sqlite", retention_days=30, clock=ManualClock(NOW))) as store:
        store.write([status(online=False), notice(at=NOW - timedelta(days=1))])
        found = devices(store, "shop", NOW, BERLIN)
    assert (found.devices[0].health, found.devices[0].online, found.notices) == (None, False, [])
