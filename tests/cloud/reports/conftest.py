"""The five weeks, and where they are stored."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from cloud.stores.embedded import EmbeddedStore
from common.wire import WindowMessage
from tests.cloud.reports.weeks import (
    AFTER,
    chain_data,
    five_weeks,
)
from tests.support.clock import ManualClock


@pytest.fixture(scope="module")
def usual() -> list[WindowMessage]:
    return five_weeks()


@pytest.fixture
def files(tmp_path: Path, usual: list[WindowMessage]) -> list[str]:
    """The arguments that name an embedded store with the windows, and the chain."""
    with closing(
        EmbeddedStore(tmp_path / "s.sqlite", retention_days=3650, clock=ManualClock(AFTER))
    ) as store:
        store.write(usual)
    (tmp_path / "cloud.yaml").write_text(f"store: {{path: {tmp_path / 's.sqlite'}}}\n")
    (tmp_path / "chain.yaml").write_text(json.dumps(chain_data()))
    return ["--config", str(tmp_path / "cloud.yaml"), "--chain", str(tmp_path / "chain.yaml")]
