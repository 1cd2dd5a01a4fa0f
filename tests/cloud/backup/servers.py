"""A server in a folder: its plan, its configuration, and how it is lost."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from cloud.__main__ import main
from cloud.config import EmbeddedSettings
from cloud.stores.connect import open_embedded
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.sqlite_file import connect
from common.clock import SystemClock


class Server:
    """What a machine keeps, in folders below ``root``; archives are elsewhere."""

    def __init__(self, root: Path, archives: Path, store: dict[str, Any] | None = None) -> None:
        self.root, self.archives = root, archives
        self.etc, self.state = root / "etc", root / "state"
        self.etc.mkdir(parents=True)
        self.state.mkdir()
        self.config = self.etc / "cloud.yaml"
        self.config.write_text(json.dumps({"store": store or {"kind": "embedded"}}))
        self.plan = archives / "plan.yaml"
        self.save_also()

    def save_also(self, *files: Path, **more: Any) -> None:
        """Write the plan."""
        self.archives.mkdir(exist_ok=True)
        values = {
            "config": str(self.config),
            "state": str(self.state),
            "files": [str(file) for file in (self.etc, *files)],
            "folder": str(self.archives),
            **more,
        }
        self.plan.write_text(json.dumps(values))

    def store(self) -> EmbeddedStore:
        """Open its embedded store."""
        return open_embedded(EmbeddedSettings(path=self.state / "footlight.sqlite"), SystemClock())

    def backup(self) -> Path:
        """Save it as the timer does; return the new archive."""
        before = set(self.archives.glob("*.zip"))
        assert main(["backup", str(self.plan)]) == 0
        (made,) = set(self.archives.glob("*.zip")) - before
        return made

    def lose(self) -> None:
        """Take the disk away."""
        self.root.rename(self.root.with_name(self.root.name + ".lost"))


def restore(archive: Path, *options: str) -> int:
    return main(["restore", str(archive), *options])


def make_database(path: Path, word: str) -> None:
    with closing(connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE kept (word TEXT)")
        db.execute("INSERT INTO kept VALUES (?)", (word,))


def read_database(path: Path) -> str:
    with closing(connect(path)) as db:
        return str(db.execute("SELECT word FROM kept").fetchone()[0])
