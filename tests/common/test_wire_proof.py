"""No field of any message can hold a picture, a box, the id of a person or a free text: shown on the JSON Schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, Field, JsonValue, TypeAdapter

from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EXPRESSIONS, GENDERS, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire import BY_CHANNEL, STORED, TO_DEVICE, Door, WindowMessage, bin_label
from common.wire.fields import Label, Name, Share, Visits, WireModel
from tests.support.messages import cohort, window

Schema = Mapping[str, Any]

TEXTS = {
    "software": 64,
    "model": 64,
    "calibration": 64,
    "alert.text": 240,
    "placement.readings[].label": 40,
    "placement.readings[].says": 120,
    "placement.advice[]": 240,
}
"""The only texts that the program writes instead of choosing them from a list, with their longest length: versions,
what is wrong with a device, and what the placement check tells the person on the ladder. A name without a dot is a
field of several messages."""
BOXES = {f"placement.faces[].{edge}" for edge in ("x1", "y1", "x2", "y2")} | {
    "placement.floor[][]",
    "placement.width",
    "placement.height",
}
"""The only fields about where something is in the picture: of the placement check, which a person starts for minutes
(docs/privacy.md), with the size of the picture."""
LONG_LISTS = {"placement.floor": 500}
"""Lists of more than :data:`LONGEST_LIST`: the points of the floor on which people stood during a placement check."""
DRAWN = {
    f"placement.places.{part}"
    for part in (
        "plan.points[][]",
        "plan.metres[][]",
        "doors[].line[][]",
        "doors[].inside[]",
        "zones[].polygon[][]",
        "targets[].at[]",
        "notices[].hours[]",
    )
}
"""Lines, corners and hours that a person wrote into the device's own file, for the editor of places. They are about the
shop, not about anybody in it."""
SERIES = {"window.cohort.heat.standing_s[]", "window.cohort.heat.looking_s[]"}
"""The only lists of numbers: the cells of the heat map."""
UNBOUNDED = {"health.temperature_c", "placement.readings[].value"}
"""The only numbers without limits: measurements of the device."""
IDS = {"boot_id", "nonce", "config", "config_message", "config_waiting"}
"""The only fields that tell one thing from another by digits: a run of the service, a probe, settings."""

WHERE = re.compile(
    r"[xy][12]?|left|right|top|bottom|width|height|box(es)?|bbox|points?|polygon|position|landmarks?"
)
WHO = re.compile(
    r"(.*_)?(u?u?id|ids|nonce|hash|token|key|track|person|people|visitor|embedding|vector|features?|config)(_.*)?"
)
BOUNDED_PATTERN = re.compile(r"\^(?:\[[^\]\s\"]+\](?:\{\d+(?:,\d+)?\})?)+\$")
LONGEST_WORD, LONGEST_LIST = 64, 144


def leaves(schema: Schema, path: str, root: Schema) -> Iterator[tuple[str, Schema]]:
    """Every place of a message in which a value can be, with all that the schema says of it; and every key of a map, as
    a text of its own."""
    if "$ref" in schema:
        yield from leaves(root["$defs"][schema["$ref"].rpartition("/")[2]], path, root)
        return
    if alternatives := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        for one in alternatives:
            yield from leaves(one, path, root)
        return
    match schema.get("type"):
        case "object" if "properties" in schema:
            assert schema.get("additionalProperties") is False, f"{path}: takes unknown fields"
            for name, inside in schema["properties"].items():
                yield from leaves(inside, f"{path}.{name}", root)
        case "object":
            assert "maxProperties" in schema, f"{path}: a map of any size"
            assert len(schema.get("patternProperties", {})) == 1, f"{path}: keys of any kind"
            ((pattern, inside),) = schema["patternProperties"].items()
            yield f"{path}{{key}}", {"type": "string", "pattern": pattern}
            yield from leaves(inside, f"{path}{{}}", root)
        case "array":
            longest = LONG_LISTS.get(path, LONGEST_LIST)
            assert schema.get("maxItems", longest + 1) <= longest, f"{path}: a list of any length"
            inside = schema.get("prefixItems") or [schema[key] for key in ("items",) if key in schema]
            assert inside, f"{path}: a list of anything"
            for one in inside:
                yield from leaves(one, f"{path}[]", root)
        case _:
            yield path, schema


def check(path: str, leaf: Schema) -> None:
    """Fail with the path of a value that could tell more than a count, a word or a moment."""
    kind, name = leaf.get("type"), re.split(r"[.\[\]{}]+", path.removesuffix("[]"))[-1]
    assert path in BOXES or not WHERE.fullmatch(name), f"{path}: tells where somebody is"
    assert name in IDS or path.endswith("{key}") or not WHO.fullmatch(name), f"{path}: tells who somebody is"
    if "const" in leaf or "enum" in leaf or kind in ("boolean", "null"):
        return
    if kind in ("integer", "number"):
        assert path in UNBOUNDED or {"minimum", "maximum"} <= leaf.keys(), f"{path}: a number without limits"
        assert path in SERIES | BOXES | DRAWN or not path.endswith("[]"), f"{path}: a series of numbers"
        return
    assert kind == "string", f"{path}: anything"
    if longest := text_limit(path):
        assert leaf.get("maxLength") == longest, f"{path}: a longer text"
    elif leaf.get("format") != "date-time":
        pattern = leaf.get("pattern", "")
        assert BOUNDED_PATTERN.fullmatch(pattern), f"{path}: a free text"
        assert _longest(pattern) <= LONGEST_WORD, f"{path}: a long text"


def _longest(pattern: str) -> int:
    parts = re.findall(r"\[[^\]]+\](?:\{(?:\d+,)?(\d+)\})?", pattern)
    return sum(int(most or 1) for most in parts)


def walk(model: type[BaseModel], channel: str) -> list[str]:
    """Check every place of a message; return their paths."""
    schema = model.model_json_schema()
    found = list(leaves(schema, channel, schema))
    for path, leaf in found:
        check(path, leaf)
    return [path for path, _ in found]


FROM_DEVICES = sorted(set(BY_CHANNEL) - {"config"})


@pytest.mark.parametrize("channel", FROM_DEVICES)
def test_no_message_can_hold_more_than_counts_words_and_moments(channel: str) -> None:
    assert len(walk(BY_CHANNEL[channel], channel)) > 3


def test_only_what_is_sent_to_a_device_is_free() -> None:
    """It is a part of the settings, and the device publishes nothing there."""
    assert set(BY_CHANNEL) - set(FROM_DEVICES) <= TO_DEVICE


def test_every_exception_is_one_of_a_message() -> None:
    paths = {path for channel in FROM_DEVICES for path in walk(BY_CHANNEL[channel], channel)}
    assert paths >= BOXES | DRAWN | SERIES | UNBOUNDED
    short = paths | {path.partition(".")[2] for path in paths}
    assert TEXTS.keys() <= short
    assert short >= IDS


def text_limit(path: str) -> int:
    """The longest length of a text that the program writes; 0 for everything else."""
    return TEXTS.get(path, TEXTS.get(path.partition(".")[2], 0))


def test_what_is_stored_of_a_message_has_little_room_for_text() -> None:
    for channel in STORED:
        assert sum(map(text_limit, set(walk(BY_CHANNEL[channel], channel)))) <= 240, channel


class Clean(WireModel):
    """What a new message may have."""

    name: Name
    at: AwareDatetime
    visits: Visits
    share: Share | None
    state: Literal["good", "bad"]
    doors: Annotated[dict[Name, Door], Field(max_length=8)]


def test_a_new_message_of_counts_passes() -> None:
    assert walk(Clean, "new")


PLANTED: dict[str, Any] = {
    "remark": str,
    "long_remark": Annotated[str, Field(max_length=240)],
    "anything_goes": Annotated[str, Field(pattern=r"^.*$")],
    "open_end": Annotated[str, Field(pattern=r"^[a-z]+$")],
    "no_end": Annotated[str, Field(pattern=r"[a-z]{1,8}")],
    "long_word": Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,4096}$")],
    "crop": bytes,
    "pixels": list[Visits],
    "few_pixels": Annotated[list[Visits], Field(max_length=100)],
    "many": Annotated[list[Name], Field(max_length=100_000)],
    "number": int,
    "real": float,
    "box": Annotated[tuple[Share, ...], Field(max_length=4)],
    "x1": Share,
    "landmarks": Annotated[tuple[Share, ...], Field(max_length=10)],
    "track_id": Visits,
    "person": Name,
    "embedding": Annotated[tuple[Share, ...], Field(max_length=128)],
    "labels": dict[str, Visits],
    "named": dict[Name, Visits],
    "extra": JsonValue,
    "whatever": Any,
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_new_field_that_could_hold_more_fails(name: str) -> None:
    planted = type("Planted", (Clean,), {"__annotations__": {name: PLANTED[name]}, "__module__": __name__})
    with pytest.raises(AssertionError, match=rf"^new\.{name}"):
        walk(planted, "new")


class Open(BaseModel):
    """Takes fields that nobody knows."""

    visits: Visits


def test_a_part_that_takes_unknown_fields_fails() -> None:
    planted = type("Planted", (Clean,), {"__annotations__": {"part": Open}, "__module__": __name__})
    with pytest.raises(AssertionError, match="takes unknown fields"):
        walk(planted, "new")


# The labels of cells are words of the vocabulary, which the schema bounds and the message knows.

WORDS = {*AGE_BANDS, *GENDERS, *EXPRESSIONS, *map(bin_label, DWELL_BINS_S), UNKNOWN, NOT_SEEN, NO_VERDICT}


def test_every_word_is_a_label() -> None:
    labels = TypeAdapter(list[Label])
    assert labels.validate_python(sorted(WORDS)) == sorted(WORDS)


@pytest.mark.parametrize(
    "lists", ["dwell", "attention", "gender", "age_band", "gender_age_band", "expression"]
)
@pytest.mark.parametrize("label", ["ada.lovelace", "track-17", "9j4aaqskzjrg"])
def test_a_label_that_is_no_word_of_its_list_is_refused(lists: str, label: str) -> None:
    told = window(0, cohort=cohort()).model_dump(mode="json", by_alias=True)
    told["cohort"][lists] = {label: {"unknown": 0} if lists == "gender_age_band" else 0}
    with pytest.raises(ValueError, match="unknown label"):
        WindowMessage.model_validate(told)
