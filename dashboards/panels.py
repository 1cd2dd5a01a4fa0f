"""The kinds of panel that Footlight's dashboards use, with common rules built in.

No data never looks like zero: a gap is drawn as a gap, and a single number says in words why it is missing. Figures
from few visits are grey. Everything else has Grafana's default look, so that an upgrade of Grafana needs no work here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    dashboard,
    geomap,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as values
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import geomap as geomap_models
from grafana_foundation_sdk.models import text as text_models

from dashboards.looks import (
    BLUE,
    COLUMN_PX,
    GREY,
    NO_DATA,
    NOT_TOLD,
    TEXT_IN_COLOUR,
    Steps,
    fixed,
    thresholds,
    unit,
    width,
)
from dashboards.queries import Query

Kind = TypeVar(
    "Kind",
    barchart.Panel,
    bargauge.Panel,
    geomap.Panel,
    stat.Panel,
    statetimeline.Panel,
    table.Panel,
    timeseries.Panel,
)


class Target(Dataquery, Builder[Dataquery]):
    """One InfluxQL query for Grafana's InfluxDB data source. It is its own builder, because the SDK needs one."""

    def __init__(self, query: Query, ref_id: str) -> None:
        self.ref_id, self.query = ref_id, query

    def to_json(self) -> dict[str, object]:
        alias = {"alias": self.query.alias} if self.query.alias else {}
        return {
            "refId": self.ref_id,
            "datasource": source(self.query),
            "query": self.query.text,
            "rawQuery": True,
            "resultFormat": "time_series" if self.query.alias else "table",
            **alias,
        }

    def build(self) -> Target:
        return self


class Note(Target):
    """The query of an annotation: column ``words``, column ``end_ms`` if it has an end, and tags."""

    def __init__(self, query: Query) -> None:
        super().__init__(query, "Annotation")

    def to_json(self) -> dict[str, object]:
        columns = {"textColumn": "words", "timeEndColumn": "end_ms", "tagsColumn": "site,device"}
        return {**super().to_json(), "fromAnnotations": True, **columns}


def source(query: Query) -> values.DataSourceRef:
    """Return the provisioned data source for the level of a query."""
    return values.DataSourceRef("influxdb", query.source)


def number(
    title: str, description: str, query: Query, *, unit: str = "short", decimals: int | None = None,
    steps: Steps = ((None, "text"),), no_value: str = NO_DATA, recent: str | None = None,
    mappings: Sequence[model.ValueMapping] = (), span: int = 4, height: int = 4,
) -> stat.Panel:  # fmt: skip
    """Show one number. ``recent`` overrides the time range of the dashboard, such as "5m" for the last five minutes."""
    panel = stat.Panel().height(height).graph_mode(values.BigValueGraphMode.NONE).mappings(list(mappings))
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    panel.no_value(no_value).unit(unit).thresholds(thresholds(steps))
    if decimals is not None:
        panel.decimals(decimals)
    if recent is not None:
        panel.time_from(recent).hide_time_override(True)  # Grafana would write it over the title
    return _described(panel, title, description, [query], span)


def bars(
    title: str, description: str, queries: Sequence[Query], *, no_value: str, span: int = 8, height: int = 8,
) -> bargauge.Panel:  # fmt: skip
    """Draw counts by label, on one scale. A query that is marked ``few`` is drawn grey.

    The bars lie, so that a phone has room for their labels.
    """
    panel = bargauge.Panel().display_mode(values.BarGaugeDisplayMode.BASIC).height(height)
    panel.orientation(values.VizOrientation.HORIZONTAL)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    panel.min(0).no_value(no_value).show_unfilled(False).thresholds(thresholds([(None, BLUE)]))
    panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    for ref_id, query in _lettered(queries):
        if query.few:
            panel.override_by_query(ref_id, [fixed(GREY)])
    return _described(panel, title, description, queries, span)


def curve(
    title: str, description: str, queries: Sequence[Query], *, unit: str = "short", lowest: float | None = 0,
    highest: float | None = None, steps: Steps = (), span: int = 12,
) -> timeseries.Panel:  # fmt: skip
    """Draw values over time. A missing value breaks the line; a single value is a point."""
    panel = timeseries.Panel().unit(unit).height(8).no_value(NO_DATA).span_nulls(False)
    panel.show_points(values.VisibilityMode.ALWAYS).point_size(3).line_width(1)
    panel.legend(_LEGEND).tooltip(_TOOLTIP)
    if lowest is not None:
        panel.min(lowest)
    if highest is not None:
        panel.max(highest)
    if steps:
        panel.thresholds(thresholds(steps))
        panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(values.GraphThresholdsStyleMode.DASHED)
        )
    return _described(panel, title, description, queries, span)


def states(
    title: str, description: str, query: Query, *, steps: Steps = (), mappings: Sequence[model.ValueMapping] = (),
    unit: str = "short", span: int = 12, height: int = 8,
) -> statetimeline.Panel:  # fmt: skip
    """Draw states over time, one line for each series; nothing is drawn where no message arrived."""
    panel = (
        statetimeline.Panel()
        .height(height)
        .unit(unit)
        .mappings(list(mappings))
        .no_value("no message arrived")
    )
    panel.show_value(values.VisibilityMode.NEVER).merge_values(True).row_height(0.8)
    panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    panel.legend(_LEGEND).tooltip(_TOOLTIP)
    panel.thresholds(thresholds(steps or [(None, GREY)]))
    return _described(panel, title, description, [query], span)


def rows(
    title: str, description: str, query: Query | Sequence[Query],
    columns: Mapping[str, Sequence[model.DynamicConfigValue]], *, hidden: Sequence[str] = (),
    sort: tuple[str, bool] | None = None, no_value: str = "none", span: int = 24, height: int = 10,
) -> table.Panel:  # fmt: skip
    """Show a table. Several queries are joined by the columns that they have in common.

    ``columns`` sets the order and look of each column, by its name in the query result, because the engine may return
    tags in any order. ``sort`` is a column and whether the largest value comes first.
    """
    panel = table.Panel().height(height).no_value(no_value).min_width(COLUMN_PX)
    # Grafana would write the sentence for an empty panel into each empty cell.
    panel.override_by_regexp("/.*/", [model.DynamicConfigValue("noValue", NOT_TOLD)])
    # A column without any value has no type, and Grafana would write "null" into it.
    panel.override_by_field_type("other", [TEXT_IN_COLOUR, fixed(GREY)])
    queries = [query] if isinstance(query, Query) else query
    if len(queries) > 1:
        panel.with_transformation(_step("merge"))
    order = {name: position for position, name in enumerate(columns)}
    panel.with_transformation(
        _step("organize", indexByName=order, excludeByName=dict.fromkeys(hidden, True), renameByName={})
    )
    for name, look in columns.items():
        heading = next((str(one.value) for one in look if one.id_val == "displayName"), name)
        is_sorted = sort is not None and sort[0] == name
        if shown := [*width(heading, is_sorted), *look]:
            panel.override_by_name(name, shown)
        if sort is not None and is_sorted:
            panel.sort_by([common.TableSortByFieldState().display_name(heading).desc(sort[1])])
    return _described(panel, title, description, queries, span)


def grid(title: str, description: str, queries: Sequence[Query], columns: int) -> table.Panel:
    """Draw a heat map as a table without names: a query for each row, which answers ``row`` and its cells."""
    panel = (
        table.Panel()
        .height(10)
        .min_width(COLUMN_PX)
        .show_header(False)
        .min(0)
        .no_value(NOT_TOLD)
        .unit("s")
        .decimals(0)
    )
    panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.CONTINUOUS_BL_YL_RD))
    panel.cell_options(
        values.TableColoredBackgroundCellOptions(mode=values.TableCellBackgroundDisplayMode.BASIC)
    )
    # Grafana would paint a cell that is not told like the least of all.
    untold = model.ValueMappingResult(text=NOT_TOLD, color="transparent")
    options = model.DashboardSpecialValueMapOptions(match=model.SpecialValueMatch.NULL, result=untold)
    panel.mappings([model.SpecialValueMap(options)])
    order = {str(column): column for column in range(columns)}
    panel.with_transformation(_step("merge"))
    panel.with_transformation(_step("sortBy", fields={}, sort=[{"field": "row", "desc": False}]))
    hidden = {"Time": True, "row": True}
    panel.with_transformation(_step("organize", indexByName=order, excludeByName=hidden, renameByName={}))
    return _described(panel, title, description, queries, 24)


def by_hour(title: str, description: str, queries: Sequence[Query]) -> barchart.Panel:
    """Draw visits by hour for several days side by side.

    Each bar shows its number, so that 0 is visible and a gap stays empty. A phone gets the name of every second hour.
    """
    panel = barchart.Panel().height(9).x_field("Time").stacking(values.StackingMode.NONE).no_value(NO_DATA)
    panel.show_value(values.VisibilityMode.ALWAYS).orientation(values.VizOrientation.VERTICAL).group_width(
        0.8
    ).bar_width(0.95)
    panel.x_tick_label_spacing(_HOUR_PX)
    # Grafana would write the sentence for an empty panel in place of each hour that it leaves out.
    panel.override_by_name("Time", [model.DynamicConfigValue("noValue", "")])
    panel.legend(_LEGEND).tooltip(_TOOLTIP).min(0).decimals(0)
    panel.override_by_name("today", [fixed(BLUE)]).override_by_name("partly watched", [fixed(GREY)])
    panel.override_by_name("a week before", [fixed("light-blue")])
    time_of_day = {"targetField": "Time", "destinationType": "string", "dateFormat": "HH:mm"}
    panel.with_transformation(_step("convertFieldType", conversions=[time_of_day]))
    panel.with_transformation(_step("joinByField", byField="Time", mode="outer"))
    panel.with_transformation(_step("sortBy", fields={}, sort=[{"field": "Time", "desc": False}]))
    return _described(panel, title, description, queries, 24)


def busiest(title: str, description: str, query: Query) -> stat.Panel:
    """Show the time and the size of a maximum."""
    panel = number(title, description, query).text_mode(values.BigValueTextMode.VALUE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("/.*/"))
    return panel.override_by_name("Time", unit("time:HH:mm"))


def place_map(title: str, description: str, query: Query, *, colour_by: str, steps: Steps) -> geomap.Panel:
    """Show shops on a map, from columns ``latitude`` and ``longitude``. The map tiles come from a public server."""
    style = {
        "size": {"fixed": 8, "min": 6, "max": 14},
        "color": {"field": colour_by, "fixed": GREY},
        "opacity": 0.8,
        "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
    }
    where = common.FrameGeometrySource().mode(values.FrameGeometrySourceMode.COORDS)
    where.latitude("latitude").longitude("longitude")
    markers = common.MapLayerOptions().type("markers").name("Shops").tooltip(True)
    markers.config({"style": style, "showLegend": True}).location(where)
    panel = (
        geomap.Panel()
        .height(14)
        .no_value("no shop has coordinates")
        .thresholds(thresholds(steps))
        .unit("short")
    )
    panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    panel.basemap(common.MapLayerOptions().type("default").name("Map").config({})).layers([markers])
    panel.view(geomap.MapViewConfig().id("fit").all_layers(True).lat(0).lon(0).zoom(15))
    panel.controls(geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(False).show_attribution(True))
    panel.tooltip(geomap.TooltipOptions().mode(geomap_models.TooltipMode.DETAILS))
    return _described(panel, title, description, [query], 8)


def words(title: str, content: str, *, span: int = 24, height: int = 4) -> text.Panel:
    """Show Markdown text, which explains the panels around it."""
    return (
        text.Panel()
        .title(title)
        .mode(text_models.TextMode.MARKDOWN)
        .content(content)
        .span(span)
        .height(height)
    )


_HOUR_PX = 50
"""The width of an hour's name, such as 09:00, and a space."""
_LEGEND = (
    common.VizLegendOptions()
    .display_mode(values.LegendDisplayMode.LIST)
    .placement(values.LegendPlacement.BOTTOM)
    .show_legend(True)
    .calcs([])
)
_TOOLTIP = common.VizTooltipOptions().mode(values.TooltipDisplayMode.MULTI).sort(values.SortOrder.DESCENDING)


def _step(transformation: str, **options: object) -> model.DataTransformerConfig:
    return model.DataTransformerConfig(transformation, options=options)


def _described(panel: Kind, title: str, description: str, queries: Sequence[Query], span: int) -> Kind:
    panel.title(title).description(description).span(span).datasource(source(queries[0]))
    for ref_id, query in _lettered(queries):
        panel.with_target(Target(query, ref_id))
    return panel


def _lettered(queries: Sequence[Query]) -> list[tuple[str, Query]]:
    return list(zip(ascii_uppercase, queries, strict=False))
