"""A configuration file: YAML in, a checked pydantic model out, and back again with the secrets masked.

Both sides configure themselves this way. A mistake is one line that names the file, the key and the way out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from common.errors import UserError
from common.masking import masked
from common.mistakes import explain, one_line, shown

Model = TypeVar("Model", bound=BaseModel)

_LARGEST = 2**63
_QUOTES = "put the value in quotes"
_HINTS = (
    ("mapping values are not allowed", f"unexpected ':'; check the indent of this line, or {_QUOTES}"),
    ("sequence entries are not allowed", "a '-' is not expected here; check the indent of this line"),
    (r"found character '\t'", "there is a tab; indent with spaces"),
    ("found character", f"a value cannot begin like this; {_QUOTES}"),
    ("expected <block end>", "check the indent of this line, and that every quote and bracket is closed"),
    ("could not find expected ':'", "write 'key: value', with a space after the colon"),
    ("expected ',' or", "a bracket is not closed, or a comma is missing"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("found unknown escape", "\\ has a meaning inside double quotes; use single quotes"),
    ("found unhashable key", "a list or mapping cannot be a key; fill in the template, or put it in quotes"),
    ("but found another document", "only one document is allowed; remove the line '---'"),
    ("found undefined alias", f"'*' has a meaning in YAML; {_QUOTES}"),
    ("found unconstructable recursive node", "a value must not contain itself"),
    ("could not determine a constructor", f"'!' and '=' have a meaning in YAML; {_QUOTES}"),
)
"""Plain words for the errors of PyYAML, by how they begin. The rest of its text may quote a secret."""


class _Mistake(yaml.MarkedYAMLError):
    """A mistake that is told in our own words already."""


def _mistake(node: yaml.Node, text: str) -> _Mistake:
    return _Mistake(problem=text, problem_mark=node.start_mark)


class _Loader(yaml.SafeLoader):
    """Takes away the surprises of YAML: only ``true`` and ``false`` are booleans, a date is text, no key comes twice.

    Every value that cannot be read is an error with its line.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - declared so by PyYAML
        first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith((":bool", ":timestamp"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(
                node, deep=True
            )  # or values inside were read later, without a line
        except (yaml.YAMLError, RecursionError):
            raise
        except Exception:  # noqa: BLE001 - PyYAML lets through whatever int(), date() and the like raise
            raise _mistake(node, f"this cannot be read; {_QUOTES}") from None

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise _mistake(node, "half of a character; write the character itself")
        return value

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        value: int = super().construct_yaml_int(node)
        if abs(value) >= _LARGEST:
            raise _mistake(node, f"the number is too large; if it is text, {_QUOTES}")
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # a list or mapping as key, such as a template that nobody filled in: refused below
            if key.value in seen:
                raise _mistake(key, f"key {key.value!r} is given twice; keep one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"
)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def load_yaml_model(path: Path, model: type[Model]) -> Model:
    """Load the settings in ``path``; an empty file means all defaults. Raises ``UserError`` with the first mistake."""
    try:
        return read_yaml(_text(path), model)
    except UserError as error:
        raise UserError(masked(one_line(f"{path}: {error}"))) from None


def read_yaml(text: str, model: type[Model]) -> Model:
    """Read settings from a text; an empty one means all defaults. Raises ``UserError`` with the first mistake."""
    data = _parse(text)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UserError(f"must hold 'key: value' lines, found {shown(data)}")
    return checked(data, model)


def checked(data: Mapping[str, Any], model: type[Model]) -> Model:
    """Check ``data`` against the model. Raises ``UserError`` with the first mistake: its key and the way out."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise UserError(explain(error.errors(include_url=False), model, data)) from None


def secret_file(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Locate a secret: a relative path starts in the directory of systemd's credentials, or the current one."""
    return Path(environ.get("CREDENTIALS_DIRECTORY", "")) / path


def state_file(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Locate a file that a service writes: a relative path starts in systemd's state directory, or the current one."""
    return Path(environ.get("STATE_DIRECTORY", "").split(":")[0]) / path


def masked_yaml(settings: BaseModel) -> str:
    """Write all settings, defaults included, as YAML in the order of the model; secrets as asterisks."""
    tree = _masked_urls(settings.model_dump(mode="json"))
    return str(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


def _masked_urls(node: object) -> object:
    """Hide the credentials of every URL below ``node``, whatever its key is called."""
    if isinstance(node, dict):
        return {key: _masked_urls(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_masked_urls(value) for value in node]
    return masked(node) if isinstance(node, str) else node


def _text(path: Path) -> str:
    """Read a file. Raises ``UserError``."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError("no such file") from None
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UserError("not a text file in UTF-8") from None


def _parse(text: str) -> Any:
    """Parse YAML. Raises ``UserError``."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UserError(f"{where}{_plain(error)}") from None
    except yaml.reader.ReaderError as error:
        raise UserError(f"holds a character that YAML does not allow (number {error.position + 1})") from None
    except RecursionError:
        raise UserError("lists or mappings are nested too deep") from None


def _plain(error: yaml.MarkedYAMLError) -> str:
    """Say what is wrong in plain words."""
    problem = error.problem or ""
    if isinstance(error, _Mistake):
        return problem
    hints = (hint for beginning, hint in _HINTS if problem.startswith(beginning))
    return next(hints, "not valid YAML; check indents, quotes and brackets")
