"""The three levels of storage: minutes, quarters of an hour, days. Each is a database (1.8 and 3.x) or bucket (2.x) of
its own, because that is what a retention time belongs to in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Level = Literal["raw", "quarter", "day"]
LEVELS: tuple[Level, ...] = get_args(Level)
RAW_DAYS = 90
KEPT_DAYS: Mapping[Level, int | None] = {"raw": RAW_DAYS, "quarter": 728, "day": None}
"""How long a level is kept unless somebody decides otherwise; None for ever."""
SHARD_DAYS: Mapping[Level, int] = {"raw": 7, "quarter": 28, "day": 364}
"""What the engine deletes and compresses at a time. Few points in many shards would cost more than the points."""


def bucket_of(bucket: str, level: Level) -> str:
    """Where a level is: in the configured bucket itself, or beside it. A retention policy is that of the raw level."""
    return bucket if level == "raw" else f"{bucket.partition('/')[0]}_{level}"


def creation(bucket: str, level: Level, days: int | None) -> str:
    """InfluxQL that creates a level in InfluxDB 1.8, kept for ``days`` or for ever."""
    kept = "INF" if days is None else f"{days}d"
    return (
        f'CREATE DATABASE "{bucket_of(bucket, level)}" WITH DURATION {kept} SHARD DURATION {SHARD_DAYS[level]}d'
        ' NAME "kept"'
    )
