"""The loader of configuration files: whatever is in a file, it is settings or one line about the mistake."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from common.config_file import checked, load_yaml_model
from common.errors import UserError
from tests.common.config_files import KINDS, write


def loads_or_says(path: Path) -> None:
    """Load a file as each kind; what is not settings is one plain line."""
    for kind in KINDS:
        said = ""
        try:
            load_yaml_model(path, kind)
        except UserError as error:
            said = str(error)
        assert not said or said.isprintable()
        assert len(said) < 2000
        assert not any(word in said for word in ("Input should", "Settings", "<class", "instance of"))


ANY_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
WORDS = st.sampled_from(
    [
        *(
            "site",
            "camera",
            "source",
            "privacy",
            "k",
            "mqtt",
            "store",
            "kind",
            "sites",
            "zones",
            "polygon",
            "users",
        ),
        *(
            ": ",
            ":",
            "\n",
            "\n  ",
            "\n- ",
            "- ",
            "? ",
            ", ",
            "[",
            "]",
            "{",
            "}",
            "'",
            '"',
            "|",
            ">",
            "#",
            "---",
            "...",
        ),
        *(
            "&a ",
            "*a",
            "<<: ",
            "<<: *a",
            "!!int ",
            "!!float ",
            "!!binary ",
            "!!set ",
            "!!omap ",
            "!!timestamp ",
        ),
        *(
            "!!str ",
            "!!bool ",
            "!x ",
            "%YAML 9.9",
            "@",
            "`",
            "=",
            "~",
            "0x_",
            "0b_",
            "1_",
            "1:60",
            ".inf",
            "-.nan",
        ),
        *(
            "2026-02-30",
            "1e999",
            "true",
            "null",
            "\\ud800",
            "\\x",
            "\t",
            "\r",
            "\x85",
            "\u2028",
            "\ufeff",
            "\x00",
        ),
    ]
)


@ANY_FILE
@given(st.one_of(st.text(), st.lists(WORDS, max_size=20).map("".join)))
def test_any_text_is_settings_or_one_line(tmp_path: Path, text: str) -> None:
    loads_or_says(write(tmp_path, text.encode(errors="surrogatepass")))


@ANY_FILE
@given(st.binary())
def test_any_bytes_are_settings_or_one_line(tmp_path: Path, content: bytes) -> None:
    loads_or_says(write(tmp_path, content))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.binary(max_size=8),
)
TREES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=12,
)
NAMED = st.sampled_from(sorted({name for kind in KINDS for name in kind.model_fields}))


@ANY_FILE
@given(st.dictionaries(NAMED, TREES, max_size=4))
def test_any_values_under_any_keys_are_settings_or_one_line(tmp_path: Path, tree: dict[str, object]) -> None:
    loads_or_says(write(tmp_path, yaml.dump(tree)))


def test_a_value_that_unfolds_without_end_is_no_work(tmp_path: Path) -> None:
    """Each line holds the one before ten times: written out there would be 10 ** 30 words."""
    lines = ["a0: &a0 x", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 31))]
    loads_or_says(write(tmp_path, "\n".join([*lines, "zones: *a30", "camera: *a30", "site: *a30"])))


def said_of(data: dict[str, object], kind: type[BaseModel]) -> str:
    try:
        checked(data, kind)
    except UserError as error:
        return str(error)
    return ""


def test_a_wrong_value_under_any_key_is_told_without_words_of_python() -> None:
    for kind in KINDS:
        for value in (object(), b"x", [], {}, [1], {"a": 1}, "x", 1.5, -1, True, None):
            lines = [said_of(data, kind) for data in wrong(kind, value)]
            assert not [line for line in lines if "Settings" in line or "Input should" in line]


def wrong(kind: type[BaseModel], value: object) -> list[dict[str, object]]:
    """``value`` under each key, and under each key of each section."""
    found: list[dict[str, object]] = []
    for name, field in kind.model_fields.items():
        found.append({name: value})
        if isinstance(field.default, BaseModel):
            found += [{name: inside} for inside in wrong(type(field.default), value)]
    return found
