"""Credentials are hidden in what people and logs are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.masking import masked

SECRET = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1).map(
    lambda text: f"s3cr3t{text}"
)


@given(SECRET)
def test_no_password_survives_masking(password: str) -> None:
    hidden = masked(f"camera rtsp://admin:{password}@cam.lan/sub is off")
    assert hidden == "camera rtsp://***@cam.lan/sub is off"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://cam.lan:554/sub", "rtsp://cam.lan:554/sub"),
        ("http://cam/v?user=bob&password=x&channel=1", "http://cam/v?user=***&password=***&channel=1"),
        ("rtsp://cam/user=bob&pwd=x&channel=1", "rtsp://cam/user=***&pwd=***&channel=1"),
        ("http://influxdb:8086/?auth=x", "http://influxdb:8086/?auth=***"),
        (
            "http://me:x@influxdb:8086 and http://me:y@grafana",
            "http://***@influxdb:8086 and http://***@grafana",
        ),
        ("/home/me@home/clip.mp4", "/home/me@home/clip.mp4"),
    ],
)
def test_masking_keeps_what_helps(text: str, shown: str) -> None:
    assert masked(text) == shown
