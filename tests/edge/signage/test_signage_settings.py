"""The settings of a display: what is not fair, not possible or not safe is refused with one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from common.errors import UserError
from edge.config import Settings, load

CLIPS = [
    {"name": "scarf", "kind": "product"},
    {"name": "sale", "kind": "price"},
    {"name": "last-pieces", "kind": "availability"},
    {"name": "brand", "kind": "brand"},
]
YOUNG = {"clip": "scarf", "ages": ["18-24"]}
TOKEN = "0123456789abcdef"


def loaded(folder: Path, other: dict[str, Any] | None = None, **signage: Any) -> Settings:
    """Load settings from a file, as the device does."""
    values = {"token": TOKEN, "clips": CLIPS, "rotation": ["brand"], **signage}
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump({"signage": values, **(other or {})}))
    return load(path)


def test_there_is_no_display_by_default() -> None:
    assert Settings().signage is None


def test_rules_may_be_about_all_that_is_known_of_those_present(tmp_path: Path) -> None:
    rule = {"clip": "scarf", "people": [2, 8], "gender": "female", "ages": ["25-34", "35-44"], "share": 0.6}
    settings = loaded(tmp_path, rules=[{"clip": "sale", "hours": [11, 14], "people": [1, 100]}, rule])
    assert settings.signage is not None
    assert [one.about_attributes for one in settings.signage.rules] == [False, True]


@pytest.mark.parametrize("clip", ["sale", "last-pieces"])
@pytest.mark.parametrize("condition", [{"gender": "male"}, {"ages": ["65+"]}])
def test_price_and_availability_never_depend_on_gender_or_age(
    tmp_path: Path, clip: str, condition: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match="never allowed") as refused:
        loaded(tmp_path, rules=[{"clip": clip, **condition}])
    assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match="move it before that rule"):  # who is not young would get it
        loaded(tmp_path, rules=[YOUNG, {"clip": clip, "people": [1, 9]}])
    with pytest.raises(UserError, match="out of the rotation"):
        loaded(tmp_path, rules=[YOUNG], rotation=["brand", clip])
    loaded(tmp_path, rules=[{"clip": clip, "people": [1, 9]}, YOUNG])
    loaded(tmp_path, rules=[{"clip": "scarf", "people": [1, 9]}], rotation=["brand", clip])


@pytest.mark.parametrize(
    ("signage", "text"),
    [
        ({"holdout": 0}, "holdout"),
        ({"rotation": []}, "rotation"),
        ({"rotation": ["nothing"]}, "no clip 'nothing'"),
        ({"rules": [{"clip": "nothing"}]}, "no clip 'nothing'"),
        ({"rules": [{"clip": "brand", "people": [1, 9]}]}, "held out"),
        ({"rules": [{"clip": "scarf", "people": [3, 2]}]}, "fewest and the most"),
        ({"rules": [{"clip": "scarf", "hours": [20, 9]}]}, "first and the last"),
        ({"rules": [{"clip": "scarf", "gender": "any"}]}, "gender"),
        ({"rules": [{"clip": "scarf", "ages": ["18-25"]}]}, "no age band"),
        ({"rules": [{"clip": "scarf", "gender": "male", "people": [1, 1]}]}, "one person"),
        ({"rules": [{"clip": "scarf", "zone": "shelf"}]}, "no zone 'shelf'"),
        ({"zone": "shelf"}, "no zone 'shelf'"),
        ({"target": "screen"}, "no target 'screen'"),
        ({"clips": [*CLIPS, CLIPS[0]]}, "twice"),
        ({"listen": "0.0.0.0"}, "own network"),
        ({"listen": "8.8.8.8"}, "own network"),
        ({"listen": "localhost"}, "an address of this device"),
        ({"token": "short"}, "at least 16"),
        ({"token": None}, "token_file"),
    ],
)
def test_what_cannot_work_is_refused_with_one_line(
    tmp_path: Path, signage: dict[str, Any], text: str
) -> None:
    with pytest.raises(UserError, match=text) as refused:
        loaded(tmp_path, **signage)
    assert "\n" not in str(refused.value)


def test_what_is_not_estimated_is_not_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither is estimated"):
        loaded(tmp_path, {"privacy": {"profile": "count"}}, rules=[YOUNG])


def test_the_token_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    settings = loaded(tmp_path, token=None, token_file=str(path)).signage
    assert settings is not None
    with pytest.raises(UserError, match="token_file"):
        settings.secret()
    path.write_text("short\n")
    with pytest.raises(UserError, match="at least 16"):
        settings.secret()
    path.write_text(f"{TOKEN}\n")
    assert settings.secret() == TOKEN


def test_a_broker_for_players_is_off_by_default_and_in_the_shop(tmp_path: Path) -> None:
    assert loaded(tmp_path).signage.broker is None  # type: ignore[union-attr]
    (tmp_path / "password").write_text("secret\n")
    broker = {"host": "192.168.1.5", "username": "door", "password_file": str(tmp_path / "password")}
    signage = loaded(tmp_path, broker=broker).signage
    assert signage is not None
    assert signage.broker is not None
    made = signage.broker.broker()
    assert (str(made), made.username, made.password) == ("192.168.1.5:1883", "door", "secret")


@pytest.mark.parametrize(
    ("broker", "mqtt", "text"),
    [
        ({"host": "8.8.8.8"}, {}, "not an address of the shop's own network"),
        ({"host": "broker.example.com"}, {}, "write an address in the shop"),
        ({"port": 1883}, {}, "host"),
        ({"host": "127.0.0.1"}, {}, "must not leave the shop"),
        ({"host": "::1", "port": 8883}, {"host": "127.0.0.1", "port": 8883}, "must not leave the shop"),
        ({"host": "10.0.0.4"}, {"host": "10.0.0.4"}, "must not leave the shop"),
        ({"host": "10.0.0.4", "qos": 1}, {}, "qos"),
    ],
)
def test_another_broker_for_players_is_refused(
    tmp_path: Path, broker: dict[str, Any], mqtt: dict[str, Any], text: str
) -> None:
    with pytest.raises(UserError, match=text) as refused:
        loaded(tmp_path, {"mqtt": mqtt}, broker=broker)
    assert "\n" not in str(refused.value)


def test_a_password_of_the_players_broker_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broker = {"host": "10.0.0.4", "username": "door", "password_file": str(tmp_path / "missing")}
    signage = loaded(tmp_path, broker=broker).signage
    assert signage is not None
    assert signage.broker is not None
    with pytest.raises(UserError, match=r"^signage\.broker\.password_file: .*missing cannot be read"):
        signage.broker.broker()
