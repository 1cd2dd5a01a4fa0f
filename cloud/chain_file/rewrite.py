"""Puts new values into the text of a chain file. Comments, order and everything that did not change stay as they are.

ruamel.yaml keeps a comment with the value that it follows, also one that is about the next key. So before a value goes,
or another one comes after it, the lines after it are taken away and given to what is then the last value.
"""

from __future__ import annotations

import io
from collections.abc import Hashable, Mapping
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark, YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.tokens import CommentToken
from ruamel.yaml.util import load_yaml_guess_indent

from common.errors import UserError

Section = Mapping[str, Any]
"""Some settings of one site, as the chain file writes them."""

_HEADER = "# The shops of this box; docs/page.md and cloud/chain.example.yaml describe this file.\n"


def first_text(name: str, sites: Mapping[str, Section]) -> str:
    """Return the text of a new chain file."""
    return _HEADER + _dumped(
        _yaml(""), CommentedMap(name=name, sites=CommentedMap({of: _new(sites[of]) for of in sites}))
    )


def rewritten(text: str, site: str, before: Section, after: Section) -> str:
    """Return ``text`` with the settings of ``site`` changed from ``before`` to ``after``; no ``before``: it is new.

    Raises ``UserError`` for a file that cannot be changed like this.
    """
    yaml = _yaml(text)
    try:
        tree = yaml.load(text)
        sites = tree["sites"]
        if site not in sites:
            _put(sites, site, _new(after))
        else:
            for key in before.keys() | after.keys():
                _change(sites[site], key, before.get(key), after.get(key))
        return _dumped(yaml, tree)
    except (YAMLError, AttributeError, LookupError, TypeError, ValueError):
        raise UserError("is written in a way that the page cannot change; change it by hand") from None


def _yaml(text: str) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000  # never break a line
    _, indent, offset = load_yaml_guess_indent(text) if text else (None, 4, 2)
    yaml.indent(mapping=2, sequence=indent or 4, offset=2 if offset is None else offset)
    yaml.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _dumped(yaml: YAML, tree: CommentedMap) -> str:
    text = io.StringIO()
    yaml.dump(tree, text)
    return text.getvalue()


def _change(parent: CommentedMap, key: str, before: Any, after: Any) -> None:
    """Change one setting; a mapping key by key, if the file has it as a mapping already."""
    if before == after:
        return
    if not after:  # the key stays, and with it what comments say about it
        if isinstance(parent.get(key), CommentedMap):
            for name in list(parent[key])[:0:-1]:
                _remove(parent[key], name)
        _put(parent, key, CommentedMap() if key == "special_days" else None)
    elif isinstance(after, Mapping) and isinstance(before, Mapping) and parent.get(key):
        inside = parent[key]
        if not isinstance(inside, CommentedMap):  # hours for every day
            _put(parent, key, _value(key, after))
            return
        written = {str(name): name for name in inside}
        for name, value in after.items():
            if before.get(name) != value:
                _put(inside, written.get(name, _name(key, name)), _value(name, value))
        for name in sorted(
            before.keys() - after.keys()
        ):  # last, so that something is left to hold the comments
            _remove(inside, written[name])
    else:
        _put(parent, key, _value(key, after))


def _new(section: Section) -> CommentedMap:
    return CommentedMap({key: _value(key, value) for key, value in section.items() if value})


def _value(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return CommentedMap({_name(key, name): _value(str(name), inner) for name, inner in value.items()})
    if isinstance(value, list):
        several = CommentedSeq(value)
        several.fa.set_flow_style()
        return several
    # What a person calls a shop may look like a number or a date.
    return DoubleQuotedScalarString(value) if key == "title" else value


def _name(key: str, name: str) -> Hashable:
    return date.fromisoformat(name) if key == "special_days" else name


def _put(parent: CommentedMap, key: Hashable, value: Any) -> None:
    """Set a value. A new one goes to the end, special days after the opening hours."""
    if key in parent:
        rest = _take_rest(parent, key)
        parent[key] = value
    elif key == "special_days" and "opening" in parent:
        rest = _take_rest(parent, "opening")
        parent.insert(list(parent).index("opening") + 1, key, value)
    else:
        rest = _take_rest(parent, next(reversed(parent))) if parent else ""
        parent[key] = value
    _give_rest(parent, key, rest)


def _remove(parent: CommentedMap, key: Hashable) -> None:
    before = list(parent).index(key) - 1
    above = (parent.ca.items.get(key) or [None, None])[1] or []
    rest = "".join(" " * token.start_mark.column + token.value for token in above) + _take_rest(parent, key)
    del parent[key]
    if before >= 0:
        _give_rest(parent, list(parent)[before], rest)
    else:
        first = parent.ca.items.setdefault(next(iter(parent)), [None, None, None, None])
        first[1] = [_line(text) for text in rest.splitlines()] + (first[1] or [])


def _line(text: str) -> CommentToken:
    """Return a line above a key."""
    said = text.lstrip()
    return CommentToken(f"{said}\n", start_mark=CommentMark(len(text) - len(said)), end_mark=None)


def _last(parent: Any, key: Hashable) -> tuple[Any, Any]:
    """Return where the last value below ``parent[key]`` is written: its parent and its key."""
    value = parent[key]
    if isinstance(value, CommentedMap | CommentedSeq) and len(value) and not value.fa.flow_style():
        return _last(value, next(reversed(value)) if isinstance(value, CommentedMap) else len(value) - 1)
    return parent, key


def _slot(parent: Any) -> int:
    """Return where ruamel.yaml keeps the comment after a value."""
    return 2 if isinstance(parent, CommentedMap) else 0


def _take_rest(parent: Any, key: Hashable) -> str:
    """Take away and return the lines between a value and the next one; a comment beside the value stays."""
    parent, key = _last(parent, key)
    comment = parent.ca.items.get(key)
    token = comment[_slot(parent)] if comment else None
    if token is None:
        return ""
    beside, _, rest = token.value.partition("\n")
    if beside.strip():
        token.value = f"{beside}\n"
    else:
        comment[_slot(parent)] = None
    return str(rest)


def _give_rest(parent: Any, key: Hashable, rest: str) -> None:
    """Write lines after a value, behind those that are there."""
    if not rest:
        return
    parent, key = _last(parent, key)
    comment = parent.ca.items.setdefault(key, [None, None, None, None])
    slot = _slot(parent)
    there = comment[slot].value if comment[slot] else "\n"
    comment[slot] = CommentToken(there + rest, start_mark=CommentMark(0), end_mark=None)
