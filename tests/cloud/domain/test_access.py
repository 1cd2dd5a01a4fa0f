"""Who may say and hear what is the same at the one box's broker and at mosquitto."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cloud
from cloud.domain.access import (
    CONFIGURE,
    DISCOVERY,
    HOME_ASSISTANT,
    STATES,
    is_user,
    may_hear,
    may_publish,
)
from common.wire import BY_CHANNEL, ROOT, address

ACL = (Path(cloud.__path__[0]) / "compose" / "acl").read_text().splitlines()


def said(kind: str, right: str, user: str | None = None) -> set[str]:
    """The channels of one kind of line in mosquitto's list, ``user`` that under whose name it stands."""
    under, channels = None, set()
    for line in ACL:
        words = line.split()
        if words[:1] == ["user"]:
            under = words[1]
        elif words[:2] == [kind, right] and words[2].startswith(f"{ROOT}/") and under == user:
            channels.add(words[2].rpartition("/")[2])
    return channels


def test_a_device_may_what_mosquitto_lets_it() -> None:
    user = "shop/door"
    assert {c for c in BY_CHANNEL if may_publish(user, f"{ROOT}/{user}/{c}")} == said("pattern", "write")
    assert {c for c in BY_CHANNEL if may_hear(user, f"{ROOT}/{user}/{c}")} == said("pattern", "read")


def test_who_configures_may_what_mosquitto_lets_him() -> None:
    one, every = f"{ROOT}/shop/door", f"{ROOT}/+/+"
    assert {c for c in BY_CHANNEL if may_publish(CONFIGURE, f"{one}/{c}")} == said(
        "topic", "write", CONFIGURE
    )
    assert {c for c in BY_CHANNEL if may_hear(CONFIGURE, f"{every}/{c}")} == said("topic", "read", CONFIGURE)


@pytest.mark.parametrize("user", [HOME_ASSISTANT, None])
def test_home_assistant_hears_its_own_topics_alone(user: str | None) -> None:
    for topic in (f"{DISCOVERY}/+/+/+/config", f"{DISCOVERY}/#", f"{STATES}/shop", f"{STATES}/shop/door"):
        assert may_hear(user, topic)
        assert not may_publish(user, topic)
        assert not may_hear("shop/door", topic)
        assert not may_hear(CONFIGURE, topic)
    assert may_publish(user, f"{DISCOVERY}/status"), "its birth and last will, which only it hears"
    assert not may_publish("shop/door", f"{DISCOVERY}/status")


@given(st.lists(st.sampled_from(["shop", "door", "+", "#", "", "window", "config"]), max_size=4))
def test_home_assistant_hears_and_says_nothing_of_devices(levels: list[str]) -> None:
    for root in (ROOT, f"{ROOT}-dead-letter", "+", "#", "$SYS"):
        topic = "/".join([root, *levels])
        assert not may_hear(HOME_ASSISTANT, topic)
        assert not may_publish(HOME_ASSISTANT, topic)


LEVEL = st.sampled_from(
    ["shop", "door", "other", "+", "#", "", "a b", "$SYS", "..", "window", "config", "echo"]
)
USER = st.sampled_from(["shop/door", "other/door", CONFIGURE, None])


@given(USER, st.lists(LEVEL, min_size=0, max_size=5))
def test_no_topic_but_those_of_the_wire_is_open(user: str | None, levels: list[str]) -> None:
    topic = "/".join([ROOT, *levels])
    known = {
        address(site, device, channel)
        for site in ("shop", "door", "other", "window", "config", "echo")
        for device in ("shop", "door", "other", "window", "config", "echo")
        for channel in BY_CHANNEL
    }
    if may_publish(user, topic):
        assert topic in known
        assert user in (None, CONFIGURE) or topic.startswith(f"{ROOT}/{user}/")
    if may_hear(user, topic):
        assert topic.replace("+/+", "shop/door") in known
        assert user == CONFIGURE or "+" not in topic


@pytest.mark.parametrize(
    "name", ["shop", "shop/", "/door", "shop/door/x", "shop/+", "#", "", "a b/c", "shop/door\n"]
)
def test_what_is_no_name_of_a_device_is_no_user(name: str) -> None:
    assert not is_user(name)
    assert is_user("shop/door")
    assert is_user(CONFIGURE)
