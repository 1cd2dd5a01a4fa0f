"""The days of a small fleet."""

from __future__ import annotations

import pytest

from cloud.simulation.fleet import SiteDay
from tests.cloud.simulation.fleets import fleet


@pytest.fixture(scope="module")
def site_days() -> list[SiteDay]:
    return list(fleet().site_days())
