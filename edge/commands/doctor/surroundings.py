"""Where the service of a configuration keeps its files, and the settings that it runs with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from common.errors import UserError
from edge.commands.doctor.checks import Finding, Look, green
from edge.config import Settings
from edge.service.remote_config import as_kept

SECRETS = Path("/etc/footlight/tls")
STATES = Path("/var/lib")
"""In each of these folders, every systemd unit has a folder with its name."""


def surroundings(config: Path, environ: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """Find the unit that uses this configuration, and the folders that systemd gives it. So the doctor checks the
    files of the service, whether it is started by hand or by its own unit."""
    given = environ.get("STATE_DIRECTORY")
    unit = Path(given).name if given else config.stem
    folders = {"CREDENTIALS_DIRECTORY": SECRETS / unit, "STATE_DIRECTORY": STATES / unit}
    # Path.is_dir would raise where the user has no permission.
    there = {key: str(folder) for key, folder in folders.items() if os.path.isdir(folder)}  # noqa: PTH112
    return unit, {**there, **environ}


def in_force(own: Settings, environ: Mapping[str, str]) -> tuple[Settings, Look]:
    """Return the current settings of the service, and the check that explains them: the server may have changed some
    of those in the file."""
    folder = Path(environ.get("STATE_DIRECTORY", "").split(":")[0])
    try:
        settings, lines = as_kept(own, folder)
    except UserError as error:
        fault = error

        def unknown() -> Finding:
            raise fault

        return own, unknown
    return settings, lambda: green(" ".join(" ".join(lines).split()))
