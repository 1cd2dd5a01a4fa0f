"""A shop with one Pi and no server: broker, store and page on it, set up by the playbook's role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import paho.mqtt.publish
import pytest
from paho.mqtt import MQTTException
from paho.mqtt.client import MQTTv311

from common.wire import encode, topic
from tests.appliance.control import Control, network_of
from tests.appliance.first_login import first_login
from tests.appliance.machine import Machine
from tests.appliance.patience import until
from tests.appliance.releases import WHEELHOUSE
from tests.support.messages import window
from tests.support.programs import require_made

PLAY = "[{name: Box, hosts: serve, become: true, roles: [serve]}]"
PASSWORD = "no word anybody knows"
ACCOUNTS = "STATE_DIRECTORY=/var/lib/footlight-serve /opt/footlight/current/bin/footlight-cloud"
CONFIG = "--config /etc/footlight/cloud.yaml"


@dataclass(frozen=True, slots=True)
class Shop:
    machine: Machine
    control: Control
    playbook: Path
    first_output: str
    token: str

    def send(self, visits: int, password: str) -> None:
        """A window of the last minutes, as a device of this shop sends it; raises when the broker refuses."""
        started = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2)
        message = window(0, visits=visits, start=started)
        paho.mqtt.publish.single(
            topic(message),
            encode(message),
            qos=1,
            hostname="127.0.0.1",
            auth={"username": "shop/door", "password": password},
            protocol=MQTTv311,
        )

    def today(self) -> str:
        """What the page knows of today."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.get("http://127.0.0.1:8080/api/shop/today", headers=headers).text


@pytest.fixture(scope="module")
def shop(prepared: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    require_made(WHEELHOUSE / "manifest.json", "make wheelhouse ARCH=x86_64 EXTRAS='edge cloud'")
    folder = tmp_path_factory.mktemp("shop")
    variables = {
        "serve_page_host": "0.0.0.0",
        "serve_timezone": "UTC",
        "serve_users": {"shop/door": PASSWORD},
        "edge_wheelhouse": str(WHEELHOUSE),
    }
    machine = prepared
    machine.run("systemctl disable --now mosquitto")  # a Pi has none
    with network_of(machine):
        control = Control(folder, {"pi": machine}, {"serve": ["pi"]}, variables)
        playbook = folder / "box.yml"
        playbook.write_text(PLAY)
        control.play(playbook, "--check")  # of a machine that has nothing yet
        output = control.play(playbook).output
        token = machine.run(f"{ACCOUNTS} tokens add test --role viewer --all-sites {CONFIG}").stdout.strip()
        yield Shop(machine, control, playbook, output, token)


def test_the_page_shows_what_a_device_counted(shop: Shop) -> None:
    shop.send(4_711, PASSWORD)
    until(lambda: "4711" in shop.today(), "the page shows it")


def test_the_page_asks_for_a_login_and_the_first_password_is_shown_once(shop: Shop) -> None:
    assert httpx.get("http://127.0.0.1:8080/api/shop/today").status_code == 401
    password = first_login("http://127.0.0.1:8080", shop.first_output)
    assert "the first password is" not in shop.control.play(shop.playbook).output
    assert password not in shop.machine.run("journalctl --quiet").stdout


def test_nobody_without_the_password_is_counted(shop: Shop) -> None:
    with pytest.raises(MQTTException):
        shop.send(4_723, "guessed")
    assert "4723" not in shop.today()


def test_only_root_reads_the_password(shop: Shop) -> None:
    assert shop.machine.run("stat -c '%a %U' /etc/footlight/cloud.yaml").stdout == "600 root\n"
    assert PASSWORD not in shop.machine.run("journalctl --quiet").stdout


def test_a_second_run_changes_nothing(shop: Shop) -> None:
    for arguments in ((), ("--check",)):
        assert shop.control.play(shop.playbook, *arguments).changed == {"pi": 0}


def test_a_broker_open_to_everybody_is_refused_and_the_old_settings_stay(shop: Shop) -> None:
    before = shop.machine.run("cat /etc/footlight/cloud.yaml").stdout
    wrong = shop.control.play(
        shop.playbook, "-e", '{"serve_broker_host": "0.0.0.0", "serve_users": {}}', check=False
    )
    assert wrong.failed
    assert "add users" in wrong.output
    assert shop.machine.run("cat /etc/footlight/cloud.yaml").stdout == before


def test_a_broker_that_is_there_already_is_told(shop: Shop) -> None:
    """Debian's mosquitto on the same port, for one."""
    shop.machine.run("systemctl stop footlight-serve; systemctl start mosquitto")
    try:
        told = shop.control.play(shop.playbook, check=False)
        assert told.failed
        assert "cannot listen on 127.0.0.1:1883" in told.output
    finally:
        shop.machine.run("systemctl stop mosquitto")
