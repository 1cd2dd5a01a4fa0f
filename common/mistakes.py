"""Mistakes in a configuration, each told in one line: the key, what is wrong with it, and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import ErrorDetails

from common.masking import masked
from common.wire import NAME_PATTERN

FILES: Mapping[str, frozenset[str]] = {
    "a device's file (footlight-edge)": frozenset({"site", "device", "camera", "zones", "window", "outbox"}),
    "the server's file (footlight-cloud)": frozenset({"store", "serve", "grafana"}),
    "a chain file (--chain)": frozenset({"sites", "annotations"}),
}
"""Keys that only one kind of file has, by which it is known."""

_LONGEST = 60
_KEY_LINES = "must hold 'key: value' lines, each indented by two spaces"
_LIST = "must be a list"
_WHOLE, _NUMBER = "must be a whole number", "must be a number"
_DATE = "must be a date such as 2026-03-31"
_TEXTS = {
    "model_type": _KEY_LINES,
    "model_attributes_type": _KEY_LINES,
    "dict_type": _KEY_LINES,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "string_type": "must be text",
    "string_sub_type": "must be text",
    "path_type": "must be the name of a file",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "must be a finite number",
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "union_tag_invalid": "must be one of {expected_tags}",
    "union_tag_not_found": _KEY_LINES,
    "invalid_key": "the key must be text; put it in quotes",
    "recursion_loop": "must not contain itself",
    "missing": "is required",
}
"""Plain words for the errors of pydantic, by their type."""
_NAME = "must be letters, digits, '_', '.' or '-', no spaces, 64 at most, and begin with a letter or digit"


def explain(errors: list[ErrorDetails], model: type[BaseModel], data: object) -> str:
    """Tell the first of pydantic's ``errors`` about ``data`` in one line, and how many more there are."""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    wrong_file = (line for error in errors if (line := _wrong_file(error, model)))
    # A misspelt key is why another one is missing, and not the other way round.
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    return next(wrong_file, None) or f"{_explain(first, model, data)}{more}"


def one_line(text: str) -> str:
    """Make text from outside fit for one line: no line breaks, nothing that steers a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(value: object) -> str:
    """Show a value in a message, shortened; a list or mapping by its kind alone."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple, set)):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return _short(masked(one_line(repr(value))))  # before it is cut: half a URL has no @


def annotation_leaves(annotation: object) -> Iterator[object]:
    """Yield the types inside an annotation, through unions, lists and Annotated."""
    arguments = get_args(annotation)
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from annotation_leaves(argument)


def models_in(annotation: object) -> list[type[BaseModel]]:
    """List the models inside an annotation."""
    leaves = annotation_leaves(annotation)
    return [leaf for leaf in leaves if isinstance(leaf, type) and issubclass(leaf, BaseModel)]


def _wrong_file(error: ErrorDetails, model: type[BaseModel]) -> str | None:
    """Tell that this is a file of another kind, when the unknown key of ``error`` gives it away."""
    key = error["loc"][0] if len(error["loc"]) == 1 and error["type"] == "extra_forbidden" else None
    kinds = {name: kind for kind, names in FILES.items() for name in names}
    needed = next((kinds[name] for name in _keys(model) if name in kinds), None)
    if key not in kinds or needed is None:
        return None
    return f"{key}: unknown key; this looks like {kinds[str(key)]}, and {needed} is needed"


def _explain(error: ErrorDetails, top: type[BaseModel], data: object) -> str:
    """Tell one mistake. A part of ``loc`` that ``data`` lacks is pydantic's name of a union member."""
    names: list[str] = []
    models, secret, node = [top], False, data
    last = len(error["loc"]) - 1
    siblings: set[str] = set()
    for index, part in enumerate(error["loc"]):
        inside = (
            part in node
            if isinstance(node, dict)
            else isinstance(node, list) and isinstance(part, int) and part < len(node)
        )
        if not inside and (index != last or part == "[key]"):
            continue
        names.append(_short(one_line(str(part))))
        if isinstance(node, (dict, list)) and inside:
            node = node[part]  # type: ignore[index]
        if isinstance(part, str):
            siblings = {name for model in models for name in _keys(model)}
            annotations = [
                field.annotation
                for model in models
                for name, field in model.model_fields.items()
                if part in (name, field.alias)
            ]
            if not annotations:
                continue  # the key of a mapping: what it holds is described by the same models
            leaves = [leaf for annotation in annotations for leaf in annotation_leaves(annotation)]
            secret = secret or any(leaf in (SecretStr, SecretBytes) for leaf in leaves)
            models = [found for annotation in annotations for found in models_in(annotation)]
    if error["type"] == "union_tag_invalid":
        names.append("kind")
    key = ".".join(names) or "top level"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_unknown(names, siblings, top, data)}"
    return f"{key}: {_text(error, secret=secret)}"


def _unknown(names: list[str], siblings: set[str], top: type[BaseModel], data: object) -> str:
    """Say where an unknown key belongs, or what it may have been meant to be."""
    key = names[-1]
    if len(names) > 1 and key in _keys(top):
        return f"{key!r} is a key of its own; write it at the left margin, without indent"
    if len(names) == 1:
        homes = [
            name
            for name, field in top.model_fields.items()
            if any(key in _keys(model) for model in models_in(field.annotation))
        ]
        empty = [name for name in homes if isinstance(data, dict) and name in data and data[name] is None]
        if homes:
            places = " or ".join(f"'{name}:'" for name in empty or homes)
            return f"it belongs under {places}; indent it there by two spaces"
    close = difflib.get_close_matches(key, siblings, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(siblings))}"


def _text(error: ErrorDetails, *, secret: bool) -> str:
    """Say what is wrong with a value, and show it unless it is secret."""
    kind, value = error["type"], error["input"]
    context: dict[str, Any] = error.get("ctx", {})
    if kind == "missing":
        return _TEXTS[kind]
    if value is None and kind != "value_error":
        return "has no value; write one, or remove the line"
    if kind == "string_pattern_mismatch" and context["pattern"] == NAME_PATTERN:
        text = _NAME
    elif kind in _TEXTS:
        text = _TEXTS[kind].format_map({name: _number(limit) for name, limit in context.items()})
    else:
        text = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        text += "; put it in quotes"
    if kind == "union_tag_invalid":
        value = context["tag"]
    elif secret or (isinstance(value, (dict, list, BaseModel)) and kind == "value_error"):
        return text
    return f"{text}; found {shown(value)}"


def _number(limit: object) -> object:
    """Write a limit that is a number without needless digits; that of a date is text already."""
    return f"{limit:.12g}" if isinstance(limit, int | float) else limit


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
