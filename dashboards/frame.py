"""What all dashboards share: names, links, variables and annotations."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

from dashboards import queries as q
from dashboards.looks import BLUE, GREY
from dashboards.panels import Note, source, words
from dashboards.queries import Query

TAG = "footlight"


def frame(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """Create an empty dashboard. It is read-only in Grafana, because the next build would overwrite a manual edit."""
    board = dashboard.Dashboard(title).uid(f"{TAG}-{uid}").description(description).tags([TAG])
    board.readonly().timezone("browser").tooltip(model.DashboardCursorSync.CROSSHAIR)
    board.link(
        dashboard.DashboardLink("Footlight")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(False)
        .keep_time(False)
        .include_vars(False)
    )
    return board


def finished_days(
    uid: str, title: str, description: str, variables: Sequence[dashboard.QueryVariable], how_to_read: str
) -> dashboard.Dashboard:
    """Create a dashboard of the last four weeks of one shop, with more ``variables`` after that of the shop."""
    board = frame(uid, title, description)
    board.time("now-28d", "now").refresh("")
    for variable in (query_variable("site", "Shop", q.SITE_NAMES), *variables):
        board.with_variable(variable)
    annotate(board)
    board.with_panel(words("How to read this", how_to_read))
    return board


def query_variable(
    name: str, label: str, query: Query, *, several: bool = False, backwards: bool = False
) -> dashboard.QueryVariable:
    """Create a variable whose values come from a query, sorted by name or ``backwards``.

    With ``several``, all values are selected at first, else the first one.
    """
    variable = dashboard.QueryVariable(name).label(label).query(query.text).datasource(source(query))
    order = model.VariableSort.ALPHABETICAL_DESC if backwards else model.VariableSort.ALPHABETICAL_ASC
    variable.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(order)
    if several:
        everything = model.VariableOption(text=["All"], value=["$__all"], selected=True)
        variable.multi(True).include_all(True).current(everything)
    return variable


def annotate(board: dashboard.Dashboard) -> None:
    """Add annotations: promotions from the chain file, and starts of devices, as after a change of configuration."""
    for name, query, colour in (
        ("Promotions", q.PROMOTIONS, BLUE),
        ("Devices started", q.STARTS, GREY),
    ):
        board.annotation(
            dashboard.AnnotationQuery()
            .name(name)
            .datasource(source(query))
            .enable(True)
            .icon_color(colour)
            .target(Note(query))
        )
