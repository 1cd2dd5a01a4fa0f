"""What YAML cannot read in a configuration file is one line about the mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from common.config_file import load_yaml_model
from common.errors import UserError
from edge.config import Settings as Device
from tests.common.config_files import KINDS, mistake, write


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("0x_", "line 1: this cannot be read; put the value in quotes"),
        ("!!int abc", "line 1: this cannot be read; put the value in quotes"),
        ("!!int ''", "line 1: this cannot be read; put the value in quotes"),
        ("!!float abc", "line 1: this cannot be read; put the value in quotes"),
        ("!!bool abc", "line 1: this cannot be read; put the value in quotes"),
        ("!!timestamp abc", "line 1: this cannot be read; put the value in quotes"),
        ("!!timestamp 2026-02-30", "line 1: this cannot be read; put the value in quotes"),
        ("9" * 5000, "line 1: this cannot be read; put the value in quotes"),
        ("0x" + "f" * 5000, "line 1: the number is too large; if it is text, put the value in quotes"),
        ("[" * 2000, "lists or mappings are nested too deep"),
        ("{a: " * 2000, "lists or mappings are nested too deep"),
        (r'"\ud800"', "line 1: half of a character; write the character itself"),
        (
            "!!python/object:os.system x",
            "line 1: '!' and '=' have a meaning in YAML; put the value in quotes",
        ),
        ("=", "line 1: '!' and '=' have a meaning in YAML; put the value in quotes"),
        ("*secret", "line 1: '*' has a meaning in YAML; put the value in quotes"),
        ("@secret", "line 1: a value cannot begin like this; put the value in quotes"),
        (
            "{{ name }}",
            "line 1: a list or mapping cannot be a key; fill in the template, or put it in quotes",
        ),
        ("'a", "line 1: a quote is not closed"),
        ("[a", "line 1: a bracket is not closed, or a comma is missing"),
    ],
)
def test_a_value_that_yaml_cannot_read_is_one_line(
    tmp_path: Path, kind: type[BaseModel], value: str, says: str
) -> None:
    assert mistake(tmp_path, f"site: {value}", kind) == says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "site: My: shop",
            "line 1: unexpected ':'; check the indent of this line, or put the value in quotes",
        ),
        (
            "site: shop\n  device: door",
            "line 2: unexpected ':'; check the indent of this line, or put the value in quotes",
        ),
        ("camera:\n\tsource: 0", "line 2: there is a tab; indent with spaces"),
        ("camera:\n   fps: 10\n  width: 640", "line 3: check the indent of this line, and that every quote"),
        ("camera:\n  fps 10\n  width: 640", "line 3: "),
        ("site:shop\ndevice: door", "line 2: "),
        ("site: a\nsite: b", "line 2: key 'site' is given twice; keep one"),
        ("a: 1\n---\nb: 2", "line 2: only one document is allowed; remove the line '---'"),
        ("- camera", "must hold 'key: value' lines, found a list"),
        ("camera", "must hold 'key: value' lines, found 'camera'"),
        ("site: \x07", "holds a character that YAML does not allow (number 7)"),
        (b"\xff\xd8\xff", "not a text file in UTF-8"),
        ("site: caf\xe9".encode("utf-16"), "not a text file in UTF-8"),
    ],
)
def test_a_slip_in_writing_is_told_in_plain_words(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert mistake(tmp_path, text).startswith(says)


def test_a_file_that_is_missing_or_a_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.yaml: no such file$"):
        load_yaml_model(tmp_path / "absent.yaml", Device)
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\)$"):
        load_yaml_model(tmp_path, Device)


def test_an_editor_may_put_a_byte_order_mark_first(tmp_path: Path) -> None:
    settings = load_yaml_model(write(tmp_path, "site: shop".encode("utf-8-sig")), Device)
    assert settings.site == "shop"


@pytest.mark.parametrize("word", ["no", "NO", "on", "yes", "off", "y", "2026-02-03", "2026-02-30"])
def test_words_and_dates_are_text(tmp_path: Path, word: str) -> None:
    """YAML 1.1 takes Norway for false, and a shop of this name for a date."""
    assert load_yaml_model(write(tmp_path, f"site: {word}"), Device).site == word


@pytest.mark.parametrize("word", ["true", "True", "yes", "on"])
def test_a_switch_takes_yes_and_on_as_well(tmp_path: Path, word: str) -> None:
    assert load_yaml_model(write(tmp_path, f"camera: {{realtime: {word}}}"), Device).camera.realtime is True


@pytest.mark.parametrize("text", ["zones: &a [*a]", "mqtt: &a {tls: *a}", "sites: &a {shop: *a}"])
def test_a_value_that_holds_itself_is_one_line(tmp_path: Path, text: str) -> None:
    assert mistake(tmp_path, text) == "line 1: a value must not contain itself"
