"""A configuration file and the one line about its mistake, for the tests of the loader."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from cloud.config import Settings as Server
from cloud.domain.chain import Chain
from common.config_file import load_yaml_model
from common.errors import UserError
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
