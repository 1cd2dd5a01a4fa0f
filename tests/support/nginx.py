"""A real nginx in front of a server of the tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.brokers import listening, until
from tests.support.programs import require_program


@contextmanager
def nginx(folder: Path, port: int, server: str) -> Iterator[None]:
    """Run nginx with the block ``server``, which listens on ``port``; everything that it writes is in ``folder``."""
    program = require_program("nginx", "apt-get install nginx-light")
    config, errors = folder / "nginx.conf", folder / "error"
    config.write_text(
        f"daemon off; pid {folder}/pid; error_log {errors}; events {{}} user root;\n"
        f"http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;\n"
        f" fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n{server} }}\n"
    )
    process = subprocess.Popen([program, "-c", str(config), "-e", str(errors)])
    try:
        until(lambda: listening(port), "nginx listens")
        yield
    finally:
        process.terminate()
        process.wait(20)
