"""``GET /api/{site}/today``: the day's figures as JSON, for the page's script and for other programs.

Every time is the shop's local time with its UTC offset.
::

    site, date, timezone   the shop, its local date, its time zone
    now                    {start, end, visits, stale}: visits that ended in the newest window; or null
    visits, viewers        of today so far; null if no camera was watching (never 0 for "no data")
    coverage               {share, since}: share in 0..1 of the time since the first window that was watched; or null
    hours[]                {start, visits, viewers, coverage, state}; state is one of
                           future, no_data, partial (coverage below 0.9), full
    cameras                how many reported today; a person seen by two of them counts as two visits
    untrusted_windows      windows whose clock was not synchronised
    profile, k             widest privacy profile of today (null without windows); smallest readable cell
    cohort_visits          visits released in cohorts
    described              visits whose face was surely seen and classified, of described_of; null if no cohort tells it
    described_of           visits in the cohorts that tell it
    staff_excluded         share of staff among everybody who was followed; null if no cohort tells it
    members                visits of members_of that showed the code of a member; null if no cohort tells it
    members_of             visits of the cohorts that tell it
    re_entries             {low, high, of}: 95 % interval of the people who left by a door and came in again within 7
                           minutes, an estimate, among the entries ``of`` which it can be judged; or null
    pending                visits that still wait for a cohort
    attraction_ratio       attention time / dwell time over the cohorts; or null
    mean_dwell_s           over the cohorts; or null
    occupancy_max          most visits in view of one camera at one instant, over the cohorts; or null
    dwell, gender, age_band, gender_age_band, expression
                           null if the profile does not allow it or no cohort has arrived yet, else
                           {cells, visits, withheld, shown, small}; cells: label -> {count, exact}; the counts and
                           withheld add up to visits; exact is false if a cohort withheld its part; shown are the
                           visits in other labels than not_seen and no_verdict; small: too few of them for shares
    pyramid                which of gender_age_band, age_band, gender shows most about people; or null
    noise                  {visits, budgets, lists} of verdicts with noise, which no other figure contains; null if no
                           device has told any today. budgets: budget of each visit -> days (1); lists: gender,
                           age_band, expression -> {visits, counts[]}; counts[]: {label, number, visits, low, high};
                           number is the sum as it was told, visits what is shown of it, and the true number lies
                           between low and high in about 19 of 20 cases
    doors                  {entries, exits, passers, groups, capture_rate, inside, missed_entries} of today so far;
                           null if no camera has a door or none was watching. capture_rate is entries / (entries +
                           passers), or null; inside is entries minus exits, never below 0; missed_entries are those
                           that must have been missed, because at some time more people had left than entered
    corrected_entries      {value, low, high}: entries of today as the count checks correct them, with their 95 %
                           interval; null if a door has no check that holds
    places                 {zones[], queues[], targets[]} that a cohort names; a figure is null if it is withheld, and
                           withheld counts the visits of the cohorts that do not tell the first figure
                           zones[]: {name, visits, withheld, stops, stop_share, mean_dwell_s}
                           queues[]: {name, waits, withheld, served_share, mean_waiting_s, median_s, ninth_decile_s};
                           the last two are [low, high], equal unless some people are in withheld bins; 300 means 300
                           or more
                           targets[]: {name, passers, withheld, viewers, viewer_share, interest_s,
                           interest_interval_s}: seconds of looking per passer, of one visit at most 30, with its 95 %
                           interval [low, high]
    till                   {until, transactions, turnover, items, staff_hours, currency, metrics[]} of today up to the
                           end of its last interval; null if it told nothing
                           metrics[]: {name, title, unit, value, low, high, coverage, refused, corrected}; value is
                           null if it cannot be told, and refused says why; corrected is {value, low, high} with the
                           entries as the count checks correct them, or null
    yesterday              {date, visits, cohort_visits, gender, age_band, noise, entries, exits} of the day before, as
                           above; visits is null if no camera was watching, entries and exits if no camera has a door
    devices[]              {device, online, since, last_seen, camera_open, fps, clock_trusted, software, model,
                           windows, alerts[]}, null if unknown; windows is {expected, received, late, lost} since
                           yesterday; since is when it last came online; clock_trusted is false
                           while its clock is not synchronised or differs from this machine's;
                           alerts[]: {fault, since, text}, the active ones
    notices[]              {device, name, since, text, acknowledged}: what staff should know now, newest first; text is
                           in the language of the reader; acknowledged is {who, at} of who takes care of it, or null
    changes[]              {device, at, sections}: since when a device uses changed settings, today and yesterday
    dead_letters[]         {at, device, reason}: the last messages of this site that could not be stored, newest first

Returns 404 with {error} for a site that has never sent data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from cloud.analysis.noise import WithNoise
from cloud.devices.changes import InUse
from cloud.domain.ledger import Ledger
from cloud.domain.notices import Acknowledgement, is_current, said, taken_care_of
from cloud.domain.till import TOLD
from cloud.stores.store import DeadLetter, DeviceState
from cloud.web.day import Breakdown, Day
from cloud.web.day_till import TillToday
from common.wire import NoticeMessage

Json = dict[str, Any]


class Sold(NamedTuple):
    """What the till told of today."""

    today: TillToday
    currency: str


def today(
    site: str,
    date: datetime,
    zone: ZoneInfo,
    day: Day,
    before: Day,
    sold: Sold | None,
    devices: Sequence[DeviceState],
    notices: Sequence[NoticeMessage],
    acknowledgements: Sequence[Acknowledgement],
    letters: Sequence[DeadLetter],
    changes: Sequence[InUse],
    corrected: Json | None,
    ledgers: Mapping[str, Ledger],
    noise: WithNoise | None,
    noise_before: WithNoise | None,
    says: Callable[[object], str],
) -> Json:
    """Build the answer described above. ``date`` is this moment, ``before`` has the figures of yesterday, ``corrected``
    are the corrected entries, ``ledgers`` the windows of both days by device, and ``noise`` and ``noise_before`` the
    verdicts of today and yesterday with noise.

    ``says`` says a message in the language of the reader.
    """
    figures = asdict(day)
    since, share = figures.pop("watched_since"), figures.pop("coverage")
    figures |= figures.pop("beside")
    for name in ("dwell", "gender", "age_band", "gender_age_band", "expression"):
        figures[name] = _breakdown(getattr(day, name))
    return {
        "site": site,
        "date": date.astimezone(zone).date(),
        "timezone": zone.key,
        **figures,
        "coverage": None if since is None else {"share": share, "since": since},
        "pyramid": day.pyramid,
        "noise": noise and asdict(noise),
        "till": sold and _till(sold, zone, says),
        "corrected_entries": corrected,
        "yesterday": {
            "date": before.hours[0].start.date(),
            "visits": before.visits,
            "cohort_visits": before.cohort_visits,
            "gender": _breakdown(before.gender),
            "age_band": _breakdown(before.age_band),
            "noise": noise_before and asdict(noise_before),
            "entries": before.doors and before.doors.entries,
            "exits": before.doors and before.doors.exits,
        },
        "devices": [_device(state, ledgers.get(state.device), zone) for state in devices],
        "notices": [
            _notice(notice, taken_care_of(notice, acknowledgements), zone, says)
            for notice in notices
            if is_current(notice, date)
        ],
        "changes": [
            {"device": change.device, "at": change.at.astimezone(zone), "sections": change.sections}
            for change in changes
        ],
        "dead_letters": [
            {"at": letter.at.astimezone(zone), "device": letter.device, "reason": letter.reason}
            for letter in letters
            if letter.site == site
        ],
    }


def _breakdown(breakdown: Breakdown | None) -> Json | None:
    return (
        None
        if breakdown is None
        else {**asdict(breakdown), "shown": breakdown.shown, "small": breakdown.small}
    )


def _till(sold: Sold, zone: ZoneInfo, says: Callable[[object], str]) -> Json:
    told, currency = sold.today.told, sold.currency
    return {
        "until": told.until.astimezone(zone),
        **{name: getattr(told, name) for name in TOLD},
        "currency": currency,
        "metrics": [
            {
                "name": one.formula.name,
                "title": says(one.title),
                "unit": one.formula.unit,
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "coverage": one.coverage,
                "refused": one.refused and says(one.refused),
                "corrected": one.corrected and asdict(one.corrected),
            }
            for one in sold.today.figures
        ],
    }


def _notice(
    notice: NoticeMessage, taken: Acknowledgement | None, zone: ZoneInfo, says: Callable[[object], str]
) -> Json:
    return {
        "device": notice.device,
        "name": notice.name,
        "since": notice.at.astimezone(zone),
        "text": says(said(notice)),
        "acknowledged": taken and {"who": taken.who, "at": taken.at.astimezone(zone)},
    }


def _device(state: DeviceState, ledger: Ledger | None, zone: ZoneInfo) -> Json:
    health = state.health
    return {
        "device": state.device,
        "online": state.online,
        "since": state.since and state.since.astimezone(zone),
        "last_seen": state.last_seen and state.last_seen.astimezone(zone),
        "camera_open": health and health.camera_open,
        "fps": health and health.fps,
        "clock_trusted": health and health.clock_trusted,
        "software": state.software,
        "model": state.model,
        "windows": ledger and {**asdict(ledger), "lost": ledger.lost},
        "alerts": [
            {"fault": alert.fault, "since": alert.at.astimezone(zone), "text": alert.text}
            for alert in state.alerts
        ],
    }
