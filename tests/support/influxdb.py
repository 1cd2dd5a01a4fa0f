"""A real InfluxDB for the tests.

Usually Debian's engine (1.6) behind a small nginx that gives it the v2 write API and the tokens of 1.8 and later. With
``INFLUX_URL``, ``INFLUX_TOKEN`` and, for 2.x, ``INFLUX_ORG`` in the environment it is the server there. It must be one
for tests: they create and drop databases or buckets whose names begin with "test-".
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from cloud.domain.levels import LEVELS, Level, bucket_of, identifier
from cloud.stores.setup import set_up
from tests.support.brokers import free_port, until
from tests.support.programs import require_program

USER, PASSWORD = "footlight", "right"

_INFLUX = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
cache-snapshot-write-cold-duration = "{cold}"
compact-full-write-cold-duration = "{cold}"
[http]
bind-address = "127.0.0.1:{engine}"
auth-enabled = true
log-enabled = false
"""

_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_max_body_size 32m;
    client_body_buffer_size 32m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $arg_bucket $db {{ "~^(?<d>[^%/]+)" $d; }}
    map $arg_bucket $rp {{ "~(%2F|/)(?<r>.+)$" $r; }}
    map $http_authorization $user {{ "~^Token (?<u>[^:]+):" $u; }}
    map $http_authorization $password {{ "~^Token [^:]+:(?<p>.+)$" $p; }}
    map $http_authorization $other {{ default $http_authorization; "~^Token " ""; }}
    server {{
        listen {address}:{front};
        location = /api/v2/write {{
            set $args "db=$db&rp=$rp&precision=n&u=$user&p=$password";
            rewrite ^ /write break;
            proxy_set_header Authorization "";
            proxy_pass http://127.0.0.1:{engine};
        }}
        location = /query {{
            if ($user) {{ set $args "$args&u=$user&p=$password"; }}
            proxy_set_header Authorization $other;
            proxy_pass http://127.0.0.1:{engine};
        }}
        location / {{ proxy_pass http://127.0.0.1:{engine}; }}
    }}
}}
"""


class Engine:
    """One server for all tests; each works in databases of its own. ``url`` speaks the v2 write API."""

    def __init__(self, url: str, token: str, org: str, http: httpx.Client) -> None:
        self.url, self.token, self.org, self._http = url, token, org, http
        run = secrets.token_hex(3)
        self._names = (f"test-{run}-{number}" for number in count())
        self.version = http.get(f"{url}/ping").headers["X-Influxdb-Version"].removeprefix("v")

    @contextmanager
    def installation(self) -> Iterator[InfluxDB]:
        """A fresh database for each level of storage, kept for ever and dropped at the end."""
        fresh = self.named(next(self._names))
        forever = dict.fromkeys(LEVELS)
        made = list(set_up(**fresh.address, org=self.org, kept=forever, timeout_s=30))
        assert {step.verb for step in made} == {"made"}
        try:
            yield fresh
        finally:
            for level in LEVELS:
                fresh.drop(level)

    def named(self, bucket: str) -> InfluxDB:
        """An installation that is not there yet."""
        return InfluxDB(self.url, bucket, self._http, token=self.token, org=self.org, version=self.version)


class InfluxDB:
    """One installation: ``url``, ``token``, ``org`` and ``bucket`` are what the configuration says of it."""

    def __init__(
        self, url: str, bucket: str, http: httpx.Client, *, token: str, org: str = "-", version: str = "1"
    ) -> None:
        self.url, self.bucket, self.token, self.org = url, bucket, token, org
        self.has_buckets = version.startswith("2.")
        """Buckets and an API for them, instead of databases and InfluxQL."""
        self._http = http

    @property
    def address(self) -> dict[str, str]:
        """Where it is read: the first arguments of ``InfluxQL``."""
        return {"url": self.url, "token": self.token, "bucket": self.bucket}

    @property
    def settings(self) -> dict[str, str]:
        """The section ``store`` of a configuration."""
        return {"kind": "influx", **self.address, "org": self.org}

    def database(self, level: Level = "raw") -> str:
        return bucket_of(self.bucket, level)

    def write(self, lines: str, level: Level = "raw") -> None:
        """Points in line protocol, past the store."""
        values = {"db": self.database(level)}
        answer = self._http.post(f"{self.url}/write", params=values, content=lines)
        answer.raise_for_status()

    def query(self, text: str, level: Level = "raw") -> list[dict[str, Any]]:
        """The rows of all series of one statement, tags among the columns; times in seconds."""
        values = {"q": text, "db": self.database(level), "epoch": "s"}
        answer = self._http.post(f"{self.url}/query", params=values).raise_for_status().json()
        (result,) = answer.get("results", [{}])  # 2.x has none for a statement that deletes
        assert "error" not in result, result
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], row, strict=True))}
            for series in result.get("series", [])
            for row in series["values"]
        ]

    def series(self, measurement: str = ".*", level: Level = "raw") -> int:
        """The number of series of the measurements that match; 2.x has no SHOW SERIES."""
        return len(self.query(f"SELECT * FROM /^{measurement}$/ GROUP BY * LIMIT 1", level))  # noqa: S608

    def keep(self, days: int, level: Level = "raw") -> None:
        """Set the retention, with shards of a day."""
        if self.has_buckets:
            rule = {"type": "expire", "everySeconds": days * 86400, "shardGroupDurationSeconds": 86400}
            self._api("PATCH", f"buckets/{self.bucket_id(level)}", {"retentionRules": [rule]})
        else:
            on = identifier(self.database(level))
            self.query(f"ALTER RETENTION POLICY kept ON {on} DURATION {days}d SHARD DURATION 1d", level)

    def kept(self, level: Level) -> tuple[int, int]:
        """The retention and the length of a shard, in hours."""
        if self.has_buckets:
            (rule,) = self._api("GET", f"buckets/{self.bucket_id(level)}")["retentionRules"]
            return rule["everySeconds"] // 3600, rule["shardGroupDurationSeconds"] // 3600
        (policy,) = self.query(f"SHOW RETENTION POLICIES ON {identifier(self.database(level))}", level)
        assert policy["default"] is True
        hours = [policy[key].partition("h")[0] for key in ("duration", "shardGroupDuration")]
        return int(hours[0].removesuffix("0s") or 0), int(hours[1])

    def drop(self, level: Level = "raw") -> None:
        """Drop the database or bucket of a level, if it is there, with its mapping."""
        name = self.database(level)
        if not self.has_buckets:
            self.query(f"DROP DATABASE {identifier(name)}", level)
            return
        for mapping in self._api("GET", f"dbrps?org={self.org}&db={name}")["content"]:
            if not mapping.get("virtual"):
                self._api("DELETE", f"dbrps/{mapping['id']}?org={self.org}")
        if bucket := self.bucket_id(level):
            self._api("DELETE", f"buckets/{bucket}")

    def bucket_id(self, level: Level = "raw") -> str | None:
        query = f"buckets?org={self.org}&name={self.database(level)}"
        answer = self._http.get(f"{self.url}/api/v2/{query}", headers=self._bearer, auth=None)
        return answer.json()["buckets"][0]["id"] if answer.is_success else None

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}"}

    def _api(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(
            method, f"{self.url}/api/v2/{path}", json=body, headers=self._bearer, auth=None
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


def influxdb_for_tests(folder: Path) -> AbstractContextManager[Engine]:
    """The server that the environment names, or else Debian's."""
    url = os.environ.get("INFLUX_URL")
    if url is None:
        return influxdb_engine(folder)
    return _elsewhere(url.rstrip("/"), os.environ["INFLUX_TOKEN"], os.environ.get("INFLUX_ORG", "-"))


@contextmanager
def _elsewhere(url: str, token: str, org: str) -> Iterator[Engine]:
    user, _, password = token.rpartition(":")
    with httpx.Client(auth=(user or "token", password), timeout=30) as http:
        yield Engine(url, token, org, http)


def engine_commands(
    folder: Path, ports: Mapping[str, int], *, address: str = "127.0.0.1", cold: str = "10m"
) -> tuple[list[str], list[str]]:
    """Configure engine and front in ``folder``; return how to start each. The front listens on ``address``; ``ports``
    are those of ``engine``, ``rpc`` and ``front``. What was not written to for ``cold`` is compacted."""
    influxd = require_program("influxd", "apt-get install influxdb")
    nginx = require_program("nginx", "apt-get install nginx-light")
    engine_config, front_config = folder / "influxdb.conf", folder / "nginx.conf"
    engine_config.write_text(_INFLUX.format(folder=folder, cold=cold, **ports))
    front_config.write_text(_NGINX.format(folder=folder, address=address, **ports))
    return (
        [influxd, "-config", str(engine_config)],
        [nginx, "-e", str(folder / "nginx.log"), "-p", str(folder), "-c", str(front_config)],
    )


def make_user(url: str) -> None:
    """Make the one user of a fresh engine, who may do everything."""
    admin = f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES"
    httpx.post(f"{url}/query", params={"q": admin}).raise_for_status()


@contextmanager
def influxdb_engine(folder: Path, *, cold: str = "10m") -> Iterator[Engine]:
    """Engine and front, started and, by their process ids, ended; for ``cold`` see ``engine_commands``."""
    ports = {"engine": free_port(), "rpc": free_port(), "front": free_port()}
    commands = engine_commands(folder, ports, cold=cold)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with (folder / "output.log").open("wb") as log:
            for command in commands:
                processes.append(subprocess.Popen(command, stdout=log, stderr=log))  # noqa: PERF401 - each is ended
        # One client: each new one reads all certificates of the machine.
        http = httpx.Client(auth=(USER, PASSWORD), timeout=30)
        url = f"http://127.0.0.1:{ports['front']}"

        def answers() -> bool:
            assert all(process.poll() is None for process in processes), (folder / "output.log").read_text()
            try:
                return httpx.get(f"{url}/ping").status_code == 204
            except httpx.TransportError:
                return False

        until(answers, "InfluxDB answers through nginx")
        make_user(url)
        with http:
            yield Engine(url, f"{USER}:{PASSWORD}", "-", http)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)
