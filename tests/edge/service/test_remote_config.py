"""What a server may ask of a device: taken or refused as a whole, kept, and never at the cost of a count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from common.errors import UserError
from common.wire import encode
from edge.config import REMOTELY_SETTABLE, Settings
from edge.service.overlay import overlaid
from edge.service.remote_config import Remote, fingerprint
from edge.signage_settings import SignageSettings
from tests.common.test_wire import json_values, mutated
from tests.support.messages import asking

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
        ("privacy.noise_budget", 10.0),
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
    of_a_display = {f"signage.{key}" for key in SignageSettings.model_fields}  # there is none by default
    assert {*PATHS, *(path.partition(".")[0] for path in PATHS), *of_a_display} >= REMOTELY_SETTABLE


@pytest.mark.parametrize("path", [path for path in PATHS if not settable(path)])
def test_nobody_afar_decides_who_this_is_and_what_it_may_tell_to_whom(path: str) -> None:
    """Not even to what it is already."""
    with pytest.raises(UserError, match=rf"^{path.partition('.')[0]}.*own file only"):
        overlaid(settings(Path("/state")), tree_of({path: PATHS[path]}))


def test_those_are_the_sections_that_must_stay_at_home() -> None:
    assert {path.partition(".")[0] for path in PATHS if not settable(path)} == {
        *(
            "site",
            "device",
            "camera",
            "staff",
            "loyalty",
            "signage",
            "window",
            "privacy",
            "mqtt",
            "outbox",
            "models",
        )
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


PROGRAMME: dict[str, Any] = {
    "clips": [{"name": "welcome", "kind": "brand"}, {"name": "running", "kind": "product"}],
    "rules": [{"clip": "running", "people": [2, 9]}],
    "rotation": ["welcome"],
}


def test_a_programme_of_the_display_starts_at_closing_time(tmp_path: Path) -> None:
    own = settings(tmp_path, signage={**PROGRAMME, "token": "0123456789abcdef", "rules": []})
    remote = Remote(own)
    remote.offer(encode(asking({"signage": PROGRAMME})))
    assert remote.fault is None
    assert not remote.turn(0.0, counted=True, in_view=False, seeing=True)
    assert remote.turn(1.0, counted=True, in_view=False, seeing=True, closed=True)
    assert remote.settings.signage is not None
    assert [rule.clip for rule in remote.settings.signage.rules] == ["running"]
    assert remote.settings.signage.secret() == "0123456789abcdef"


@pytest.mark.parametrize(
    ("own", "asked", "reason"),
    [
        (False, PROGRAMME, "signage: can be set in the device's own file only"),
        (True, {"listen": "192.168.1.2"}, "signage.listen: can be set in the device's own file only"),
        (True, {"token": "abcdefghijklmnopqrst"}, "signage.token: can be set in the device's own file only"),
        (True, {"holdout": 0}, "holdout"),
    ],
)
def test_a_server_opens_no_endpoint_and_turns_no_holdout_off(
    tmp_path: Path, *, own: bool, asked: dict[str, Any], reason: str
) -> None:
    signage = {**PROGRAMME, "token": "0123456789abcdef"} if own else None
    remote = Remote(settings(tmp_path, signage=signage))
    remote.offer(encode(asking({"signage": asked})))
    assert remote.fault is not None
    assert reason in remote.fault
