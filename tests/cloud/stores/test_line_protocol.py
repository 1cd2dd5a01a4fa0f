"""Our lines are those of influxdb-client, for any text and number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point as LinePoint
from influxdb_client.domain.write_precision import WritePrecision

from cloud.stores.influx import points
from cloud.stores.line_protocol import Kind
from cloud.stores.measurement import Field, Measurement, Value, nanoseconds
from common.wire import Message, WireError, decode, encode, topic
from tests.support.messages import cohort, health, notice, window

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
names = texts.filter(bool)
VALUES: dict[Kind, st.SearchStrategy[Value]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(),
    "boolean": st.booleans(),
    "string": texts,
}
fields = st.sampled_from(sorted(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind]))


def measurement(name: str, tags: dict[str, str], fields: dict[str, tuple[Kind, Value]]) -> Measurement:
    kinds = {field: Field(kind, "") for field, (kind, _) in fields.items()}
    return Measurement(name, "raw", tuple(tags), "", kinds)


@given(
    st.sampled_from(["window", "cohort_age_band"]),
    st.dictionaries(names, texts, max_size=3),
    st.dictionaries(names, fields, max_size=4),
    st.timedeltas(timedelta(days=-2_000), timedelta(days=20_000)),
)
def test_it_writes_what_the_library_writes(
    name: str, tags: dict[str, str], fields: dict[str, tuple[Kind, Value]], since: timedelta
) -> None:
    values = {field: value for field, (_, value) in fields.items()}
    theirs = {"measurement": name, "tags": tags, "fields": values, "time": nanoseconds(NOON + since)}
    line = LinePoint.from_dict(theirs, WritePrecision.NS).to_line_protocol()  # type: ignore[arg-type]
    ours = measurement(name, tags, fields)
    assert ours.point(tags, NOON + since, values) == line
    more = {**values, "of another measurement" * 2: "not written"}
    assert ours.whole_point(tuple(tags.values()), nanoseconds(NOON + since), more) == line


def test_a_float_is_no_integer_and_what_is_no_number_is_left_out() -> None:
    of: dict[str, tuple[Kind, Value]] = {
        "a": ("float", 3.0),
        "b": ("float", float("nan")),
        "c": ("float", float("inf")),
        "d": ("integer", 3),
        "e": ("float", 4),
    }
    ours = measurement("m", {"t": ""}, of)
    at = nanoseconds(NOON)
    values = {field: value for field, (_, value) in of.items()}
    assert ours.point({"t": ""}, NOON, values) == f"m a=3,d=3i,e=4 {at}"
    assert ours.point({"t": ""}, NOON, {"a": None, "b": float("nan")}) == ""


def test_a_field_that_is_not_in_the_layout_is_a_fault() -> None:
    with pytest.raises(KeyError, match="m has no field 'visitors'"):
        measurement("m", {}, {"visits": ("integer", 1)}).point({}, NOON, {"visits": 1, "visitors": 1})


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each holder of a whole number below ``node`` with its key."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, dict | list):
            yield from _places(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            yield node, key


@pytest.mark.parametrize(
    "message", [window(1, cohort=cohort()), health(), notice()], ids=lambda message: type(message).__name__
)
@pytest.mark.parametrize("more", [0.0, 0.5])
def test_a_float_is_a_whole_number_or_the_message_is_unreadable(message: Message, more: float) -> None:
    """Or a whole batch would be refused: InfluxDB takes no ``3.0i``."""
    tree = json.loads(encode(message))
    lines = list(points(message, NOON))
    for holder, key in list(_places(tree)):
        whole = holder[key]
        holder[key] = whole + more
        assert isinstance(holder[key], float)
        try:
            read = decode(topic(message), json.dumps(tree).encode())
        except WireError:
            assert more
        else:
            written = list(points(read, NOON))
            assert not any(re.search(r"[.e]\d*i[ ,]", line) for line in written), (key, written)
            assert more or written == lines
        holder[key] = whole
