"""A Grafana that was started with ``dashboards/provisioning``: it has taken every file, and ``provision`` leaves them.

Its provisioning folder is ``dashboards/provisioning``, with ``INFLUXDB_URL``, ``INFLUXDB_DATABASE``, the secret and the
dashboards where docs/dashboards.md says.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud.grafana.provision import PER_STORE, holds, load_bundle, provision
from dashboards.alerts import FOLDER, GROUP
from dashboards.queries import SOURCES
from tests.dashboards import shops
from tests.dashboards.panels import dashboard, names, rules
from tests.support.real_grafana import RealGrafana, from_files, needs_grafana, real_grafana

pytestmark = needs_grafana


@pytest.fixture(scope="module")
def grafana() -> Iterator[RealGrafana]:
    with real_grafana() as running:
        if not from_files(running):
            pytest.skip("start this Grafana with dashboards/provisioning as its provisioning folder")
        yield running


@pytest.mark.parametrize("name", names())
def test_a_dashboard_is_taken_as_it_is(grafana: RealGrafana, name: str) -> None:
    found, wanted = grafana.get(f"dashboards/uid/{dashboard(name)['uid']}"), dashboard(name)
    assert found["meta"]["provisioned"]
    assert found["meta"]["folderTitle"] == FOLDER
    assert {key: value for key, value in found["dashboard"].items() if key not in ("id", "version")} == wanted


def test_the_data_sources_answer_and_nobody_can_edit_them(grafana: RealGrafana) -> None:
    for uid in SOURCES.values():
        assert grafana.get(f"datasources/uid/{uid}")["readOnly"]
        assert grafana.get(f"datasources/uid/{uid}/health")["status"] == "OK"


def test_the_alert_rules_are_those_of_the_files(grafana: RealGrafana) -> None:
    for rule in rules():
        found = grafana.get(f"v1/provisioning/alert-rules/{rule['uid']}")
        assert (found["provenance"], found["ruleGroup"]) == ("file", GROUP)
        assert holds(
            found, {key: rule[key] for key in ("title", "condition", "for", "labels", "annotations")}
        )
        assert holds(found["data"], rule["data"])


def test_provision_leaves_to_the_files_what_is_theirs(grafana: RealGrafana) -> None:
    planned = provision(
        grafana.url,
        grafana.token,
        chain=shops.CHAIN,
        bundle=load_bundle(),
        sources=[],
        contacts={},
        dry_run=True,
    )
    assert {change.kind for change in planned} <= {"team", "folder", "permissions", "dashboard"}
    own = [change for change in planned if change.kind == "dashboard"]
    assert len(own) in (0, len(PER_STORE) * len(shops.CHAIN.sites))
