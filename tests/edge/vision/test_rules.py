"""Every field of a window has a rule, or is about the device."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from common.wire import WindowMessage
from edge.vision.rules import RULES

ABOUT_THE_DEVICE = frozenset(
    {
        "kind", "site", "device", "camera", "start", "duration_s", "boot_id", "seq", "clock_trusted", "is_historical",
        "software", "model", "calibration", "profile", "k", "coverage.share",
    }
)  # fmt: skip


def leaves(annotation: Any, path: str) -> Iterator[str]:
    """The fields below a type; ``*`` stands for any label, name or place in a list."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, about in annotation.model_fields.items():
            yield from leaves(about.annotation, f"{path}.{name}" if path else name)
    elif origin is Annotated:
        yield from leaves(arguments[0], path)
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            if argument is not types.NoneType:
                yield from leaves(argument, path)
    elif origin is dict:
        yield from leaves(arguments[1], f"{path}.*")
    elif origin in (tuple, list):
        yield from leaves(arguments[0], f"{path}.*")
    else:
        yield path


def test_every_field_of_a_window_is_about_the_device_or_has_a_rule() -> None:
    assert sorted(leaves(WindowMessage, "")) == sorted([*RULES, *ABOUT_THE_DEVICE])


def test_a_new_field_anywhere_is_found() -> None:
    class Part(BaseModel):
        seconds: dict[str, tuple[int | None, ...]] | None

    class Whole(BaseModel):
        parts: Annotated[dict[str, Part], "bounded"]
        extra: int

    assert list(leaves(Whole, "")) == ["parts.*.seconds.*.*", "extra"]
