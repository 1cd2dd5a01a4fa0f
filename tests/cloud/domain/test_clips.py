"""Which clips are held out for whole hours, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloud.domain.clips import HeldByHours, ToldClips, held_by_hours
from common.wire import Clip, Watched

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOBODY = Watched(visits=0, shows=0, shown_s=0.0, viewers=None, attention_sum_s=None)


def at(day: int) -> datetime:
    return START + timedelta(days=day)


def told(day: int, share: float | None, *, device: str = "window", clip: str = "tea") -> ToldClips:
    return ToldClips(device, at(day), {clip: Clip(shown=NOBODY, held=NOBODY, holdout_hours=share)})


def test_a_campaign_lasts_from_its_first_cohort_to_its_last() -> None:
    cohorts = [told(5, 0.5), told(0, 0.5), told(1, 0.5, clip="milk"), told(2, 0.2, device="back")]
    assert sorted(held_by_hours(cohorts)) == [
        HeldByHours("back", "tea", 0.2, at(2), at(2)),
        HeldByHours("window", "milk", 0.5, at(1), at(1)),
        HeldByHours("window", "tea", 0.5, at(0), at(5)),
    ]


def test_another_share_begins_another_campaign_and_single_shows_end_it() -> None:
    assert held_by_hours([told(0, 0.5), told(3, 0.2), told(6, 0.2)]) == [
        HeldByHours("window", "tea", 0.2, at(3), at(6))
    ]
    assert held_by_hours([told(0, 0.5), told(3, None)]) == []
    assert held_by_hours([told(0, 0.5), told(3, None), told(4, 0.5), told(5, 0.5)]) == [
        HeldByHours("window", "tea", 0.5, at(4), at(5))
    ]
