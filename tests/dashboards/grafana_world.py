"""The small chain in a real Grafana, brought by ``provision``, over the InfluxDB of these tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cloud.domain.chain import Chain
from cloud.domain.levels import LEVELS
from cloud.grafana.contacts import Contact
from cloud.grafana.provision import Source, load_bundle, provision
from dashboards.queries import SOURCES
from tests.support.influxdb import InfluxDB
from tests.support.real_grafana import RealGrafana, empty_grafana


def sources(influxdb: InfluxDB) -> list[Source]:
    """As ``footlight-cloud provision`` makes them; Grafana must reach this InfluxDB at the same address."""
    return [
        Source(SOURCES[level], influxdb.url, influxdb.database(level), influxdb.token) for level in LEVELS
    ]


@contextmanager
def brought(
    chain: Chain, influxdb: InfluxDB, contacts: Mapping[str, Contact] | None = None
) -> Iterator[RealGrafana]:
    with empty_grafana(chain) as grafana:
        provision(
            grafana.url,
            grafana.token,
            chain=chain,
            bundle=load_bundle(),
            sources=sources(influxdb),
            contacts=contacts or {},
            dry_run=False,
        )
        yield grafana
