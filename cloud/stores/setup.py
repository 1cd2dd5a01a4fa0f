"""Creates what the three levels need in InfluxDB: databases (1.x), or buckets and DBRP mappings (2.x); with retention.

What is right is left alone, so a second run makes nothing. A longer retention is set; a shorter one is not, because
that would delete data at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

import urllib3

from cloud.domain.levels import LEVELS, SHARD_DAYS, Level, bucket_of, creation, identifier
from cloud.stores.influxql import InfluxQL, answered, cause
from cloud.stores.store import StoreUnavailable
from common.errors import UserError

_DAY_S = 24 * 60 * 60
Verb = Literal["made", "found", "changed", "left"]


@dataclass(frozen=True, slots=True)
class Step:
    """What one run did with one thing; ``left`` is something that differs and that nobody but you should change."""

    verb: Verb
    name: str

    def __str__(self) -> str:
        return f"{self.verb} {self.name}"


def set_up(
    *, url: str, token: str, org: str, bucket: str, kept: Mapping[Level, int | None], timeout_s: float
) -> Iterator[Step]:
    """Create what is missing for ``bucket``; ``kept`` is the retention of each level in days, None for ever.

    ``token`` may create databases or buckets. Raises ``StoreUnavailable``, and ``UserError`` for InfluxDB 3 and for an
    organisation that does not exist.
    """
    with urllib3.PoolManager(timeout=timeout_s, retries=False) as http:
        version = engine_version(http, url)
        if version.startswith("1."):
            yield from _databases(url, token, bucket, kept, timeout_s)
        elif version.startswith("2."):
            yield from _buckets(_Api(http, url, token), org, bucket, kept)
        else:
            raise UserError(
                f"store.url: InfluxDB {version} creates databases with its own program; see docs/storage.md"
            )


def engine_version(http: urllib3.PoolManager, url: str) -> str:
    """Return the version that InfluxDB tells of itself, such as "2.7.12". Raises ``StoreUnavailable``."""
    try:
        answer = http.request("GET", f"{url.rstrip('/')}/ping")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise StoreUnavailable(f"InfluxDB: {cause(error)}") from None
    version = answer.headers.get("X-Influxdb-Version")
    if not version:
        raise StoreUnavailable(f"{url} did not answer like InfluxDB; check store.url")
    return version.removeprefix("v")


def _judge(held_s: int, wanted_s: int) -> Verb:
    """Decide what to do with a retention; 0 is for ever."""
    if held_s == wanted_s:
        return "found"
    return "changed" if held_s and (not wanted_s or held_s < wanted_s) else "left"


def _step(verb: Verb, name: str, held_s: int, wanted_s: int) -> Step:
    if verb == "changed":
        return Step(verb, f"{name}: kept {_time(wanted_s)}, before {_time(held_s)}")
    if verb == "left":
        return Step(
            verb,
            f"{name}: kept {_time(held_s)}, not {_time(wanted_s)}; a shorter time would delete data, so set it"
            " yourself, or set store.retention_days to the same",
        )
    return Step(verb, f"{name}: kept {_time(wanted_s)}")


def _time(seconds: int) -> str:
    if not seconds:
        return "for ever"
    return f"{seconds // _DAY_S} days" if seconds % _DAY_S == 0 else f"{seconds / 3600:g} hours"


def _databases(
    url: str, token: str, bucket: str, kept: Mapping[Level, int | None], timeout_s: float
) -> Iterator[Step]:
    with closing(InfluxQL(url=url, token=token, bucket=bucket, timeout_s=timeout_s)) as influxql:
        ((listed,),) = influxql.ask("raw", "SHOW DATABASES")
        there = {row["name"] for row in listed}
        for level in LEVELS:
            database, _, named = bucket_of(bucket, level).partition("/")
            name, wanted_s = f"database {database}", (kept[level] or 0) * _DAY_S
            if database not in there:
                influxql.ask(level, creation(bucket, level, kept[level]))
                yield _step("made", name, wanted_s, wanted_s)
                continue
            ((policies,),) = influxql.ask(level, f"SHOW RETENTION POLICIES ON {identifier(database)}")
            chosen = [row for row in policies if (row["name"] == named if named else row["default"])]
            duration = f"DURATION {'INF' if kept[level] is None else f'{kept[level]}d'}"
            policy = chosen[0]["name"] if chosen else named or "kept"
            on = f"RETENTION POLICY {identifier(policy)} ON {identifier(database)}"
            if not chosen:
                shard = f"REPLICATION 1 SHARD DURATION {SHARD_DAYS[level]}d"
                influxql.ask(level, f"CREATE {on} {duration} {shard}{'' if named else ' DEFAULT'}")
                yield _step("made", f"{name}, policy {policy}", wanted_s, wanted_s)
                continue
            held_s = _seconds(chosen[0]["duration"])
            verb = _judge(held_s, wanted_s)
            if verb == "changed":
                influxql.ask(level, f"ALTER {on} {duration}")
            yield _step(verb, name, held_s, wanted_s)


def _seconds(duration: str) -> int:
    """Return the seconds of a duration such as "2160h0m0s"."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


def _buckets(api: _Api, org: str, bucket: str, kept: Mapping[Level, int | None]) -> Iterator[Step]:
    org_id = api.org_id(org)
    for level in LEVELS:
        name, wanted_s = bucket_of(bucket, level), (kept[level] or 0) * _DAY_S
        found = next(iter(api.ask("GET", "buckets", orgID=org_id, name=name)["buckets"]), None)
        rule = {
            "type": "expire",
            "everySeconds": wanted_s,
            "shardGroupDurationSeconds": SHARD_DAYS[level] * _DAY_S,
        }
        if found is None:
            body = {"orgID": org_id, "name": name, "retentionRules": [rule]}
            found = api.ask("POST", "buckets", body)
            yield _step("made", f"bucket {name}", wanted_s, wanted_s)
        else:
            held_s = next((one["everySeconds"] for one in found["retentionRules"]), 0)
            verb = _judge(held_s, wanted_s)
            if verb == "changed":
                api.ask("PATCH", f"buckets/{found['id']}", {"retentionRules": [rule]})
            yield _step(verb, f"bucket {name}", held_s, wanted_s)
        yield _mapping(api, org_id, name, found["id"])


def _mapping(api: _Api, org_id: str, name: str, bucket_id: str) -> Step:
    """Let InfluxQL find the bucket. Before 2.4, InfluxDB finds none without a mapping."""
    database, _, policy = name.partition("/")
    policy = policy or "autogen"
    wanted = {"database": database, "retention_policy": policy}
    known = [
        one
        for one in api.ask("GET", "dbrps", orgID=org_id, db=database, rp=policy)["content"]
        if not one.get("virtual")
    ]
    told = f"DBRP mapping {database}/{policy}"
    if not known:
        api.ask("POST", "dbrps", {"orgID": org_id, "bucketID": bucket_id, "default": True, **wanted})
        return Step("made", f"{told}: bucket {name}")
    if known[0]["bucketID"] == bucket_id:
        return Step("found", f"{told}: bucket {name}")
    return Step("left", f"{told}: it names another bucket, {known[0]['bucketID']}; delete that mapping")


class _Api:
    """The API of InfluxDB 2.x."""

    def __init__(self, http: urllib3.PoolManager, url: str, token: str) -> None:
        self._http, self._url = http, f"{url.rstrip('/')}/api/v2"
        self._headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Send one request and return its answer. Raises ``StoreUnavailable``."""
        try:
            answer = self._http.request(
                method,
                f"{self._url}/{path}",
                body=None if body is None else json.dumps(body),
                fields=query or None,
                headers=self._headers,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreUnavailable(f"InfluxDB: {cause(error)}") from None
        if method == "GET" and path == "buckets" and answer.status == 404:
            return {"buckets": []}  # so 2.x answers for a name that no bucket has
        if answer.status >= 300:
            raise StoreUnavailable(f"InfluxDB answered {answer.status}: {answered(answer.data)}")
        try:
            return json.loads(answer.data)
        except ValueError:
            raise StoreUnavailable(f"{self._url} did not answer like InfluxDB; check store.url") from None

    def org_id(self, name: str) -> str:
        """Return the id of an organisation. Raises ``UserError`` if there is none of this name."""
        orgs = self.ask("GET", "orgs")["orgs"]
        for org in orgs:
            if name in (org["name"], org["id"]):
                return str(org["id"])
        there = ", ".join(str(org["name"]) for org in orgs) or "none"
        raise UserError(
            f"store.org: InfluxDB has no organisation {name!r} that this token may see; it has: {there}"
        )
