"""Verdicts with noise are stored apart: what reads counts finds a store as if they had never come."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from cloud.domain.noise import ToldNoise
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore, points
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.influxql import InfluxQL
from cloud.stores.window_tallies import WindowTallies
from common.wire import WindowMessage
from tests.cloud.reports.weeks import a_chain
from tests.cloud.stores.embedded_samples import DAY
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, window, with_noise

STRANGE = 77_007
"""A number that nothing else has."""


def told(minute: int = 0, *, faces: bool = False) -> WindowMessage:
    cells = {
        "gender": {"female": -3, "male": STRANGE},
        **({"expression": {"sad": -STRANGE}} if faces else {}),
    }
    cohort = with_noise(20, budget=0.5, cells=cells)
    return window(minute, cohort=cohort, visits=20, profile="expression" if faces else "demographics")


def silent(message: WindowMessage) -> WindowMessage:
    """The same without noise."""
    assert message.cohort is not None
    return message.model_copy(update={"cohort": message.cohort.model_copy(update={"noise": None})})


def expected(message: WindowMessage) -> ToldNoise:
    assert message.cohort is not None
    assert message.cohort.noise is not None
    return ToldNoise("door/front", message.cohort.since, message.cohort.visits, message.cohort.noise)


SENT = [told(0), told(30, faces=True), window(31)]


def test_the_embedded_store_has_them_in_a_table_of_their_own(store: EmbeddedStore) -> None:
    store.write(SENT)
    store.write(SENT)  # delivered twice
    assert store.noise("shop", *DAY) == [expected(one) for one in SENT[:2]]
    assert store.noise("shop", MORNING, SENT[1].start) == [expected(SENT[0])]
    assert store.noise("elsewhere", *DAY) == []
    assert store.windows("shop", *DAY) == [silent(SENT[0]), silent(SENT[1]), SENT[2]]
    assert store.latest("shop") == SENT[2]


def test_no_other_table_has_a_noisy_number(store: EmbeddedStore, tmp_path: Path) -> None:
    store.write(SENT)
    with closing(sqlite3.connect(tmp_path / "new" / "store.sqlite")) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in tables}  # noqa: S608 - names of ours
    found = {name for name, content in rows.items() if str(STRANGE) in str(content)}
    assert found == {"noise"}


def test_every_analysis_reads_the_same_as_without_noise(tmp_path: Path, clock: ManualClock) -> None:
    """All of comparison, report, rollup, exports and pages read windows and tallies."""
    day, read = date(2026, 3, 2), list[list[object]]()
    chain = a_chain()
    name = next(iter(chain.sites))
    for sent in (SENT, [silent(SENT[0]), silent(SENT[1]), SENT[2]]):
        path = tmp_path / f"{len(read)}.sqlite"
        with closing(EmbeddedStore(path, retention_days=30, clock=clock)) as store:
            store.write([one.model_copy(update={"site": name}) for one in sent])
            tallies = WindowTallies(store, chain)
            roles = chain.sites[name].roles
            read.append(
                [
                    store.windows(name, *DAY),
                    *(tallies.tallies([name], day, day, role) for role in roles),
                    *(tallies.quarters(name, day, day, role) for role in roles),
                    *(tallies.floor(name, day, day, role) for role in roles),
                    tallies.clips(name, *DAY),
                ]
            )
    assert read[0] == read[1]
    assert str(STRANGE) not in str(read[0])


@pytest.mark.parametrize("message", SENT[:2], ids=["demographics", "expression"])
def test_in_influxdb_they_are_a_measurement_of_their_own(message: WindowMessage) -> None:
    now = MORNING + timedelta(hours=1)
    with_them, without = list(points(message, now)), list(points(silent(message), now))
    (extra,) = set(with_them) - set(without)
    assert set(without) < set(with_them)
    assert extra.startswith("cohort_noise,camera=front,device=door,site=shop ")
    assert f"gender_male={STRANGE}i" in extra
    assert "gender_female=-3i" in extra
    assert "budget=0.5" in extra


def test_they_are_kept_as_long_as_windows(store: EmbeddedStore, clock: ManualClock) -> None:
    store.write([told()])
    clock.advance(timedelta(days=31).total_seconds())
    store.write([window(0, start=MORNING + timedelta(days=31))])
    assert store.noise("shop", *DAY) == []


def test_a_store_takes_over_those_of_another(
    store: EmbeddedStore, tmp_path: Path, clock: ManualClock
) -> None:
    backup = tmp_path / "backup.sqlite"
    with closing(EmbeddedStore(backup, retention_days=30, clock=clock)) as other:
        other.write(SENT)
    assert store.take_over(backup) == 3
    assert store.noise("shop", *DAY) == [expected(one) for one in SENT[:2]]


@pytest.fixture
def both(influxdb: InfluxDB, clock: ManualClock) -> Iterator[tuple[InfluxStore, InfluxReader]]:
    with (
        closing(InfluxStore(**influxdb.address, org=influxdb.org, timeout_s=5.0, clock=clock)) as writer,
        closing(InfluxQL(**influxdb.address, timeout_s=5.0)) as asking,
    ):
        yield writer, InfluxReader(asking, writer)


@pytest.mark.influxdb
def test_influxdb_gives_back_what_it_was_told(
    both: tuple[InfluxStore, InfluxReader], store: EmbeddedStore
) -> None:
    writer, reader = both
    sent = [*SENT, told(40).model_copy(update={"camera": "back"})]
    for _ in range(2):
        writer.write(sent)
    store.write(sent)
    assert reader.noise("shop", *DAY) == store.noise("shop", *DAY)
    assert len(reader.noise("shop", *DAY)) == 3
    assert all(one.cohort is None or one.cohort.noise is None for one in reader.windows("shop", *DAY))
    assert reader.noise("shop", MORNING, SENT[1].start) == [expected(SENT[0])]
