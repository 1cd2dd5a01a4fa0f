"""With which version of a real part a test ran: each test says so in the report that ``make proven`` reads."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace

import httpx
import pytest

from tests.support.broker_cluster import needs_cluster
from tests.support.programs import PATH
from tests.support.real_grafana import needs_grafana

_PROGRAMS = {
    "mosquitto": ("mosquitto", "-h"),
    "chromium": ("chromium", "--version"),
    "systemd": ("systemd-analyze", "--version"),
    "influxdb": ("influxd", "version"),
}
"""By marker: how a program tells its version."""
_NAMES = {"mosquitto": "mosquitto", "chromium": "Chromium", "systemd": "systemd", "influxdb": "InfluxDB"}
_NO_PARAMETERS = SimpleNamespace(params={})
_VERSION = re.compile(r"\d+(?:\.\d+)*")


def real_parts(test: pytest.Item) -> Iterator[str]:
    """Return the real parts that a test needs, such as ``mosquitto 2.0.11``."""
    yield f"Python {platform.python_version()}"
    for marker, name in _NAMES.items():
        if test.get_closest_marker(marker) and (version := _version(marker)):
            yield f"{name} {version}"
    if needs_grafana.mark in test.iter_markers("skipif") and os.environ.get("GRAFANA_URL"):
        yield f"Grafana {_grafana()}"
    if needs_cluster.mark in test.iter_markers("skipif") and (cluster := os.environ.get("BROKER_NAME")):
        yield f"{cluster}, a cluster"
    parameters = getattr(test, "callspec", _NO_PARAMETERS).params
    if release := parameters.get("debian"):
        yield f"Debian {release}, booted"
    if release := parameters.get("pi"):
        yield f"Debian {release} on an emulated arm64"


@cache
def _version(marker: str) -> str:
    if marker == "influxdb" and (url := os.environ.get("INFLUX_URL")):
        return str(httpx.get(f"{url}/ping").headers.get("X-Influxdb-Version", "").removeprefix("v"))
    program, ask = _PROGRAMS[marker]
    found = shutil.which(program, path=PATH)
    if found is None:
        return ""
    told = subprocess.run([found, ask], capture_output=True, text=True, timeout=60, check=False)
    version = _VERSION.search(told.stdout)
    return version[0] if version else ""


@cache
def _grafana() -> str:
    return str(httpx.get(f"{os.environ['GRAFANA_URL']}/api/health").json().get("version", ""))
