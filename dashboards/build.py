"""Writes the dashboards, the alert rules and their page: ``python -m dashboards.build``, or ``make dashboards``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from cloud.domain.levels import bucket_of
from dashboards import (
    alerts,
    chain_compare,
    data_quality,
    doors_zones,
    fleet_health,
    sales_figures,
    store_today,
)  # fmt: skip
from dashboards.page import page
from dashboards.queries import SOURCES

HERE = Path(__file__).parent
SCHEMA = HERE / "schema"
HEAD = "written by `make dashboards`: change dashboards/*.py"

DASHBOARDS: Mapping[str, Callable[[], Dashboard]] = {
    "store-today": store_today.dashboard,
    "doors-zones": doors_zones.dashboard,
    "sales-figures": sales_figures.dashboard,
    "chain-compare": chain_compare.dashboard,
    "fleet-health": fleet_health.dashboard,
    "data-quality": data_quality.dashboard,
}


def files() -> dict[Path, str]:
    """Return every generated file with its text; the result is the same each time."""
    generated, provisioned = HERE / "generated", HERE / "provisioning"
    boards = {name: encoded(make()) for name, make in DASHBOARDS.items()}
    return {
        **{generated / f"{name}.json": _json(board) for name, board in boards.items()},
        # Not JSON: Grafana reads every JSON file in this folder as a dashboard.
        generated / "alert-rules.yaml": _yaml(alerts.rules()),
        provisioned / "alerting" / "footlight.yaml": _yaml(alerts.provisioning()),
        provisioned / "datasources" / "footlight.yaml": _yaml(data_sources()),
        HERE.parent / "docs" / "dashboards.md": page(
            list(boards.values()),
            alerts.alerts(),
            head=HEAD,
            grafana=grafana_release(),
            sources=list(SOURCES.values()),
        ),
    }


def grafana_release() -> str:
    """Return the Grafana release whose schema the dashboards are checked against."""
    package = json.loads((SCHEMA / "package.json").read_text(encoding="utf-8"))
    release: str = package["dependencies"]["@grafana/schema"]
    return release


def data_sources() -> dict[str, Any]:
    """Return one InfluxDB data source for each level of storage. Grafana fills in the environment and the secret."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": uid,
                "uid": uid,
                "type": "influxdb",
                "access": "proxy",
                "url": "${INFLUXDB_URL}",
                "editable": False,
                "database": bucket_of("${INFLUXDB_DATABASE}", level),  # where Grafana before 9.4 looks
                "jsonData": {
                    "dbName": bucket_of("${INFLUXDB_DATABASE}", level),
                    "httpMode": "POST",
                    "httpHeaderName1": "Authorization",
                },
                "secureJsonData": {"httpHeaderValue1": "Token $__file{/run/secrets/influxdb_read_token}"},
            }
            for level, uid in SOURCES.items()
        ],
    }


def encoded(board: Dashboard) -> dict[str, Any]:
    """Encode a dashboard as Grafana reads it, without keys that the SDK writes but Grafana 12.4 does not have."""
    document: dict[str, Any] = json.loads(JSONEncoder().encode(board.build()))
    for shown in (*document["links"], *document["annotations"]["list"]):
        shown.pop("placement", None)
    for variable in document["templating"]["list"]:
        for key in ("auto", "auto_count", "auto_min"):
            variable.pop(key, None)
    for panel in document["panels"]:
        if panel["type"] == "table":
            panel["options"].pop("footer", None)
    return document


def _json(document: object) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _yaml(document: object) -> str:
    text = yaml.dump(document, Dumper=_NoAliases, sort_keys=False, allow_unicode=True, width=110)
    return f"# {HEAD}\n{text}"


class _NoAliases(yaml.SafeDumper):
    """Writes repeated values in full, without YAML aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
