"""What ``footlight-cloud backup`` saves, and where: a small file of its own, ``cloud/backup.example.yaml``.

It is no part of the server's configuration, because one machine may have several configurations, or none of ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from common.config_file import load_yaml_model
from common.settings import Section


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError("is not an absolute path; write it from /")
    return path


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class Plan(Section):
    """What to save of one machine."""

    config: AbsolutePath | None = None
    state: AbsolutePath | None = None
    files: list[AbsolutePath] = Field(default_factory=list)
    folder: AbsolutePath = Path("/var/backups/footlight")
    keep: Annotated[int, Field(ge=1, le=1000)] = 7

    def environ(self) -> dict[str, str]:
        """Return what systemd tells the service: relative paths of its settings start in its folder."""
        return {} if self.state is None else {"STATE_DIRECTORY": str(self.state)}


def load(path: Path) -> Plan:
    """Read a plan. Raises ``UserError``."""
    return load_yaml_model(path, Plan)
