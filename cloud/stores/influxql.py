"""Reading InfluxDB in InfluxQL over ``/query``, which 1.x, 2.x and 3.x answer alike.

influxdb-client writes to all of them but reads only Flux, which 1.x hardly and 3.x no longer speaks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import urllib3

from cloud.domain.levels import Level, bucket_of
from cloud.stores.store import StoreUnavailable
from common.wire import one_line


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer. ``rows`` hold values in the order of ``columns``; the first is time, in ns."""

    tags: Mapping[str, str]
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows as mappings from column to value."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


class InfluxQL:
    """The read side of one InfluxDB; arguments as for ``InfluxStore``.

    A token is sent as the password of a user: 1.x has users, 2.x and 3.x take any name with a token there.
    """

    def __init__(self, *, url: str, token: str, bucket: str, timeout_s: float) -> None:
        self._headers = urllib3.make_headers(basic_auth=token if ":" in token else f"token:{token}")
        self._http = urllib3.PoolManager(timeout=timeout_s, retries=False)
        self._url = f"{url.rstrip('/')}/query"
        self._bucket = bucket

    def ask(self, level: Level, *statements: str) -> list[list[Series]]:
        """The series of each statement, in their order. Raises ``StoreUnavailable``."""
        database, _, policy = bucket_of(self._bucket, level).partition("/")
        values = {"db": database, "epoch": "ns", "q": "; ".join(statements)}
        if policy:
            values["rp"] = policy
        try:
            # In the body: the names of some hundred stores are more than a server or a proxy takes as an address.
            answer = self._http.request_encode_body(
                "POST", self._url, fields=values, headers=self._headers, encode_multipart=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreUnavailable(f"InfluxDB: {cause(error)}") from None
        if answer.status != 200:
            raise StoreUnavailable(f"InfluxDB answered {answer.status}: {said(answer.data) or answer.reason}")
        try:
            results = json.loads(answer.data)["results"]
            for result in results:
                if "error" in result:  # a missing database is one too, under status 200
                    raise StoreUnavailable(f"InfluxDB, {database}: {one_line(str(result['error']), 300)}")
            return [[_series(one) for one in result.get("series", [])] for result in results]
        except (LookupError, TypeError, AttributeError, ValueError):
            raise StoreUnavailable(f"{self._url} does not answer as InfluxDB does; check store.url") from None

    def close(self) -> None:
        """Release the connections."""
        self._http.clear()


def cause(error: Exception) -> str:
    """Return the innermost reason of a failed connection, without the objects that urllib3 names on the way."""
    return one_line(str(error).rpartition(": ")[2].rstrip(")'\""), 300) or type(error).__name__


def said(body: object) -> str:
    """Return the first line of an answer, fit for a log."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    return one_line(text.strip().partition("\n")[0], 300)


def _series(one: Mapping[str, Any]) -> Series:
    return Series(one.get("tags", {}), one["columns"], one.get("values", []))
