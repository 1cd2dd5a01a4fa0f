"""What a server may ask of a device: taken or refused as a whole, kept, and never at the cost of a count."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cloud.__main__ import main as cloud
from cloud.config import MqttSettings
from cloud.configure import Answer, ask
from edge.__main__ import main as edge
from edge.app import serve
from edge.capture.camera import CameraError
from edge.config import REMOTELY_SETTABLE, Settings
from edge.errors import UserError
from edge.remote import PATIENCE_S, TRIAL_S, Remote, fingerprint, overlaid
from edge.types import Detection, Detector, Frame, Image
from edge.uplink.mqtt import Broker
from edge.wire import (
    MAX_BYTES,
    AlertMessage,
    ConfigMessage,
    HealthMessage,
    WindowMessage,
    decode,
    encode,
    short_hash,
    topic,
)
from tests.brokers import Listener, Mosquitto, until
from tests.secure_broker import Party, SecureMosquitto, make_secrets
from tests.stretch import models, stretch

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
STAFF = {"name": "staff", "polygon": [[0, 0], [0.2, 0], [0.2, 1]], "exclude": True}


def settings(folder: Path, **sections: Any) -> Settings:
    """The device's own file: some of it as by default, some not."""
    values: dict[str, Any] = {
        "site": "shop",
        "outbox": {"path": folder / "outbox.sqlite"},
        "window": {"seconds": 2},
        "health": {"every_s": 5},
        "pacing": {"idle_fps": 240},
        "zones": [STAFF, {"name": "shelf", "polygon": [[0.5, 0], [1, 0], [1, 1]]}],
        "mqtt": {"host": "broker.example", "username": "pi", "password": "secret"},
    }
    return Settings.model_validate({**values, **sections})


def message(asked: dict[str, Any], *, after_s: float = 0.0, device: str = "door") -> ConfigMessage:
    return ConfigMessage(site="shop", device=device, at=MORNING + timedelta(seconds=after_s), settings=asked)


def leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """What a tree of settings says, by path."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        inner = leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        found |= inner
    return found


def tree_of(paths: dict[str, Any]) -> dict[str, Any]:
    """The other way round."""
    tree: dict[str, Any] = {}
    for path, value in paths.items():
        section, _, key = path.partition(".")
        if key:
            tree.setdefault(section, {})[key] = value
        else:
            tree[section] = value
    return tree


# What is asked for, over what the file says

SCORES = st.floats(0.3, 1, allow_nan=False)
VALID = st.fixed_dictionaries(
    {},
    optional={
        "camera.width": st.integers(64, 8192),
        "camera.fps": st.floats(1, 240),
        "detection.min_score": SCORES,
        "detection.min_face_px": st.integers(8, 200),
        "tracking.lost_s": st.floats(0.1, 60),
        "attributes.budget_ms": st.floats(0.5, 500),
        "attributes.max_yaw_deg": st.floats(1, 90),
        "attention.yaw_deg": st.floats(1, 90),
        "pacing.hot_c": st.floats(40, 100),
        "health.every_s": st.floats(5, 3600),
        "log.level": st.sampled_from(["debug", "info", "warning", "error"]),
    },
)
WRONG = st.sampled_from(
    [
        ("detection.min_score", 1.5),
        ("detection.min_scor", 0.5),
        ("detection.low_score", 1.0001),
        ("attributes.budget_ms", "soon"),
        ("attributes", None),
        ("zones", None),
        ("zones", [{"name": "staff", "polygon": [[0, 0], [1, 0], [1, 1]]}]),
        ("zones", [{"name": f"z{n}", "polygon": [[0, 0], [1, 0], [1, 1]]} for n in range(40)]),
        ("pacing.idle_fps", 0.1),
        ("nowhere.key", 1),
        ("camera.source", "rtsp://elsewhere/"),
        ("mqtt.host", "elsewhere"),
        ("privacy.k", 1),
        ("site", "other"),
    ]
)


@given(VALID)
def test_what_is_asked_for_is_in_force_and_nothing_else_changes(asked: dict[str, Any]) -> None:
    own = settings(Path("/state"))
    before, after = leaves(own.model_dump()), leaves(overlaid(own, tree_of(asked)).model_dump())
    assert after == {**before, **asked}


@given(VALID, WRONG)
def test_with_one_mistake_nothing_is_in_force(asked: dict[str, Any], mistake: tuple[str, Any]) -> None:
    key, value = mistake
    tree = tree_of(asked)
    section, _, inner = key.partition(".")
    tree[section] = {**tree.get(section, {}), inner: value} if inner else value
    with pytest.raises(UserError) as refused:
        overlaid(settings(Path("/state")), tree)
    assert section in str(refused.value)
    assert "\n" not in str(refused.value)


def settable(path: str) -> bool:
    return not REMOTELY_SETTABLE.isdisjoint({path, path.partition(".")[0]})


PATHS = leaves(settings(Path("/state")).model_dump(mode="json"))


def test_every_name_of_what_is_settable_exists() -> None:
    assert {*PATHS, *(path.partition(".")[0] for path in PATHS)} >= REMOTELY_SETTABLE


@pytest.mark.parametrize("path", [path for path in PATHS if not settable(path)])
def test_nobody_afar_decides_who_this_is_and_what_it_may_tell_to_whom(path: str) -> None:
    """Not even to what it is already."""
    with pytest.raises(UserError, match=rf"^{path.partition('.')[0]}.*own file only"):
        overlaid(settings(Path("/state")), tree_of({path: PATHS[path]}))


def test_those_are_the_sections_that_must_stay_at_home() -> None:
    assert {path.partition(".")[0] for path in PATHS if not settable(path)} == {
        *("site", "device", "camera", "window", "privacy", "mqtt", "outbox", "models")
    }


def test_what_the_file_excludes_stays_excluded() -> None:
    own = settings(Path("/state"))
    till = {"name": "till", "polygon": [[0, 0], [1, 0], [1, 1]]}
    assert [zone.name for zone in overlaid(own, {"zones": [till]}).zones] == ["staff", "till"]
    assert [zone.name for zone in overlaid(own, {"zones": []}).zones] == ["staff"]


def test_devices_that_count_alike_show_the_same_hash() -> None:
    one = settings(Path("/state"))
    elsewhere = one.model_dump() | {
        "site": "other",
        "device": "shelf",
        "camera": {"source": "rtsp://user:password@other/"},
        "mqtt": {},
        "outbox": {},
        "log": {"level": "debug"},
    }
    assert fingerprint(Settings.model_validate(elsewhere)) == fingerprint(one)
    for section, asked in (("privacy", {"k": 7}), ("camera", {"fps": 5}), ("detection", {"min_score": 0.6})):
        other = Settings.model_validate({**one.model_dump(), section: asked})
        assert fingerprint(other) != fingerprint(one)


# How the device judges


def turn(remote: Remote, now_s: float = 0.0, **changes: bool) -> bool:
    given = {"counted": False, "in_view": False, "seeing": True, **changes}
    return remote.turn(now_s, **given)


def accept(remote: Remote, config: ConfigMessage) -> None:
    remote.offer(encode(config))
    assert remote.fault is None
    assert turn(remote)
    assert not turn(remote, counted=True)


def test_a_config_is_in_force_with_the_next_run_and_proven_by_a_frame(tmp_path: Path) -> None:
    own, config = settings(tmp_path), message({"detection": {"min_score": 0.6}})
    remote = Remote(own)
    remote.offer(encode(config))
    assert (remote.settings, remote.message) == (own, None)
    assert turn(remote)
    assert (remote.settings.detection.min_score, remote.message) == (0.6, None)
    assert not turn(remote, now_s=1)
    assert remote.on_trial
    assert not turn(remote, now_s=2, counted=True)
    assert (remote.message, remote.fault) == (short_hash(encode(config)), None)
    remote.offer(encode(config))  # retained: it comes again with every connection
    assert not turn(remote, now_s=3)
    assert Remote(own).settings == remote.settings, "a start needs no broker"


def test_a_change_waits_until_nobody_is_in_view_but_not_for_ever(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    remote.offer(encode(message({"tracking": {"lost_s": 3}})))
    assert not turn(remote, now_s=100, in_view=True)
    assert not turn(remote, now_s=100 + PATIENCE_S - 1, in_view=True)
    assert turn(remote, now_s=100 + PATIENCE_S, in_view=True)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (encode(message({"mqtt": {"host": "elsewhere"}})), "mqtt.host: is set in the device's own file only"),
        (encode(message({"detection": {"min_scor": 0.5}})), "did you mean 'min_score'?"),
        (encode(message({"detection": {"min_score": 2}})), "detection.min_score: Input should be less than"),
        (encode(message({}, device="shelf")), "payload speaks for shop/shelf"),
        (b"x" * (MAX_BYTES + 1), f"more than {MAX_BYTES}"),
        (b"no JSON", "Invalid JSON"),
        (b"[" * 30_000, "Invalid JSON"),
        (encode(message({})).replace(b"footlight.config/1", b"footlight.config/2"), "schema"),
    ],
)
def test_what_is_wrong_changes_nothing_and_is_told_in_one_line(
    tmp_path: Path, payload: bytes, says: str
) -> None:
    remote = Remote(settings(tmp_path))
    accept(remote, message({"detection": {"min_score": 0.6}}))
    before, kept = remote.settings, (tmp_path / "outbox.config.json").read_bytes()
    remote.offer(payload)
    assert remote.fault is not None
    assert remote.fault.startswith(f"config {short_hash(payload)} refused: ")
    assert says in remote.fault
    assert "\n" not in remote.fault
    assert not turn(remote)
    assert remote.settings == before
    assert (tmp_path / "outbox.config.json").read_bytes() == kept
    remote.offer(encode(message({"detection": {"min_score": 0.6}})))
    assert remote.fault is None, "what is asked for is in force again"


@pytest.mark.parametrize("payload", [b"", encode(message({}))])
def test_a_config_can_be_cleared(tmp_path: Path, payload: bytes) -> None:
    own = settings(tmp_path)
    remote = Remote(own)
    accept(remote, message({"detection": {"min_score": 0.6}}))
    remote.offer(payload)
    assert turn(remote)
    assert not turn(remote, counted=True)
    assert Remote(own).settings == own


def test_what_changes_nothing_needs_no_new_run(tmp_path: Path) -> None:
    remote, config = Remote(settings(tmp_path)), message({"tracking": {"lost_s": 2.0}})
    remote.offer(encode(config))
    assert not turn(remote)
    assert remote.message == short_hash(encode(config))


def test_a_config_that_cannot_run_is_dropped_and_not_tried_again_until_it_is_sent_again(
    tmp_path: Path,
) -> None:
    own = settings(tmp_path)
    remote = Remote(own)
    accept(remote, message({"tracking": {"lost_s": 3}}))
    bad = message({"camera": {"width": 8192}})
    remote.offer(encode(bad))
    assert turn(remote)
    assert remote.drop("camera 0: no such size")
    dropped = f"config {short_hash(encode(bad))} dropped: camera 0: no such size; send it again to try again"
    assert (remote.settings.camera.width, remote.settings.tracking.lost_s) == (640, 3)
    assert remote.fault == dropped
    for again in (remote, Remote(own)):
        again.offer(encode(bad))
        assert again.fault == dropped
        assert not turn(again)
    remote.offer(encode(message({"camera": {"width": 8192}}, after_s=60)))
    assert turn(remote)


def test_a_process_that_dies_of_a_config_starts_without_it(tmp_path: Path) -> None:
    own = settings(tmp_path)
    remote = Remote(own)
    remote.offer(encode(message({"camera": {"width": 8192}})))
    assert turn(remote)
    after = Remote(own)
    assert after.settings == own
    assert after.fault is not None
    assert "dropped: the process ended before it had counted a frame with it" in after.fault
    assert not after.on_trial


def test_a_process_that_is_told_to_end_judges_nothing(tmp_path: Path) -> None:
    own, config = settings(tmp_path), encode(message({"camera": {"width": 320}}))
    remote = Remote(own)
    remote.offer(config)
    assert turn(remote)
    remote.leave()
    after = Remote(own)
    assert (after.settings, after.fault) == (own, None)
    after.offer(config)
    assert turn(after)


def test_a_camera_that_worked_and_gives_no_frame_any_more_costs_the_config(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    remote.offer(encode(message({"camera": {"width": 320}})))
    assert turn(remote, seeing=True)
    assert not turn(remote, now_s=10)
    assert turn(remote, now_s=10 + TRIAL_S), "the next run has the former settings"
    assert remote.settings.camera.width == 640
    assert "no frame came within" in str(remote.fault)


def test_a_camera_that_was_away_before_is_not_the_fault_of_a_config(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    remote.offer(encode(message({"camera": {"width": 320}})))
    assert turn(remote, seeing=False)
    assert not turn(remote, now_s=10)
    assert (remote.on_trial, remote.settings.camera.width) == (False, 320)


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path / "gone"))
    remote.offer(encode(message({"camera": {"width": 320}})))
    assert not turn(remote)
    assert "cannot be written; see the disk" in str(remote.fault)
    assert remote.settings.camera.width == 640


def test_a_damaged_memory_of_it_is_no_reason_not_to_count(tmp_path: Path) -> None:
    own = settings(tmp_path)
    (tmp_path / "outbox.config.json").write_text('{"proven": ')
    assert Remote(own).settings == own


def test_a_file_that_no_longer_fits_is_in_force_alone(tmp_path: Path) -> None:
    config = message({"detection": {"min_score": 0.3}})
    accept(Remote(settings(tmp_path)), config)
    own = settings(tmp_path, detection={"min_score": 0.6, "low_score": 0.5})
    remote = Remote(own)
    assert (remote.settings, remote.message) == (own, None)
    assert "low_score 0.5 must not exceed min_score 0.3" in str(remote.fault)
    remote.offer(encode(config))
    assert remote.fault is not None
    assert not turn(remote)


# The whole way, over a real broker


class SceneTime:
    """A clock that stands until a camera moves it on."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return MORNING + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed_s


@dataclass
class Eye:
    """Looks with ``detector``, at nobody without, and says when it has looked."""

    detector: Detector | None = None

    def __post_init__(self) -> None:
        self.looked = threading.Semaphore(1)

    def detect(self, image: Image) -> list[Detection]:
        try:
            return self.detector.detect(image) if self.detector else []
        finally:
            self.looked.release()


class Shop:
    """A live camera whose frames come as fast as they are looked at, each a fifteenth of a second of ``clock``.

    What it shows goes on where it was when it is opened again, as in a shop. ``opening`` is called with the number of
    the opening and may refuse.
    """

    live = True

    def __init__(
        self,
        clock: SceneTime,
        eye: Eye,
        picture: Callable[[int], Image],
        opening: Callable[[int], None] = lambda number: None,
    ) -> None:
        self._clock, self._eye, self._picture, self._opening = clock, eye, picture, opening
        self.opened = self.given = 0

    def open(self) -> None:
        self.opened += 1
        self._opening(self.opened)

    def read(self) -> Frame:
        # A frame that nobody looks at any more, when a run ends, is waited for in vain.
        self._eye.looked.acquire(timeout=0.5)
        picture = self._picture(self.given)
        self._clock.elapsed_s += 1 / 15
        self.given += 1
        return Frame(picture, self._clock.now(), self._clock.monotonic(), self.given)

    def close(self) -> None:
        pass

    def describe(self) -> str:
        return "shop"


EMPTY = np.zeros((480, 640, 3), np.uint8)


@contextmanager
def device(own: Settings, port: int, opening: Callable[[int], None] = lambda number: None) -> Iterator[Shop]:
    """The service in front of an empty shop, in a thread."""
    clock, eye, stop = SceneTime(), Eye(), threading.Event()
    shop = Shop(clock, eye, lambda index: EMPTY, opening)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(
            serve,
            own,
            clock=clock,
            stop=stop,
            camera=shop,
            broker=Broker("127.0.0.1", port),
            models=replace(models(), detector=eye),
        )
        try:
            yield shop
        finally:
            stop.set()
            run.result(30)


def ask_for(listener: Listener, port: int, config: ConfigMessage) -> Answer:
    """The command's own way, once the device is there."""
    until(
        lambda: listener.on("status") and b"true" in listener.on("status")[-1].payload, "the device is there"
    )
    return ask(MqttSettings(host="127.0.0.1", port=port), config, wait_s=30)


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


def test_a_device_answers_and_keeps_what_it_took_without_a_broker(tmp_path: Path) -> None:
    own = settings(tmp_path)
    wanted = {"detection": {"min_score": 0.6}, "zones": []}
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        port = mosquitto.port
        with device(own, port) as shop:
            taken = ask_for(listener, port, message(wanted))
            assert (taken.state, taken.config) == ("accepted", fingerprint(overlaid(own, wanted)))
            assert shop.opened == 2, "one run before, one since"

            refused = ask_for(listener, port, message({**wanted, "privacy": {"k": 1}}))
            assert refused.state == "refused"
            assert "privacy.k: is set in the device's own file only" in refused.text
            assert (last_health(listener).config, shop.opened) == (taken.config, 2)

            # Too large to be right; the broker still brings it, and it is answered with a word.
            listener.publish(topic(message({})), b"x" * (MAX_BYTES + 1))
            until(lambda: told(listener)[-1][1].endswith(f"more than {MAX_BYTES}"), "it is refused")
            # Of another device nothing is heard, and what is said in the wrong name is refused.
            listener.publish(topic(message({}, device="shelf")), encode(message({}, device="shelf")))
            listener.publish(topic(message({})), encode(message({}, device="shelf")))
            until(lambda: "speaks for shop/shelf" in told(listener)[-1][1], "it is refused")
            assert ask_for(listener, port, message(wanted, after_s=1)).state == "accepted"
            assert told(listener)[-1] == (False, f"over: {told(listener)[-2][1]}")
            assert shop.opened == 2, "what is in force already needs no new run"
        # The broker forgets everything, and is away when the device starts.
        mosquitto.kill()
        (tmp_path / "mosquitto.db").unlink(missing_ok=True)
        with device(own, port) as shop:
            until(lambda: shop.given > 100, "it counts")
            mosquitto.start()
            before = len(listener.on("health"))
            until(lambda: len(listener.on("health")) > before, "it says how it does", timeout_s=30)
            assert last_health(listener).config == taken.config
            cleared = ask_for(listener, port, message({}, after_s=2))
            assert (cleared.state, cleared.config) == ("accepted", fingerprint(own))


def test_a_camera_that_refuses_a_config_has_the_former_one_back_at_once(tmp_path: Path) -> None:
    own = settings(tmp_path)

    def opening(number: int) -> None:
        if number == 2:
            raise CameraError("camera shop: no such size", permanent=True)

    with (
        Mosquitto(tmp_path) as mosquitto,
        Listener(mosquitto.port, "footlight/#") as listener,
        device(own, mosquitto.port, opening) as shop,
    ):
        config = message({"camera": {"width": 4096}})
        answer = ask_for(listener, mosquitto.port, config)
        assert answer.state == "refused"
        assert answer.text.endswith("dropped: camera shop: no such size; send it again to try again")
        until(lambda: listener.on("health"), "it says how it does")
        assert (last_health(listener).config, last_health(listener).config_message) == (
            fingerprint(own),
            None,
        )
        assert shop.opened == 3, "the retained message has come again, and was not tried again"
        again = ask_for(listener, mosquitto.port, message({"camera": {"width": 4096}}, after_s=1))
        assert again.state == "accepted", "the camera would have it now"


def test_a_change_of_settings_costs_no_count_and_makes_none_twice(tmp_path: Path) -> None:
    """It is asked for while somebody is in view; the two people of the stretch walk by twice."""
    clock, stop = SceneTime(), threading.Event()
    eye = Eye(models().detector)
    somebody = round((stretch().truth.visits[0].enters_s + 1) * stretch().fps)
    asked_for, go_on = threading.Event(), threading.Event()

    def picture(index: int) -> Image:
        if index == somebody:
            asked_for.set()
            assert go_on.wait(30)
        if index == 2 * len(stretch()):
            stop.set()
        return stretch().render(index % len(stretch()))

    with (
        Mosquitto(tmp_path) as mosquitto,
        Listener(mosquitto.port, "footlight/#") as listener,
        ThreadPoolExecutor(1) as pool,
    ):
        run = pool.submit(
            serve,
            settings(tmp_path, zones=[]),
            clock=clock,
            stop=stop,
            camera=Shop(clock, eye, picture),
            broker=Broker("127.0.0.1", mosquitto.port),
            models=replace(models(), detector=eye),
        )
        try:
            assert asked_for.wait(30)
            config = message({"attributes": {"budget_ms": 1000}})
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
