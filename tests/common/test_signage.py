"""Chance that the device and the server compute alike: a clip that is held out for whole hours."""

from __future__ import annotations

import pytest

from common.signage import held_out_in

HOURS = range(490_000, 492_000)
DRAWN = [0, 1, 2, 9, 12, 13, 14, 15]
TEA = {"site": "shop", "device": "window", "clip": "tea"}


def held(share: float, **names: str) -> list[bool]:
    return [held_out_in(hour, **{**TEA, **names}, share=share) for hour in HOURS]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_the_share_of_the_hours_is_held_out(share: float) -> None:
    assert sum(held(share)) / len(HOURS) == pytest.approx(share, abs=0.04)


def test_the_draws_never_change() -> None:
    """A device and a server of other versions must agree, and so must a server that looks back."""
    assert [hour - 490_000 for hour, one in zip(HOURS, held(0.5), strict=True) if one][:8] == DRAWN


def test_clips_and_displays_are_drawn_each_for_itself_and_hours_too() -> None:
    tea = held(0.5)
    for other in (
        held(0.5, clip="milk"),
        held(0.5, device="back"),
        held(0.5, site="other"),
        tea[1:] + tea[:1],
    ):
        alike = sum(one == two for one, two in zip(tea, other, strict=True)) / len(HOURS)
        assert alike == pytest.approx(0.5, abs=0.05)
