"""Days are kept in memory until one of their windows, or what is said of their site, is new."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from cloud.domain.chain import Chain
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.window_tallies import MOST_DAYS_KEPT, DayMemory, WindowTallies
from common.wire import WindowMessage
from tests.support.messages import MORNING, cohort, window

DAY = date(2026, 3, 2)
LAST = DAY + timedelta(days=9)


def chain(opening: str = "00:00-24:00") -> Chain:
    shop = {"title": "Shop", "timezone": "UTC", "opening": opening}
    return Chain.model_validate({"name": "c", "sites": {"shop": shop}})


class Counted:
    """A store that counts how often windows are read."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store, self.reads = store, 0
        self.cohorts, self.stamp = store.cohorts, store.stamp

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        self.reads += 1
        return self._store.windows(site, start, end)


def on(day: int, **changes: object) -> WindowMessage:
    return window(0, start=MORNING + timedelta(days=day), **changes)  # type: ignore[arg-type]


@pytest.fixture
def counted(store: EmbeddedStore) -> Counted:
    store.write([on(day) for day in range(0, 10, 2)])
    return Counted(store)


def test_with_memory_and_without_the_tallies_are_the_same(store: EmbeddedStore, counted: Counted) -> None:
    evening = MORNING + timedelta(hours=3)
    late = cohort().model_copy(update={"since": evening})
    store.write([on(3, cohort=late, seq=5), window(200)])
    asked = ["shop"], DAY, LAST, "unassigned"
    kept, bare = WindowTallies(counted, chain(), DayMemory(counted)), WindowTallies(store, chain())
    for _ in range(2):
        assert kept.tallies(*asked) == bare.tallies(*asked)  # type: ignore[arg-type]
        assert kept.quarters("shop", DAY, LAST, "unassigned") == bare.quarters(
            "shop", DAY, LAST, "unassigned"
        )
        assert kept.floor("shop", DAY, LAST, "unassigned") == bare.floor("shop", DAY, LAST, "unassigned")
    assert bare.tallies(*asked)[0].cohort_visits == late.visits  # type: ignore[arg-type]


def test_a_day_is_read_once_until_a_window_is_new(store: EmbeddedStore, counted: Counted) -> None:
    memory = DayMemory(counted)

    def visits() -> list[int]:
        tallies = WindowTallies(counted, chain(), memory)
        return [one.visits for one in tallies.tallies(["shop"], DAY, LAST, "unassigned")]

    assert visits() == [3] * 5
    reads = counted.reads
    assert visits() == [3] * 5
    assert counted.reads == reads
    store.write([on(2, visits=7)])
    assert visits() == [3, 7, 3, 3, 3], "a window that is sent again replaces the first one"
    assert counted.reads > reads


def test_other_opening_hours_are_another_day(counted: Counted) -> None:
    memory = DayMemory(counted)
    for opening, seen in (("00:00-24:00", 3), ("20:00-24:00", 0), ("00:00-24:00", 3)):
        (one,) = WindowTallies(counted, chain(opening), memory).tallies(["shop"], DAY, DAY, "unassigned")
        assert one.visits == seen


def test_a_special_day_counts_by_its_own_hours_at_once(counted: Counted) -> None:
    memory = DayMemory(counted)
    usual = chain()
    for hours, seen in (("closed", 0), ("20:00-24:00", 0), ("00:00-24:00", 3)):
        tree = usual.model_dump(mode="json")
        tree["sites"]["shop"]["special_days"] = {DAY.isoformat(): hours}
        special = Chain.model_validate(tree)
        tallies = WindowTallies(counted, special, memory).tallies(["shop"], DAY, LAST, "unassigned")
        assert [one.visits for one in tallies] == [seen, 3, 3, 3, 3]
        assert (tallies[0].open_s > 0) == (hours != "closed")


def test_the_memory_is_bounded(counted: Counted) -> None:
    memory = DayMemory(counted)
    last = DAY + timedelta(days=MOST_DAYS_KEPT + 20)
    assert len(WindowTallies(counted, chain(), memory).tallies(["shop"], DAY, last, "unassigned")) == 5
    found, _ = memory.find(memory.key(chain().sites["shop"], DAY, "unassigned"))
    assert not found
    found, _ = memory.find(memory.key(chain().sites["shop"], last, "unassigned"))
    assert found
