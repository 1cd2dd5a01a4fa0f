"""What the intake has done, for Prometheus; the bridge serves it to this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cloud.ingest.intake import Stats
from common.errors import UserError


class IntakeMetrics(Collector):
    """The counts of an intake since its start."""

    def __init__(self, stats: Callable[[], Stats]) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        stats = self._stats()
        for name, value, about in (
            ("received", stats.received, "Messages received, also those that were sent again"),
            ("stored", stats.stored, "Messages stored and acknowledged"),
            ("duplicates", stats.duplicates, "Windows that were stored before and came again"),
            ("dead_letters", stats.dead, "Messages that can never be stored"),
        ):
            yield CounterMetricFamily(f"footlight_intake_{name}", about, value)
        yield CounterMetricFamily(
            "footlight_store_errors", "Writes that failed and are tried again", stats.retries
        )
        yield GaugeMetricFamily("footlight_intake_backlog", "Messages that wait for the store", stats.backlog)


@contextmanager
def serving_metrics(port: int | None, stats: Callable[[], Stats]) -> Iterator[None]:
    """Serve the metrics at ``/metrics`` on this machine, while the context lasts; None serves none.

    Raises ``UserError`` if the port is in use.
    """
    if port is None:
        yield
        return
    registry = CollectorRegistry()
    registry.register(IntakeMetrics(stats))
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise UserError(f"metrics.port: cannot listen on port {port} ({error.strerror})") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
