"""Turns a report into a printable page: one self-contained HTML file."""

from __future__ import annotations

from dataclasses import asdict

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from cloud.analysis import words as figure_words
from cloud.analysis.change import WEEKS_BEFORE
from cloud.analysis.compare import Row
from cloud.analysis.table import COMPARED_AS
from cloud.domain.thresholds import LEAST_COVERAGE, SMALL_SAMPLE
from cloud.reports import plots, words
from cloud.reports.chain import ChainReport
from cloud.reports.site import SiteReport
from cloud.rollup.comparisons import METRICS
from cloud.stores.tallies import days

MOST_OUTAGES = 6
MOST_RANKED = 36
MOST_NAMED = 14
"""What fits on two pages. The page says how many more there are; the JSON has all of them."""


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cloud.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "value": figure_words.value, "signed": figure_words.signed, "percent": figure_words.percent,
        "verdict": figure_words.verdict,
        "amount": figure_words.amount, "span": figure_words.span, "outage": words.outage, "cameras": words.cameras,
    }  # fmt: skip
    environment.globals |= {
        "figures": figure_words.FIGURES, "words_of": figure_words.words_of, "small_sample": SMALL_SAMPLE,
        "weeks_before": WEEKS_BEFORE, "least_coverage": LEAST_COVERAGE, "most_named": MOST_NAMED,
        "roles": figure_words.ROLES, "compared_as": COMPARED_AS,
    }  # fmt: skip
    return environment


def html(report: SiteReport | ChainReport) -> str:
    """Return the HTML page of a site's or a chain's report."""
    return site_page(report) if isinstance(report, SiteReport) else chain_page(report)


def site_page(report: SiteReport) -> str:
    """Return the report of a site as HTML, two pages of A4."""
    first, *_ = report.changes
    reach = max(
        (abs(end - 1) for one in report.changes for end in (one.low, one.high) if end is not None),
        default=0.5,
    )
    told = {name: mix for name, mix in report.mixes.items() if mix.told}
    # The figures of doors take two more lines of the first page.
    dense = len(report.changes) > len(METRICS)
    less = 10 if dense else 0
    drawn = {
        "weeks": plots.weeks(first, height_mm=44 - less)
        if any(week.rate is not None for week in first.weeks)
        else None,
        "intervals": [plots.interval(one, min(reach, 1.0)) for one in report.changes],
        "heat": plots.heat(report.hours, days(report.first, report.last), height_mm=56 - 2 * less)
        if report.hours
        else None,
        "genders": plots.shares(told["gender"], plots.COLOURS, height_mm=26) if "gender" in told else None,
        "ages": plots.pyramid(report.ages)
        if report.ages
        else plots.shares(told["age_band"], {}, height_mm=66)
        if "age_band" in told
        else None,
        "expressions": plots.shares(told["expression"], {}, height_mm=66) if "expression" in told else None,
        "watched": plots.watched(report.days) if report.days else None,
    }
    return _environment().get_template("site.html").render(
        report=report,
        headline=words.headline(report),
        dense=dense,
        plots={name: _markup(plot) for name, plot in drawn.items()},
        outages=report.outages[:MOST_OUTAGES],
        more_outages=len(report.outages) - MOST_OUTAGES,
        unwatched=words.duration(report.outages),
    )  # fmt: skip


def chain_page(report: ChainReport) -> str:
    """Return the report of a chain as HTML, two pages of A4."""
    titles = {one.site: one.title for one in report.sites}
    first, *others = report.comparisons
    compared = [(rank, row) for rank, row in enumerate(first.rows, 1) if row.set_apart is None]
    half = MOST_RANKED // 2
    shown = compared if len(compared) <= MOST_RANKED else [*compared[:half], *compared[-half:]]
    changed = {name: one for name, one in report.changes.items() if one.verdict in ("more", "less")}
    return _environment().get_template("chain.html").render(
        report=report,
        titles=titles,
        first=first,
        others=others,
        compared=len(compared),
        hidden=len(compared) - len(shown),
        different=sum(row.real for _, row in compared),
        apart=_set_apart(report),
        changed=dict(sorted(changed.items(), key=lambda pair: -abs((pair[1].ratio or 1) - 1))),
        uncompared=sum(one.verdict is None for one in report.changes.values()),
        plot=_markup(plots.ranking(first, shown, titles)) if shown else None,
    )  # fmt: skip


def _set_apart(report: ChainReport) -> list[tuple[Row, str]]:
    """Return a line for each site that is not compared and each reason, with the figures concerned."""
    figures: dict[tuple[str, str | None], list[str]] = {}
    rows: dict[tuple[str, str | None], Row] = {}
    for comparison in report.comparisons:
        for row in comparison.rows:
            if row.set_apart is not None:
                rows[row.site, row.set_apart] = row
                figures.setdefault((row.site, row.set_apart), []).append(
                    figure_words.words_of(comparison.metric, comparison.title).title
                )
    every = len(report.comparisons)
    return [
        (rows[key], "all figures" if len(titles) == every else ", ".join(titles))
        for key, titles in sorted(figures.items())
    ]


def as_json(report: SiteReport | ChainReport) -> dict[str, object]:
    """Return all figures of a report; the caller must convert dates and times to text."""
    return asdict(report)


def _markup(plot: Figure | list[Figure] | None) -> Markup | list[Markup] | None:
    """Mark our own SVG as safe for the template: matplotlib has escaped its texts."""
    if isinstance(plot, list):
        return [Markup(plots.svg(one)) for one in plot]  # noqa: S704
    return None if plot is None else Markup(plots.svg(plot))  # noqa: S704
