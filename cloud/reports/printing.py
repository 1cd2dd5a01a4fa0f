"""Writes a printable page: one self-contained HTML file, or a PDF that Chromium makes from it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from common.errors import UserError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE_S = 120


def write(text: str, path: Path, *, option: str = "--out") -> None:
    """Write a page, as PDF if ``path`` ends in ``.pdf``. Raises ``UserError``, which names the ``option``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".pdf":
            path.write_text(text, encoding="utf-8")
            return
        with TemporaryDirectory() as folder:
            page = Path(folder) / "page.html"
            page.write_text(text, encoding="utf-8")
            _print(page, path)
    except OSError as error:
        raise UserError(f"{option} {path}: {error.strerror or error}") from None


def require_browser() -> str:
    """Find the program that makes a PDF of a page. Raises ``UserError`` if it is not installed."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise UserError(
        "a PDF needs Chromium, which is not installed: run apt-get install chromium, or write .html"
    )


def _print(page: Path, path: Path) -> None:
    command = [require_browser(), "--headless", "--disable-gpu", "--no-pdf-header-footer", "--no-first-run"]
    if os.geteuid() == 0:  # Chromium's sandbox refuses root; the page is ours and runs no script
        command.append("--no-sandbox")
    command += [
        f"--user-data-dir={page.parent / 'profile'}",
        f"--print-to-pdf={path.resolve()}",
        page.as_uri(),
    ]
    path.unlink(missing_ok=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"--out {path}: Chromium did not finish within {_PATIENCE_S} s; write .html instead"
        ) from None
    if not path.exists():
        said = (done.stderr.strip().splitlines() or ["no error message"])[-1]
        raise UserError(f"--out {path}: Chromium wrote no PDF: {said[:200]}")
