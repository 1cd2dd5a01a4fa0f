"""The figures of the API's answers, computed from tallies as page, reports and comparisons compute theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from cloud.analysis.estimates import Estimate
from cloud.api import answers, place_answers
from cloud.api.clip_answers import ClipAnswer, EffectAnswer
from cloud.domain.chain import Role, Site
from cloud.domain.floor_tally import FloorTally
from cloud.domain.place_tally import DoorTally, QueueTally, TargetTally, ZoneTally
from cloud.domain.tally import Tally, readable
from cloud.domain.till import TillTally
from cloud.stores.tallies import Tallies, open_hours

if TYPE_CHECKING:
    from cloud.analysis.clip_figures import ClipFigures
    from cloud.analysis.clip_hours import HourEffect
    from cloud.analysis.clips import Effect
    from cloud.analysis.recall import Estimate as Bounded


def site_answer(site: Site) -> answers.SiteAnswer:
    return answers.SiteAnswer(
        site=site.name,
        title=site.title,
        timezone=site.timezone,
        region=site.region,
        roles=list(site.roles),
        cameras=site.cameras or {},
    )


def every_hour(source: Tallies, site: Site, first: date, last: date, role: Role) -> list[answers.HourAnswer]:
    """Return each hour of the local clock in which the site is open; one that the clock shows twice is there twice.

    Raises ``StoreUnavailable``.
    """
    hours = open_hours(source, site, first, last, role)
    return [hour(start.astimezone(site.zone), total) for start, total in hours.items()]


def counted(tally: Tally) -> dict[str, Any]:
    """Return the fields of ``Counted``."""
    seen, again = tally.covered_s > 0, tally.beside.came_again
    return {
        "state": tally.state,
        "open_s": tally.open_s,
        "coverage": tally.coverage,
        "exposure_s": tally.exposure_s,
        "visits": tally.visits if seen else None,
        "viewers": tally.viewers if seen else None,
        "cohort_visits": tally.cohort_visits,
        "mean_dwell_s": _divided(tally.dwell_sum_s, tally.dwell_visits),
        "attraction_ratio": _divided(tally.attention_sum_s, tally.attention_dwell_s),
        "staff_excluded": tally.beside.staff_excluded,
        "members": tally.beside.members if tally.beside.members_of else None,
        "members_of": tally.beside.members_of,
        "re_entries": again.people if again.entries else None,
        "re_entries_error": again.error if again.entries else None,
        "re_entries_of": again.entries,
        "doors": doors(tally.doors),
    }


def day(tally: Tally, people: Bounded | None) -> answers.DayAnswer:
    """Return a day; ``people`` are the entries that its count checks correct."""
    return answers.DayAnswer(
        date=tally.day,
        **counted(tally),
        till=till(tally.till),
        watched_s=dict(tally.watched_s),
        models=sorted(tally.models),
        calibrations=sorted(tally.calibrations),
        entries_corrected=people.value if people else None,
        entries_corrected_interval=(people.low, people.high) if people else None,
    )


def hour(start: datetime, tally: Tally) -> answers.HourAnswer:
    return answers.HourAnswer(start=start, **counted(tally))


def cohorts(tallies: Iterable[Tally]) -> Iterator[answers.CohortsAnswer]:
    """Yield the breakdowns of each day that has some."""
    for tally in tallies:
        if tally.cohort_visits:
            people = tally.demographics_visits
            yield answers.CohortsAnswer(
                date=tally.day,
                visits=tally.cohort_visits,
                described=tally.described if tally.described_of else None,
                described_of=tally.described_of,
                gender=_breakdown(tally.gender, people),
                age_band=_breakdown(tally.age_band, people),
                # Those who were not seen are in the lists only.
                gender_age_band=_breakdown(
                    {".".join(labels): count for labels, count in tally.gender_age_band.items()},
                    people - tally.described_of + tally.described,
                ),
                expression=_breakdown(tally.expression, tally.expression_visits),
            )


def places(tally: Tally) -> dict[str, Any]:
    """Return the fields of ``Places`` about doors and places."""
    told = tally.places
    return {
        "coverage": tally.coverage,
        "cohort_visits": tally.cohort_visits,
        "doors": doors(tally.doors),
        "zones": [_zone(name, zone) for name, zone in sorted(told.zones.items())],
        "queues": [_queue(name, queue) for name, queue in sorted(told.queues.items())],
        "targets": [_target(name, target) for name, target in sorted(told.targets.items())],
    }


def floor(found: FloorTally) -> dict[str, Any]:
    """Return the fields of ``Places`` about heat and ways."""
    return {
        "heat": [
            place_answers.HeatAnswer(
                camera=grid.camera,
                columns=grid.columns,
                rows=grid.rows,
                cohort_visits=heat.cohort_visits,
                standing_s=list(heat.standing_s),
                looking_s=list(heat.looking_s),
            )
            for grid, heat in sorted(found.heat.items())
        ],
        "ways": [
            place_answers.WayAnswer(place=way.place, next_place=way.next_place, visits=visits)
            for way, visits in sorted(found.ways.items())
        ],
        "ways_visits": found.ways_visits,
    }


def clip(found: ClipFigures) -> ClipAnswer:
    sums, hours = found.sums, found.by_hour or {}
    return ClipAnswer(
        device=found.device,
        clip=found.clip,
        shows=sums.shows,
        shown_s=sums.shown_s,
        visits=sums.visits,
        viewers=sums.viewers if sums.viewers_of else None,
        viewers_of=sums.viewers_of,
        mean_attention_s=_divided(sums.attention_s, sums.attention_visits),
        attention_visits=sums.attention_visits,
        withheld=sums.withheld,
        attention=_effect(found.attention, found.attention.visits) if found.attention else None,
        **{outcome: _effect(one, one.hours) for outcome, one in hours.items()},
        **dict.fromkeys({"entries", "sales", "conversion"}.difference(hours)),
    )


def _effect(found: Effect | HourEffect, compared: int) -> EffectAnswer:
    return EffectAnswer(
        verdict=found.verdict,
        change=found.change,
        interval=_range(found.low, found.high),
        compared=compared,
        needed=found.needed,
    )


def till(told: TillTally | None) -> answers.Till | None:
    if told is None:
        return None
    return answers.Till(
        transactions=told.transactions,
        turnover=told.turnover,
        items=told.items,
        staff_hours=told.staff_hours,
        corrected_at=told.corrected_at,
    )


def metric(found: Estimate) -> answers.MetricAnswer:
    of, right = found.formula, found.corrected
    return answers.MetricAnswer(
        name=of.name,
        title=str(of.title),
        formula=of.text,
        sources=list(of.sources),
        unit=of.unit,
        better=of.better,
        value=found.value,
        interval=_range(found.low, found.high),
        interval_by=found.interval,
        coverage=found.coverage,
        days=found.days,
        of_days=found.of_days,
        refused=found.refused and str(found.refused),
        corrected=right.value if right else None,
        corrected_interval=_range(right.low, right.high) if right else None,
    )


def _range(low: float | None, high: float | None) -> answers.Range | None:
    return None if low is None or high is None else (low, high)


def doors(found: DoorTally | None) -> answers.Doors | None:
    if found is None:
        return None
    return answers.Doors(
        entries=found.entries,
        exits=found.exits,
        passers=found.passers,
        groups=found.groups,
        capture_rate=found.capture_rate,
        watched_s=found.watched_s,
    )


def _breakdown(counts: Mapping[str, int | None], visits: int) -> answers.Breakdown | None:
    if not counts:
        return None
    return answers.Breakdown(visits=visits, withheld=visits - readable(counts), counts=dict(counts))


def _zone(name: str, zone: ZoneTally) -> place_answers.ZoneAnswer:
    return place_answers.ZoneAnswer(
        name=name,
        visits=zone.visits,
        cohort_visits=zone.cohort_visits,
        stops=zone.stops if zone.stops_of else None,
        stops_of=zone.stops_of,
        stop_share=zone.stop_share,
        mean_dwell_s=zone.mean_dwell_s,
        dwell_visits=zone.dwell_visits,
    )


def _queue(name: str, queue: QueueTally) -> place_answers.QueueAnswer:
    return place_answers.QueueAnswer(
        name=name,
        waits=queue.waits,
        cohort_visits=queue.cohort_visits,
        served=queue.served if queue.served_of else None,
        served_of=queue.served_of,
        served_share=queue.served_share,
        mean_waiting_s=queue.mean_waiting_s,
        waiting_visits=queue.waiting_visits,
        median_s=queue.waiting_s(0.5),
        ninth_decile_s=queue.waiting_s(0.9),
        waiting=dict(queue.waiting),
    )


def _target(name: str, target: TargetTally) -> place_answers.TargetAnswer:
    interest = target.interest
    return place_answers.TargetAnswer(
        name=name,
        passers=target.passers,
        cohort_visits=target.cohort_visits,
        viewers=target.viewers if target.viewers_of else None,
        viewers_of=target.viewers_of,
        viewer_share=target.viewer_share,
        interest_s=interest.mean_s if interest else None,
        interest_interval_s=interest.interval if interest else None,
        attention_passers=target.attention_passers,
        attention=dict(target.attention),
    )


def _divided(total: float, by: float) -> float | None:
    return total / by if by > 0 else None
