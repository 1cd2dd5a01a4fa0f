"""The servers of a chaos run as they are shipped: the broker's configuration, certificates and access list, the
bridges' settings, and the store, with what is in it."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from cloud.domain.levels import LEVELS
from cloud.stores.setup import set_up
from tests.chaos.truth import Counts
from tests.support.brokers import until
from tests.support.influxdb import PASSWORD, USER, engine_commands, make_user
from tests.support.programs import require_program
from tests.support.secure_broker import CLOUD, secrets

BROKER_PORT = 8883
_PORTS = {"engine": 8087, "rpc": 8088, "front": 8086}
_BUCKET = "footlight"
_WINDOWS = "pattern write footlight/v1/%u/window\n"
_START_S = 300.0
_NO_DOOR = {"entries": -1, "exits": -1}
SESSION_EXPIRY_S = 20
"""Of the bridges: shorter than the hour of the product, so that a broker gives up a bridge that is away, too."""


class Certificates:
    """The authority of cloud/compose, and what the devices have of it on their own disks."""

    def __init__(self, made: Path, devices: Path, broker: str) -> None:
        self.made, self.devices, self._broker = made, devices, broker
        self._run("init", broker)
        devices.mkdir(parents=True, exist_ok=True)
        shutil.copy(made / "ca.crt", devices)

    def issue(self, name: str) -> None:
        """Give the device ``SITE/DEVICE`` a new certificate."""
        made, own = self.made / "devices" / name, self.devices / name
        made.with_suffix(".crt").unlink(missing_ok=True)
        self._run("device", *name.split("/"))
        own.mkdir(parents=True, exist_ok=True)
        for kind in ("crt", "key"):
            shutil.copy(made.with_suffix(f".{kind}"), own / f"new.{kind}")
        for kind in ("crt", "key"):
            (own / f"new.{kind}").rename(own / f"device.{kind}")

    def revoke(self, name: str) -> None:
        """Revoke it; whoever has the disk of the device still has the files."""
        self._run("revoke", *name.split("/"))

    def renew(self, server: str) -> None:
        """Give the broker, or all bridges, a new certificate."""
        (self.made / f"{server}.crt").unlink()
        self._run("init", self._broker)

    def _run(self, *arguments: str) -> None:
        done = secrets(self.made, *arguments)
        assert done.returncode == 0, done.stderr


class BrokerFiles:
    """The configuration of the composition; only addresses and paths are the run's."""

    def __init__(self, folder: Path, address: str, certificates: Certificates) -> None:
        self._acl = folder / "acl"
        self._config = folder / "mosquitto.conf"
        text = (CLOUD / "compose" / "mosquitto.conf").read_text(encoding="utf-8")
        for theirs, ours in (
            ("listener 8883", f"listener {BROKER_PORT} {address}"),
            ("/run/secrets/", f"{certificates.made}/"),
            ("/mosquitto/config/acl", str(self._acl)),
            ("/mosquitto/data/", f"{folder}/"),
        ):
            assert theirs in text
            text = text.replace(theirs, ours)
        self._config.write_text(f"{text}\nuser root\n", encoding="utf-8")
        self.allow_windows(allowed=True)

    @property
    def command(self) -> list[str]:
        return [require_program("mosquitto", "apt-get install mosquitto"), "-c", str(self._config)]

    def allow_windows(self, *, allowed: bool) -> None:
        """Write the access list that is shipped, or one that forgets the windows of devices."""
        text = (CLOUD / "compose" / "acl").read_text(encoding="utf-8")
        assert _WINDOWS in text
        self._acl.write_text(text if allowed else text.replace(_WINDOWS, ""), encoding="utf-8")


def bridge_settings(name: str, broker: str, store: str, made: Path, keepalive_s: int) -> str:
    """The settings of one of the bridges; JSON is YAML."""
    tls = {"ca": "ca.crt", "cert": "bridge.crt", "key": "bridge.key"}
    return json.dumps(
        {
            "mqtt": {
                "host": broker,
                "port": BROKER_PORT,
                "client_id": name,
                "keepalive_s": keepalive_s,
                "session_expiry_s": SESSION_EXPIRY_S,
                "tls": {key: str(made / file) for key, file in tls.items()},
            },
            "store": {
                "kind": "influx",
                "url": f"http://{store}:{_PORTS['front']}",
                "token": f"{USER}:{PASSWORD}",
                "bucket": _BUCKET,
            },
        }
    )


class StoreFiles:
    """A real InfluxDB; all methods but ``commands`` must run on its host."""

    def __init__(self, folder: Path, address: str) -> None:
        self.commands = engine_commands(folder, _PORTS, address=address)
        """How to start the engine, and the front that gives it the v2 write API."""
        self._address = address
        self._http = httpx.Client(auth=(USER, PASSWORD), timeout=300)  # one: each reads all certificates
        self._engine = f"http://127.0.0.1:{_PORTS['engine']}"

    def close(self) -> None:
        self._http.close()

    def answers(self) -> bool:
        try:
            return self._http.get(f"{self._engine}/ping", timeout=2).status_code == 204
        except httpx.TransportError:
            return False

    def prepare(self) -> None:
        """Make the user and the databases."""
        make_user(self._engine)
        kept = dict.fromkeys(LEVELS)
        url, token = f"http://{self._address}:{_PORTS['front']}", f"{USER}:{PASSWORD}"
        made = list(set_up(url=url, token=token, org="-", bucket=_BUCKET, kept=kept, timeout_s=30))
        assert {step.verb for step in made} == {"made"}

    def windows(self) -> dict[tuple[str, int], list[Counts]]:
        """The counts of each device and start of a window; several where it has them several times."""
        sites = self._rows("SHOW TAG VALUES FROM window WITH KEY = site")
        # One site after the other: a whole day of many devices at once would be most of the memory of the store.
        return dict(item for site in sites for item in self._windows_of(site["value"]).items())

    def _windows_of(self, site: str) -> dict[tuple[str, int], list[Counts]]:
        of_site = f"WHERE site = '{site}' GROUP BY *"
        # Windows first: what still arrives meanwhile comes with its door and its cohort.
        windows = self._rows(f"SELECT visits, viewers FROM window {of_site}")  # noqa: S608 - a site of ours
        doors = self._rows(f"SELECT entries, exits FROM door {of_site}")  # noqa: S608
        cohorts = self._rows(f"SELECT visits FROM cohort {of_site}")  # noqa: S608
        door_of = {_key(row): row for row in doors}
        cohort_of = {_key(row): row["visits"] for row in cohorts}
        found: defaultdict[tuple[str, int], list[Counts]] = defaultdict(list)
        for row in windows:
            key = _key(row)
            door = door_of.get(key, _NO_DOOR)
            counts = Counts(row["visits"], row["viewers"], door["entries"], door["exits"], cohort_of.get(key))
            found[key].append(counts)
        return found

    def number(self, question: str) -> int:
        """The only number that a statement answers, 0 if it answers nothing."""
        rows = self._rows(question)
        return int(rows[0]["count"]) if rows else 0

    def _rows(self, question: str) -> list[Mapping[str, Any]]:
        until(self.answers, "the store answers", _START_S)  # it may have been killed, and be about to start
        asked = {"q": question, "db": _BUCKET, "epoch": "s"}
        answer = self._http.get(f"{self._engine}/query", params=asked)
        (result,) = answer.raise_for_status().json()["results"]
        assert "error" not in result, result
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], row, strict=True))}
            for series in result.get("series", [])
            for row in series["values"]
        ]


def _key(row: Mapping[str, Any]) -> tuple[str, int]:
    return f"{row['site']}/{row['device']}", int(str(row["time"]))
