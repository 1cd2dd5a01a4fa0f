"""Role grafana brings every file where Grafana's own user reads it.

Debian has no package of Grafana: one stands in for it, whose service tells what it is given to read, as that user.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.appliance.control import Control, network_of
from tests.appliance.machine import Machine
from tests.support.paths import ROOT

PLAY = "[{name: Dashboards, hosts: grafana, become: true, roles: [grafana]}]"
TOKEN, PASSWORD = "reader:may only read", "for the first start"

CONTROL = """Package: grafana
Version: 12.4.0
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: stands in for Grafana
"""
POSTINST = """#!/bin/sh
set -e
useradd --system --user-group grafana
systemctl daemon-reload
"""
UNIT = """[Service]
User=grafana
ExecStart=/usr/bin/python3 /usr/share/grafana/server.py
[Install]
WantedBy=multi-user.target
"""
SERVER = """
import http.server, json, os, pathlib
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/api/health":
            answer = {}
        elif self.path == "/env":
            answer = dict(os.environ)
        else:
            path = pathlib.Path(self.path)
            answer = sorted(map(str, path.iterdir())) if path.is_dir() else path.read_text()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())
http.server.HTTPServer((os.environ["GF_SERVER_HTTP_ADDR"], 3000), Handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Grafana:
    control: Control
    playbook: Path

    def read(self, path: str) -> Any:
        """A file's text, the names in a folder, or its environment, as the service sees them."""
        return httpx.get(f"http://127.0.0.1:3000{path}").json()


def package(folder: Path) -> Path:
    """A package file with the name, the user and the unit of Grafana's."""
    for name, text, mode in (
        ("DEBIAN/control", CONTROL, 0o644),
        ("DEBIAN/postinst", POSTINST, 0o755),
        ("usr/lib/systemd/system/grafana-server.service", UNIT, 0o644),
        ("usr/share/grafana/server.py", SERVER, 0o644),
    ):
        path = folder / "grafana" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
    made = folder / "grafana.deb"
    subprocess.run(
        ["dpkg-deb", "--build", str(folder / "grafana"), str(made)], check=True, capture_output=True
    )
    return made


@pytest.fixture(scope="module")
def grafana(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    folder = tmp_path_factory.mktemp("chain")
    variables = {
        "grafana_deb": str(package(folder)),
        "grafana_admin_password": PASSWORD,
        "grafana_influx_url": "http://localhost:8086",
        "grafana_influx_token": TOKEN,
        "grafana_influx_bucket": "chain",
    }
    with network_of(machine):
        control = Control(folder / "control", {"server": machine}, {"grafana": ["server"]}, variables)
        playbook = folder / "grafana.yml"
        playbook.write_text(PLAY)
        control.play(playbook, "--check")  # of a machine that has nothing yet
        control.play(playbook)
        yield Grafana(control, playbook)


def test_its_user_reads_everything_it_is_pointed_at(grafana: Grafana) -> None:
    (provider,) = yaml.safe_load(grafana.read("/etc/grafana/provisioning/dashboards/footlight.yaml"))[
        "providers"
    ]
    folder = provider["options"]["path"]
    generated = ROOT / "dashboards" / "generated"
    assert grafana.read(folder) == [f"{folder}/{path.name}" for path in sorted(generated.glob("*.json"))]
    for path in generated.glob("*.json"):
        assert json.loads(grafana.read(f"{folder}/{path.name}")) == json.loads(path.read_text())

    alerts = yaml.safe_load(grafana.read("/etc/grafana/provisioning/alerting/footlight.yaml"))
    ours = ROOT / "dashboards" / "provisioning" / "alerting" / "footlight.yaml"
    assert alerts == yaml.safe_load(ours.read_text())


def test_its_data_sources_ask_the_store_with_a_token_that_only_it_reads(grafana: Grafana) -> None:
    text = grafana.read("/etc/grafana/provisioning/datasources/footlight.yaml")
    env = grafana.read("/env")
    assert TOKEN not in text
    for source in yaml.safe_load(text)["datasources"]:
        (secret,) = re.findall(r"^Token \$__file\{(.*)\}$", source["secureJsonData"]["httpHeaderValue1"])
        assert grafana.read(secret) == TOKEN
        used = set(re.findall(r"\$\{(\w+)\}", source["url"] + source["jsonData"]["dbName"]))
        assert used == {"INFLUXDB_URL", "INFLUXDB_DATABASE"}
    assert (env["INFLUXDB_URL"], env["INFLUXDB_DATABASE"]) == ("http://localhost:8086", "chain")
    (password,) = re.findall(r"^\$__file\{(.*)\}$", env["GF_SECURITY_ADMIN_PASSWORD"])
    assert grafana.read(password) == PASSWORD


def test_a_second_run_changes_nothing(grafana: Grafana) -> None:
    for arguments in ((), ("--check",)):
        assert grafana.control.play(grafana.playbook, *arguments).changed == {"server": 0}


def test_without_a_package_the_way_out_is_told(grafana: Grafana, machine: Machine, tmp_path: Path) -> None:
    machine.run("dpkg --purge grafana")
    bare = Control(
        tmp_path,
        {"server": machine},
        {"grafana": ["server"]},
        {"grafana_admin_password": PASSWORD, "grafana_influx_url": "http://x", "grafana_influx_token": TOKEN},
    )
    told = bare.play(grafana.playbook, check=False)
    assert told.failed
    assert "set grafana_deb to a package file, or set grafana_repository" in " ".join(told.output.split())
