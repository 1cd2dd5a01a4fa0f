"""The copy of each night, made while the store is in use."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from cloud.config import EmbeddedSettings
from cloud.onebox.backup import nightly
from cloud.stores.connect import open_embedded
from common.clock import SystemClock
from tests.support.brokers import until
from tests.support.messages import window

pytestmark = pytest.mark.slow


def test_a_copy_is_made_and_one_that_cannot_be_written_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    target = tmp_path / "stick" / "backup.sqlite"
    settings = EmbeddedSettings(path=tmp_path / "store.sqlite", backup=target)
    store = open_embedded(settings, SystemClock())
    store.write([window(0)])
    with nightly(settings, SystemClock(), look_every_s=0.01):
        until(lambda: caplog.records, "the stick is missing")
        target.parent.mkdir()
        until(target.exists, "the copy")
        until(lambda: len(caplog.records) == 2, "it is told")
    store.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    other = open_embedded(EmbeddedSettings(path=tmp_path / "other.sqlite"), SystemClock())
    assert other.take_over(target) == 1
    other.close()


def test_no_copy_is_made_where_none_is_wanted(tmp_path: Path) -> None:
    with nightly(
        EmbeddedSettings(path=tmp_path / "store.sqlite", backup=None), SystemClock(), look_every_s=0.0
    ):
        pass
    assert list(tmp_path.iterdir()) == []
