"""Finds windows that a device made and the store does not have, by gaps in their sequence number ``seq``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Protocol


class Numbered(Protocol):
    """A stored window, or as much of it as is needed to find what is missing."""

    @property
    def site(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def camera(self) -> str: ...
    @property
    def start(self) -> datetime: ...
    @property
    def boot_id(self) -> str: ...
    @property
    def seq(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Gap:
    """``missing`` windows between two stored ones; ``after`` and ``before`` are the starts of these two."""

    site: str
    device: str
    camera: str
    missing: int
    after: datetime
    before: datetime

    def within(self, other: Gap) -> bool:
        """Whether this is all of the other gap, or what is left of it."""
        same = (self.site, self.device, self.camera) == (other.site, other.device, other.camera)
        return same and other.after <= self.after and self.before <= other.before

    def __str__(self) -> str:
        return (
            f"{self.site}/{self.device}, camera {self.camera}: {self.missing} windows are missing between"
            f" {self.after:%Y-%m-%d %H:%M} and {self.before:%Y-%m-%d %H:%M} UTC"
        )


def gaps(windows: Iterable[Numbered]) -> list[Gap]:
    """Return the gaps within each run of each device.

    Windows that are missing before the first or after the last window of a run cannot be found.
    """
    runs: defaultdict[tuple[str, str, str, str], dict[int, Numbered]] = defaultdict(dict)
    for window in windows:
        runs[window.site, window.device, window.camera, window.boot_id][window.seq] = window
    found = []
    for (site, device, camera, _), run in runs.items():
        for one, following in pairwise(sorted(run)):
            if following > one + 1:
                after, before = run[one].start, run[following].start
                found.append(Gap(site, device, camera, following - one - 1, after, before))
    return sorted(found, key=lambda gap: (gap.site, gap.device, gap.camera, gap.after))
