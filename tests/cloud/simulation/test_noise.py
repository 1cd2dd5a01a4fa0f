"""Simulated shops with noise: what is shown of four weeks holds what their devices saw."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from cloud.__main__ import main
from cloud.analysis.noise import with_noise
from cloud.domain.chain import Chain
from cloud.domain.noise import ToldNoise
from cloud.simulation.fleet import Fleet
from common.wire import WindowMessage
from edge.vision import noise

BUDGET, LAST_DAY = 1.0, date(2026, 3, 28)
AFTER = datetime(2026, 3, 30, tzinfo=UTC)


def sent(sites: int, days: int, budget: float | None = BUDGET) -> tuple[Chain, list[WindowMessage]]:
    fleet = Fleet(
        sites=sites, days=days, last_day=LAST_DAY, until=AFTER, window_s=900, seed=3, noise_budget=budget
    )
    arrived = [arrival.message for day in fleet.site_days() for arrival in day.arrivals]
    return fleet.chain, [one for one in arrived if isinstance(one, WindowMessage)]


class Source:
    """What the cohorts of a chain told, as a store has it."""

    def __init__(self, windows: list[WindowMessage]) -> None:
        self._told = [
            (
                one.site,
                ToldNoise(
                    f"{one.device}/{one.camera}", one.cohort.since, one.cohort.visits, one.cohort.noise
                ),
            )
            for one in windows
            if one.cohort and one.cohort.noise
        ]

    def noise(self, site: str, start: datetime, end: datetime) -> list[ToldNoise]:
        return [told for name, told in self._told if name == site]


def shares(
    chain: Chain, windows: list[WindowMessage]
) -> dict[tuple[str, ...], tuple[int, float, float, float]]:
    """By site, role, attribute and label: the told sum, and the share that is shown with its interval."""
    source = Source(windows)
    found: dict[tuple[str, ...], tuple[int, float, float, float]] = {}
    for name, site in chain.sites.items():
        for role in site.roles:
            told = with_noise(source, site, date(2026, 3, 1), LAST_DAY, role)
            for attribute, of in (told.lists if told else {}).items():
                for one in of.counts:
                    key = (name, role, attribute, one.label)
                    found[key] = (
                        one.number,
                        one.visits / of.visits,
                        one.low / of.visits,
                        one.high / of.visits,
                    )
    return found


def test_over_four_weeks_the_true_share_is_in_the_range_in_about_19_of_20_cases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain, windows = sent(5, 28)
    told = shares(chain, windows)
    monkeypatch.setattr(noise, "discrete_laplace", lambda scale, below: 0)
    true = shares(*sent(5, 28))
    assert told.keys() == true.keys()
    assert len(told) > 100
    found = Counter(low <= true[key][1] <= high for key, (_, _, low, high) in told.items())
    assert found[True] / len(told) > 0.9
    assert any(told[key][0] != true[key][0] for key in told)


def test_equal_seeds_give_equal_noise_and_all_else_is_as_without_a_budget() -> None:
    _, windows = sent(2, 3)
    assert windows == sent(2, 3)[1]
    for one, other in zip(windows, sent(2, 3, None)[1], strict=True):
        assert one.totals == other.totals
        assert (one.cohort and one.cohort.visits) == (other.cohort and other.cohort.visits)
        assert other.cohort is None or other.cohort.noise is None


@pytest.mark.parametrize("text", ["0", "11", "nan", "much"])
def test_a_budget_out_of_range_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "--config", "cloud.yaml", "--noise-budget", text])
    assert ended.value.code == 2
    assert f"'{text}' is not a budget; write a number from 0.01 to 10" in capsys.readouterr().err
