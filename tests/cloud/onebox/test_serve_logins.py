"""One box that others can reach: it asks for a login, over TLS if it has a certificate."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.__main__ import main
from cloud.config import Settings
from common.errors import UserError
from tests.cloud.onebox.boxes import running

pytestmark = pytest.mark.slow


def settings(folder: Path, **page: Any) -> Settings:
    return Settings.model_validate(
        {
            "store": {"path": folder / "store.sqlite", "backup": folder / "backup.sqlite"},
            "serve": {"broker": {"port": 0}, "page": {"port": 0, **page}},
        }
    )


def first_user(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    config = folder / "cloud.yaml"
    config.write_text(f"store: {{path: {folder}/store.sqlite}}\n")
    arguments = ["--role", "installer", "--all-sites", "--config", str(config)]
    assert main(["users", "add", "ivo", *arguments]) == 0
    return str(re.findall(r"password is (\S+)", capsys.readouterr().out)[0])


def certificate(folder: Path) -> dict[str, Path]:
    files = {"cert": folder / "page.crt", "key": folder / "page.key"}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(files["key"]), "-out", str(files["cert"])],
        check=True, capture_output=True,
    )  # fmt: skip
    return files


def log_in(client: httpx.Client, name: str, password: str) -> httpx.Response:
    token = re.findall(r'name="csrf" value="(\w+)"', client.get("/login").text)[0]
    return client.post("/login", data={"csrf": token, "name": name, "password": password})


def test_a_box_for_the_network_without_users_does_not_start(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"serve\.page\.host: 0\.0\.0\.0 makes the page reachable"),
        running(settings(tmp_path, host="0.0.0.0")),
    ):
        pass


def test_a_login_over_our_own_tls_opens_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    password = first_user(tmp_path, capsys)
    files = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(files["cert"]))
    with (
        running(settings(tmp_path, tls={name: str(path) for name, path in files.items()})) as box,
        httpx.Client(base_url=box.page_url, verify=trust, timeout=20) as client,
    ):
        assert box.page_url.startswith("https://127.0.0.1:")
        assert client.get("/").headers["location"] == "/login"
        answer = log_in(client, "ivo", password)
        assert answer.headers["set-cookie"].startswith("__Host-footlight=")
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        assert client.get("/account").status_code == 200


def test_a_certificate_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    shutil.copy(files["cert"], tmp_path / "swapped.key")
    for wrong in ({**files, "key": tmp_path / "swapped.key"}, {**files, "cert": tmp_path / "absent.crt"}):
        tls = {name: str(path) for name, path in wrong.items()}
        with (
            pytest.raises(UserError, match=r"serve\.page\.tls: .* cannot be used"),
            running(settings(tmp_path, tls=tls)),
        ):
            pass
