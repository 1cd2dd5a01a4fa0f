"""One seed of the shop, the whole way: pictures, pipeline, outbox, a real broker, bridge and store.

How near the counts of many seeds come to the truth is measured by ``python -m benchmarks.shop``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.shop_notices import truth_of
from cloud.ingest.bridge import Bridge
from cloud.stores.embedded import EmbeddedStore
from common.mqtt.broker import Broker
from common.wire import NoticeMessage, WindowMessage, decode
from edge.config import Settings
from edge.place_types import PlaceCounts
from edge.places.notices import Rule
from edge.scene.camera import SceneCamera
from edge.scene.places import PlacesTruth
from edge.scene.places_truth import places_truth
from edge.scene.shop import DOOR, SHELF, ShopView
from edge.scene.shop_plan import WIDE
from edge.types import Frame, WindowAggregate
from edge.vision.privacy import CohortRule, Release
from tests.cloud.ingest.bridges import running
from tests.edge.service.runs import service, statuses
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.clock import START, ManualClock

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow, pytest.mark.timeout(600)]

SEED, FPS, WINDOW_S = 1, 6, 10
SECONDS = {"door": 34.0, "shelf": 57.0}
QUEUE = Rule("queue", "queue_over", zone="queue", limit=1, seconds=5.0)
IN_TIME_S = 5.0


class Player(SceneCamera):
    """The first seconds of a scene, with a clock that shows the time of the scene."""

    def __init__(self, view: ShopView) -> None:
        self.clock, self.seconds = ManualClock(), SECONDS[view.name]
        super().__init__(clock=self.clock, scene=view.scene(SEED, fps=FPS), act=view.name)

    def read(self) -> Frame | None:
        frame = super().read()
        if frame is None or frame.monotonic_s >= self.seconds:
            return None
        self.clock.elapsed_s = frame.monotonic_s
        return frame


@dataclass
class Day:
    """What happened, what the pipelines counted of it, what the store has, and the notices with their seconds."""

    truth: dict[str, PlacesTruth]
    counted: PlaceCounts
    stored: list[WindowMessage]
    notices: list[tuple[bool, float]]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder, counted, truth = tmp_path_factory.mktemp("shop"), list[PlaceCounts](), dict[str, PlacesTruth]()
    release = CohortRule.release
    store = EmbeddedStore(folder / "store.sqlite", retention_days=3650, clock=ManualClock())

    def noted(rule: CohortRule, window: WindowAggregate) -> Release:
        counted.append(window.places)
        return release(rule, window)

    with (
        pytest.MonkeyPatch.context() as patch,
        Mosquitto(folder) as server,
        Listener(server.port, "footlight/#") as listener,
        running(Bridge(store, Broker("127.0.0.1", server.port), client_id="bridge", min_k=1)),
    ):
        patch.setattr(CohortRule, "release", noted)
        for view in (DOOR, SHELF):
            camera = Player(view)
            truth[view.name] = places_truth(camera.scene.walks, view.plan, WIDE, camera.seconds)
            service(settings(view, folder), server.port, camera, clock=camera.clock).run()
        until(lambda: len(stored_in(store)) == len(counted), "every window is stored")
        # Two subscribers are served beside each other: the store may have all before the listener has.
        until(lambda: statuses(listener) == [True, False] * 2, "the listener has heard both devices go")
        told = [decode(one.topic, bytes(one.payload)) for one in listener.on("notice")]
        notices = [
            (one.active, (one.at - START).total_seconds()) for one in told if isinstance(one, NoticeMessage)
        ]
        yield Day(truth, sum(counted, PlaceCounts()), stored_in(store), notices)
    store.close()


def stored_in(store: EmbeddedStore) -> list[WindowMessage]:
    return store.windows("shop", START - timedelta(days=1), START + timedelta(days=1))


def settings(view: ShopView, folder: Path) -> Settings:
    """With k of 1, which only a drawn scene may have, so that no figure is withheld."""
    notice = {"name": "queue", "rule": "queue_over", "zone": "queue", "limit": 1, "seconds": QUEUE.seconds}
    return Settings.model_validate(
        {
            **view.plan.settings(WIDE),
            "site": "shop",
            "device": view.name,
            "outbox": {"path": folder / f"{view.name}.sqlite"},
            "window": {"seconds": WINDOW_S},
            "privacy": {"k": 1},
            "notices": [notice] if view is SHELF else [],
        }
    )


def test_the_store_has_what_the_pipelines_counted(day: Day) -> None:
    doors = [message.totals.doors["door"] for message in day.stored if message.totals.doors]
    counted = day.counted.doors["door"]
    for name in ("entries", "exits", "passers", "groups"):
        assert sum(getattr(door, name) for door in doors) == getattr(counted, name)
    (cohort,) = (one.cohort for one in day.stored if one.device == "shelf" and one.cohort is not None)
    for name, zone in day.counted.zones.items():
        told = cohort.zones[name]
        assert (told.visits, told.stops) == (zone.stays.visits, zone.stops)
    queue = cohort.zones["queue"].queue
    assert queue is not None
    waits = day.counted.zones["queue"]
    assert (queue.waits, queue.served) == (waits.waits.visits, waits.served)


def test_what_was_counted_is_what_happened(day: Day) -> None:
    (door,), counted = day.truth["door"].doors, day.counted.doors["door"]
    assert door.entries >= 4
    assert counted.entries == pytest.approx(door.entries, abs=1)
    assert counted.exits == pytest.approx(door.exits, abs=1)
    assert counted.groups == pytest.approx(len(door.groups), abs=1)
    for zone in day.truth["shelf"].zones:
        stays = day.counted.zones[zone.name]
        assert stays.stays.visits == pytest.approx(zone.visits, abs=1), zone.name


def test_staff_are_told_of_the_queue_in_time(day: Day) -> None:
    true = true_notices(day.truth["shelf"])
    assert [active for active, _ in true] == [True, False]
    # At the start the end is told once, in case: with the first frame, which need not be that of second 0.
    (at_start, _), *told = day.notices
    assert not at_start
    assert [active for active, _ in told] == [active for active, _ in true]
    for (_, at_s), (_, due_s) in zip(told, true, strict=True):
        assert abs(at_s - due_s) <= IN_TIME_S


def true_notices(truth: PlacesTruth) -> list[tuple[bool, float]]:
    return [(one.active, one.at_s) for one in truth_of(truth, [QUEUE], SECONDS["shelf"])]
