"""Credentials are hidden wherever a person or a log sees a URL."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.__main__ import main
from common.masking import MaskingFormatter, masked

SECRET = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1).map(
    lambda text: f"s3cr3t{text}"
)


NAMES = [
    *(
        "auth",
        "AUTH",
        "token",
        "access_token",
        "refresh-token",
        "api_key",
        "apikey",
        "X-Api-Key",
        "key",
        "secret",
    ),
    *("client_secret", "password", "db_password", "passphrase", "sig", "signature", "u", "p", "credentials"),
]


@given(SECRET, st.sampled_from(NAMES))
def test_no_secret_parameter_survives_masking(secret: str, name: str) -> None:
    for before in ("?", "&", "?a=1&", "/", ";"):
        assert masked(f"http://a/b{before}{name}={secret}&c=2") == f"http://a/b{before}{name}=***&c=2"


@pytest.mark.parametrize(
    "text", ["http://a/b?monkey=1&group=2&loop=3&channel=4", "depth=1", "author=me", "backup=yes"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text


URLS = """
store: {kind: influx, url: "http://bob:hunter2@influx:8086", token: x}
grafana:
  url: "https://bob:hunter2@grafana"
  token: x
  influx_url: "http://bob:hunter2@influx:8086/?access_token=hunter3"
  influx_token: x
"""


def test_settings_are_shown_without_the_credentials_of_urls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cloud.yaml"
    path.write_text(URLS)
    assert main(["show-config", str(path)]) == 0
    out = capsys.readouterr().out
    assert "hunter" not in out
    assert out.count("***@influx:8086") == 2


@pytest.mark.parametrize(
    "text",
    [
        "store: {kind: influx, token: x, url: 'influx://bob:hunter2@h'}",
        "store: {kind: influx, token: x, url: 'influx://bob:hunter2" + 60 * "-" + "@h'}",
        "grafana: {url: 'x://bob:hunter2@h', token: x, influx_url: 'http://h', influx_token: x}",
        "mqtt: {port: 'mqtt://bob:hunter2@h'}",
    ],
)
def test_no_mistake_shows_the_credentials_of_a_url(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "cloud.yaml"
    path.write_text(text)
    assert main(["check-config", str(path)]) == 2
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert said.count("\n") == 1


def test_neither_a_log_line_nor_a_traceback_shows_them() -> None:
    try:
        raise OSError("http://bob:hunter2@influx refuses")
    except OSError:
        record = logging.LogRecord(
            "a", logging.ERROR, __file__, 1, "at %s", ("http://h/?auth=hunter2",), sys.exc_info()
        )
    written = MaskingFormatter("%(message)s").format(record)
    assert "hunter2" not in written
    assert "http://***@influx refuses" in written


PASSWORD = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1).map(
    "s3cr3t{}".format
)


@given(PASSWORD)
def test_no_password_survives_masking(password: str) -> None:
    hidden = masked(f"camera rtsp://admin:{password}@cam.lan/sub is off")
    assert hidden == "camera rtsp://***@cam.lan/sub is off"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://cam.lan:554/sub", "rtsp://cam.lan:554/sub"),
        ("http://cam/v?user=bob&password=x&channel=1", "http://cam/v?user=***&password=***&channel=1"),
        ("rtsp://cam/user=bob&pwd=x&channel=1", "rtsp://cam/user=***&pwd=***&channel=1"),
        ("http://me:x@influxdb and http://me:y@grafana", "http://***@influxdb and http://***@grafana"),
        ("/home/me@home/clip.mp4", "/home/me@home/clip.mp4"),
    ],
)
def test_masking_keeps_what_helps(text: str, shown: str) -> None:
    assert masked(text) == shown
