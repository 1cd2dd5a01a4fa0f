"""The settings and the command line of the cloud side: defaults as documented, one clear line for a mistake."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

import cloud
from cloud.__main__ import main
from cloud.config import EmbeddedSettings, InfluxSettings, Settings, load
from cloud.stores.connect import open_embedded
from cloud.stores.embedded_file import back_up
from cloud.stores.store import DeadLetter
from common.clock import SystemClock
from common.errors import UserError
from tests.support.brokers import Mosquitto, until
from tests.support.messages import MORNING, window

pytestmark = pytest.mark.mosquitto

EXAMPLE = Path(cloud.__path__[0]) / "example.yaml"


def write(folder: Path, text: str) -> Path:
    path = folder / "cloud.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def keys(node: object, prefix: str = "") -> set[str]:
    if not isinstance(node, dict) or not node:
        return {prefix}
    return {key for name, below in node.items() for key in keys(below, f"{prefix}.{name}".strip("."))}


def test_the_example_is_the_defaults_and_names_every_key() -> None:
    assert load(EXAMPLE) == Settings()
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert keys(example) == keys(Settings().model_dump(mode="json"))


def test_the_influx_example_in_the_comment_is_complete(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    start = lines.index("# store:")
    end = lines.index("", start)
    text = "\n".join(line.removeprefix("# ") for line in lines[start:end])
    store = load(write(tmp_path, text)).store
    assert isinstance(store, InfluxSettings)
    assert keys(yaml.safe_load(text)["store"]) == keys(store.model_dump())


@pytest.mark.parametrize(
    "text",
    [
        "mqtt:",
        "mqtt: {tls: }",
        "store:",
        "serve:",
        "serve: {broker: }",
        "serve: {broker: {users: }}",
        "grafana:",
    ],
)
def test_an_empty_section_means_its_defaults(tmp_path: Path, text: str) -> None:
    assert load(write(tmp_path, text)) == Settings()


def test_a_token_may_be_a_block(tmp_path: Path) -> None:
    """Its line end is no part of it."""
    text = """
store:
  kind: influx
  url: http://influxdb.example.com:8086
  token: |
    store-token
grafana:
  url: http://grafana.example.com
  influx_url: http://influxdb.example.com:8086
  influx_token: reader
  token: |
    grafana-token
"""
    settings = load(write(tmp_path, text))
    assert isinstance(settings.store, InfluxSettings)
    assert settings.grafana is not None
    assert settings.store.token.get_secret_value() == "store-token"
    assert settings.grafana.token.get_secret_value() == "grafana-token"


def test_a_store_without_a_kind_is_the_embedded_one(tmp_path: Path) -> None:
    assert load(write(tmp_path, "store: {path: a.sqlite}")).store == EmbeddedSettings(path=Path("a.sqlite"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("mqt: {}", "mqt: unknown key; did you mean 'mqtt'?"),
        ("mqtt: {prot: 1883}", "mqtt.prot: unknown key; did you mean 'port'?"),
        ("mqtt: {port: 0}", "mqtt.port: "),
        ("mqtt: {protocol: 4}", "mqtt.protocol: "),
        ("mqtt: {client_id: 'a/b'}", "mqtt.client_id: "),
        ("store: {kind: duckdb}", "store.kind: must be one of 'embedded', 'influx'; found 'duckdb'"),
        ("store: {kind: influx}", "store.url: is required"),
        ("store: {kind: influx, url: 'localhost', token: x}", "store.url: "),
        ("store: {kind: influx, url: 'http://a..b', token: x}", "store.url: is not the name of a machine"),
        (
            "store: {kind: influx, url: 'http://a:b', token: x}",
            "store.url: is not an address; write one like",
        ),
        ("store: {url: 'http://a', org: b}", "store: org is a setting of InfluxDB; add 'kind: influx'"),
        ("store: {retention_days: true}", "store.retention_days: must not be true or false; found true"),
        ("serve: {page: {host: a..b}}", "serve.page.host: is not the name of a machine"),
        ("store: {retention: 3}", "store.retention: unknown key; did you mean 'retention_days'?"),
        (
            "store: {kind: influx, url: 'http://a', token: x, buckt: y}",
            "store.buckt: unknown key; did you mean 'bucket'?",
        ),
        (
            "serve: {broker: {host: 0.0.0.0}}",
            "serve.broker: host 0.0.0.0 can be reached from other machines; add users",
        ),
        ("serve: {page: {port: 99999}}", "serve.page.port: "),
        (
            "serve: {page: {host: ''}}",
            "serve.page.host: is not an address; use 127.0.0.1 for this machine only",
        ),
        (
            "serve: {broker: {host: ' '}}",
            "serve.broker.host: is not an address; use 127.0.0.1 for this machine only",
        ),
        ("serve: {page: {names: ['http://shop']}}", "serve.page.names.0: is not a host name"),
        ("serve: {page: {path: 'my page'}}", "serve.page.path: is not a path; write one such as /footlight"),
        ("serve: {page: {proxies: [proxy]}}", "serve.page.proxies.0: is not an address or a network"),
        ("serve: {page: {tls: {cert: a.crt}}}", "serve.page.tls.key: is required"),
        ("accounts: {idle_hours: 0}", "accounts.idle_hours: "),
        ("accounts: {longest_days: 31}", "accounts.longest_days: "),
        ("accounts: {proxy: {header: 'a b', addresses: [10.0.0.1]}}", "accounts.proxy.header: "),
        ("accounts: {proxy: {header: Remote-User, addresses: []}}", "accounts.proxy.addresses: "),
        (
            "accounts: {company: {issuer: 'http://a.example', client_id: x, roles: {a: hq}}}",
            "accounts.company: issuer: must begin with https://",
        ),
        (
            "accounts: {company: {issuer: 'https://a.example', client_id: x, roles: {a: boss}}}",
            "accounts.company.roles.a: must be 'viewer', 'manager', 'installer' or 'hq'; found 'boss'",
        ),
        (
            "accounts: {company: {issuer: 'https://a.example', client_id: x, roles: {a: viewer}}}",
            "accounts.company: sites: says for each value which shops it gives",
        ),
        (
            "accounts: {company: {issuer: 'https://a.example', client_id: x, roles: {a: hq}, scope: profile}}",
            "accounts.company: scope: must contain openid",
        ),
        (
            "serve: {broker: {users: {door: x}}}",
            "serve.broker.users: 'door' is not a valid user; use SITE/DEVICE for a device, such as shop/door",
        ),
        (
            "serve: {broker: {users: {shop/door: ''}}}",
            "serve.broker.users: 'shop/door' has an empty password",
        ),
    ],
)
def test_a_mistake_is_one_line_on_standard_error_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, line: str
) -> None:
    path = write(tmp_path, text)
    assert main(["check-config", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"footlight-cloud: {path}: ")
    assert err.count("\n") == 1
    assert line in err


@pytest.mark.parametrize(
    "command", [["bridge", "--config"], ["serve", "--config"], ["check-config"], ["show-config"]]
)
def test_every_command_says_that_its_file_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert main([*command, str(tmp_path / "absent.yaml")]) == 2
    assert capsys.readouterr().err == f"footlight-cloud: {tmp_path}/absent.yaml: no such file\n"


SECRETS = """
mqtt: {username: bridge, password: hunter2}
store: {kind: influx, url: "http://localhost:8086", token: hunter2}
serve: {broker: {users: {shop/door: hunter2}}}
"""


def test_show_config_tells_everything_but_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show-config", str(write(tmp_path, SECRETS))]) == 0
    text = capsys.readouterr().out
    assert "hunter2" not in text
    shown = yaml.safe_load(text)
    assert shown["mqtt"]["username"] == "bridge"
    assert set(shown["mqtt"]["password"]) == set(shown["store"]["token"]) == {"*"}
    assert shown["serve"]["broker"]["users"].keys() == {"shop/door"}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_this_machine_nobody_needs_a_password(host: str) -> None:
    assert Settings.model_validate({"serve": {"broker": {"host": host}}}).serve.broker.users == {}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "shop.example"])
def test_to_the_outside_users_are_needed(host: str) -> None:
    with pytest.raises(ValidationError, match="add users"):
        Settings.model_validate({"serve": {"broker": {"host": host}}})
    Settings.model_validate({"serve": {"broker": {"host": host, "users": {"shop/door": "x"}}}})


@pytest.mark.parametrize(
    ("path", "environ", "where"),
    [
        ("a.sqlite", {}, "a.sqlite"),
        ("a.sqlite", {"STATE_DIRECTORY": "/var/lib/footlight"}, "/var/lib/footlight/a.sqlite"),
        ("/data/a.sqlite", {"STATE_DIRECTORY": "/var/lib/footlight"}, "/data/a.sqlite"),
    ],
)
def test_a_relative_store_lies_in_the_state_directory(path: str, environ: dict[str, str], where: str) -> None:
    assert EmbeddedSettings(path=Path(path)).location(environ) == Path(where)


def test_serve_with_influx_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write(tmp_path, "store: {kind: influx, url: 'http://127.0.0.1:8086', token: x}")
    assert main(["serve", "--config", str(config)]) == 2
    assert (
        "store.kind: 'serve' needs the embedded store; use 'footlight-cloud bridge'"
        in capsys.readouterr().err
    )


def test_the_bridge_command_refused_by_the_broker_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Mosquitto(tmp_path, anonymous=False) as broker:
        config = write(
            tmp_path, f"mqtt: {{port: {broker.port}, host: 127.0.0.1}}\nstore: {{path: '{tmp_path}/a'}}"
        )
        assert main(["bridge", "--config", str(config)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.match(
        rf"footlight-cloud: broker 127\.0\.0\.1:{broker.port} refuses: Not authorized; check mqtt\.", last
    )


def test_the_bridge_command_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Mosquitto(tmp_path) as broker, log.open("wb") as stderr:
        config = write(
            tmp_path, f"mqtt: {{port: {broker.port}, host: 127.0.0.1}}\nstore: {{path: '{tmp_path}/a'}}"
        )
        command = [sys.executable, "-W", "error", "-m", "cloud", "bridge", "--config", str(config)]
        with subprocess.Popen(command, stderr=stderr) as process:
            until(lambda: b"connected to broker" in log.read_bytes(), "the bridge is connected")
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert "stopped: Stats(received=0" in log.read_text()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("store: {kind: influx, url: 'http://x', token: 'SECRET\u20ac'}", "store.token"),
        ("store: {kind: influx, url: 'http://x', token: ''}", "store.token"),
        (
            'grafana:\n  url: http://x\n  influx_url: http://y\n  token: SECRET\n  influx_token: "SEC\\u010cRET"',
            "grafana.influx_token",
        ),
    ],
)
def test_a_token_that_no_header_can_carry_is_one_line_without_it(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(UserError, match=rf": {key}: must be plain ASCII without spaces around it") as error:
        load(write(tmp_path, text))
    assert "SEC" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_session_is_not_longer_than_what_the_devices_hold(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mqtt\.session_expiry_s: must be at most 3600"):
        load(write(tmp_path, "mqtt: {session_expiry_s: 86400}"))


def test_dead_letters_are_listed_and_a_backup_is_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(
        tmp_path, f"store: {{path: {tmp_path}/store.sqlite, backup: {tmp_path}/stick/backup.sqlite}}"
    )
    arguments = ["--config", str(config)]
    assert main(["dead-letters", *arguments]) == 0
    assert capsys.readouterr().out == "no dead letters\n"
    assert main(["restore", *arguments]) == 2
    assert "backup.sqlite: no such file" in capsys.readouterr().err
    settings = load(config).store
    assert isinstance(settings, EmbeddedSettings)
    target = settings.backup_location()
    assert target is not None
    target.parent.mkdir()
    store = open_embedded(settings, SystemClock())
    store.write([window(0), window(1)])
    letter = DeadLetter(MORNING, "shop", "door", "footlight/v1/shop/door/window", "seq: missing", b"{}")
    store.record_dead_letter(letter)
    store.close()
    back_up(settings.location(), target)
    settings.location().unlink()
    assert main(["restore", *arguments]) == 0
    assert main(["restore", *arguments, str(target)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["2", "0"]
    assert main(["dead-letters", *arguments]) == 1
    assert capsys.readouterr().out == "2026-03-02 08:00:00 UTC  shop/door  seq: missing\n"
    assert main(["dead-letters", "--json", *arguments]) == 1
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["payload"], shown["topic"]) == ("{}", letter.topic)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8" * 1000)
    assert main(["restore", *arguments, f"{tmp_path}/photo.jpg"]) == 2
    assert "cannot be restored (file is not a database)" in capsys.readouterr().err
