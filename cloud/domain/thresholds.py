"""From which point on a figure says something: the same for page, reports and dashboards."""

from __future__ import annotations

SMALL_SAMPLE = 30
"""Below so many visits a share moves by more than ten points by chance alone; whoever shows one says so."""

FULL_COVERAGE = 0.9
"""An hour with less coverage is shown as partly watched."""

MIN_K = 3
"""The smallest k of a device that a bridge stores: below it a withheld cell can only be 1."""
