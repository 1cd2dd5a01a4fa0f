"""Fields of a measurement that are those of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args, get_origin

from pydantic import BaseModel

from cloud.domain.time_bins import TIME_BINS
from cloud.stores.line_protocol import Kind
from cloud.stores.measurement import Field

_KINDS: Mapping[type, Kind] = {int: "integer", float: "float", bool: "boolean", str: "string"}


def fields_of(model: type[BaseModel], *, without: tuple[str, ...] = ()) -> dict[str, Field]:
    """Return the plain fields of a message."""
    return {
        name: Field(_kind(about.annotation), about.description or "")
        for name, about in model.model_fields.items()
        if name not in without
    }


def _kind(annotation: object) -> Kind:
    """Return the kind of a type, of the type inside an optional one, or of the values of a literal."""
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    if get_origin(annotation) is Literal:
        return _KINDS[type(arguments[0])]
    if arguments:
        return _kind(arguments[0])
    assert isinstance(annotation, type)
    return _KINDS[annotation]


def counts(labels: Iterable[str], meaning: str) -> dict[str, Field]:
    """Return a field that counts visits for each label."""
    return dict.fromkeys(labels, Field("integer", meaning))


def of_bins(prefix: str, meaning: str) -> dict[str, Field]:
    """Return a field that counts people for each bin of times."""
    return counts(
        (f"{prefix}_{label}" for label in TIME_BINS),
        f"{meaning}; the name ends with the lower limit in seconds",
    )
