"""Simulated campaigns of a clip that chance holds out for whole hours, whose true effect is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from cloud.analysis.shop_hours import ShopHour
from common.signage import held_out_in

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
_BUSY = (0.5, 0.7, 0.9, 1.1, 1.2, 1.0, 1.0, 1.2, 1.3, 1.1)
"""The hours of a day, from nine to seven."""


@dataclass(frozen=True, slots=True)
class HourCampaign:
    """One clip of a display at the window. ``entries``: 0.1 means that 10 % more people come in while it runs; ``buys``
    is the same for those of them who buy.

    Days differ, hours differ, and busy hours follow each other.
    """

    entries: float = 0.0
    buys: float = 0.0
    days: int = 56
    an_hour: float = 60.0
    conversion: float = 0.3
    holdout: float = 0.5

    def so_far(self, seed: int) -> Iterator[tuple[list[ShopHour], list[bool]]]:
        """Yield all hours so far, and which were held out, at the end of each week."""
        rng = np.random.default_rng(seed)
        hours: list[ShopHour] = []
        arms: list[bool] = []
        for day in range(self.days):
            mood, luck = rng.lognormal(0.0, 0.25), 0.0
            for place, busy in enumerate(_BUSY):
                start = FIRST + timedelta(days=day, hours=place)
                names = {"site": f"shop-{seed}", "device": "window", "clip": "tea"}
                held = held_out_in(int(start.timestamp() // 3600), **names, share=self.holdout)
                luck = 0.5 * luck + rng.normal(0.0, 0.15)
                mean = self.an_hour * busy * mood * np.exp(luck) * (1.0 if held else 1 + self.entries)
                came = int(rng.poisson(mean))
                rate = self.conversion * (1.0 if held else 1 + self.buys)
                hours.append(ShopHour(start, came, int(rng.binomial(came, rate))))
                arms.append(held)
            if day % 7 == 6:
                yield list(hours), list(arms)
