"""The figures of the API are those of the tallies that page, reports and comparisons read."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from cloud.api.answers import Cohorts, Days, Hours, SiteAnswer, Sites
from cloud.api.device_answers import Devices
from cloud.api.place_answers import Places
from cloud.domain.chain import Chain, Site
from cloud.domain.tally import Tally, readable
from cloud.simulation.fleet import SiteDay, Truth
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.stores.tallies import Tallies
from tests.cloud.simulation.fleets import LAST_DAY, truths

FIRST = LAST_DAY - timedelta(days=2)
"""The clocks go forward on the day after it."""
PERIOD = {"first": FIRST.isoformat(), "last": LAST_DAY.isoformat()}


@pytest.fixture
def tallies(shops: OneBoxShops) -> Tallies:
    return shops.until(LAST_DAY)[1]


def chosen(chain: Chain) -> list[tuple[Site, Any]]:
    return [(site, role) for site in chain.sites.values() for role in site.roles]


def ask(client: httpx.Client, path: str, **query: str) -> bytes:
    answer = client.get(f"/api/v1{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_the_sites_are_those_of_the_chain_page_by_page(client: httpx.Client, simulated: Any) -> None:
    chain: Chain = simulated[0]
    found: list[SiteAnswer] = []
    after: dict[str, str] = {}
    while True:
        page = Sites.model_validate_json(ask(client, "/sites", limit="2", **after))
        found += page.sites
        if page.next is None:
            break
        after = {"after": page.next}
    assert [one.site for one in found] == sorted(chain.sites)
    for one in found:
        site = chain.sites[one.site]
        assert (one.title, one.timezone, tuple(one.roles)) == (site.title, site.timezone, site.roles)


def test_each_day_is_the_tally_of_that_day(client: httpx.Client, tallies: Tallies, simulated: Any) -> None:
    for site, role in chosen(simulated[0]):
        answer = Days.model_validate_json(ask(client, f"/sites/{site.name}/days", role=role, **PERIOD))
        assert [one.date for one in answer.days] == [FIRST + timedelta(days=n) for n in range(3)]
        stored = {one.day: one for one in tallies.tallies([site.name], FIRST, LAST_DAY, role)}
        assert stored
        for found in answer.days:
            if found.date not in stored:
                assert (found.visits, found.state in {"closed", "no_data"}) == (None, True)
                continue
            tally = stored[found.date]
            assert (found.open_s, found.watched_s) == (tally.open_s, tally.watched_s)
            if tally.covered_s > 0:
                assert (found.visits, found.viewers) == (tally.visits, tally.viewers)
                assert found.coverage == min(1.0, tally.covered_s / tally.open_s)
            if tally.doors is not None:
                assert found.doors is not None
                assert found.doors.entries == tally.doors.entries
                assert found.doors.capture_rate == tally.doors.capture_rate


def test_the_hours_of_a_period_add_up_to_its_days_also_when_the_clocks_change(
    client: httpx.Client, simulated: Any
) -> None:
    for site, role in chosen(simulated[0]):
        days = Days.model_validate_json(ask(client, f"/sites/{site.name}/days", role=role, **PERIOD))
        hours = Hours.model_validate_json(ask(client, f"/sites/{site.name}/hours", role=role, **PERIOD))
        starts = [one.start for one in hours.hours]
        assert starts == sorted(set(starts))
        assert sum(one.visits or 0 for one in hours.hours) == sum(one.visits or 0 for one in days.days)
        assert sum(one.open_s for one in hours.hours) == sum(one.open_s for one in days.days)
        for one in hours.hours:
            local = one.start.astimezone(site.zone)
            assert (local.minute, one.start.utcoffset()) == (0, local.utcoffset())


def test_a_breakdown_adds_up_with_what_is_withheld(
    client: httpx.Client, tallies: Tallies, simulated: Any
) -> None:
    told = 0
    for site, role in chosen(simulated[0]):
        answer = Cohorts.model_validate_json(ask(client, f"/sites/{site.name}/cohorts", role=role, **PERIOD))
        stored = {one.day: one for one in tallies.tallies([site.name], FIRST, LAST_DAY, role)}
        for found in answer.days:
            tally = stored[found.date]
            assert found.visits == tally.cohort_visits
            for name in ("gender", "age_band", "gender_age_band", "expression"):
                breakdown, counts = getattr(found, name), getattr(tally, name)
                assert (breakdown is None) == (not counts)
                if breakdown is None:
                    continue
                told += 1
                assert list(breakdown.counts.values()) == list(counts.values())
                assert breakdown.withheld == breakdown.visits - readable(counts) >= 0
            if found.gender is not None:
                assert found.gender.visits == tally.demographics_visits
    assert told > 20


def test_places_are_those_of_the_tallies_added_up(
    client: httpx.Client, tallies: Tallies, simulated: Any
) -> None:
    seen: set[str] = set()
    for site, role in chosen(simulated[0]):
        answer = Places.model_validate_json(ask(client, f"/sites/{site.name}/places", role=role, **PERIOD))
        stored = tallies.tallies([site.name], FIRST, LAST_DAY, role)
        total = sum(stored[1:], stored[0])
        assert {one.name: one.visits for one in answer.zones} == {
            name: zone.visits for name, zone in total.places.zones.items()
        }
        assert {one.name: one.median_s for one in answer.queues} == {
            name: queue.waiting_s(0.5) for name, queue in total.places.queues.items()
        }
        assert {one.name: one.interest_s for one in answer.targets} == {
            name: target.interest and target.interest.mean_s for name, target in total.places.targets.items()
        }
        floor = tallies.floor(site.name, FIRST, LAST_DAY, role)
        assert {(one.place, one.next_place): one.visits for one in answer.ways} == dict(floor.ways)
        assert [tuple(one.standing_s) for one in answer.heat] == [
            heat.standing_s for _, heat in sorted(floor.heat.items())
        ]
        seen |= {
            name for name in ("doors", "zones", "queues", "targets", "heat", "ways") if getattr(answer, name)
        }
    assert seen >= {"doors", "zones", "queues", "targets"}


def test_days_count_what_really_happened(
    client: httpx.Client, simulated: tuple[Chain, list[SiteDay]]
) -> None:
    """Within what a device that was off or blind could see."""
    said: dict[tuple[str, date], int] = {}
    entrances = [site for site in simulated[0].sites.values() if "entrance" in site.roles]
    for site in entrances:
        answer = Days.model_validate_json(ask(client, f"/sites/{site.name}/days", role="entrance", **PERIOD))
        said |= {
            (site.name, one.date): one.doors.entries
            for one in answer.days
            if one.doors and one.state == "full"
        }
    found: list[Truth] = [one for one in truths(simulated[1]) if one.role == "entrance"]
    checked = 0
    for truth in found:
        if (truth.site, truth.day) in said:
            (door,) = truth.places["doors"].values()
            assert said[truth.site, truth.day] == door["entries"]
            checked += 1
    assert checked > 3


def test_devices_are_told_as_they_are_now(client: httpx.Client, store: EmbeddedStore, simulated: Any) -> None:
    for site in simulated[0].sites.values():
        answer = Devices.model_validate_json(ask(client, f"/sites/{site.name}/devices"))
        states = store.devices(site.name)
        assert [one.device for one in answer.devices] == [one.device for one in states]
        for one, state in zip(answer.devices, states, strict=True):
            assert (one.online, one.last_seen) == (state.online, state.last_seen)
            assert (one.health is None) == (state.health is None)
            if one.health is not None and state.health is not None:
                assert (one.health.fps, one.health.outbox_depth) == (
                    state.health.fps,
                    state.health.outbox_depth,
                )
            assert [alert.fault for alert in one.alerts] == [alert.fault for alert in state.alerts]
        assert answer.at == datetime.fromisoformat(answer.at.isoformat())


def test_a_sum_of_tallies_is_what_the_period_says(
    tallies: Tallies, simulated: Any, client: httpx.Client
) -> None:
    site, role = chosen(simulated[0])[0]
    found: list[Tally] = tallies.tallies([site.name], FIRST, LAST_DAY, role)
    answer = Places.model_validate_json(ask(client, f"/sites/{site.name}/places", role=role, **PERIOD))
    assert answer.cohort_visits == sum(one.cohort_visits for one in found)
