"""The file of the tills: all rows or none, the same row twice is one, and a correction is remembered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest

from cloud.domain.chain import Chain
from cloud.domain.till import Kept, Takings, TillError
from cloud.stores.store import StoreUnavailable
from cloud.stores.till_file import Taken, TillFile
from cloud.stores.till_tallies import TillTallies, days_told
from tests.cloud.analysis.test_estimates import Fixed, a_chain
from tests.cloud.domain.test_chain import site

NINE = datetime(2026, 11, 26, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = NINE + timedelta(days=1)
ROW = Takings(NINE, NINE + HOUR, 7, Decimal("120.05"), 15, Decimal("2.25"))


@pytest.fixture
def till(tmp_path: Path) -> Iterator[TillFile]:
    with closing(TillFile(tmp_path / "new" / "till.sqlite")) as opened:
        yield opened


def stored(till: TillFile) -> list[Kept]:
    return till.between("shop", NINE - HOUR, NINE + 24 * HOUR)


def test_a_shop_without_a_till_has_no_file(till: TillFile) -> None:
    assert stored(till) == []
    assert till.remove("shop", NINE, LATER) == 0
    assert not till.path.exists()


def test_a_row_comes_back_as_it_was_and_only_its_owner_reads_the_file(till: TillFile) -> None:
    bare = Takings(NINE + HOUR, NINE + 2 * HOUR, 0)
    assert till.take([("shop", ROW), ("shop", bare), ("other", ROW)], LATER) == Taken(3, 0, 0)
    assert stored(till) == [Kept(ROW, None), Kept(bare, None)]
    assert till.path.stat().st_mode & 0o077 == 0


def test_the_same_row_again_changes_nothing_and_another_value_is_a_correction(till: TillFile) -> None:
    till.take([("shop", ROW)], NINE + HOUR)
    assert till.take([("shop", ROW)], LATER) == Taken(0, 0, 1)
    assert stored(till) == [Kept(ROW, None)]
    better = replace(ROW, turnover=Decimal("120.06"))
    assert till.take([("shop", better)], LATER) == Taken(0, 1, 0)
    assert stored(till) == [Kept(better, LATER)]


def test_what_came_in_or_was_corrected_since_is_known(till: TillFile) -> None:
    """The rollup computes the figures of these days again, however old they are."""
    second = replace(ROW, start=NINE + HOUR, end=NINE + 2 * HOUR)
    assert till.changed("shop", NINE) == []
    till.take([("shop", ROW), ("other", ROW)], LATER)
    till.take([("shop", second)], LATER + HOUR)
    assert till.changed("shop", LATER) == [NINE, NINE + HOUR]
    assert till.changed("shop", LATER + HOUR) == [NINE + HOUR]
    till.take([("shop", ROW)], LATER + 2 * HOUR)  # the same once more
    assert till.changed("shop", LATER + 2 * HOUR) == []
    till.take([("shop", replace(ROW, transactions=8))], LATER + 2 * HOUR)
    assert till.changed("shop", LATER + 2 * HOUR) == [NINE]


@pytest.mark.parametrize("shift", [timedelta(minutes=-30), timedelta(minutes=30), timedelta(0)])
def test_an_interval_that_overlaps_another_is_refused_and_nothing_is_taken(
    till: TillFile, shift: timedelta
) -> None:
    till.take([("shop", ROW)], LATER)
    wrong = Takings(NINE + shift, NINE + shift + HOUR / 2 + abs(shift), 1)
    first = Takings(NINE + 5 * HOUR, NINE + 6 * HOUR, 1)
    with pytest.raises(TillError, match="overlaps 2026-11-26 08:00 to 2026-11-26 09:00 UTC") as error:
        till.take([("shop", first), ("shop", wrong)], LATER)
    assert error.value.place == 1
    assert stored(till) == [Kept(ROW, None)]
    assert till.take([("other", wrong)], LATER).new == 1, "another shop has its own intervals"


def test_removed_days_can_be_told_again_in_other_intervals(till: TillFile) -> None:
    till.take([("shop", ROW)], LATER)
    assert till.remove("shop", NINE, NINE + HOUR) == 1
    assert till.take([("shop", Takings(NINE, NINE + HOUR / 2, 3))], LATER).new == 1


def test_two_processes_may_write(till: TillFile) -> None:
    def tell(hour: int) -> None:
        with closing(TillFile(till.path)) as other:
            other.take([("shop", Takings(NINE + hour * HOUR, NINE + (hour + 1) * HOUR, hour))], LATER)

    threads = [Thread(target=tell, args=(hour,)) for hour in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.takings.transactions for one in stored(till)] == list(range(8))


@pytest.mark.parametrize("content", [b"no database at all, and longer than a header" * 40, b""])
def test_a_file_that_cannot_be_used_says_so(till: TillFile, content: bytes) -> None:
    till.path.parent.mkdir()
    if content:
        till.path.write_bytes(content)
    else:
        with closing(sqlite3.connect(till.path)) as db:
            db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match=f"till: {till.path}"):
        till.take([("shop", ROW)], LATER)


def test_a_row_is_of_the_local_day_in_which_it_begins(till: TillFile) -> None:
    late = Takings(datetime(2026, 11, 25, 22, 30, tzinfo=UTC), datetime(2026, 11, 25, 23, 30, tzinfo=UTC), 2)
    till.take([("shop", ROW), ("shop", late)], LATER)
    told = days_told(till, site(), date(2026, 11, 25), date(2026, 11, 26))
    assert {day.day: one.transactions for day, one in told.items()} == {25: 2, 26: 7}


def test_a_day_of_which_only_the_till_told_something_has_a_tally(till: TillFile) -> None:
    till.take([("shop", ROW)], LATER)
    chain: Chain = a_chain()
    (one,) = TillTallies(Fixed([]), till, chain).tallies(
        ["shop"], ROW.start.date(), ROW.start.date(), "entrance"
    )
    assert one.till is not None
    assert (one.till.transactions, one.open_s, one.covered_s) == (7, 36_000.0, 0.0)
