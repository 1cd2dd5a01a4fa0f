"""The copies of each night, made while the server runs, and a whole server that comes back from them."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.accounts.file import exists_with_users
from cloud.backup.copies import copies, nightly
from cloud.config import Settings, load
from cloud.stores.connect import open_embedded
from cloud.stores.sqlite_file import connect
from common.clock import SystemClock
from tests.support.brokers import until
from tests.support.messages import window

pytestmark = pytest.mark.slow


def one_box(folder: Path, backup: Path | None) -> Settings:
    return Settings.model_validate({"store": {"path": folder / "store.sqlite", "backup": backup}})


def configured(folder: Path, store: str) -> Path:
    """Write the configuration of a server that keeps its files in ``folder``."""
    folder.mkdir(exist_ok=True)
    config = folder / "cloud.yaml"
    config.write_text(f"store: {store}\n")
    return config


def test_a_copy_is_made_and_one_that_cannot_be_written_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    target = tmp_path / "stick" / "backup.sqlite"
    settings = one_box(tmp_path, target)
    (tmp_path / "store.chain.yaml").write_text("name: c\n")
    store = open_embedded(settings.store, SystemClock())  # type: ignore[arg-type]
    store.write([window(0)])
    with nightly(copies(settings), SystemClock(), look_every_s=0.01):
        until(lambda: caplog.records, "the stick is missing")
        target.parent.mkdir()
        until(target.exists, "the copy")
        until(lambda: caplog.records[-1].levelname == "INFO", "it is told")
    store.close()
    assert [record.levelname for record in caplog.records].count("WARNING") <= 2, "one for each kind of fault"
    assert (tmp_path / "stick" / "backup.chain.yaml").read_text() == "name: c\n"
    other = open_embedded(one_box(tmp_path / "other", None).store, SystemClock())  # type: ignore[arg-type]
    assert other.take_over(target) == 1
    other.close()


def test_no_copy_is_made_where_none_is_wanted(tmp_path: Path) -> None:
    with nightly(copies(one_box(tmp_path, None)), SystemClock(), look_every_s=0.0):
        pass
    assert list(tmp_path.iterdir()) == []


def fill(config: Path) -> None:
    """Give a server one user and something in each of its other files."""
    assert main(["users", "add", "ivo", "--role", "installer", "--all-sites", "--config", str(config)]) == 0
    files = load(config).files_beside_store()
    files[".chain.yaml"].write_text("name: before\n")
    for suffix in (".changes.sqlite", ".chain.sqlite", ".till.sqlite", ".checks.sqlite"):
        with closing(connect(files[suffix])) as db:
            db.executescript("CREATE TABLE kept (word TEXT); INSERT INTO kept VALUES ('before');")


def back_up_now(config: Path) -> None:
    pairs = [(file, copy) for file, copy in copies(load(config)) if file.exists()]
    with nightly(pairs, SystemClock(), look_every_s=0.01):
        until(lambda: all(copy.exists() for _, copy in pairs), "every copy")


def word(file: Path) -> str:
    with closing(connect(file)) as db:
        return str(db.execute("SELECT word FROM kept").fetchone()[0])


@pytest.mark.parametrize("kind", ["embedded", "influx"])
def test_a_whole_server_comes_back_on_an_empty_machine(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "old"))
    store = (
        "{kind: embedded}" if kind == "embedded" else "{kind: influx, url: 'http://localhost:1', token: x}"
    )
    config = configured(tmp_path / "old", store)
    fill(config)
    if kind == "embedded":
        embedded = open_embedded(load(config).store, SystemClock())  # type: ignore[arg-type]
        embedded.write([window(0), window(1)])
        embedded.close()
    back_up_now(config)
    backup = tmp_path / "old" / "footlight.backup.sqlite"

    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "new"))
    config = configured(tmp_path / "new", store)
    assert main(["restore", "--config", str(config), str(backup)]) == 0
    said = capsys.readouterr().out
    assert ("2 windows restored" in said) == (kind == "embedded")
    files = load(config).files_beside_store()
    assert exists_with_users(files[".accounts.sqlite"])
    assert files[".chain.yaml"].read_text() == "name: before\n"
    kept = (".changes.sqlite", ".chain.sqlite", ".till.sqlite", ".checks.sqlite")
    assert {word(files[suffix]) for suffix in kept} == {"before"}
    assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o600}


def backed_up_box(folder: Path) -> Path:
    """Return the configuration of one box whose files have just been copied."""
    config = configured(folder, "{kind: embedded}")
    open_embedded(load(config).store, SystemClock()).close()  # type: ignore[arg-type]
    fill(config)
    back_up_now(config)
    return config


def test_what_is_there_is_replaced_only_when_asked_also_while_it_is_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    config = backed_up_box(tmp_path)
    file = load(config).changes_file()
    with closing(connect(file)) as in_use:
        in_use.execute("PRAGMA journal_mode = WAL")
        in_use.execute("UPDATE kept SET word = 'after'")
        assert main(["restore", "--config", str(config)]) == 0
        assert "is there already and was left as it is; --replace" in capsys.readouterr().out
        assert in_use.execute("SELECT word FROM kept").fetchone() == ("after",)
        assert main(["restore", "--replace", "--config", str(config)]) == 0
        assert in_use.execute("SELECT word FROM kept").fetchone() == ("before",)


def test_a_copy_that_is_damaged_replaces_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    config = backed_up_box(tmp_path)
    (tmp_path / "footlight.backup.accounts.sqlite").write_bytes(b"\xff\xd8" * 4000)
    assert main(["restore", "--replace", "--config", str(config)]) == 2
    assert "accounts.sqlite: cannot be restored to" in capsys.readouterr().err
    assert exists_with_users(load(config).accounts_file())
