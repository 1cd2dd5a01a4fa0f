"""The cost of storage on a real InfluxDB: ``python -m benchmarks.storage --write`` before a release.

A simulated chain is written through the real intake, rolled up and compacted. Then we count the series in the engine
and the bytes in its files. Speed is given per CPU second of our own process, which does not depend on other load.
``--write`` stores the figures for docs/storage.md.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cloud.__main__ import main as footlight_cloud
from cloud.domain.levels import LEVELS
from cloud.stores.layout import MEASUREMENTS
from tests.support.brokers import until
from tests.support.influxdb import InfluxDB, influxdb_engine

MEASURED = Path(__file__).parents[1] / "docs" / "storage-measured.json"
LAST_DAY = date(2026, 3, 1)

Json = dict[str, Any]


def measure(stores: int, days: int) -> Json:
    """Fill an installation with the days of a chain, roll them up, and measure the cost."""
    with (
        tempfile.TemporaryDirectory() as name,
        influxdb_engine(Path(name), cold="1s") as engine,
        engine.installation() as server,
    ):
        folder = Path(name)
        chain = folder / "chain.yaml"
        config = configured(folder, server)
        began = time.process_time()
        simulated = run(
            "simulate", "--config", config, "--stores", stores, "--days", days, "--last-day", LAST_DAY,
            "--chain-out", chain,
        )  # fmt: skip
        written_s, began = time.process_time() - began, time.process_time()
        first = LAST_DAY - timedelta(days=days - 1)
        rolled = run("rollup", "--config", config, "--chain", chain, "--from", first, "--to", LAST_DAY)
        rollup_s = time.process_time() - began
        until(lambda: is_compacted(folder), "all shards are compacted", timeout_s=300)
        return {
            "engine": f"InfluxDB {engine.version}",
            "stores": stores,
            "days": days,
            "windows": simulated["windows"],
            "written_per_cpu_s": round(simulated["windows"] / written_s),
            "rolled_up_per_cpu_s": round(rolled["windows"] / rollup_s),
            "site_days": rolled["days"],
            "devices": len(server.query("SHOW SERIES FROM health")),
            "cameras": len(server.query("SHOW SERIES FROM window")),
            "series": {
                m.name: len(server.query(f"SHOW SERIES FROM {m.name}", m.level)) for m in MEASUREMENTS
            },
            "bytes": {level: bytes_of(folder / "data" / server.database(level)) for level in LEVELS},
        }


def configured(folder: Path, server: InfluxDB) -> Path:
    store = server.settings
    path = folder / "cloud.yaml"
    path.write_text(json.dumps({"store": {**store, "retention_days": 3650, "timeout_s": 120}}))
    return path


def run(*arguments: object) -> Json:
    """Run one command of footlight-cloud, and return its JSON output."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = footlight_cloud([*map(str, arguments), "--json"])
    assert code == 0
    answer: Json = json.loads(said.getvalue())
    return answer


def is_compacted(folder: Path) -> bool:
    """Return whether the write-ahead logs are empty and each shard is one file."""
    shards = {path.parent for path in (folder / "data").rglob("*.tsm*")}
    return not any(path.stat().st_size for path in (folder / "wal").rglob("*.wal")) and all(
        len(list(shard.glob("*.tsm*"))) == 1 for shard in shards
    )


def bytes_of(database: Path) -> int:
    """Return the bytes of compressed points, without the index of series, which does not grow with days."""
    return sum(path.stat().st_size for path in database.rglob("*.tsm"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the cost of storage on a real InfluxDB.")
    parser.add_argument("--stores", type=int, default=20, help="(%(default)s)")
    parser.add_argument("--days", type=int, default=7, help="(%(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write the figures to {MEASURED.name}")
    args = parser.parse_args()
    text = json.dumps(measure(args.stores, args.days), indent=2) + "\n"
    if args.write:
        MEASURED.write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
