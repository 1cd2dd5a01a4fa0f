"""The settings and the command line of the cloud side: defaults as documented, one clear line for a mistake."""

from __future__ import annotations

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
from tests.support.brokers import Mosquitto, until

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


def test_show_config_hides_a_password_in_an_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = "http://root:hunter2@influxdb.example.com:8086"
    grafana = f"{{url: '{address}', token: a, influx_url: '{address}', influx_token: b}}"
    config = write(tmp_path, f"store: {{kind: influx, url: '{address}', token: c}}\ngrafana: {grafana}")
    assert main(["show-config", str(config)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("http://***@influxdb.example.com:8086") == 3
    assert "hunter2" not in shown


@pytest.mark.parametrize("key", ["store", "grafana"])
def test_a_token_may_be_a_block_and_must_fit_a_header(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    """It would end up in a traceback of the HTTP client otherwise."""
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
    config = write(tmp_path, text.replace(f"{key}-token", f"{key}\u2013token"))
    assert main(["check-config", str(config)]) == 2
    says = "must be plain ASCII without spaces around it; copy the token again"
    assert capsys.readouterr().err == f"footlight-cloud: {config}: {key}.token: {says}\n"


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
        ("store: {url: 'http://a', org: b}", "store: org is for InfluxDB; write 'kind: influx' as well"),
        ("store: {retention_days: true}", "store.retention_days: must not be true or false; found true"),
        ("serve: {page: {host: a..b}}", "serve.page.host: is not the name of a machine"),
        ("store: {retention: 3}", "store.retention: unknown key; did you mean 'retention_days'?"),
        (
            "store: {kind: influx, url: 'http://a', token: x, buckt: y}",
            "store.buckt: unknown key; did you mean 'bucket'?",
        ),
        (
            "serve: {broker: {host: 0.0.0.0}}",
            "serve.broker: host 0.0.0.0 can be reached from outside; add users",
        ),
        ("serve: {page: {port: 99999}}", "serve.page.port: "),
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
serve: {broker: {users: {door: hunter2}}}
"""


def test_show_config_tells_everything_but_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show-config", str(write(tmp_path, SECRETS))]) == 0
    text = capsys.readouterr().out
    assert "hunter2" not in text
    shown = yaml.safe_load(text)
    assert shown["mqtt"]["username"] == "bridge"
    assert set(shown["mqtt"]["password"]) == set(shown["store"]["token"]) == {"*"}
    assert shown["serve"]["broker"]["users"].keys() == {"door"}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_this_machine_nobody_needs_a_password(host: str) -> None:
    assert Settings.model_validate({"serve": {"broker": {"host": host}}}).serve.broker.users == {}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "shop.example"])
def test_to_the_outside_users_are_needed(host: str) -> None:
    with pytest.raises(ValidationError, match="add users"):
        Settings.model_validate({"serve": {"broker": {"host": host}}})
    Settings.model_validate({"serve": {"broker": {"host": host, "users": {"door": "x"}}}})


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
    assert "store.kind: 'serve' needs the embedded store; use 'bridge'" in capsys.readouterr().err


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
