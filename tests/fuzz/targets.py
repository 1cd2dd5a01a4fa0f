"""What the fuzzer tries: each target takes any bytes, as they come from outside, and raises if a promise is broken."""

from __future__ import annotations

import atexit
import contextlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

import cloud.config
import edge.config
from cloud.domain.chain import Chain
from cloud.ingest.intake import Delivery, Intake
from cloud.stores.embedded import EmbeddedStore
from common import salvage
from common.config_file import load_yaml_model
from common.errors import UserError
from common.wire import BY_CHANNEL, STORED, Message, WireError, address, decode, encode, topic
from edge.config import Settings
from edge.service.remote_config import Remote
from edge.uplink.outbox import Outbox
from tests.edge.uplink.boxes import pending
from tests.support import messages
from tests.support.clock import START, ManualClock

Target = Callable[[bytes], None]
CHANNELS = sorted(BY_CHANNEL)
LONGEST_LINE = 2000

_EXAMPLES: tuple[Message, ...] = (
    messages.window(0),
    messages.window(1, cohort=messages.cohort()),
    messages.health(),
    messages.status(online=True),
    messages.alert(active=True),
    messages.notice(),
    messages.probe(),
    messages.asking({"tracking": {"lost_s": 3}}),
    messages.placement(),
)


def _with_channel(message: Message) -> bytes:
    """Return an input of the targets that read messages: the number of the channel, then the payload."""
    return bytes([CHANNELS.index(topic(message).rpartition("/")[2])]) + encode(message)


def _channel(data: bytes) -> str:
    return CHANNELS[data[0] % len(CHANNELS)] if data else CHANNELS[0]


_YAML: Mapping[str, Sequence[str]] = {
    "edge-config": (
        "site: shop\ndevice: door\ncamera: {source: 0, width: 1280, height: 720, rotate: 90}\n",
        "mqtt: {host: localhost, port: 8883, user: shop/door, password: x, tls: {ca: ca.crt}}\n",
        "doors: {front: {line: [[0.1, 0.5], [0.9, 0.5]], inside: [0.5, 0.9]}}\nprivacy: {k: 5, profile: count}\n",
        "zones: {desk: {polygon: [[0, 0], [1, 0], [1, 1]], queue: true, stop_s: 5}}\n",
    ),
    "cloud-config": (
        "store: {kind: influx, url: 'http://localhost:8086', token: x, bucket: footlight}\n",
        "store: {path: a.sqlite, retention_days: 400, backup: null}\nserve: {page: {port: 8080, names: [a.b]}}\n",
        "accounts: {company: {issuer: 'https://a.b', client_id: c, roles: {a: hq}}, idle_hours: 8}\n",
        "notices: {url: 'https://a.b/c', secret_file: s, quiet_hours: [20, 8]}\nmetrics: {port: 9108}\n",
    ),
    "chain": (
        "name: c\nsites:\n  shop:\n    timezone: UTC\n    opening: {mon: '09:00-12:00', tue: closed}\n",
        "sites: {shop: {special_days: {2026-12-24: 09:00-12:00}, cameras: {door/front: entrance}}}\n",
    ),
}
"""Short, because a long text is slow to read and its mistakes are found slowly."""


def _told(error: Exception) -> None:
    """What is wrong is told in one line that a person can read."""
    said = str(error)
    assert "\n" not in said, said
    assert len(said) < LONGEST_LINE, said


def wire(data: bytes) -> None:
    """A payload is refused as a ``WireError``, or means the same after it was encoded again."""
    try:
        message = decode(address("shop", "door", _channel(data)), data[1:])
    except WireError as error:
        _told(error)
    else:
        assert decode(topic(message), encode(message)) == message


def topics(data: bytes) -> None:
    """The name of a topic is one of ours, or refused as a ``WireError``."""
    with contextlib.suppress(WireError):
        decode(data.decode("utf-8", "replace"), b"{}")


def _scratch() -> Path:
    """Make a folder that goes with this process."""
    folder = Path(tempfile.mkdtemp(prefix="footlight-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _configuration(model: type[BaseModel]) -> Target:
    file = _scratch() / "file.yaml"

    def read(data: bytes) -> None:
        """A file is right, or there is one line that says what is wrong with it."""
        file.write_bytes(data)
        try:
            load_yaml_model(file, model)
        except UserError as error:
            _told(error)

    return read


def _intake() -> Target:
    folder = _scratch()
    store = EmbeddedStore(folder / "store.sqlite", retention_days=400, clock=ManualClock())

    def deliver(data: bytes) -> None:
        """Whatever comes is acknowledged once: stored, or given up as a dead letter."""
        acknowledged = []
        intake = Intake(store, lambda _: None, lambda _: None, clock=ManualClock(), tell=lambda _: None)

        def acknowledge() -> None:
            acknowledged.append(1)
            intake.stop()

        channel = STORED[data[0] % len(STORED)] if data else STORED[0]
        intake.submit(Delivery(address("shop", "door", channel), data[1:], acknowledge))
        intake.run()
        assert acknowledged == [1]
        assert intake.stats.stored + intake.stats.dead == 1

    return deliver


def _remote() -> Target:
    folder = _scratch()
    own = Settings.model_validate(
        {"site": "shop", "device": "door", "outbox": {"path": folder / "outbox.sqlite"}}
    )

    def ask(data: bytes) -> None:
        """A message of the server is refused with a reason, or changes nothing about privacy, camera or broker."""
        remote = Remote(own)
        remote.offer(data)
        remote.turn(0.0, counted=False, in_view=False, seeing=True, closed=True)
        now = remote.settings
        assert (now.privacy, now.mqtt, now.outbox, now.site, now.device, now.camera.source) == (
            own.privacy,
            own.mqtt,
            own.outbox,
            own.site,
            own.device,
            own.camera.source,
        )
        assert remote.fault is None or "\n" not in remote.fault
        remote.leave()

    return ask


_LONGEST_HOLE = 50
"""Rows that are tried in vain. With the 10,000 of the product, nine tenths of the time went into them."""


def _outbox() -> Target:
    vars(salvage)["_LONGEST_HOLE"] = _LONGEST_HOLE
    folder = _scratch()
    file = folder / "outbox.sqlite"

    def start(data: bytes) -> None:
        """A device starts with any file as its outbox, sends no damaged message, and what it puts there waits."""
        for old in folder.iterdir():
            old.unlink()
        file.write_bytes(data)
        outbox = Outbox(file, max_messages=50)
        try:
            assert outbox.put("t", b"new", START)
            assert pending(outbox, 100)[-1].payload == b"new"
        finally:
            outbox.close()

    return start


def _outbox_files() -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="footlight-fuzz-") as name:
        file = Path(name) / "outbox.sqlite"
        outbox = Outbox(file, max_messages=50)
        for number in range(3):
            outbox.put(f"t/{number}", encode(messages.window(number)), START)
        outbox.forget_history()
        outbox.close()
        return [file.read_bytes()]


TARGETS: Mapping[str, Callable[[], Target]] = {
    "wire": lambda: wire,
    "topics": lambda: topics,
    "edge-config": lambda: _configuration(edge.config.Settings),
    "cloud-config": lambda: _configuration(cloud.config.Settings),
    "chain": lambda: _configuration(Chain),
    "remote-config": _remote,
    "intake": _intake,
    "outbox": _outbox,
}
"""By name; called once in the process that fuzzes it."""


def _planted(data: bytes) -> None:
    if b"G" in data:  # in no topic of ours
        raise ValueError


PLANTED: Mapping[str, Callable[[], Target]] = {"planted": lambda: _planted}
"""A broken promise, which shows that the fuzzer finds one."""


def seeds(target: str) -> list[bytes]:
    """Return right inputs, from which the fuzzer begins."""
    if target in ("wire", "intake"):
        return [_with_channel(message) for message in _EXAMPLES]
    if target in ("topics", "planted"):
        return [topic(message).encode() for message in _EXAMPLES]
    if target == "remote-config":
        return [encode(messages.asking({"tracking": {"lost_s": 3}})), encode(messages.asking({"zones": {}}))]
    if target == "outbox":
        return _outbox_files()
    return [text.encode() for text in _YAML[target]]


def quiet() -> None:
    """Say nothing about each of a million refused inputs."""
    logging.disable(logging.CRITICAL)
