// A Footlight dashboard as Grafana's own types see it: each panel with the options of its kind, each query
// InfluxQL for the one data source. `make schema` turns this into the JSON schema beside it.

import type { AnnotationQuery, Dashboard as AnyDashboard, DataQuery, FieldConfig, Panel, RowPanel, VariableModel } from '@grafana/schema';
import type * as BarChart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as BarGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as Geomap from '@grafana/schema/dist/esm/raw/composable/geomap/panelcfg/x/GeomapPanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as Text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

interface Source {
  type: 'influxdb';
  uid: 'footlight' | 'footlight-quarter' | 'footlight-day';
}

// The InfluxDB plugin's query is not part of @grafana/schema.
interface Query extends DataQuery {
  datasource: Source;
  query: string;
  rawQuery: true;
  resultFormat: 'table' | 'time_series';
  alias?: string;
}

interface Fields<Custom> {
  defaults: Omit<FieldConfig, 'custom'> & { custom?: Custom };
  overrides: NonNullable<Panel['fieldConfig']>['overrides'];
}

interface Kind<Type extends string, Options, Custom> extends Omit<Panel, 'datasource' | 'fieldConfig' | 'options' | 'targets' | 'type'> {
  type: Type;
  title: string;
  description: string;
  datasource: Source;
  options: Options;
  fieldConfig: Fields<Custom>;
  targets: Query[];
}

interface Words extends Omit<Panel, 'options' | 'type'> {
  type: 'text';
  title: string;
  options: Text.Options;
}

type AnyPanel =
  | Kind<'barchart', BarChart.Options, BarChart.FieldConfig>
  | Kind<'bargauge', BarGauge.Options, object>
  | Kind<'geomap', Geomap.Options, object>
  | Kind<'stat', Stat.Options, object>
  | Kind<'state-timeline', StateTimeline.Options, StateTimeline.FieldConfig>
  | Kind<'table', Table.Options, Partial<Table.FieldConfig>>
  | Kind<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig>
  | Words
  | (RowPanel & { title: string });

interface Annotation extends Omit<AnnotationQuery, 'datasource' | 'snapshotData' | 'target'> {
  datasource: Source;
  target: Query & { fromAnnotations: true; textColumn: string; timeEndColumn: string; tagsColumn: string };
}

export interface Dashboard extends Omit<AnyDashboard, 'annotations' | 'panels' | 'templating'> {
  uid: string;
  title: string;
  description: string;
  editable: false;
  annotations: { list: Annotation[] };
  panels: AnyPanel[];
  templating: { list: VariableModel[] };
}
