"""What a server may ask of a device: taken or refused as a whole, kept, and never at the cost of a count."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from common.errors import UserError
from common.wire import MAX_BYTES, ConfigMessage, encode, short_hash
from edge.config import REMOTELY_SETTABLE, Settings
from edge.service.overlay import overlaid
from edge.service.remote_config import PATIENCE_S, TRIAL_S, Remote, fingerprint
from tests.common.test_wire import json_values, mutated
from tests.support.messages import MORNING, asking

LATER = MORNING + timedelta(minutes=1)
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


def test_a_time_that_overflows_is_refused_and_the_device_goes_on(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    payload = encode(asking({})).replace(b"2026-03-02T08:00:00Z", b"0001-01-01T00:00:00+00:01")
    remote.offer(payload)
    assert remote.fault is not None
    assert "at: Value error, must be from 2020 to 2100" in remote.fault


def raw(asked: object) -> bytes:
    """A config message with whatever settings, even those that ours could not hold."""
    return json.dumps({**json.loads(encode(asking({}))), "settings": asked}).encode()


@given(
    st.binary(max_size=300)
    | mutated().map(lambda came: came[1])
    | st.dictionaries(
        st.text() | st.sampled_from(sorted(Settings.model_fields)), json_values, max_size=3
    ).map(raw)
)
def test_whatever_is_asked_for_is_taken_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, payload: bytes
) -> None:
    remote = Remote(settings(tmp_path_factory.mktemp("state")))
    remote.offer(payload)
    remote.turn(0.0, counted=False, in_view=False, seeing=True)
    if remote.fault is not None:
        assert remote.fault.isascii()
        assert remote.fault.isprintable()
        assert len(remote.fault) <= 240


# What is asked for, over what the file says

SCORES = st.floats(0.3, 1, allow_nan=False)
VALID = st.fixed_dictionaries(
    {},
    optional={
        "camera.width": st.integers(64, 8192),
        "camera.fps": st.floats(1, 240),
        "detection.min_score": SCORES,
        "detection.min_face_px": st.integers(8, 200),
        "tracking.lost_s": st.floats(1, 60),
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
        ("detection.low_score", 0.71),
        ("detection.low_score", 0.0),
        ("detection.min_score", 0.29),
        ("tracking.lost_s", 0.99),
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
    till: dict[str, JsonValue] = {"name": "till", "polygon": [[0, 0], [1, 0], [1, 1]]}
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
    own, config = settings(tmp_path), asking({"detection": {"min_score": 0.6}})
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
    remote.offer(encode(asking({"tracking": {"lost_s": 3}})))
    assert not turn(remote, now_s=100, in_view=True)
    assert not turn(remote, now_s=100 + PATIENCE_S - 1, in_view=True)
    assert turn(remote, now_s=100 + PATIENCE_S, in_view=True)


SHELF = {"name": "shelf", "polygon": [[0.2, 0], [1, 0], [1, 1]]}


def test_places_change_at_closing_time_and_everything_else_at_once(tmp_path: Path) -> None:
    own = settings(tmp_path)
    config = encode(asking({"zones": [SHELF], "detection": {"min_score": 0.6}}))
    remote = Remote(own)
    remote.offer(config)
    assert turn(remote)
    assert not turn(remote, counted=True)
    assert (remote.settings.zones, remote.settings.detection.min_score) == (own.zones, 0.6)
    assert remote.message != short_hash(config), "the server's message is not in force yet"
    for now_s in (100, 1000):
        remote.offer(config)
        assert not turn(remote, now_s=now_s)
    assert turn(remote, now_s=2000, closed=True)
    assert not turn(remote, now_s=2001, counted=True)
    assert [zone.polygon[0] for zone in remote.settings.zones] == [(0, 0), (0.2, 0)]
    assert (remote.message, remote.fault) == (short_hash(config), None)


def test_a_change_of_places_alone_starts_nothing_before_closing_time(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    remote.offer(encode(asking({"zones": [SHELF]})))
    assert not turn(remote, now_s=PATIENCE_S * 10)
    remote.offer(encode(asking({})))
    assert not turn(remote, now_s=PATIENCE_S * 20, closed=True), "taken back"


def test_a_change_that_failed_apart_from_its_places_is_not_tried_again(tmp_path: Path) -> None:
    config = encode(asking({"zones": [SHELF], "camera": {"width": 8192}}))
    remote = Remote(settings(tmp_path))
    remote.offer(config)
    assert turn(remote)
    assert remote.drop("the camera refuses it")
    remote.offer(config)
    assert remote.fault is not None
    assert not turn(remote)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (
            encode(asking({"mqtt": {"host": "elsewhere"}})),
            "mqtt.host: can be set in the device's own file only",
        ),
        (encode(asking({"detection": {"min_scor": 0.5}})), "did you mean 'min_score'?"),
        (encode(asking({"detection": {"min_score": 2}})), "detection.min_score: must be at most 1"),
        (encode(asking({"detection": {"threads": True}})), "detection.threads: must not be true or false"),
        (
            encode(asking({"zones": [{"name": "a", "polygon": [[0, 0], [1, 0], [1, True]]}]})),
            "zones.1.polygon: must not be true or false",
        ),
        (encode(asking({}, device="shelf")), "payload speaks for shop/shelf"),
        (b"x" * (MAX_BYTES + 1), f"more than {MAX_BYTES}"),
        (b"no JSON", "Invalid JSON"),
        (b"[" * 30_000, "Invalid JSON"),
        (encode(asking({})).replace(b"footlight.config/1", b"footlight.config/2"), "schema"),
    ],
)
def test_what_is_wrong_changes_nothing_and_is_told_in_one_line(
    tmp_path: Path, payload: bytes, says: str
) -> None:
    remote = Remote(settings(tmp_path))
    accept(remote, asking({"detection": {"min_score": 0.6}}))
    before, kept = remote.settings, (tmp_path / "outbox.config.json").read_bytes()
    remote.offer(payload)
    assert remote.fault is not None
    assert remote.fault.startswith(f"config {short_hash(payload)} refused: ")
    assert says in remote.fault
    assert "\n" not in remote.fault
    assert not turn(remote)
    assert remote.settings == before
    assert (tmp_path / "outbox.config.json").read_bytes() == kept
    remote.offer(encode(asking({"detection": {"min_score": 0.6}})))
    assert remote.fault is None, "what is asked for is in force again"


@pytest.mark.parametrize("payload", [b"", encode(asking({}))])
def test_a_config_can_be_cleared(tmp_path: Path, payload: bytes) -> None:
    own = settings(tmp_path)
    remote = Remote(own)
    accept(remote, asking({"detection": {"min_score": 0.6}}))
    remote.offer(payload)
    assert turn(remote)
    assert not turn(remote, counted=True)
    assert Remote(own).settings == own


def test_what_changes_nothing_needs_no_new_run(tmp_path: Path) -> None:
    remote, config = Remote(settings(tmp_path)), asking({"tracking": {"lost_s": 2.0}})
    remote.offer(encode(config))
    assert not turn(remote)
    assert remote.message == short_hash(encode(config))


def test_a_config_that_cannot_run_is_dropped_and_not_tried_again_until_it_is_sent_again(
    tmp_path: Path,
) -> None:
    own = settings(tmp_path)
    remote = Remote(own)
    accept(remote, asking({"tracking": {"lost_s": 3}}))
    bad = asking({"camera": {"width": 8192}})
    remote.offer(encode(bad))
    assert turn(remote)
    assert remote.drop("camera 0: no such size")
    dropped = f"config {short_hash(encode(bad))} dropped: camera 0: no such size; send it again to try again"
    assert (remote.settings.camera.width, remote.settings.tracking.lost_s) == (1280, 3)
    assert remote.fault == dropped
    for again in (remote, Remote(own)):
        again.offer(encode(bad))
        assert again.fault == dropped
        assert not turn(again)
    remote.offer(encode(asking({"camera": {"width": 8192}}, at=LATER)))
    assert turn(remote)


def test_a_process_that_dies_of_a_config_starts_without_it(tmp_path: Path) -> None:
    own = settings(tmp_path)
    remote = Remote(own)
    remote.offer(encode(asking({"camera": {"width": 8192}})))
    assert turn(remote)
    after = Remote(own)
    assert after.settings == own
    assert after.fault is not None
    assert "dropped: the process ended before it had counted a frame with it" in after.fault
    assert not after.on_trial


def test_a_process_that_is_told_to_end_judges_nothing(tmp_path: Path) -> None:
    own, config = settings(tmp_path), encode(asking({"camera": {"width": 320}}))
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
    remote.offer(encode(asking({"camera": {"width": 320}})))
    assert turn(remote, seeing=True)
    assert not turn(remote, now_s=10)
    assert turn(remote, now_s=10 + TRIAL_S), "the next run has the former settings"
    assert remote.settings.camera.width == 1280
    assert "no frame came within" in str(remote.fault)


def test_a_camera_that_was_away_before_is_not_the_fault_of_a_config(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    remote.offer(encode(asking({"camera": {"width": 320}})))
    assert turn(remote, seeing=False)
    assert not turn(remote, now_s=10)
    assert (remote.on_trial, remote.settings.camera.width) == (False, 320)


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path / "gone"))
    remote.offer(encode(asking({"camera": {"width": 320}})))
    assert not turn(remote)
    assert "cannot be written; check the disk" in str(remote.fault)
    assert remote.settings.camera.width == 1280


def test_a_damaged_memory_of_it_is_no_reason_not_to_count(tmp_path: Path) -> None:
    own = settings(tmp_path)
    (tmp_path / "outbox.config.json").write_text('{"proven": ')
    assert Remote(own).settings == own


def test_a_file_that_no_longer_fits_is_in_force_alone(tmp_path: Path) -> None:
    config = asking({"detection": {"min_score": 0.3}})
    accept(Remote(settings(tmp_path)), config)
    own = settings(tmp_path, detection={"min_score": 0.6, "low_score": 0.5})
    remote = Remote(own)
    assert (remote.settings, remote.message) == (own, None)
    assert "low_score 0.5 must not exceed min_score 0.3" in str(remote.fault)
    remote.offer(encode(config))
    assert remote.fault is not None
    assert not turn(remote)
