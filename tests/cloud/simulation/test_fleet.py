"""A fleet that cannot be told from a real one, and whose truth is known."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pytest

from cloud.analysis.clips import LEAST_COHORTS, effect
from cloud.domain.chain import Site
from cloud.domain.clips import ToldClips, clips_of
from cloud.domain.day_tallies import tally
from cloud.simulation.chain import KINDS, make_sites
from cloud.simulation.fleet import SiteDay, Truth
from cloud.simulation.places import EFFECT
from cloud.simulation.visitors import known_eyes
from common.vocabulary import ATTRIBUTES, UNKNOWN
from common.wire import Cells, Cohort, HealthMessage, StatusMessage, WindowMessage, decode, encode, topic
from common.wire.clips import sides_of
from tests.cloud.simulation.fleets import MONDAY, NOON, TUESDAY, fleet, messages, truths, windows
from tests.support.paths import ROOT

pytestmark = [pytest.mark.mosquitto, pytest.mark.influxdb, pytest.mark.slow]


def test_every_message_passes_the_wire(site_days: list[SiteDay]) -> None:
    sent = messages(site_days)
    assert {type(message) for message in sent} >= {WindowMessage, HealthMessage, StatusMessage}
    for message in sent:
        assert decode(topic(message), encode(message)) == message


def test_equal_seeds_give_equal_messages_and_others_do_not(site_days: list[SiteDay]) -> None:
    few = list(fleet(sites=3, days=1).site_days())
    assert few == list(fleet(sites=3, days=1).site_days())
    assert few != list(fleet(sites=3, days=1, seed=2).site_days())


def test_the_truth_is_what_the_windows_count_while_the_store_is_open(site_days: list[SiteDay]) -> None:
    chain = fleet().chain
    by_site: dict[str, list[WindowMessage]] = defaultdict(list)
    for window in windows(site_days):
        by_site[window.site].append(window)
    compared = 0
    for truth in truths(site_days):
        site = chain.sites[truth.site]
        counted = tally(by_site[truth.site], site, truth.day, truth.role)
        assert (counted.open_s, counted.visits, counted.viewers) == (
            truth.open_s,
            truth.visits,
            truth.viewers,
        )
        if truth.visits:
            assert _doors(by_site[truth.site], site, truth) == truth.places["doors"]
        for mix in (truth.gender, truth.age_band, truth.expression):
            assert sum(mix.values()) == truth.visits
        assert truth.visits <= truth.came
        assert truth.viewers <= truth.described <= truth.visits
        compared += truth.visits
    assert compared > 5000
    assert {truth.role for truth in truths(site_days)} == {"entrance", "display"}


def _doors(windows: Sequence[WindowMessage], site: Site, truth: Truth) -> dict[str, dict[str, int]]:
    """What the windows of one role count at its doors while the shop is open."""
    opening = site.opening_intervals(truth.day)
    found: dict[str, Counter[str]] = {}
    for window in windows:
        role = site.role_of(window)
        if role == truth.role and any(first <= window.start < last for first, last in opening):
            for name, door in window.totals.doors.items():
                found.setdefault(name, Counter()).update(door.model_dump())
    return {name: dict(counts) for name, counts in found.items()}


def test_what_cohorts_tell_of_places_is_no_more_than_the_truth(site_days: list[SiteDay]) -> None:
    """Most of it is told, and none of it wrong: the cohorts of a day with its windows outside opening hours are all."""
    told, true = Counter[str](), Counter[str]()
    for window in windows(site_days):
        if window.cohort is not None:
            for name, zone in window.cohort.zones.items():
                told[name] += zone.visits or 0
                if zone.queue is not None:
                    told["waits"] += zone.queue.waits or 0
            for name, target in window.cohort.targets.items():
                told[name] += target.viewers or 0
            told += _clips(window.cohort)
    for truth in truths(site_days):
        for name, counts in truth.places["zones"].items():
            true[name] += round(counts["visits"])
            true["waits"] += round(counts["waits"])
        for name, counts in truth.places["targets"].items():
            true[name] += round(counts["viewers"])
        for name, counts in truth.places["clips"].items():
            side = name.replace(" ", ".")
            true[side] += round(counts["visits"])
            true[f"{side} viewers"] += round(counts["viewers"])
    assert {name: told[name] > 0.3 * count for name, count in true.items()} == dict.fromkeys(true, True)
    assert {name: told[name] < 1.1 * count for name, count in true.items()} == dict.fromkeys(true, True)


def _clips(cohort: Cohort) -> Counter[str]:
    told = Counter[str]()
    for side, watched in sides_of(cohort.clips):
        told[side] += watched.visits or 0
        told[f"{side} viewers"] += watched.viewers or 0
    return told


def test_the_effect_of_the_offer_is_found_in_what_the_cohorts_tell(site_days: list[SiteDay]) -> None:
    sums = clips_of(
        ToldClips(window.device, window.start, window.cohort.clips)
        for window in windows(site_days)
        if window.cohort is not None
    )["offer"]
    assert len(sums.trials) >= LEAST_COHORTS
    found = effect(sums.trials)
    assert found.low is not None
    assert found.high is not None
    assert found.low < EFFECT < found.high


def test_who_was_described_is_told_in_large_groups(site_days: list[SiteDay]) -> None:
    told = [w.cohort for w in windows(site_days) if w.cohort and w.cohort.described is not None]
    truth = truths(site_days)
    assert sum(cohort.visits for cohort in told) > 1000
    share = sum(cohort.described or 0 for cohort in told) / sum(cohort.visits for cohort in told)
    assert share == pytest.approx(sum(t.described for t in truth) / sum(t.visits for t in truth), abs=0.05)


def test_what_is_counted_is_more_than_the_opening_hours(site_days: list[SiteDay]) -> None:
    """The staff is there before and after: an analysis that forgets the opening hours shows."""
    assert sum(w.totals.visits for w in windows(site_days)) > sum(truth.visits for truth in truths(site_days))


def test_nothing_arrives_that_lies_in_the_future_and_no_order_is_broken(site_days: list[SiteDay]) -> None:
    for each in site_days:
        by_device: dict[str, list[datetime]] = defaultdict(list)
        for arrival in each.arrivals:
            by_device[arrival.message.device].append(arrival.at)
        for moments in by_device.values():
            assert moments == sorted(moments)
            assert moments[-1] <= NOON
    assert max(window.end for window in windows(site_days)) <= NOON


def cells(message: WindowMessage) -> Iterator[Cells]:
    cohort = message.cohort
    assert cohort is not None
    for table in (cohort.dwell, cohort.attention, cohort.gender, cohort.age_band, cohort.expression):
        if table is not None:
            yield table
    yield from (cohort.gender_age_band or {}).values()


def test_no_cell_below_k_can_be_read(site_days: list[SiteDay]) -> None:
    released = [window for window in windows(site_days) if window.cohort is not None]
    assert len(released) > 50
    withheld = 0
    for window in released:
        for table in cells(window):
            assert all(count is None or count == 0 or count >= window.k for count in table.values())
            withheld += list(table.values()).count(None)
    assert withheld > 0


def test_devices_err_as_the_confusion_matrices_say() -> None:
    eyes, rng, each = known_eyes()[-1], np.random.default_rng(5), 4000
    for attribute, names in ATTRIBUTES.items():
        labels = {name: np.zeros(each * len(names), dtype=np.int64) for name in ATTRIBUTES}
        labels[attribute] = np.repeat(np.arange(len(names)), each)
        seen = np.ones(each * len(names), dtype=np.bool_)
        position = list(ATTRIBUTES).index(attribute)
        said = np.array([verdict[position] for verdict in eyes.see(rng, labels, seen)]).reshape(
            len(names), each
        )
        for row, expected in zip(said, eyes.verdicts[attribute], strict=True):
            shares = [float((row == word).mean()) for word in (*names, UNKNOWN)]
            assert shares == pytest.approx(expected.tolist(), abs=4 * 0.5 / each**0.5)


def test_the_matrices_are_those_that_were_committed() -> None:
    path = ROOT / "models_tflite" / "confusion.json"
    committed = json.loads(path.read_text())
    for eyes in known_eyes():
        matrix = committed[eyes.calibration]["gender"]
        row, column = matrix["labels"].index("female"), matrix["verdicts"].index("male")
        expected = matrix["counts"][row][column] / sum(matrix["counts"][row])
        assert eyes.verdicts["gender"][0, 1] == pytest.approx(expected)


def test_sites_differ_and_their_chain_file_is_one() -> None:
    sites = make_sites(40, [MONDAY, TUESDAY], seed=1)
    assert len({character.kind.visits_per_hour for character in sites.characters.values()}) == len(KINDS)
    assert {site.timezone for site in sites.chain.sites.values()} > {"Europe/Berlin", "Europe/Lisbon"}
    assert {len(character.cameras) for character in sites.characters.values()} == {1, 2, 4}
    for name, site in sites.chain.sites.items():
        assert site.cameras == {camera.name: camera.purpose for camera in sites.characters[name].cameras}
