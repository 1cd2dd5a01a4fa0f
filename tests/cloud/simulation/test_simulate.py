"""``footlight-cloud simulate`` fills a store, directly or through a broker, and says in one line what stopped it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.domain.chain import Chain
from cloud.domain.day_tallies import tally
from cloud.ingest.bridge import Bridge
from cloud.simulation.delivery import SimulatedClock, through_broker, through_intake
from cloud.simulation.fleet import SiteDay
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import DeadLetter, StoreRejected
from common.clock import SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.wire import Message, ProbeMessage, WindowMessage
from tests.cloud.simulation.fleets import NOON, messages
from tests.support.brokers import Mosquitto, until
from tests.support.influxdb import Engine

pytestmark = [pytest.mark.mosquitto, pytest.mark.influxdb, pytest.mark.slow]


CONFIG = "store: {{path: {path}, retention_days: 3650}}\nmqtt: {{port: {port}}}\n"


def simulate(folder: Path, *arguments: str, port: int = 1883) -> int:
    config = folder / "cloud.yaml"
    config.write_text(CONFIG.format(path=folder / "store.sqlite", port=port))
    shape = ("--stores", "3", "--days", "2", "--last-day", "2026-03-03", "--window", "900")
    return main(["simulate", "--config", str(config), *shape, *arguments])


def stored(folder: Path) -> list[WindowMessage]:
    store = EmbeddedStore(folder / "store.sqlite", retention_days=3650, clock=SystemClock())
    try:
        span = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
        return [window for site in store.sites() for window in store.windows(site, *span)]
    finally:
        store.close()


def test_the_command_fills_the_store_and_a_second_run_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, truth = tmp_path / "chain.yaml", tmp_path / "truth.jsonl"
    assert simulate(tmp_path, "--json", "--chain-out", str(chain), "--truth-out", str(truth)) == 0
    result = json.loads(capsys.readouterr().out)
    first = stored(tmp_path)
    assert result["windows"] == len(first) > 200
    assert result["visits"] == sum(window.totals.visits for window in first)
    sites = Chain.load(chain).sites
    told = [json.loads(line) for line in truth.read_text().splitlines()]
    assert len(told) == 2 * sum(len(site.roles) for site in sites.values())
    for day in told:
        site = sites[day["site"]]
        mine = [window for window in first if window.site == day["site"]]
        assert tally(mine, site, date.fromisoformat(day["day"]), day["role"]).visits == day["visits"]
    assert simulate(tmp_path) == 0
    assert "windows with" in capsys.readouterr().out
    assert stored(tmp_path) == first


def test_through_a_broker_and_a_bridge_comes_the_same(tmp_path: Path) -> None:
    direct, bridged = tmp_path / "direct", tmp_path / "bridged"
    direct.mkdir()
    bridged.mkdir()
    assert simulate(direct) == 0
    store = EmbeddedStore(bridged / "store.sqlite", retention_days=3650, clock=SystemClock())
    with Mosquitto(bridged) as broker:
        bridge = Bridge(store, Broker("127.0.0.1", broker.port), client_id="bridge")
        working = threading.Thread(target=bridge.run)
        working.start()
        try:
            assert bridge.subscribed.wait(10)
            assert simulate(bridged, "--broker", port=broker.port) == 0
            expected = stored(direct)
            until(lambda: len(stored(bridged)) == len(expected), "the bridge has stored them all")
        finally:
            bridge.stop()
            working.join(20)
            store.close()
    assert stored(bridged) == expected


def test_a_broker_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(tmp_path, "--broker", port=1) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "broker localhost:1: " in line
    assert "check mqtt.host" in line


def test_a_broker_that_refuses_is_told(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path, anonymous=False) as broker,
        pytest.raises(UserError, match=r"refuses this client: Not authorized; check mqtt\.username"),
    ):
        through_broker([], Broker("127.0.0.1", broker.port), SystemClock())


class Refusing:
    """A store that takes nothing (``reason``), or whose writing ends in a fault that nobody named."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def write(self, messages: Sequence[Message]) -> None:
        raise self._fault

    def contains(self, probe: ProbeMessage) -> bool:
        raise self._fault

    def record_duplicates(self, windows: Mapping[tuple[str, str], int], at: datetime) -> None:
        raise self._fault

    def record_dead_letter(self, letter: DeadLetter) -> None:
        raise self._fault

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        raise self._fault

    def close(self) -> None:
        """Nothing is open."""


def stream(site_days: Sequence[SiteDay]) -> Iterator[tuple[datetime, Message]]:
    for message in messages(site_days):
        yield NOON, message


def test_what_the_store_never_takes_is_an_error(site_days: list[SiteDay]) -> None:
    with pytest.raises(UserError, match=r"store: \d+ messages were refused; the first reason: too old"):
        through_intake(stream(site_days[:1]), Refusing(StoreRejected("too old")), SimulatedClock())


def test_a_fault_of_the_store_ends_the_command(site_days: list[SiteDay]) -> None:
    with pytest.raises(RuntimeError, match="nobody named it"):
        through_intake(stream(site_days), Refusing(RuntimeError("nobody named it")), SimulatedClock())


def test_a_database_that_is_not_there_ends_the_command(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, and at once; the chain file is whole all the same."""
    store = engine.named("nowhere").settings
    config, chain = tmp_path / "cloud.yaml", tmp_path / "chain.yaml"
    config.write_text(json.dumps({"store": store}))
    few = ["--sites", "2", "--days", "2", "--window", "900", "--chain-out", str(chain)]
    assert main(["simulate", "--config", str(config), *few]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "footlight-cloud:" in line]
    assert "store: InfluxDB answered 404: " in line
    assert "fix this, then run the command again" in line
    assert len(Chain.load(chain).sites) == 2


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(tmp_path, "--chain-out", str(tmp_path / "no" / "chain.yaml")) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "footlight-cloud:" in line]
    assert "chain.yaml: cannot be written" in line


@pytest.mark.parametrize(("option", "value"), [("--stores", "0"), ("--days", "-1"), ("--last-day", "monday")])
def test_a_wrong_value_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        simulate(tmp_path, option, value)
    assert ended.value.code == 2
    assert option in capsys.readouterr().err.splitlines()[-1]
