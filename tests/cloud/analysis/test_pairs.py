"""Two periods, or two sites: a change is told if there is one, and rarely if there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cloud.analysis.metrics import metric_named
from cloud.analysis.pairs import Pair, pair_changes
from tests.cloud.analysis.shops import day, days

VISITS = metric_named("visits_per_open_hour")


def pairs(seed: int, *, count: int = 28, factor: float = 1.0) -> list[Pair]:
    rng = np.random.default_rng(seed)
    return list(zip(days("a", rng, count=count, factor=factor), days("a", rng, count=count), strict=True))


@pytest.mark.parametrize("count", [7, 28])
def test_without_a_change_one_in_twenty_is_told(count: int) -> None:
    found = [pair_changes(pairs(seed, count=count), [VISITS])[0] for seed in range(400)]
    assert np.mean([one.verdict in ("more", "less") for one in found]) <= 0.075
    assert np.mean([one.verdict is not None for one in found]) >= 0.75, "the rest is too vague to show"


def test_a_change_of_a_sixth_in_four_weeks_is_found() -> None:
    found = [pair_changes(pairs(seed, factor=1.17), [VISITS])[0] for seed in range(100)]
    assert sum(one.verdict == "more" for one in found) >= 90
    assert np.mean([one.ratio for one in found if one.ratio]) == pytest.approx(1.17, abs=0.02)


def test_several_figures_share_the_level() -> None:
    metrics = [metric_named(name) for name in ("visits_per_open_hour", "viewers_share", "dwell_mean")]
    assert [one.level for one in pair_changes(pairs(1), metrics)] == [0.025, 0.0125, 0.0125]


def changed(**changes: object) -> list[Pair]:
    return [(one, replace(other, **changes)) for one, other in pairs(1)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ([], "too few days"),
        (pairs(1, count=2), "only 2 pairs of days can be compared (too few days)"),
        (changed(watched_s={"door/front": 0.0}), "no data"),
        (changed(watched_s={"door/front": 9000.0}), "watched less than 80%"),
        (changed(models=frozenset({"other"})), "other models"),
        (changed(watched_s={"side/front": 36_000.0}), "other cameras"),
        (changed(visits=0), "no visits"),
        (changed(open_s=0.0), "too few days"),
    ],
)
def test_what_cannot_be_compared_says_why(made: list[Pair], why: str) -> None:
    (found,) = pair_changes(made, [VISITS])
    assert (found.verdict, found.ratio, found.set_apart) == (None, None, why)


def test_another_site_has_other_cameras() -> None:
    rng = np.random.default_rng(2)
    beside = [replace(one, watched_s={"side/front": 36_000.0}) for one in days("b", rng)]
    (found,) = pair_changes(list(zip(days("a", rng, factor=2.0), beside, strict=True)), [VISITS])
    assert found.verdict == "more"
    assert found.ratio == pytest.approx(2.0, rel=0.1)


def test_a_figure_that_is_not_there_says_so() -> None:
    (found,) = pair_changes(
        [(day("a", n), day("a", n + 28)) for n in range(28)], [metric_named("capture_rate")]
    )
    assert found.set_apart == "no door was counted during most of the watched time"
