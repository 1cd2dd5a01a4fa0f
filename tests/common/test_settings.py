"""What both sides can be told: sections, the broker, and how secrets are given."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from common.errors import UserError
from common.fields import BaseUrl, Host, Password, Token, Url
from common.mqtt.broker import Broker
from common.mqtt.tls import Tls
from common.settings import MqttSettings, Section, TlsSettings, first_line

HOST, URL, BASE = TypeAdapter[str](Host), TypeAdapter[str](Url), TypeAdapter[str](BaseUrl)
PASSWORD, TOKEN = TypeAdapter[SecretStr](Password), TypeAdapter[SecretStr](Token)


class Inside(Section):
    count: int = 1
    switch: bool = False


class Outside(Section):
    share: float = 0.5
    name: str = "a"
    pairs: tuple[tuple[float, float], ...] = ()
    by_name: dict[str, int] = Field(default_factory=dict)
    inside: Inside = Inside()
    several: list[Inside] = Field(default_factory=list)
    perhaps: Inside | None = None
    needed: list[int] = Field(default_factory=list)


class Needy(Section):
    some: list[int]


# Sections


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"share": True}, ("share",)),
        ({"pairs": [[0, 0], [True, 1]]}, ("pairs",)),
        ({"by_name": {"a": False}}, ("by_name",)),
        ({"inside": {"count": True}}, ("inside", "count")),
        ({"several": [{}, {"count": True}]}, ("several", 1, "count")),
        ({"perhaps": {"count": False}}, ("perhaps", "count")),
    ],
)
def test_true_and_false_are_no_numbers(data: dict[str, Any], where: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        Outside.model_validate(data)
    (error,) = caught.value.errors()
    assert (error["loc"], error["msg"]) == (where, "Value error, must not be true or false")


def test_a_switch_is_true_or_false() -> None:
    found = Outside.model_validate({"inside": {"switch": True}, "several": [{"switch": True}]})
    assert found.inside.switch
    assert found.several[0].switch


@pytest.mark.parametrize("key", ["pairs", "by_name", "inside", "several", "perhaps"])
def test_an_empty_section_list_or_mapping_means_its_default(key: str) -> None:
    assert Outside.model_validate({key: None}) == Outside()


def test_an_empty_value_is_no_default() -> None:
    for kind, data in (
        (Outside, {"share": None}),
        (Outside, {"inside": {"count": None}}),
        (Needy, {"some": None}),
    ):
        with pytest.raises(ValidationError):
            kind.model_validate(data)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(value: float) -> None:
    with pytest.raises(ValidationError):
        Outside(share=value)


def test_space_around_a_text_is_stripped() -> None:
    """A block of YAML (``|``) ends with a line break."""
    assert Outside(name="a\n").name == "a"


# Hosts and addresses


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "broker.example.com", "broker.example.com.", "store_12-a.local", "br\u00f6ker.local"),
        *("127.0.0.1", "::1", "fe80::1%eth0"),
    ],
)
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert HOST.validate_python(host) == host


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("", "is not the name of a machine"),
        ("broker..local", "is not the name of a machine"),
        (".local", "is not the name of a machine"),
        ("a" * 64, "is not the name of a machine"),
        (".".join(["a" * 63] * 5), "is not the name of a machine"),
        ("two words", "is not the name of a machine"),
        ("-a", "is not the name of a machine"),
        ("a\x00b", "is not the name of a machine"),
        ("\ud800", "is not the name of a machine"),
        ("[::1]", "is not the name of a machine"),
        ("mqtt://x", "write the name alone, without '://' and '/'"),
        ("x/y", "write the name alone, without '://' and '/'"),
        ("x:1883", "write the name alone; 1883 belongs under 'port'"),
    ],
)
def test_what_is_no_host_is_refused_with_the_way_out(host: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        HOST.validate_python(host)
    assert says in str(caught.value)


@given(st.one_of(st.text(max_size=70), st.text("ab.-_:/\u00e9\u3002", max_size=70)))
def test_every_host_that_is_accepted_can_be_looked_up(host: str) -> None:
    """``socket`` raises UnicodeError and ValueError for the others, which no caller expects."""
    try:
        HOST.validate_python(host)
    except ValidationError:
        return
    with contextlib.suppress(OSError):  # no such host: what every caller expects
        socket.getaddrinfo(host, 1883, flags=socket.AI_NUMERICHOST)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8086",
        "https://grafana.example.com/sub/",
        "http://[::1]:8086",
        "http://me:secret@influx",
    ],
)
def test_a_url_is_taken_as_it_is(url: str) -> None:
    assert URL.validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "localhost",
            "localhost:8086",
            "ftp://a",
            "http://",
            "http://:8086",
            "http:///a",
            "//a",
            "http://a:port",
        ),
        *(
            "http://a:99999",
            "http://a:0",
            "http://a..b",
            "http://a b",
            "http://a\nb",
            "http://[::1",
        ),
        "http://\u00fc.example",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        URL.validate_python(url)


@pytest.mark.parametrize("url", ["http://a?b=c", "http://a/#b"])
def test_no_path_can_be_appended_behind_a_query(url: str) -> None:
    assert URL.validate_python(url) == url
    with pytest.raises(ValidationError, match="must end before"):
        BASE.validate_python(url)


@given(st.one_of(st.text(), st.text("ab.:/[]@?#%\n 1").map("http://{}".format)))
def test_every_url_that_is_accepted_can_be_parsed_by_the_client(url: str) -> None:
    try:
        URL.validate_python(url)
    except ValidationError:
        return
    assert urllib3.util.parse_url(url).host


# Secrets


@pytest.mark.parametrize("text", ["abc==\n", "abc==\r\n", "abc=="])
def test_the_line_end_of_a_block_is_no_part_of_a_secret(text: str) -> None:
    for kind in (PASSWORD, TOKEN):
        assert kind.validate_python(text).get_secret_value() == "abc=="


@pytest.mark.parametrize(
    "text", ["hunter2\nhunter2", "hunter2\tx", "hunter2\x00", "hunter2\x85x", "hunter2\u2028x"]
)
def test_a_secret_is_one_line(text: str) -> None:
    for kind in (PASSWORD, TOKEN):
        with pytest.raises(ValidationError, match="must be"):
            kind.validate_python(text)


@pytest.mark.parametrize(
    "text", ["", " hunter2", "hunter2 ", "hunter2\u20ac", "hunter2\u00e9", "\u201chunter2\u201d"]
)
def test_a_token_that_no_header_can_carry_is_refused(text: str) -> None:
    with pytest.raises(
        ValidationError, match="must be plain ASCII without spaces around it; copy the token again"
    ):
        TOKEN.validate_python(text)


@given(st.text(min_size=1))
def test_every_token_that_is_accepted_fits_a_header(text: str) -> None:
    try:
        token = TOKEN.validate_python(text).get_secret_value()
    except ValidationError:
        return
    assert token == token.strip()
    token.encode("ascii")
    assert token.isprintable()


def test_a_password_may_be_in_any_script() -> None:
    assert PASSWORD.validate_python("gehe\u00efm \u20ac").get_secret_value() == "gehe\u00efm \u20ac"


# The broker


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"password": "x"}, "a password is given without username; add username"),
        ({"password_file": "x"}, "a password is given without username; add username"),
        ({"username": "a", "password": "x", "password_file": "y"}, "are both given; keep one"),
        ({"tls": {"cert": "a.pem"}}, "cert is given without key; a client certificate needs both"),
        ({"tls": {"key": "a.key"}}, "key is given without cert; a client certificate needs both"),
    ],
)
def test_half_of_a_pair_is_refused(data: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        MqttSettings.model_validate(data)


def test_the_broker_has_all_that_a_connection_needs(tmp_path: Path) -> None:
    (tmp_path / "mqtt-password").write_text("hunter2\n")
    found = MqttSettings(
        host="broker.example.com",
        port=8883,
        username="door",
        password_file=Path("mqtt-password"),
        tls=TlsSettings(ca=Path("ca.crt"), cert=Path("/a"), key=Path("/b")),
        protocol="3.1.1",
        keepalive_s=20,
    ).broker({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    tls = Tls(tmp_path / "ca.crt", Path("/a"), Path("/b"))
    assert found == Broker("broker.example.com", 8883, "3.1.1", "door", "hunter2", tls, 20)
    assert "hunter2" not in repr(found)


def test_without_credentials_files_are_in_the_current_folder() -> None:
    assert TlsSettings(ca=Path("ca.crt")).files({}) == Tls(Path("ca.crt"))


def test_no_password_is_no_secret() -> None:
    assert MqttSettings().secret() is None
    assert MqttSettings(username="a", password=SecretStr("b")).secret() == "b"


@pytest.mark.parametrize(
    "content",
    [b"hunter2", b"hunter2\n", b"hunter2\r\n", b"\xef\xbb\xbfhunter2\r\n", b"hunter2\nsecond line\n"],
)
def test_a_password_file_gives_its_first_line(tmp_path: Path, content: bytes) -> None:
    """Editors end lines in their own way, and some put a byte order mark first."""
    path = tmp_path / "password"
    path.write_bytes(content)
    assert first_line(path, "key") == "hunter2"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"\xff\xfe", "cannot be read (not text in UTF-8)"),
        (b"", "has no password in its first line"),
        (b"\n", "has no password in its first line"),
        (b"\xef\xbb\xbf\n", "has no password in its first line"),
    ],
)
def test_a_password_file_without_a_password_is_one_line(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        first_line(path, "mqtt.password_file")
    assert str(caught.value) == f"mqtt.password_file: {path} {says}"
