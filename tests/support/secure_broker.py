"""The broker of cloud/compose.yaml with its certificates, on a loopback port; only ports and paths are the test's."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from common.mqtt.tls import Tls
from tests.support.brokers import Mosquitto, until
from tests.support.paths import ROOT

CLOUD = ROOT / "cloud"


DOCKER = """#!/bin/sh
# Runs in this shell what would run inside the container of InfluxDB, and knows the digest of every image.
case "$1" in
compose) shift 9; sed "s#/run/secrets#$FOOTLIGHT_SECRETS#" | sh -s -- "$@" ;;
pull) echo "$3" ;;
image) echo "${5%%:*}@sha256:$(printf %s "$5" | sha256sum | cut -c 1-64)" ;;
esac
"""
INFLUX = """#!/bin/sh
# Answers as InfluxDB's own program does, and writes down what it was asked.
echo "$INFLUX_TOKEN $*" >>"$FOOTLIGHT_SECRETS/asked"
case "$1 $2" in
"bucket list") printf 'id-%s\\t%s\\t72h\\n' "$4" "$4" ;;
"auth create") printf '{\\n  "id": "1",\\n  "token": "made-for-%s==",\\n  "status": "active"\\n}\\n' "$4" ;;
esac
"""


def compose(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of cloud/compose, with stand-ins for docker and InfluxDB, which are not at hand."""
    programs = folder.parent / "programs"
    programs.mkdir(parents=True, exist_ok=True)
    for name, text in (("docker", DOCKER), ("influx", INFLUX)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return subprocess.run(
        [str(CLOUD / "compose" / script), *arguments],
        env={"PATH": f"{programs}:/usr/bin:/bin", "FOOTLIGHT_SECRETS": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def secrets(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return compose("secrets.sh", folder, *arguments)


def make_secrets(folder: Path) -> Path:
    """All secrets, and the certificates of some devices."""
    for arguments in (("init", "localhost", "127.0.0.1"), ("tokens",)):
        done = secrets(folder, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
    for site, device in (("shop", "door"), ("shop", "shelf"), ("other", "door")):
        assert secrets(folder, "device", site, device).stdout.strip().endswith(f"{site}/{device}.crt")
    return folder


class SecureMosquitto(Mosquitto):
    """The broker with the configuration of the composition, on a loopback port."""

    def __init__(self, folder: Path, made: Path) -> None:
        self._made = made
        super().__init__(folder)

    def configure(self, *lines: str) -> None:
        text = (CLOUD / "compose" / "mosquitto.conf").read_text()
        for theirs, ours in (
            ("listener 8883", f"listener {self.port} 127.0.0.1"),
            ("/run/secrets/", f"{self._made}/"),
            ("/mosquitto/config/acl", str(CLOUD / "compose" / "acl")),
            ("/mosquitto/data/", f"{self._folder}/"),
        ):
            assert theirs in text
            text = text.replace(theirs, ours)
        (self._folder / "mosquitto.conf").write_text("\n".join((text, "user root", *lines)))


class Party:
    """A client with a certificate of the authority: what it hears, and what the broker says to what it sends."""

    def __init__(self, port: int, made: Path, certificate: str, *filters: str) -> None:
        self.heard: list[mqtt.MQTTMessage] = []
        self.answers: dict[int, str] = {}
        subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        files = Tls(made / "ca.crt", made / f"{certificate}.crt", made / f"{certificate}.key")
        self._client.tls_set_context(
            files.context()
        )  # paho's own would leave sockets open where it is refused
        self._client.on_message = lambda client, data, message: self.heard.append(message)
        self._client.on_publish = lambda client, data, mid, reason, properties: self.answers.update(
            {mid: str(reason)}
        )
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(name, 1) for name in filters or ("none",)]
        )
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert subscribed.wait(10)

    def send(self, name: str, payload: bytes = b"{}", *, retain: bool = False) -> str:
        """Publish and return what the broker answers."""
        mid = self._client.publish(name, payload, qos=1, retain=retain).mid
        until(lambda: mid in self.answers, "the broker answers")
        return self.answers[mid]

    def flood(self, name: str, payloads: Iterable[bytes]) -> None:
        """Publish all of them and wait for the answers, which all have to be good."""
        mids = [self._client.publish(name, payload, qos=1).mid for payload in payloads]
        until(lambda: all(mid in self.answers for mid in mids), "the broker answers")
        assert {self.answers[mid] for mid in mids} == {"Success"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def is_let_in(port: int, made: Path, certificate: Path | None) -> bool:
    """TLS 1.3 tells a client only with the first answer that its certificate will not do."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    files = (None, None) if certificate is None else (Path(f"{certificate}.crt"), Path(f"{certificate}.key"))
    client.tls_set_context(Tls(made / "ca.crt", *files).context())
    try:
        client.connect("127.0.0.1", port)
        while not client.is_connected() and client.loop() == mqtt.MQTT_ERR_SUCCESS:
            pass
    except (ssl.SSLError, ConnectionResetError):
        return False
    let_in = client.is_connected()
    client.disconnect()
    return let_in
