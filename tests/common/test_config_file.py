"""The loader of configuration files: whatever is in a file, it is settings or one line about the mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cloud.config import Settings as Server
from cloud.domain.chain import Chain
from common.config_file import checked, load_yaml_model
from common.errors import UserError
from common.mistakes import FILES, one_line
from edge.config import Settings as Device

KINDS: tuple[type[BaseModel], ...] = (Device, Server, Chain)


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "settings.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mistake(folder: Path, text: str | bytes, kind: type[BaseModel] = Device) -> str:
    """The one line about a file with ``text``, after the name of the file."""
    path = write(folder, text)
    with pytest.raises(UserError) as caught:
        load_yaml_model(path, kind)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert line.isprintable()
    return line.removeprefix(f"{path}: ")


# What YAML itself cannot read


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


# What the settings cannot be


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (
            Device,
            "camera:\nsource: 0",
            "source: unknown key; it belongs under 'camera:'; indent it there by two",
        ),
        (
            Device,
            "source: 0",
            "source: unknown key; it belongs under 'camera:'; indent it there by two spaces",
        ),
        (
            Device,
            "detection:\nthreads: 2\nmin_face_px: 9",
            "threads: unknown key; it belongs under 'detection:'; indent it there by two spaces (and 1 more)",
        ),
        (
            Device,
            "min_face_px: 9",
            "min_face_px: unknown key; it belongs under 'detection:' or 'attributes:'",
        ),
        (
            Device,
            "camera:\n  source: 0\n  mqtt: {host: a}",
            "camera.mqtt: unknown key; 'mqtt' is a key of its own; write it at the left margin, without indent",
        ),
        (Device, "site: My Shop", "site: must be letters, digits, '_', '.' or '-', no spaces, 64 at most"),
        (Device, "site: 12", "site: must be text; put it in quotes; found 12"),
        (Device, "site:", "site: has no value; write one, or remove the line"),
        (Device, "mqtt: {host: }", "mqtt.host: has no value; write one, or remove the line"),
        (Device, "camera: {width: 1}", "camera.width: must be at least 64; found 1"),
        (Device, "camera: {width: 1.5}", "camera.width: must be a whole number; found 1.5"),
        (Device, "camera: {fps: fast}", "camera.fps: must be a number; found 'fast'"),
        (Device, "camera: {fps: [1]}", "camera.fps: must be a number; found a list"),
        (Device, "camera: {realtime: 2}", "camera.realtime: must be true or false; found 2"),
        (
            Device,
            "camera: door",
            "camera: must hold 'key: value' lines, each indented by two spaces; found 'door'",
        ),
        (Device, "zones: {}", "zones: must be a list; found a mapping"),
        (Device, "1: a", "1: the key must be text; put it in quotes"),
        (Device, '"a\\nb": 1', "a\\nb: unknown key"),
        (Server, "store: embedded", "store: must hold 'key: value' lines, each indented by two spaces"),
        (Server, "store: {kind: duckdb}", "store.kind: must be one of 'embedded', 'influx'; found 'duckdb'"),
        (
            Server,
            "store: {url: 'http://a', token: x}",
            "store: token is a setting of InfluxDB; add 'kind: influx'",
        ),
        (
            Server,
            "store: {kind: , url: 'http://a'}",
            "store: url is a setting of InfluxDB; add 'kind: influx'",
        ),
        (Chain, "name: a\nsites: {}", "sites: must have at least 1 entries"),
        (Chain, "name: a\nsites:", "sites: has no value; write one, or remove the line"),
    ],
)
def test_a_mistake_names_the_key_and_the_way_out(
    tmp_path: Path, kind: type[BaseModel], text: str, says: str
) -> None:
    assert mistake(tmp_path, text, kind).startswith(says)


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (
            Server,
            "site: a\nmqtt: {host: b}",
            "site: unknown key; this looks like a device's file (footlight-edge)",
        ),
        (
            Server,
            "mqtt: {host: b}\ncamera: {source: 0}",
            "camera: unknown key; this looks like a device's file",
        ),
        (
            Device,
            "mqtt: {host: b}\nstore: {path: c}",
            "store: unknown key; this looks like the server's file",
        ),
        (
            Device,
            "name: a\nsites: {}",
            "sites: unknown key; this looks like a chain file (--chain), and a device's",
        ),
        (
            Chain,
            "mqtt: {}\nserve: {}",
            "serve: unknown key; this looks like the server's file (footlight-cloud)",
        ),
    ],
)
def test_a_file_of_another_kind_is_known(tmp_path: Path, kind: type[BaseModel], text: str, says: str) -> None:
    assert mistake(tmp_path, text, kind).startswith(says)


def test_a_kind_of_file_is_known_by_keys_that_it_alone_has() -> None:
    for kind, names in zip(KINDS, FILES.values(), strict=True):
        assert names <= kind.model_fields.keys()
        for other in KINDS:
            assert other is kind or not names & other.model_fields.keys()


@pytest.mark.parametrize(
    "text",
    [
        "camera: rtsp://admin:hunter2@cam/sub",
        "camera: {fps: 'rtsp://admin:hunter2@cam/sub'}",
        "mqtt: {pasword: hunter2}",
        "mqtt: {username: a, password: [hunter2]}",
        "mqtt: {username: a, password: {x: hunter2}}",
        "mqtt: {username: a, password: *hunter2}",
        "mqtt: {username: a, password: !hunter2 x}",
        "mqtt: {username: a, password: !!int hunter2}",
        "mqtt: {username: a, password: @hunter2}",
        "mqtt: {username: a, password: hunter2",
        "mqtt: {username: a, password: 'hunter2}",
        'mqtt: {username: a, password: "\\hunter2"}',
        "mqtt:\n  username: a\n  password: hunter2: x",
        'mqtt: {username: a, password: "hunter2\\nhunter2"}',
        "serve: {broker: {users: {door: [hunter2]}}}",
        "store: {kind: influx, url: 'http://a', token: hunter2\u20ac}",
        "store: {kind: influx, url: 'http://a:hunter2@b:x', token: a}",
    ],
)
def test_no_mistake_tells_a_secret(tmp_path: Path, text: str) -> None:
    for kind in (Device, Server):
        assert "hunter2" not in mistake(tmp_path, text, kind)


# Whatever there is


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


@pytest.mark.parametrize("text", ["zones: &a [*a]", "mqtt: &a {tls: *a}", "sites: &a {shop: *a}"])
def test_a_value_that_holds_itself_is_one_line(tmp_path: Path, text: str) -> None:
    assert mistake(tmp_path, text) == "line 1: a value must not contain itself"


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


def test_text_from_outside_is_one_line() -> None:
    assert one_line("a\nb\x1b[31m\u2028 \u00fc \U0001f600") == "a\\nb\\x1b[31m\\u2028 \u00fc \U0001f600"
