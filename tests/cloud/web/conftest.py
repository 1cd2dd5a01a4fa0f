"""A real browser, a real store, and the page over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from cloud.accounts.accounts import Accounts
from cloud.stores.embedded import EmbeddedStore
from cloud.web.placement import Positions
from tests.cloud.web.browser import _Server
from tests.cloud.web.editor_shop import SEEN, EditedShop, edited_shop
from tests.cloud.web.logins import opened_accounts
from tests.support.chromium import started
from tests.support.clock import ManualClock
from tests.support.messages import MORNING


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING + timedelta(hours=3, seconds=10))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "store.sqlite", retention_days=400, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def accounts(tmp_path: Path, clock: ManualClock) -> Iterator[Accounts]:
    """Nobody is added yet."""
    with closing(opened_accounts(tmp_path, clock)) as opened:
        yield opened


@pytest.fixture
def address(store: EmbeddedStore, clock: ManualClock) -> Iterator[str]:
    with _Server(store, clock) as served:
        yield served


@pytest.fixture
def positions(clock: ManualClock) -> Positions:
    return Positions(clock)


@pytest.fixture
def seen_shop(tmp_path: Path) -> Iterator[EditedShop]:
    """Its camera has shown floor points and its own zones."""
    with edited_shop(tmp_path) as opened:
        opened.say(SEEN)
        yield opened
