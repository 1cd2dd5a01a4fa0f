"""The three levels of storage: minutes, quarters of an hour, days. Each is a separate database (1.8 and 3.x) or bucket
(2.x), because all versions set the retention time there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Level = Literal["raw", "quarter", "day"]
LEVELS: tuple[Level, ...] = get_args(Level)
RAW_DAYS = 90
KEPT_DAYS: Mapping[Level, int | None] = {"raw": RAW_DAYS, "quarter": 728, "day": None}
"""The default retention of each level in days; None means without limit."""
SHARD_DAYS: Mapping[Level, int] = {"raw": 7, "quarter": 28, "day": 364}
"""The unit in which the engine deletes and compresses. Few points in many shards would waste space."""


def bucket_of(bucket: str, level: Level) -> str:
    """Return the bucket of a level: the configured one, or one beside it. A retention policy applies to raw only."""
    return bucket if level == "raw" else f"{bucket.partition('/')[0]}_{level}"


def identifier(name: str) -> str:
    """Return ``name`` as InfluxQL writes the name of a database, a policy or a field."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def creation(bucket: str, level: Level, days: int | None) -> str:
    """Return the InfluxQL that creates a level in InfluxDB 1.8, with ``days`` of retention or without limit."""
    database, _, policy = bucket_of(bucket, level).partition("/")
    kept = "INF" if days is None else f"{days}d"
    return (
        f"CREATE DATABASE {identifier(database)} WITH DURATION {kept} SHARD DURATION {SHARD_DAYS[level]}d"
        f" NAME {identifier(policy or 'kept')}"
    )
