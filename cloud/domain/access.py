"""Who may publish and subscribe to what at the one box's broker; the same rules as ``cloud/compose/acl`` for mosquitto.

A user ``SITE/DEVICE`` is one device, which may publish and receive only its own messages. Only the user ``configure``
may change settings of devices. The user ``home-assistant`` receives what the box publishes for Home Assistant, and
nothing of a device. No device receives messages of another. Without users, every client on this machine may publish for
any device, but neither receive a device's messages nor configure it.
"""

from __future__ import annotations

import re

from common.wire import BY_CHANNEL, NAME_PATTERN, ROOT, TO_DEVICE

CONFIGURE = "configure"
HOME_ASSISTANT = "home-assistant"
DISCOVERY = "homeassistant"
"""Home Assistant looks for entities below this topic."""
STATES = f"{ROOT}-home-assistant"
"""Their values; outside the root, so that nobody stores them."""
_BIRTH = f"{DISCOVERY}/status"
"""Where Home Assistant itself says that it has started or is gone. Only it hears this; the box does not use it."""

_SPEAKS = frozenset(BY_CHANNEL) - TO_DEVICE
_CONFIGURE_HEARS = frozenset({"health", "alert", "status", "config", "placement"})
_NAME = re.compile(NAME_PATTERN)
_DEAD_LETTERS = f"{ROOT}-dead-letter/"


def is_user(name: str) -> bool:
    """Tell whether ``name`` is a valid user name."""
    return name in (CONFIGURE, HOME_ASSISTANT) or _is_device(name)


def may_publish(user: str | None, topic: str) -> bool:
    """Tell whether ``user`` may publish on ``topic``; ``user`` is None if the broker has no users."""
    if topic == _BIRTH:
        return user in (None, HOME_ASSISTANT)
    device, channel = _parts(topic)
    if user == CONFIGURE:
        return channel == "config" and _is_device(device)
    return channel in _SPEAKS and _is_device(device) and user in (None, device)


def may_hear(user: str | None, topic_filter: str) -> bool:
    """Tell whether ``user`` may subscribe to ``topic_filter``, or receive on a topic of that name."""
    if topic_filter.startswith(_DEAD_LETTERS):
        device = topic_filter.removeprefix(_DEAD_LETTERS)
        return _is_device(device) and user in (None, device)
    if topic_filter.startswith((f"{DISCOVERY}/", f"{STATES}/")):
        return user in (None, HOME_ASSISTANT)
    device, channel = _parts(topic_filter)
    if user == CONFIGURE:
        return channel in _CONFIGURE_HEARS and (_is_device(device) or device == "+/+")
    # By its own retained status, a device finds out whether another one speaks under its name.
    hears = TO_DEVICE if user is None else TO_DEVICE | {"status"}
    return channel in hears and _is_device(device) and user in (None, device)


def _parts(topic: str) -> tuple[str, str]:
    """Split a topic into ``SITE/DEVICE`` and the channel; both are empty for a topic that is not Footlight's."""
    if not topic.startswith(f"{ROOT}/"):
        return "", ""
    device, _, channel = topic.removeprefix(f"{ROOT}/").rpartition("/")
    return device, channel


def _is_device(text: str) -> bool:
    site, _, device = text.partition("/")
    return bool(_NAME.fullmatch(site) and _NAME.fullmatch(device))
