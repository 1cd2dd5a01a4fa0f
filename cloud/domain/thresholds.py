"""The limits for showing a figure without a warning: the same for page, reports and dashboards."""

from __future__ import annotations

SMALL_SAMPLE = 30
"""Below this many visits, chance alone can move a share by more than ten points; every view of one must say so."""

FULL_COVERAGE = 0.9
"""An hour with less coverage is shown as partly watched."""

LEAST_COVERAGE = 0.8
"""Share of the opening time that each camera must have watched for a day to count in a comparison."""

MIN_K = 3
"""The smallest k of a device that a bridge stores by default: with a smaller k, a withheld cell can only be 1."""
