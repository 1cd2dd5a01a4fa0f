"""A configuration file: YAML in, a checked pydantic model out, and back again with the secrets masked.

Both sides configure themselves this way. A mistake is one line that names the file, the key and the way out.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from common.errors import UserError
from common.masking import masked

Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, which YAML forbids and PyYAML lets pass (the last one wins)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # a list or mapping as key, such as a template that nobody filled in: refused below
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key.value!r} is given twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_yaml_model(path: Path, model: type[Model]) -> Model:
    """The settings in ``path``; an empty file means all defaults. Raises ``UserError`` with the first mistake."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8") from None
    except yaml.MarkedYAMLError as error:
        where = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise UserError(f"{path}:{where} {error.problem or 'not valid YAML'}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UserError(f"{path}: must hold 'key: value' lines, found {_shown(data)}")
    try:
        return checked(data, model)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def checked(data: Mapping[str, Any], model: type[Model]) -> Model:
    """``data`` as the model. Raises ``UserError`` with the first mistake: its key and the way out."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        # A misspelt key is why another one is missing, and not the other way round.
        first = min(errors, key=lambda item: item["type"] != "extra_forbidden")
        raise UserError(f"{_explain(first, model, data)}{more}") from None


def secret_file(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a secret is: a relative path starts in the directory of systemd's credentials, or the current one."""
    return Path(environ.get("CREDENTIALS_DIRECTORY", "")) / path


def masked_yaml(settings: BaseModel) -> str:
    """All settings, defaults included, as YAML in the order of the model; secrets as asterisks."""
    shown = _masked_urls(settings.model_dump(mode="json"))
    return str(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True))


def _masked_urls(node: object) -> object:
    """Hide the credentials of every URL below ``node``, whatever its key is called."""
    if isinstance(node, dict):
        return {key: _masked_urls(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_masked_urls(value) for value in node]
    return masked(node) if isinstance(node, str) else node


def _explain(error: ErrorDetails, model: type[BaseModel], data: object) -> str:
    """One line on one mistake. A part of ``loc`` that ``data`` lacks is pydantic's name of a union member."""
    names: list[str] = []
    models, secret, node = [model], False, data
    last = len(error["loc"]) - 1
    siblings: set[str] = set()
    for index, part in enumerate(error["loc"]):
        inside = part in node if isinstance(node, dict) else isinstance(node, list) and isinstance(part, int)
        if not inside and index != last:
            continue
        names.append(str(part))
        if isinstance(node, (dict, list)) and inside:
            node = node[part]  # type: ignore[index]
        if isinstance(part, str):
            siblings = {name for m in models for name in _keys(m)}
            annotations = [f.annotation for m in models for name, f in m.model_fields.items() if part == name]
            if not annotations:
                continue  # the key of a mapping: what it holds is described by the same models
            leaves = [leaf for annotation in annotations for leaf in annotation_leaves(annotation)]
            secret = secret or any(leaf in (SecretStr, SecretBytes) for leaf in leaves)
            models = [leaf for leaf in leaves if isinstance(leaf, type) and issubclass(leaf, BaseModel)]
    key = ".".join(names) or "top level"
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(names[-1], siblings, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(siblings))}"
        return f"{key}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"{key}: is required"
    text = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    if secret or isinstance(value, (dict, list, BaseModel)):
        return f"{key}: {text}"
    return f"{key}: {text}; found {_shown(value)}"


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def annotation_leaves(annotation: object) -> Iterator[object]:
    """Yield the types inside an annotation, through unions, lists and Annotated."""
    arguments = get_args(annotation)
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from annotation_leaves(argument)


def _shown(value: object) -> str:
    text = masked(" ".join(repr(value).split()))  # before it is cut: half a URL has no @
    return text if len(text) <= 60 else f"{text[:57]}..."
