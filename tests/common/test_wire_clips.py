"""Both ends refuse clips that no device can have shown, and what a device must not publish of them."""

from __future__ import annotations

from typing import Any

import pytest

from common.wire import MAX_BYTES, Clip, WindowMessage, WireError, decode, encode, topic
from tests.support import messages

GOOD = messages.window(0, visits=40, cohort=messages.cohort())


def watched(visits: int | None, **changes: Any) -> dict[str, Any]:
    told = {"visits": visits, "shows": visits, "shown_s": 60.0, "viewers": None, "attention_sum_s": None}
    if visits is None:
        told |= {"shows": None, "shown_s": None}
    return told | changes


def sent(**clips: dict[str, Any]) -> bytes:
    document = GOOD.model_dump(mode="json", by_alias=True)
    document["cohort"]["clips"] = clips
    return WindowMessage.model_validate(document).model_dump_json(by_alias=True).encode()


VISITS = GOOD.cohort.visits if GOOD.cohort else 0


@pytest.mark.parametrize(
    "clip",
    [
        {"shown": watched(VISITS)},
        {"shown": watched(None), "held": watched(None)},
        {"shown": watched(0), "held": watched(VISITS, viewers=VISITS, attention_sum_s=9.0)},
    ],
)
def test_what_a_device_may_publish_is_taken(clip: dict[str, Any]) -> None:
    assert decode(topic(GOOD), sent(scarf=clip)) != GOOD


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        ({"shown": watched(VISITS + 1)}, "exceed the visits"),
        ({"shown": watched(3)}, "tells a cell of 1 to 4 visits"),
        ({"shown": watched(VISITS - 3)}, "tells a cell of 1 to 4 visits"),
        ({"shown": watched(VISITS, viewers=2)}, "tells a cell of 1 to 4 visits"),
        ({"shown": watched(VISITS, viewers=VISITS - 2)}, "tells a cell of 1 to 4 visits"),
        ({"shown": watched(VISITS, viewers=VISITS + 1)}, "viewers exceed"),
        ({"shown": watched(VISITS, attention_sum_s=3.0)}, "without viewers"),
        ({"shown": watched(VISITS, viewers=0, attention_sum_s=3.0)}, "without viewers"),
        ({"shown": watched(VISITS, shows=None)}, "only a part"),
        ({"shown": watched(VISITS, shows=VISITS + 1)}, "shows exceed"),
        ({"shown": watched(VISITS, person="anna")}, "person"),
        ({"held": watched(VISITS)}, "shown"),
    ],
)
def test_what_no_device_may_publish_is_refused(clip: dict[str, Any], reason: str) -> None:
    with pytest.raises((WireError, ValueError), match=reason):
        decode(topic(GOOD), sent(scarf=clip))


def test_the_largest_programme_fits_a_message() -> None:
    assert GOOD.cohort is not None
    clip = Clip.model_validate({"shown": watched(0), "held": watched(0)})
    clips = {f"clip{index:02}".ljust(64, "x"): clip for index in range(32)}
    cohort = GOOD.cohort.model_copy(update={"clips": clips})
    assert len(encode(GOOD.model_copy(update={"cohort": cohort}))) < MAX_BYTES
