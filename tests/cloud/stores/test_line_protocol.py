"""Our lines are those of influxdb-client, for any text and number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point as LinePoint
from influxdb_client.domain.write_precision import WritePrecision

from cloud.stores.line_protocol import line
from cloud.stores.measurement import Point

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
values = st.one_of(
    names,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
)


def theirs(point: Point) -> str:
    return str(LinePoint.from_dict(dict(point), WritePrecision.NS).to_line_protocol())  # type: ignore[arg-type]


@given(
    st.sampled_from(["window", "cohort_age_band"]),
    st.dictionaries(names, st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=3),
    st.dictionaries(names, values, max_size=4),
    st.integers(0, 2**62),
)
def test_it_writes_what_the_library_writes(
    measurement: str, tags: dict[str, str], fields: dict[str, str | bool | int | float], time: int
) -> None:
    of: Point = {
        "measurement": measurement,
        "tags": tags,
        "fields": fields,
        "time": time,
    }
    assert line(of) == theirs(of)


def test_a_float_is_no_integer_and_what_is_no_number_is_left_out() -> None:
    fields: dict[str, str | bool | int | float] = {"a": 3.0, "b": float("nan"), "c": float("inf"), "d": 3}
    assert line({"measurement": "m", "tags": {"t": ""}, "fields": fields, "time": 1}) == "m a=3,d=3i 1"
    assert line({"measurement": "m", "tags": {}, "fields": {"b": float("nan")}, "time": 1}) == ""
