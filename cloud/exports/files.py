"""Tables as files: CSV for a spreadsheet, Parquet for a data frame."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Final

from cloud.exports.tables import Kind, TableOf, Value
from common.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet takes a text that begins like this for a formula."""


class Lacking(UserError):
    """Something that is not installed here is needed."""


def csv_lines(table: TableOf) -> Iterator[str]:
    """Yield a table as CSV (RFC 4180): a header, commas, CR LF. Times are ISO 8601 with their offset to UTC.

    A cell that is not known is empty. A text that a spreadsheet could run as a formula begins with an apostrophe.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in (table.columns, *table.rows):
        writer.writerow([_cell(value) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _cell(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return value


def parquet(table: TableOf) -> bytes:
    """Return a table as Parquet. Times keep the time zone of the shop. Raises ``Lacking`` without pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        raise Lacking(
            "format: Parquet needs pyarrow, which is not installed; install Footlight with the exports extra, or take"
            " csv"
        ) from None
    columns = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
    schema = pa.schema(
        [(name, _type(pa, kind, table.zone.key)) for name, kind in table.columns.items()],
        metadata={"producer": "Footlight"},
    )
    arrays = [pa.array(values, of) for values, of in zip(columns, schema.types, strict=True)]
    out = BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), out, compression="zstd")
    return out.getvalue()


def _type(pa: Any, kind: Kind, zone: str) -> pa.DataType:
    if kind is datetime:
        return pa.timestamp("us", tz=zone)
    return {str: pa.string(), int: pa.int64(), float: pa.float64(), date: pa.date32()}[kind]
