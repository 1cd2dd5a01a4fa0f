"""A plain Debian machine becomes the server of a chain: broker, bridge, page, and what Grafana is to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.publish
import pytest
import yaml
from paho.mqtt.client import MQTTv5

from cloud.domain.levels import KEPT_DAYS, LEVELS, SHARD_DAYS
from common.wire import encode, topic
from tests.appliance.control import ANSIBLE, Control, network_of
from tests.appliance.first_login import first_login
from tests.appliance.machine import Machine
from tests.appliance.patience import until
from tests.appliance.releases import WHEELHOUSE
from tests.support.brokers import free_port
from tests.support.influxdb import PASSWORD, USER, Engine, influxdb_engine
from tests.support.messages import window
from tests.support.paths import ROOT
from tests.support.programs import require_made

BUCKET = "chain"

PLAY = """
- {name: Broker, hosts: broker, become: true, roles: [broker]}
- {name: Bridge, hosts: bridge, become: true, roles: [bridge]}
- {name: Page, hosts: page, become: true, roles: [page]}
- {name: Backup, hosts: page, become: true, roles: [backup]}
- name: A device, with nothing but its certificate
  hosts: device
  become: true
  gather_facts: false
  tasks:
    - name: Have it
      ansible.builtin.include_role: {name: authority, tasks_from: issue}
      vars: {authority_unit: footlight-edge, authority_subject: shop/door}
  handlers:
    - name: Nothing to restart
      ansible.builtin.meta: noop
      listen: [Certificate of footlight-edge, Authority of footlight-edge]
"""


@dataclass(frozen=True, slots=True)
class Server:
    """One machine with everything a server has, and a device's certificate on it."""

    machine: Machine
    control: Control
    influx: Engine
    playbook: Path
    first_output: str

    def config(self) -> Any:
        return yaml.safe_load(self.machine.run("cat /etc/footlight/cloud.yaml").stdout)

    @property
    def page(self) -> str:
        shown = yaml.safe_load(self.machine.run("cat /etc/footlight/page.yaml").stdout)["serve"]["page"]
        return f"http://{shown['host']}:{shown['port']}"

    def rows(self, query: str) -> list[list[Any]]:
        answer = httpx.post(
            f"{self.influx.url}/query", data={"q": query, "db": BUCKET}, auth=(USER, PASSWORD)
        ).json()
        return [row for series in answer["results"][0].get("series", []) for row in series["values"]]

    def send(self, visits: int, minutes: int) -> None:
        """A window of the device, over TLS and with its certificate; returns when the broker has it."""
        message = window(0, visits=visits, start=ago(minutes))
        tls: paho.mqtt.publish.TLSParameter = {
            "ca_certs": str(self.fetched("ca.crt")),
            "certfile": str(self.fetched("device.crt")),
            "keyfile": str(self.fetched("device.key")),
        }
        paho.mqtt.publish.single(
            topic(message), encode(message), qos=1, hostname="127.0.0.1", port=8883, tls=tls, protocol=MQTTv5
        )

    def fetched(self, name: str) -> Path:
        path = self.control.folder / name
        path.write_text(self.machine.run(f"cat /etc/footlight/tls/footlight-edge/{name}").stdout)
        return path

    def stored(self, visits: int, minutes: int) -> None:
        """Send a window of some minutes ago and wait until the store has it."""
        self.send(visits, minutes)
        until(
            lambda: [visits] in [row[1:] for row in self.rows('SELECT visits FROM "window"')], "it is stored"
        )


def ago(minutes: int) -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=minutes)


@pytest.fixture(scope="module")
def server(prepared: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    require_made(WHEELHOUSE / "manifest.json", "make wheelhouse ARCH=x86_64 EXTRAS='edge cloud'")
    folder = tmp_path_factory.mktemp("chain")
    machine = prepared
    with network_of(machine), influxdb_engine(tmp_path_factory.mktemp("influxdb")) as influx:
        variables = {
            "authority_passphrase": "open sesame",
            "broker_hosts": ["127.0.0.1"],
            "bridge_broker": "127.0.0.1",
            "bridge_influx_url": influx.url,
            "bridge_influx_token": f"{USER}:{PASSWORD}",
            "bridge_influx_bucket": BUCKET,
            "bridge_influx_create": True,
            "bridge_chain": str(ROOT / "cloud" / "chain.example.yaml"),
            "page_influx_url": influx.url,
            "page_influx_token": f"{USER}:{PASSWORD}",
            "page_influx_bucket": BUCKET,
            "page_broker": "127.0.0.1",
            "page_port": free_port(),
            "page_chain": str(ROOT / "cloud" / "chain.example.yaml"),
            "edge_wheelhouse": str(WHEELHOUSE),
        }
        names = ("broker", "bridge", "page", "device")
        control = Control(folder, {"server": machine}, {name: ["server"] for name in names}, variables)
        playbook = folder / "server.yml"
        playbook.write_text(PLAY)
        control.play(playbook, "--check")  # of a machine that has nothing yet
        output = control.play(playbook).output
        yield Server(machine, control, influx, playbook, output)


def test_a_window_of_a_device_gets_into_the_store(server: Server) -> None:
    server.stored(7, minutes=10)


def test_every_level_is_kept_as_long_as_it_should(server: Server) -> None:
    """What the role creates is what the code takes for granted."""
    for level, database in zip(LEVELS, (BUCKET, f"{BUCKET}_quarter", f"{BUCKET}_day"), strict=True):
        ((_, kept, shard, *_),) = (
            row for row in server.rows(f'SHOW RETENTION POLICIES ON "{database}"') if row[-1] is True
        )
        assert kept == f"{24 * (KEPT_DAYS[level] or 0) or '0'}{'h0m0s' if KEPT_DAYS[level] else 's'}"
        assert shard == f"{24 * SHARD_DAYS[level]}h0m0s"


def test_rollup_and_reports_run_in_their_time(server: Server) -> None:
    timers = server.machine.run("systemctl list-timers --all --no-legend 'footlight-*'").stdout
    assert {name for name in ("footlight-rollup.timer", "footlight-report.timer") if name in timers} == {
        "footlight-rollup.timer",
        "footlight-report.timer",
    }
    server.machine.run("systemctl start footlight-rollup")
    server.machine.run("systemctl start footlight-report")


def test_the_page_asks_for_a_login_and_reads_the_store(server: Server) -> None:
    assert httpx.get(f"{server.page}/", follow_redirects=True).url.path == "/login"
    assert "footlight_store_up 1.0" in httpx.get(f"{server.page}/metrics").text.splitlines()
    assert users(server).split()[:2] == ["installer", "installer"]


def test_the_first_password_is_shown_once_and_good_for_a_login(server: Server) -> None:
    password = first_login(server.page, server.first_output)
    assert password not in server.machine.run("journalctl --quiet").stdout


def test_root_may_ask_devices_for_settings_from_here(server: Server) -> None:
    server.machine.run("echo 'detection: {min_score: 0.6}' >change.yaml")
    asked = server.machine.run(
        "/opt/footlight/current/bin/footlight-cloud configure --config /etc/footlight/configure.yaml"
        " --site shop --device door --wait 5 change.yaml",
        check=False,
    )
    assert (asked.returncode, asked.stderr) == (1, "")
    assert "shop/door is not connected; the broker keeps config" in asked.stdout


def test_a_second_run_changes_nothing(server: Server) -> None:
    for arguments in ((), ("--check",)):
        assert server.control.play(server.playbook, *arguments).changed == {"server": 0}


def test_a_wrong_token_is_told_before_anything_is_changed(server: Server) -> None:
    before = server.config()
    wrong = server.control.play(
        server.playbook, "--limit", "bridge", "-e", "bridge_influx_token=footlight:wrong", check=False
    )
    assert wrong.failed
    assert "is bridge_influx_token right?" in wrong.output
    assert server.config() == before


def test_a_wrong_setting_is_told_and_never_gets_there(server: Server) -> None:
    before = server.config()
    wrong = server.control.play(
        server.playbook, "-e", '{"bridge_settings": {"mqtt": {"porrt": 8883}}}', check=False
    )
    assert wrong.failed
    assert "porrt" in wrong.output
    assert server.config() == before


def test_the_bridge_goes_on_with_a_new_certificate(server: Server) -> None:
    invocation = server.machine.run("systemctl show -P InvocationID footlight-bridge").stdout
    server.control.play(ANSIBLE / "certificates.yml", "--limit", "bridge", "-e", "authority_renew_days=1000")
    assert server.machine.run("systemctl show -P InvocationID footlight-bridge").stdout != invocation
    server.stored(11, minutes=5)


def test_a_server_that_lost_everything_comes_back_from_an_archive(server: Server) -> None:
    """The unit makes it in its sandbox, one play brings it to the control machine, and another brings it back."""
    server.stored(13, minutes=20)
    before = {"window": server.rows('SELECT * FROM "window"'), "users": users(server)}
    server.control.play(ANSIBLE / "backup.yml")
    (archive,) = (server.control.folder / "backups").rglob("*.zip")
    assert archive.stat().st_mode & 0o777 == 0o600
    server.machine.run(
        "systemctl stop mosquitto footlight-bridge footlight-page\n"
        "rm -r /var/lib/private/footlight-page /var/lib/footlight-page /var/lib/mosquitto"
        " /etc/mosquitto/acl /etc/footlight/tls"
    )
    for database in (BUCKET, f"{BUCKET}_quarter", f"{BUCKET}_day"):
        server.rows(f'DROP DATABASE "{database}"')
    assert server.control.play(server.playbook).failed == 0  # the page of an empty machine has begun to write
    server.control.play(ANSIBLE / "restore.yml", "-e", f"backup_archive={archive}")
    server.machine.run("systemctl start mosquitto footlight-bridge footlight-page")
    assert server.rows('SELECT * FROM "window"') == before["window"]
    assert users(server) == before["users"]
    server.stored(17, minutes=15)
    assert server.control.play(server.playbook).failed == 0
    server.stored(19, minutes=25)


def users(server: Server) -> str:
    return server.machine.run(
        "STATE_DIRECTORY=/var/lib/footlight-page /opt/footlight/current/bin/footlight-cloud"
        " users list --config /etc/footlight/page.yaml"
    ).stdout
