"""A simulated chain up to now behind one page, and people with each role who use it in a browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, expect

from cloud.accounts.accounts import Accounts
from cloud.chain_file.changes import chain_changes
from cloud.devices.change_file import ChangeFile
from cloud.devices.changes import Changes
from cloud.domain.chain import Chain, Role
from cloud.domain.tally import Tally
from cloud.domain.users import USER_ROLES, UserRole
from cloud.simulation.fleet import Fleet
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.stores.window_tallies import WindowTallies
from cloud.web.account_access import AccountAccess
from cloud.web.placement import Positions
from common.wire import encode, topic
from tests.cloud.simulation.fleets import messages
from tests.cloud.web.browser import _Server
from tests.cloud.web.every_page import Nowhere
from tests.cloud.web.logins import PASSWORD, add_person, opened_accounts
from tests.support.clock import ManualClock
from tests.support.messages import notice, placement

HERE: Final = "berlin-01"
ELSEWHERE: Final = "hamburg-01"
TODAY: Final = date(2026, 3, 31)
"""A Tuesday; the clocks went forward two days before."""
NOON: Final = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
LOOKS: Final = [(width, scheme) for width in (360, 1280) for scheme in ("light", "dark")]
ONLY_FOR: Final[dict[str, UserRole]] = {
    f"/api/v1/sites/{HERE}/exports/days?first=2026-03-01&last=2026-03-30": "manager",
    f"/site/{HERE}/position": "installer",
    f"/api/{HERE}/positions": "installer",
    f"/api/{HERE}/changes": "installer",
    f"/site/{HERE}/settings": "installer",
    "/users": "installer",
    "/audit": "installer",
}
"""What is not for everybody who may see the shop, and the first role that may have it."""
OTHER_SHOPS: Final = (f"/site/{ELSEWHERE}", f"/site/{ELSEWHERE}/month", f"/api/{ELSEWHERE}/today")


@dataclass
class Month:
    """The stored month and the page over it."""

    address: str
    store: EmbeddedStore
    file: Path
    accounts: Accounts
    shots: Path

    def tallies(self, site: str, first: date, last: date, role: Role = "entrance") -> list[Tally]:
        """What the store says of some days, computed from its windows by the chain file as it is now."""
        return WindowTallies(self.store, Chain.load(self.file)).tallies([site], first, last, role)

    def counted_on(self, day: date, site: str) -> int:
        """The visits in the stored windows of a whole local day."""
        start, end = Chain.load(self.file).sites[site].local_day(day)
        return sum(window.totals.visits for window in self.store.windows(site, start, end))

    @contextmanager
    def person(self, chromium: Browser, name: str, width: int = 360) -> Iterator[Person]:
        """Somebody who logs in with a phone; the names are those of the roles."""
        context = chromium.new_context(viewport={"width": width, "height": 800}, accept_downloads=True)
        page = context.new_page()
        page.set_default_timeout(20_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        try:
            page.goto(self.address)
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            expect(page.locator("nav.account")).to_contain_text(name)
            yield Person(self, page, name)
            assert complaints == []
        finally:
            context.close()


@dataclass
class Person:
    month: Month
    page: Page
    name: str

    def goes_to(self, path: str) -> None:
        self.page.goto(self.month.address + path)

    def looks(self, name: str) -> None:
        """See the page on a phone and on a desk, by day and by night: nothing sticks out."""
        page, before = self.page, self.page.viewport_size
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
            assert page.evaluate("document.documentElement.scrollWidth") == width, (name, width)
            page.screenshot(
                path=self.month.shots / f"{self.name}-{name}-{width}-{scheme}.png", full_page=True
            )
        page.set_viewport_size(before or {"width": 360, "height": 800})
        page.emulate_media(color_scheme="light")

    def sees_no_way_to_what_is_for_others(self, role: UserRole) -> None:
        """No link and no form of this page leads to what the role may not do, or to a shop of somebody else."""
        ways = self.page.locator("[href], [action]").evaluate_all(
            "ways => ways.map(way => way.getAttribute('href') ?? way.getAttribute('action'))"
        )
        refused = {path.partition("?")[0] for path in self.refused(role)}
        assert ways
        for way in ways:
            assert not any(way.startswith(path) for path in refused), way

    def reaches_nothing_of_others(self, role: UserRole) -> None:
        """Somebody who types an address, or sends what a form of others would send, is refused."""
        for path in self.refused(role):
            answer = self.page.request.get(self.month.address + path, max_redirects=0)
            other = path in OTHER_SHOPS
            assert answer.status == (404 if other else 403), path
            assert "visits" not in answer.text(), path

    def refused(self, role: UserRole) -> list[str]:
        rank = USER_ROLES.index
        own = [path for path, first in ONLY_FOR.items() if rank(role) < rank(first)]
        return own if role == "hq" else [*own, *OTHER_SHOPS]

    def figure(self, name: str) -> str:
        """A figure at the top of the page."""
        return self.page.locator(f"#{name} .value").inner_text()

    def number(self, name: str) -> int:
        return int(re.sub(r"\D", "", self.figure(name)))


@contextmanager
def simulated_month(folder: Path, shots: Path) -> Iterator[Month]:
    """Two months of three shops up to noon of a day, people with each role, a full queue, a camera that is being
    placed."""
    clock = ManualClock(NOON)
    positions = Positions(clock)
    fleet = Fleet(sites=3, days=62, last_day=TODAY, until=NOON, window_s=900, seed=1)
    file = folder / "chain.yaml"
    file.write_text(fleet.chain_yaml())
    os.utime(file, (clock.now().timestamp() - 3600,) * 2)
    with (
        closing(EmbeddedStore(folder / "store.sqlite", retention_days=400, clock=clock)) as store,
        closing(opened_accounts(folder, clock)) as accounts,
        closing(ChangeFile(folder / "changes.sqlite")) as changes,
        chain_changes(file, folder / "chain.sqlite", clock) as edits,
    ):
        store.write(messages(list(fleet.site_days())))
        store.write([notice(site=HERE, at=NOON - timedelta(minutes=2))])
        seen = placement(site=HERE, at=clock.now(), floor=tuple((x / 100, 0.7) for x in range(10, 90, 3)))
        positions.take(topic(seen), encode(seen))
        for role in USER_ROLES:
            add_person(accounts, role, role, () if role == "hq" else (HERE,))
        with _Server(
            store,
            clock,
            positions,
            access=AccountAccess(accounts),
            shops=OneBoxShops(store, ZoneInfo("Europe/Berlin"), Chain.load(file)),
            changes=Changes(changes, Nowhere(), clock),
            chain_changes=edits,
        ) as address:
            yield Month(address, store, file, accounts, shots)
