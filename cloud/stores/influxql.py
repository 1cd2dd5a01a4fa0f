"""Reads InfluxDB with InfluxQL over ``/query``, which works the same in 1.x, 2.x and 3.x.

influxdb-client writes to all of them but reads only with Flux, which 1.x hardly supports and 3.x not at all.
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
        """Iterate over the rows as mappings from column to value."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


class InfluxQL:
    """The read side of one InfluxDB; arguments as for ``InfluxStore``.

    A token is sent as the password of a user: 1.x has users, 2.x and 3.x accept any name with a token as password.
    """

    def __init__(self, *, url: str, token: str, bucket: str, timeout_s: float) -> None:
        self._headers = urllib3.make_headers(basic_auth=token if ":" in token else f"token:{token}")
        self._http = urllib3.PoolManager(timeout=timeout_s, retries=False)
        self._url = f"{url.rstrip('/')}/query"
        self._bucket = bucket

    def ask(self, level: Level, *statements: str) -> list[list[Series]]:
        """Run the statements and return the series of each. Raises ``StoreUnavailable``."""
        answer = self._request(level, statements)
        return self._results(level, answer.data)

    def stream(self, level: Level, statement: str) -> Iterator[Series]:
        """Run one statement, whose answer may be larger than the memory. A series may come in several parts. Raises
        ``StoreUnavailable``."""
        answer = self._request(level, [statement], chunked="true", chunk_size="10000")
        try:
            for part in answer:
                for series in self._results(level, part) if part.strip() else []:
                    yield from series
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreUnavailable(f"InfluxDB: {cause(error)}") from None
        finally:
            answer.close()

    def _request(
        self, level: Level, statements: Sequence[str], **more: str
    ) -> urllib3.response.BaseHTTPResponse:
        """Ask; with ``more``, the body of the answer is read by the caller."""
        database, _, policy = bucket_of(self._bucket, level).partition("/")
        values = {"db": database, "epoch": "ns", "q": "; ".join(statements), **more}
        if policy:
            values["rp"] = policy
        try:
            # In the body: the names of a few hundred sites would be too long for a URL.
            answer = self._http.request_encode_body(
                "POST",
                self._url,
                fields=values,
                headers=self._headers,
                encode_multipart=False,
                preload_content=not more,  # type: ignore[arg-type]
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreUnavailable(f"InfluxDB: {cause(error)}") from None
        if answer.status != 200:
            raise StoreUnavailable(
                f"InfluxDB answered {answer.status}: {answered(answer.data) or answer.reason}"
            )
        return answer

    def _results(self, level: Level, body: bytes) -> list[list[Series]]:
        try:
            results = json.loads(body)["results"]
            for result in results:
                if "error" in result:  # a missing database is reported like this too, with status 200
                    database = bucket_of(self._bucket, level).partition("/")[0]
                    raise StoreUnavailable(f"InfluxDB, {database}: {one_line(str(result['error']), 300)}")
            return [[_series(one) for one in result.get("series", [])] for result in results]
        except (LookupError, TypeError, AttributeError, ValueError):
            raise StoreUnavailable(f"{self._url} did not answer like InfluxDB; check store.url") from None

    def close(self) -> None:
        """Release the connections."""
        self._http.clear()


def cause(error: Exception) -> str:
    """Return the innermost reason of a failed connection, without the object names that urllib3 adds."""
    while inner := next((part for part in error.args if isinstance(part, Exception)), None):
        error = inner
    return one_line(str(error).rpartition(": ")[2].rstrip(")'\""), 300) or type(error).__name__


def answered(body: object) -> str:
    """Return the text of InfluxDB's answer, which is JSON: ``error`` in 1.x and 3.x, ``message`` in 2.x."""
    try:
        answer = json.loads(body) if isinstance(body, (str, bytes)) else {}
        return _first_line(answer.get("error") or answer.get("message"))
    except (ValueError, AttributeError):
        return _first_line(body)


def _first_line(body: object) -> str:
    """Return the first line of an answer, short enough for a log."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    return one_line(text.strip().partition("\n")[0], 300)


def _series(one: Mapping[str, Any]) -> Series:
    return Series(one.get("tags", {}), one["columns"], one.get("values", []))
