"""Nothing is lost, doubled or stuck, whatever fails: a minute of ``make chaos``, with real parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.__main__ import chaos, real, simulated
from tests.chaos.hosts import why_not
from tests.chaos.schedule import KINDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.mosquitto,
    pytest.mark.influxdb,
]


@pytest.fixture(autouse=True)
def hosts() -> None:
    """Without the right to make hosts, there is no chaos."""
    if why := why_not():
        pytest.skip(why)


def test_a_minute_of_everything_going_wrong_loses_nothing(tmp_path: Path) -> None:
    outcome = chaos(*real(seed=1, devices=4, minutes=1), tmp_path)
    verdict = outcome.verdict
    assert {*outcome.faults} == {*KINDS}
    assert (verdict.lost, verdict.double, verdict.wrong, outcome.stuck, outcome.dead_letters) == (0,) * 5, (
        outcome
    )
    assert verdict.people == verdict.people_stored > 0
    assert outcome.good


def test_an_hour_of_a_simulated_clock_loses_nothing(tmp_path: Path) -> None:
    outcome = chaos(*simulated(seed=1, devices=3, hours=1), tmp_path)
    assert {*outcome.faults} == {*KINDS}
    assert outcome.good, outcome
    assert outcome.verdict.kept > 3 * 30
