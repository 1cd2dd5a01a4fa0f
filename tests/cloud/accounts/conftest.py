from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.accounts.accounts import Accounts
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def accounts(tmp_path: Path, clock: ManualClock) -> Iterator[Accounts]:
    opened = Accounts(
        tmp_path / "accounts.sqlite", clock, idle=timedelta(hours=12), longest=timedelta(days=7)
    )
    yield opened
    opened.close()
