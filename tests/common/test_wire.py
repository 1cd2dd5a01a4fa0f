"""The contract: whatever is valid survives the way, whatever is not is refused with one line."""

from __future__ import annotations

import json
import runpy
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from common import wire
from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EXPRESSIONS, GENDERS, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire import (
    AlertMessage,
    Cohort,
    Coverage,
    EchoMessage,
    HealthMessage,
    Message,
    PlacementFace,
    PlacementMessage,
    PlacementReading,
    ProbeMessage,
    StatusMessage,
    Totals,
    WindowMessage,
    WireError,
    decode,
    encode,
    topic,
)
from tests.support import messages
from tests.support.messages import fitting, zone
from tests.support.paths import ROOT

DOCS = ROOT / "docs"

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True)
counts = st.integers(0, 10_000)
seconds = st.floats(0, 1e9)
times = st.datetimes(datetime(2020, 1, 2), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
boots = st.from_regex(r"[0-9a-f]{8,32}", fullmatch=True)
texts = st.text(max_size=64)


@st.composite
def cells(draw: st.DrawFn, labels: list[str], visits: int, k: int) -> wire.Cells:
    """All visits in one or two cells, or withheld."""
    first, second = draw(st.lists(st.sampled_from(labels), min_size=2, max_size=2, unique=True))
    count = draw(st.integers(k, visits))
    if 0 < visits - count < k:
        return {first: None, second: None}
    return {first: count, second: visits - count}


@st.composite
def cohorts(draw: st.DrawFn, k: int, profile: wire.Profile) -> Cohort:
    visits = draw(st.integers(k, k + 1000))
    dwell_sum_s = draw(st.none() | seconds)
    bins = [wire.bin_label(edge) for edge in DWELL_BINS_S]
    not_seen = draw(st.sampled_from([None, 0, visits, *range(k, visits - k + 1)]))
    seen = visits - (not_seen or 0)

    def of_people(labels: Sequence[str]) -> st.SearchStrategy[wire.Cells]:
        doubt = NO_VERDICT if not_seen is None else UNKNOWN
        rest = {} if not_seen is None else {NOT_SEEN: not_seen}
        described = cells([*labels, doubt], seen, k) if seen else st.just({})
        return described.map(lambda some: {**some, **rest})

    def table() -> st.SearchStrategy[dict[str, wire.Cells]]:
        rest = {} if not_seen is None else {NOT_SEEN: {NOT_SEEN: not_seen}}
        described = cells([*AGE_BANDS], seen, k) if seen else st.just({})
        return st.tuples(st.sampled_from(GENDERS), described).map(lambda row: {row[0]: row[1], **rest})

    cohort = Cohort(
        since=draw(times),
        visits=visits,
        occupancy_mean=draw(st.none() | st.floats(0, 1e6)),
        occupancy_max=draw(counts),
        dwell_sum_s=dwell_sum_s,
        attention_sum_s=None if dwell_sum_s is None else draw(st.none() | st.floats(0, dwell_sum_s)),
        described=None if not_seen is None else seen,
        dwell=draw(cells(bins, visits, k)),
        attention=draw(cells(bins, visits, k)),
        gender=draw(st.none() | of_people(GENDERS)),
        age_band=draw(st.none() | of_people(AGE_BANDS)),
        gender_age_band=draw(st.none() | table()),
        expression=draw(st.none() | of_people(EXPRESSIONS)),
        zones={
            name: zone(count, queue=queue)
            for name, (count, queue) in draw(
                st.dictionaries(
                    names, st.tuples(st.sampled_from([None, 0, visits]), st.booleans()), max_size=5
                )
            ).items()
            if dwell_sum_s is None or 6.0 * (count or 0) <= dwell_sum_s
        },
    )
    return fitting(cohort, profile)


@st.composite
def windows(draw: st.DrawFn) -> WindowMessage:
    k, visits = draw(st.integers(1, 50)), draw(counts)
    profile = draw(st.sampled_from(get_args(wire.Profile)))
    duration_s = draw(st.integers(*wire.WINDOW_S))
    at_s = int(draw(times).timestamp()) // duration_s * duration_s
    return WindowMessage(
        site=draw(names),
        device=draw(names),
        camera=draw(names),
        start=datetime.fromtimestamp(at_s, UTC),
        duration_s=duration_s,
        boot_id=draw(boots),
        seq=draw(counts),
        clock_trusted=draw(st.booleans()),
        is_historical=draw(st.booleans()),
        software=draw(texts),
        model=draw(texts),
        calibration=draw(texts),
        profile=profile,
        k=k,
        totals=Totals(
            visits=visits,
            viewers=draw(st.integers(0, visits)),
        ),
        coverage=Coverage(share=draw(st.floats(0, 1))),
        pending=draw(counts),
        cohort=draw(st.none() | cohorts(k, profile)),
    )


statuses = st.builds(
    StatusMessage, site=names, device=names, online=st.booleans(), since=times, boot_id=boots, software=texts
)
healths = st.builds(
    HealthMessage,
    site=names,
    device=names,
    at=times,
    boot_id=boots,
    software=texts,
    model=texts,
    camera_open=st.booleans(),
    fps=seconds,
    step_ms=seconds,
    near_share=st.none() | st.floats(0, 1),
    dropped=counts,
    outbox_depth=counts,
    outbox_lost=counts,
    clock_trusted=st.booleans(),
    temperature_c=st.none() | st.floats(-40, 120),
    rss_mb=seconds,
    uptime_s=seconds,
)
alerts = st.builds(
    AlertMessage,
    site=names,
    device=names,
    at=times,
    fault=st.sampled_from(["camera", "moved", "outbox", "clock", "config"]),
    active=st.booleans(),
    text=st.text(max_size=240),
)


nonces = st.text("0123456789abcdef", min_size=8, max_size=32)
probes = st.builds(ProbeMessage, site=names, device=names, at=times, nonce=nonces)
echoes = st.builds(EchoMessage, site=names, device=names, at=times, nonce=nonces)
shares = st.floats(0, 1)
placements = st.builds(
    PlacementMessage,
    site=names,
    device=names,
    camera=names,
    at=times,
    left_s=seconds,
    width=st.integers(1, 8192),
    height=st.integers(1, 8192),
    visits=counts,
    readings=st.lists(
        st.builds(
            PlacementReading,
            name=names,
            label=st.text(max_size=40),
            value=st.none() | seconds,
            says=st.text(max_size=120),
            level=st.none() | shares,
            state=st.sampled_from(["good", "poor", "bad", "unknown"]),
        ),
        max_size=3,
    ).map(tuple),
    faces=st.lists(
        st.builds(PlacementFace, x1=shares, y1=shares, x2=shares, y2=shares, good=st.booleans()), max_size=3
    ).map(tuple),
    advice=st.lists(st.text(max_size=240), max_size=3).map(tuple),
    verdict=st.sampled_from(["works", "limits", "fails", "unclear"]),
)


@settings(deadline=None)
@given(st.one_of(windows(), statuses, healths, alerts, probes, echoes, placements))
def test_a_valid_message_comes_back_as_it_was(message: Message) -> None:
    payload = encode(message)
    assert len(payload) <= wire.MAX_BYTES
    assert decode(topic(message), payload) == message


TOPICS = [f"footlight/v1/shop/door/{channel}" for channel in wire.BY_CHANNEL]
VALID: list[Message] = [
    messages.window(0, visits=8, cohort=messages.cohort()),
    messages.status(online=True),
    messages.health(),
    messages.alert(active=True),
    messages.notice(),
    messages.probe(),
    messages.asking({"camera": {"fps": 5}}),
    messages.placement(),
]
plain_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str)
json_values = (
    plain_values | st.lists(plain_values, max_size=3) | st.dictionaries(st.text(), plain_values, max_size=3)
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A good message in which one value, however deep, or some bytes were replaced."""
    message = draw(st.sampled_from(VALID))
    document = json.loads(encode(message))
    part = document
    while isinstance(part, dict) and part:
        key = draw(st.sampled_from(sorted(part)))
        if not isinstance(part[key], dict) or draw(st.booleans()):
            part[key] = draw(json_values)
            break
        part = part[key]
    payload = json.dumps(document).encode("utf-8", "surrogatepass")
    start, end = sorted((draw(st.integers(0, len(payload))), draw(st.integers(0, len(payload)))))
    if draw(st.booleans()):
        payload = payload[:start] + draw(st.binary(max_size=8)) + payload[end:]
    return topic(message), payload


@settings(deadline=None)
@given(st.tuples(st.sampled_from(TOPICS) | st.text(), st.binary(max_size=200)) | mutated())
def test_whatever_comes_is_a_message_or_one_short_line(came: tuple[str, bytes]) -> None:
    refusal = ""
    try:
        message = decode(*came)
    except WireError as refused:
        refusal = str(refused)
    else:
        assert decode(topic(message), encode(message)) == message
    assert refusal.isascii()
    assert len(refusal) < 1000
    assert len(refusal.splitlines()) <= 1


def test_a_message_that_is_too_large_or_no_unicode_is_not_sent() -> None:
    with pytest.raises(WireError, match=f"config: .* bytes, more than {wire.MAX_BYTES}"):
        encode(messages.asking({"zones": "x" * wire.MAX_BYTES}))
    with pytest.raises(WireError, match="alert: holds text that is not Unicode"):
        encode(messages.alert(active=True).model_copy(update={"text": "no file \udcff.mp4"}))


def test_every_field_of_every_message_is_explained() -> None:
    for message in wire.BY_CHANNEL.values():
        described = message.model_json_schema()
        parts = {message.__name__: described, **described.get("$defs", {})}
        fields = [
            (name, field, about)
            for name, part in parts.items()
            for field, about in part.get("properties", {}).items()
        ]
        assert [f"{name}.{field}" for name, field, about in fields if not about.get("description")] == []


def test_the_written_contract_is_up_to_date() -> None:
    generated: dict[str, str] = runpy.run_path(str(DOCS / "messages.py"))["pages"]()
    for path, text in generated.items():
        assert (DOCS / path).read_text(encoding="utf-8") == text, f"docs/{path} is out of date: make docs"
    assert {f"schema/{file.name}" for file in (DOCS / "schema").iterdir()} <= generated.keys()


def test_the_asyncapi_page_points_at_schemas_that_are_there() -> None:
    page = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert {channel["address"] for channel in page["channels"].values()} == {
        f"footlight/v1/{{site}}/{{device}}/{channel}" for channel in wire.BY_CHANNEL
    }
    for message in page["components"]["messages"].values():
        described = json.loads((DOCS / message["payload"]["schema"]["$ref"]).read_text(encoding="utf-8"))
        assert described["additionalProperties"] is False
        assert "schema" in described["properties"]
