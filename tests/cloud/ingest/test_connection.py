"""The bridge waits for its broker, says in one line why it is refused, and speaks TLS."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from cloud.ingest.bridge import Bridge
from common.errors import UserError
from common.mqtt.broker import Broker, Protocol
from common.mqtt.tls import Tls
from tests.cloud.ingest.bridges import PROTOCOLS, FaultyStore, make_bridge, publish, publisher, running
from tests.support.brokers import Mosquitto, free_port, until
from tests.support.messages import window
from tests.support.programs import require_program

pytestmark = pytest.mark.mosquitto


def test_it_waits_for_a_broker_that_is_not_there_yet(tmp_path: Path, store: FaultyStore) -> None:
    broker = Mosquitto(tmp_path)
    bridge = make_bridge(store, broker.port)
    thread = threading.Thread(target=bridge.run)
    thread.start()
    try:
        with broker:
            until(bridge.subscribed.is_set, "the bridge is subscribed")
    finally:
        bridge.stop()
        thread.join(30)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_broker_that_refuses_is_one_line(tmp_path: Path, store: FaultyStore, protocol: Protocol) -> None:
    with Mosquitto(tmp_path, anonymous=False) as broker:
        bridge = make_bridge(store, broker.port, protocol=protocol, username="nobody", password="wrong")
        with pytest.raises(UserError, match=r"^broker 127\.0\.0\.1:\d+ refuses: .*; check mqtt\.username"):
            bridge.run()


def test_it_speaks_tls_with_a_certificate_of_its_own(tmp_path: Path, store: FaultyStore) -> None:
    ca, server, client = (make_certificate(tmp_path, name) for name in ("ca", "127.0.0.1", "bridge"))
    secure, plain = free_port(), Mosquitto(tmp_path)
    plain.configure(
        f"listener {secure} 127.0.0.1",
        f"cafile {ca[0]}",
        f"certfile {server[0]}",
        f"keyfile {server[1]}",
        "require_certificate true",
    )
    with plain:
        bridge = Bridge(
            store, Broker("127.0.0.1", secure, tls=Tls(ca[0], client[0], client[1])), client_id="bridge"
        )
        with running(bridge), publisher(plain.port) as device:
            publish(device, window(0))
            until(lambda: len(store.windows()) == 1, "the window is stored")


def test_tls_files_that_are_missing_or_no_certificates_are_one_line(
    tmp_path: Path, store: FaultyStore
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    for tls in (Tls(ca=tmp_path / "missing.pem"), Tls(ca=broken), Tls(cert=broken, key=broken)):
        with pytest.raises(UserError, match=r"^mqtt\.tls(\.ca)?: "):
            Bridge(store, Broker("127.0.0.1", 1, tls=tls), client_id="bridge")


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate and its key; the one called "ca" signs the others."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = [
        require_program("openssl", "apt-get install openssl"),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]
    command += ["-days", "2", "-subj", f"/CN={name}", "-out", str(certificate), "-keyout", str(key)]
    if name != "ca":
        command += ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")]
        command += ["-addext", "basicConstraints=critical,CA:FALSE"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
