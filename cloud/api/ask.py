"""Answers the questions of the API about a period, for a request and for the command line alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cloud.analysis.estimates import estimate
from cloud.analysis.noise import NoiseSource, with_noise
from cloud.api import figures
from cloud.api.answers import Cohorts, DayAnswer, Days, Hours, Metrics
from cloud.api.clip_answers import ClipAnswer, ClipList
from cloud.api.endpoints import MOST_DAYS, MOST_DAYS_BY_HOUR, USUAL_DAYS, Period
from cloud.api.noise_answers import Noisy, noisy_figures
from cloud.api.place_answers import Places
from cloud.domain.chain import Chain, Role, Site
from cloud.domain.formula import Formula
from cloud.domain.tally import Tally
from cloud.stores.check_file import CheckFile
from cloud.stores.tallies import Tallies, every_day
from common.errors import UserError

if TYPE_CHECKING:
    from cloud.analysis.recall import Estimate as Bounded
    from cloud.analysis.recall import Recall

_DAY = timedelta(days=1)


class Source(Protocol):
    """The part of ``Shops`` that is needed here."""

    def until(self, last: date) -> tuple[Chain, Tallies]:
        """Return the chain as it is for periods up to ``last``, and its tallies."""
        ...


class UnknownSite(UserError):
    """There is no site of this name."""


class Chosen(NamedTuple):
    """What a question is about, with all that it left out filled in."""

    site: Site
    role: Role
    first: date
    last: date
    tallies: Tallies
    formulas: tuple[Formula, ...]


def site_named(chain: Chain, name: str) -> Site:
    """Return a site. Raises ``UnknownSite``."""
    if name not in chain.sites:
        raise UnknownSite(f"No data has been received from a shop named {name}.")
    return chain.sites[name]


def role_of(site: Site, asked: Role | None) -> Role:
    """Return the role that is asked for, or the most informative one. Raises ``UserError``."""
    if asked is not None and asked not in site.roles:
        raise UserError(
            f"role: no camera of {site.name} has the role {asked}; it has {', '.join(site.roles)}"
        )
    return asked or site.roles[0]


def choose(shops: Source, name: str, period: Period, now: datetime, *, most: int | None) -> Chosen:
    """Return what a question about at most ``most`` days is about; None for any number.

    Raises ``UnknownSite``, ``UserError`` for days that cannot be answered, or ``StoreUnavailable``.
    """
    chain, tallies = shops.until(period.last or now.date())
    site = site_named(chain, name)
    yesterday = now.astimezone(site.zone).date() - _DAY
    last = period.last or yesterday
    first = period.first or last - (USUAL_DAYS - 1) * _DAY
    if last > yesterday:
        raise UserError(f"last: {last} is not over at {site.name}; {yesterday} is the last day that is")
    if first > last:
        raise UserError(f"first: {first} is after the last day, {last}")
    if most is not None and (last - first).days >= most:
        raise UserError(f"first: {first} to {last} are more than {most} days; ask for a part of them")
    return Chosen(site, role_of(site, period.role), first, last, tallies, chain.formulas)


def days(shops: Source, name: str, period: Period, now: datetime, checks: CheckFile | None = None) -> Days:
    """Return the counts by day, corrected by ``checks``. Raises the errors of :func:`choose`, as all functions
    below."""
    asked = choose(shops, name, period, now, most=MOST_DAYS)
    return Days(**_about(asked), days=list(every_day_of(asked, checks)))


def hours(shops: Source, name: str, period: Period, now: datetime) -> Hours:
    asked = choose(shops, name, period, now, most=MOST_DAYS_BY_HOUR)
    found = figures.every_hour(asked.tallies, asked.site, asked.first, asked.last, asked.role)
    return Hours(**_about(asked), hours=found)


def cohorts(shops: Source, name: str, period: Period, now: datetime) -> Cohorts:
    asked = choose(shops, name, period, now, most=MOST_DAYS)
    return Cohorts(**_about(asked), days=list(figures.cohorts(by_day(asked))))


def places(shops: Source, name: str, period: Period, now: datetime) -> Places:
    asked = choose(shops, name, period, now, most=MOST_DAYS)
    found = by_day(asked)
    floor = asked.tallies.floor(asked.site.name, asked.first, asked.last, asked.role)
    return Places(**_about(asked), **figures.places(sum(found[1:], found[0])), **figures.floor(floor))


def metrics(
    shops: Source, name: str, period: Period, now: datetime, checks: CheckFile | None = None
) -> Metrics:
    asked = choose(shops, name, period, now, most=MOST_DAYS)
    found = by_day(asked)
    doors: Sequence[Recall] = ()
    if _has_checks(asked.site, checks):
        from cloud.analysis.corrected import checked_doors  # imported here: it needs scipy

        doors = checked_doors(checks, asked.site, asked.role, found)
    return Metrics(
        **_about(asked), metrics=[figures.metric(estimate(one, found, doors)) for one in asked.formulas]
    )


def noise(shops: Source, reader: NoiseSource, name: str, period: Period, now: datetime) -> Noisy:
    asked = choose(shops, name, period, now, most=MOST_DAYS)
    found = with_noise(reader, asked.site, asked.first, asked.last, asked.role)
    return Noisy(**_about(asked), **noisy_figures(found))


def clips(shops: Source, name: str, period: Period, now: datetime) -> ClipList:
    asked = choose(shops, name, period, now, most=MOST_DAYS)
    return ClipList(**_about(asked), clips=clips_of(asked))


def clips_of(asked: Chosen) -> list[ClipAnswer]:
    """Return the clips of the displays of a site. Raises ``StoreUnavailable``."""
    from cloud.analysis.clip_figures import clip_figures  # imported here: it needs numpy and scipy

    found = clip_figures(asked.tallies, asked.site, asked.first, asked.last, asked.role)
    return [figures.clip(one) for one in found]


def every_day_of(asked: Chosen, checks: CheckFile | None) -> Iterator[DayAnswer]:
    """Yield the counts of each day, corrected by ``checks``. Raises ``StoreUnavailable``."""
    for one, doors in checked_days(asked, checks):
        yield figures.day(one, _people(one, doors))


def checked_days(asked: Chosen, checks: CheckFile | None) -> list[tuple[Tally, Sequence[Recall]]]:
    """Return the tally of each day with the count checks of its doors, without any unless each door has one that holds
    on that day. Raises ``StoreUnavailable``."""
    found = by_day(asked)
    if not _has_checks(asked.site, checks):
        return [(one, ()) for one in found]
    from cloud.analysis.corrected import checked_by_day  # imported here: it needs scipy

    doors = checked_by_day(checks, asked.site, asked.role, found)
    return [(one, doors[one.day]) for one in found]


def _has_checks(site: Site, checks: CheckFile | None) -> bool:
    return checks is not None and site.name in checks.sites()


def _people(one: Tally, doors: Sequence[Recall]) -> Bounded | None:
    if not doors or one.doors is None:
        return None
    from cloud.analysis.recall import corrected

    return corrected(one.doors.entries, doors)


def by_day(asked: Chosen) -> list[Tally]:
    """Return the tally of each day. Raises ``StoreUnavailable``."""
    return every_day(asked.tallies, [asked.site], asked.first, asked.last, asked.role)


def _about(asked: Chosen) -> dict[str, Any]:
    return {
        "site": asked.site.name,
        "timezone": asked.site.timezone,
        "role": asked.role,
        "first": asked.first,
        "last": asked.last,
    }
