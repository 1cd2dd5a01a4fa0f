"""``footlight-cloud configure`` and a device, over real brokers: each answer is the device's own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import yaml
from pydantic import JsonValue

from cloud.__main__ import main as cloud
from cloud.config import load
from cloud.devices.configure import Answer, ask
from cloud.onebox.broker import EmbeddedBroker
from common.clock import SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker, Protocol
from common.wire import (
    MAX_BYTES,
    AlertMessage,
    ConfigMessage,
    HealthMessage,
    WindowMessage,
    decode,
    encode,
    topic,
)
from edge.__main__ import main as edge
from edge.capture.camera import CameraError
from edge.config import Settings
from edge.service.overlay import overlaid
from edge.service.remote_config import fingerprint
from edge.service.supervisor import serve
from edge.types import Image
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, asking
from tests.support.secure_broker import Party, SecureMosquitto, make_secrets
from tests.support.service_manager import Manager
from tests.support.shop import FastTime, NobodyThere, Shop
from tests.support.short_scene import models, stretch

pytestmark = pytest.mark.mosquitto

Capture = pytest.CaptureFixture[str]
T = TypeVar("T")
EMPTY = np.zeros((480, 640, 3), np.uint8)


def later(minutes: int) -> datetime:
    return MORNING + timedelta(minutes=minutes)


def settings(folder: Path, **sections: Any) -> Settings:
    """The device's own file."""
    values: dict[str, Any] = {
        "site": "shop",
        "outbox": {"path": folder / "outbox.sqlite"},
        "window": {"seconds": 2},
        "health": {"every_s": 5},
        "pacing": {"idle_fps": 240},  # every frame
    }
    return Settings.model_validate({**values, **sections})


@contextmanager
def device(
    own: Settings,
    port: int,
    opening: Callable[[int], None] = lambda number: None,
    protocol: Protocol = "5",
    username: str | None = None,
    password: str | None = None,
) -> Iterator[Shop]:
    """The service in front of an empty shop, in a thread."""
    clock, stop = FastTime(), threading.Event()
    shop = Shop(clock, lambda index: EMPTY, opening)
    with shop.in_step(), ThreadPoolExecutor(1) as pool:
        run = pool.submit(
            serve,
            own,
            clock=clock,
            stop=stop,
            camera=shop,
            broker=Broker("127.0.0.1", port, protocol, username=username, password=password),
            models=replace(models(), detector=NobodyThere()),
        )
        try:
            yield shop
        finally:
            stop.set()
            run.result(30)


def await_device(listener: Listener) -> None:
    until(lambda: [b"true" in said.payload for said in listener.on("status")][-1:] == [True], "it is there")


def ask_for(listener: Listener, port: int, config: ConfigMessage) -> Answer:
    """As the command asks."""
    await_device(listener)
    return ask(Broker("127.0.0.1", port), config, wait_s=30, clock=SystemClock())


def told(listener: Listener) -> list[tuple[bool, str]]:
    """What the device said of its config."""
    found = [decode(heard.topic, bytes(heard.payload)) for heard in listener.on("alert")]
    return [
        (alert.active, alert.text)
        for alert in found
        if isinstance(alert, AlertMessage) and alert.fault == "config"
    ]


def last_health(listener: Listener) -> HealthMessage:
    heard = listener.on("health")[-1]
    found = decode(heard.topic, bytes(heard.payload))
    assert isinstance(found, HealthMessage)
    return found


def test_a_device_answers_and_keeps_what_it_took_without_a_broker(tmp_path: Path, capsys: Capture) -> None:
    own = settings(tmp_path)
    wanted: dict[str, JsonValue] = {"detection": {"min_score": 0.6}, "zones": []}
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        port = mosquitto.port
        with device(own, port) as shop:
            taken = ask_for(listener, port, asking(wanted))
            assert (taken.state, taken.config) == ("accepted", fingerprint(overlaid(own, wanted)))
            assert shop.opened == 2, "one run before, one since"

            refused = ask_for(listener, port, asking({**wanted, "privacy": {"k": 1}}))
            assert refused.state == "refused"
            assert "privacy.k: can be set in the device's own file only" in refused.text
            assert (last_health(listener).config, shop.opened) == (taken.config, 2)

            # Too large to be right; the broker still brings it, and it is answered with a word.
            listener.publish(topic(asking({})), b"x" * (MAX_BYTES + 1))
            until(lambda: told(listener)[-1][1].endswith(f"more than {MAX_BYTES}"), "it is refused")
            # Of another device nothing is heard, and what is said in the wrong name is refused.
            listener.publish(topic(asking({}, device="shelf")), encode(asking({}, device="shelf")))
            listener.publish(topic(asking({})), encode(asking({}, device="shelf")))
            until(lambda: "speaks for shop/shelf" in told(listener)[-1][1], "it is refused")
            taken = ask_for(listener, port, asking(wanted, at=later(1)))
            assert taken.state == "accepted"
            until(lambda: not told(listener)[-1][0], "the fault is over")
            assert told(listener)[-1][1] == f"over: {told(listener)[-2][1]}"
            assert shop.opened == 2, "what is in force already needs no new run"
        # On the device somebody can see what is in force, and why.
        (tmp_path / "edge.yaml").write_text(
            yaml.safe_dump({"site": "shop", "outbox": {"path": "outbox.sqlite"}})
        )
        assert edge(["show-config", str(tmp_path / "edge.yaml"), "--state", str(tmp_path)]) == 0
        shown = capsys.readouterr().out
        assert (
            f"# config message {taken.message} sets these\n#   detection.min_score: 0.6, not 0.5\n" in shown
        )
        assert yaml.safe_load(shown)["detection"]["min_score"] == 0.6

        assert edge(["show-config", str(tmp_path / "edge.yaml"), "--state", str(tmp_path / "gone")]) == 2
        assert "gone: no such folder; give the state directory" in capsys.readouterr().err

        # The broker forgets everything, and is away when the device starts.
        mosquitto.kill()
        (tmp_path / "mosquitto.db").unlink(missing_ok=True)
        with device(own, port) as shop:
            until(lambda: shop.given > 100, "it counts")
            mosquitto.start()
            before = len(listener.on("health"))
            until(lambda: len(listener.on("health")) > before, "it says how it does", timeout_s=30)
            assert last_health(listener).config == taken.config
            cleared = ask_for(listener, port, asking({}, at=later(2)))
            assert (cleared.state, cleared.config) == ("accepted", fingerprint(own))


@contextmanager
def systemd(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the service says to who hears it from now on; a broker that was started before speaks to nobody.

    It is heard all the while: a socket that nobody reads from holds ten words, and the next one waits.
    """
    manager, words, over = Manager(str(folder / "notify")), list[str](), threading.Event()
    for name, value in manager.environ.items():
        monkeypatch.setenv(name, value)

    def listen() -> None:
        while not over.wait(0.01):
            words.extend(manager.heard())

    with ThreadPoolExecutor(1) as pool:
        pool.submit(listen)
        try:
            yield words
        finally:
            over.set()
    manager.close()


def test_a_camera_that_refuses_a_config_has_the_former_one_back_at_once(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For systemd the service runs all the while: who says that he stops is ended."""
    own = settings(tmp_path)

    def opening(number: int) -> None:
        if number == 2:
            raise CameraError("camera shop: no such size", permanent=True)

    with (
        Mosquitto(tmp_path) as mosquitto,
        Listener(mosquitto.port, "footlight/#") as listener,
        systemd(tmp_path, monkeypatch) as words,
    ):
        with device(own, mosquitto.port, opening) as shop:
            (tmp_path / "cloud.yaml").write_text(f"mqtt: {{host: 127.0.0.1, port: {mosquitto.port}}}")
            (tmp_path / "wider.yaml").write_text("camera: {width: 4096}")
            await_device(listener)
            files = f"--config {tmp_path}/cloud.yaml {tmp_path}/wider.yaml"
            assert cloud(f"configure --site shop --device door {files} --json".split()) == 1
            answer = Answer(**json.loads(capsys.readouterr().out))
            assert answer.state == "refused"
            assert answer.text.endswith("dropped: camera shop: no such size; send it again to try again")
            until(lambda: listener.on("health"), "it says how it does")
            health = last_health(listener)
            assert (health.config, health.config_message) == (fingerprint(own), None)
            assert shop.opened == 3, "the retained message has come again, and was not tried again"
            again = ask_for(listener, mosquitto.port, asking({"camera": {"width": 4096}}, at=later(1)))
            assert again.state == "accepted", "the camera would have it now"
            until(lambda: words.count("READY=1") == 3, "the third run is ready")
            assert "STOPPING=1" not in words
        until(lambda: words[-1] == "STOPPING=1", "it says that it stops")


def test_a_shop_with_one_box_can_be_configured_too(tmp_path: Path) -> None:
    """Its broker speaks MQTT 3.1.1, and lets only the user ``configure`` do it."""
    own = settings(tmp_path)
    door = f"{own.site}/{own.device}"
    with (
        one_box({door: "right", "configure": "settings"}) as port,
        device(own, port, protocol="3.1.1", username=door, password="right") as shop,
    ):
        until(lambda: shop.given > 1, "it counts")
        stranger = Broker("127.0.0.1", port, protocol="3.1.1", username=door, password="right")
        with pytest.raises(UserError, match="does not allow this client to subscribe to"):
            ask(stranger, asking({}), wait_s=1, clock=SystemClock())
        box = replace(stranger, username="configure", password="settings")
        changes: tuple[dict[str, JsonValue], ...] = ({"pacing": {"hot_c": 60}}, {})
        for number, wanted in enumerate(changes):
            answer = ask(box, asking(wanted, at=later(number)), wait_s=30, clock=SystemClock())
            assert (answer.state, answer.config) == ("accepted", fingerprint(overlaid(own, wanted)))


@contextmanager
def one_box(users: dict[str, str]) -> Iterator[int]:
    """The broker inside ``footlight-cloud serve``, in a thread; its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait_for(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    broker = EmbeddedBroker(
        host="127.0.0.1", port=0, users=users, receive=lambda delivery: delivery.acknowledge()
    )
    try:
        yield wait_for(broker.start())
    finally:
        wait_for(broker.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_only_whoever_configures_may_ask_a_device(tmp_path: Path) -> None:
    made = make_secrets(tmp_path / "secrets")
    mqtt = load(made / "configure.yaml").mqtt
    assert mqtt.tls is not None
    wanted = encode(asking({}))
    with (
        SecureMosquitto(tmp_path, made) as broker,
        Party(broker.port, made, "devices/shop/door", "footlight/v1/shop/door/config") as door,
        Party(broker.port, made, "devices/shop/shelf", "footlight/v1/+/+/config") as shelf,
        Party(broker.port, made, "bridge") as bridge,
    ):
        here = replace(mqtt.broker(), host="127.0.0.1", port=broker.port)
        clock = SystemClock()
        assert ask(here, asking({}), wait_s=1, clock=clock).state == "waiting"
        until(lambda: [message.payload for message in door.heard] == [wanted], "the device hears it")
        for party in (door, shelf, bridge):
            assert party.send("footlight/v1/shop/door/config", wanted) == "Not authorized"
        own = made / "devices" / "shop" / "door"
        assert here.tls is not None
        stranger = replace(here.tls, cert=Path(f"{own}.crt"), key=Path(f"{own}.key"))
        with pytest.raises(
            UserError,
            match="does not allow this client to publish to footlight/v1/shop/door/config; only the user",
        ):
            ask(replace(here, tls=stranger), asking({}), wait_s=1, clock=clock)
        # What comes last has overtaken nothing: had a device heard what is another's, it would be here before it.
        assert ask(here, asking({}, device="shelf"), wait_s=1, clock=clock).state == "waiting"
        until(lambda: shelf.heard, "the other device hears what is its own")
        assert [message.topic for message in shelf.heard] == ["footlight/v1/shop/shelf/config"]
        assert len(door.heard) == 1


@pytest.mark.parametrize(
    ("arguments", "asked", "says"),
    [
        (["--device", "do/or"], "{}", "device: must be letters, digits"),
        (["--device", "door"], "[1]", "must hold 'key: value' lines"),
        (["--device", "door"], "log: {level: info", "line 1: a bracket is not closed"),
        (["--device", "door"], "log: !!binary aGk=", "log: "),
        (["--device", "door"], f"log: {'x' * MAX_BYTES}", f"more than {MAX_BYTES}; change fewer settings"),
        (["--device", "door"], "{}", "mqtt.host and mqtt.port"),
    ],
)
def test_a_mistake_of_whoever_asks_is_one_line(
    tmp_path: Path, capsys: Capture, arguments: list[str], asked: str, says: str
) -> None:
    (tmp_path / "cloud.yaml").write_text(f"mqtt: {{host: 127.0.0.1, port: {free_port()}}}")
    (tmp_path / "asked.yaml").write_text(asked)
    fixed = ["configure", "--config", str(tmp_path / "cloud.yaml"), "--site", "shop"]
    assert cloud([*fixed, *arguments, str(tmp_path / "asked.yaml")]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_a_device_that_is_away_is_told_so_at_once(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as mosquitto:
        answer = ask(Broker("127.0.0.1", mosquitto.port), asking({}), wait_s=60, clock=SystemClock())
    assert answer.state == "waiting"
    assert "shop/door is not connected; the broker keeps config" in answer.text


def test_a_change_of_settings_costs_no_count_and_makes_none_twice(tmp_path: Path) -> None:
    """It is asked for while somebody is in view; the two people of the stretch walk by twice."""
    clock, stop = ManualClock(), threading.Event()
    somebody = round((stretch().truth.visits[0].enters_s + 1) * stretch().fps)
    asked_for, go_on = threading.Event(), threading.Event()

    def picture(index: int) -> Image:
        if index == somebody:
            asked_for.set()
            assert go_on.wait(30)
        if index == 2 * len(stretch()):
            stop.set()
        return stretch().render(index % len(stretch()))

    shop = Shop(clock, picture)
    with (
        shop.in_step(),
        Mosquitto(tmp_path) as mosquitto,
        Listener(mosquitto.port, "footlight/#") as listener,
        ThreadPoolExecutor(1) as pool,
    ):
        run = pool.submit(
            serve,
            settings(tmp_path, privacy={"k": 3, "max_cohort": 3, "profile": "count"}),
            clock=clock,
            stop=stop,
            camera=shop,
            broker=Broker("127.0.0.1", mosquitto.port),
            models=models(),
        )
        try:
            assert asked_for.wait(30)
            config = asking({"attributes": {"budget_ms": 1000}})
            listener.publish(topic(config), encode(config))
            until(lambda: listener.on("config"), "the broker has sent it")
            go_on.set()
            run.result(90)
        finally:
            stop.set()
            go_on.set()
        until(
            lambda: [b"true" in said.payload for said in listener.on("status")][-2:] == [True, False],
            "it ends",
        )
        heard = [decode(said.topic, bytes(said.payload)) for said in listener.on("window")]
        windows = [said for said in heard if isinstance(said, WindowMessage)]
    assert len({window.boot_id for window in windows}) == 2, "one run before, one after"
    assert sum(window.totals.visits for window in windows) == 2 * len(stretch().truth.visits)
    assert len({window.start for window in windows}) == len(windows)
    first = sum(w.totals.visits for w in windows if w.boot_id == windows[0].boot_id)
    assert first == len(stretch().truth.visits), "the change has waited until they were gone"
    (cohort,) = [window.cohort for window in windows if window.cohort is not None]
    after = min(window.start for window in windows if window.boot_id != windows[0].boot_id)
    assert cohort.since < after, "who waited for a cohort has gone on waiting"
