"""A real InfluxDB: Debian's engine (1.6) behind a small nginx that gives it the v2 write API of 1.8 and later."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from cloud.domain.levels import LEVELS, Level, bucket_of, creation
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
    server {{
        listen 127.0.0.1:{front};
        location = /api/v2/write {{
            set $args "db=$db&rp=$rp&precision=n&u=$user&p=$password";
            rewrite ^ /write break;
            proxy_set_header Authorization "";
            proxy_pass http://127.0.0.1:{engine};
        }}
        location / {{ proxy_pass http://127.0.0.1:{engine}; }}
    }}
}}
"""


class Engine:
    """One server for all tests; each works in databases of its own. ``url`` speaks the v2 write API."""

    def __init__(self, port: int, http: httpx.Client) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._http = http
        self._names = (f"test{number}" for number in count())

    @contextmanager
    def installation(self) -> Iterator[InfluxDB]:
        """A fresh database for each level of storage, kept for ever and dropped at the end."""
        fresh = InfluxDB(self.url, next(self._names), self._http)
        for level in LEVELS:
            fresh.query(creation(fresh.bucket, level, None), level)
        try:
            yield fresh
        finally:
            for level in LEVELS:
                fresh.query(f"DROP DATABASE {fresh.database(level)}", level)


class InfluxDB:
    """One installation: ``url``, ``token`` and ``bucket`` are what the configuration says of it."""

    def __init__(self, url: str, bucket: str, http: httpx.Client) -> None:
        self.url, self.bucket, self.token = url, bucket, f"{USER}:{PASSWORD}"
        self._http = http

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
        answer = self._http.post(f"{self.url}/query", params=values).json()
        (result,) = answer["results"]
        assert "error" not in result, result
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], row, strict=True))}
            for series in result.get("series", [])
            for row in series["values"]
        ]


@contextmanager
def influxdb_engine(folder: Path, *, cold: str = "10m") -> Iterator[Engine]:
    """Engine and front, started and, by their process ids, ended. What was not written to for ``cold`` is compacted."""
    influxd = require_program("influxd", "apt-get install influxdb")
    nginx = require_program("nginx", "apt-get install nginx-light")
    ports = {"engine": free_port(), "rpc": free_port(), "front": free_port()}
    engine_config, front_config = folder / "influxdb.conf", folder / "nginx.conf"
    engine_config.write_text(_INFLUX.format(folder=folder, cold=cold, **ports))
    front_config.write_text(_NGINX.format(folder=folder, **ports))
    commands = (
        [influxd, "-config", str(engine_config)],
        [nginx, "-e", str(folder / "nginx.log"), "-p", str(folder), "-c", str(front_config)],
    )
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with (folder / "output.log").open("wb") as log:
            for command in commands:
                processes.append(subprocess.Popen(command, stdout=log, stderr=log))  # noqa: PERF401 - each is ended
        # One client: each new one reads all certificates of the machine.
        http = httpx.Client(auth=(USER, PASSWORD), timeout=30)
        server = Engine(ports["front"], http)

        def answers() -> bool:
            assert all(process.poll() is None for process in processes), (folder / "output.log").read_text()
            try:
                return httpx.get(f"{server.url}/ping").status_code == 204
            except httpx.TransportError:
                return False

        until(answers, "InfluxDB answers through nginx")
        admin = f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES"
        httpx.post(f"{server.url}/query", params={"q": admin}).raise_for_status()
        with http:
            yield server
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)
