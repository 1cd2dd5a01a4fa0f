"""One box without a chain file: its page makes one, which the next start and every command read."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import httpx
import pytest

from cloud.config import Settings
from cloud.domain.opening import WEEKDAYS
from cloud.stores.connect import open_embedded, open_tallies
from common.errors import UserError
from tests.cloud.onebox.boxes import running, settings
from tests.cloud.web.test_settings_page import filled
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, window

pytestmark = pytest.mark.slow
PATH = "site/shop/settings"


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    of = settings(tmp_path)
    with closing(open_embedded(of.store, ManualClock(MORNING))) as store:  # type: ignore[arg-type]
        store.write([window(minute) for minute in range(60)])
    return of


def test_what_the_page_saves_is_read_by_the_next_start_and_by_every_command(chosen: Settings) -> None:
    clock = ManualClock(MORNING)
    with running(chosen, clock) as box, httpx.Client(base_url=box.page_url, timeout=20) as browser:
        assert not chosen.own_chain_file().exists(), "a page that nobody saves makes no file"
        page = browser.get(PATH).text
        token = page.partition('name="csrf" value="')[2].partition('"')[0]
        fields = {**filled(page), **dict.fromkeys(WEEKDAYS, "08:00-09:30"), "title": "Corner shop"}
        answer = browser.post(PATH, data={**fields, "csrf": token})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/{PATH}")
        assert "Corner shop" in browser.get("site/shop").text, "at once, without a restart"
    with running(chosen, clock) as box:
        assert "Corner shop" in httpx.get(f"{box.page_url}site/shop", timeout=20).text
    with open_tallies(chosen, None, MORNING.date()) as (chain, _):
        assert (chain.sites["shop"].title, chain.sites["shop"].opening.mon) == ("Corner shop", ((480, 570),))


def test_a_broken_file_ends_the_start_with_one_line(chosen: Settings) -> None:
    path = chosen.own_chain_file()
    path.write_text("name: [")
    with pytest.raises(UserError, match=rf"{path.name}: line 1"), running(chosen):
        pass
