"""Who may say and hear what at the one box's broker, as ``cloud/compose/acl`` says it to mosquitto.

A user is one device and called ``SITE/DEVICE``: it speaks and hears as itself alone. Only the user ``configure``
changes settings of devices. Nobody hears what another device says. Without users whoever is on this machine may speak
for any device, but neither listen to one nor configure it.
"""

from __future__ import annotations

import re

from common.wire import BY_CHANNEL, NAME_PATTERN, ROOT, TO_DEVICE

CONFIGURE = "configure"

_SPEAKS = frozenset(BY_CHANNEL) - TO_DEVICE
_CONFIGURE_HEARS = frozenset({"health", "alert", "status"})
_NAME = re.compile(NAME_PATTERN)
_DEAD_LETTERS = f"{ROOT}-dead-letter/"


def is_user(name: str) -> bool:
    """Whether a user may be called so."""
    return name == CONFIGURE or _is_device(name)


def may_publish(user: str | None, topic: str) -> bool:
    """``user`` is None where the broker has no users."""
    device, channel = _parts(topic)
    if user == CONFIGURE:
        return channel == "config" and _is_device(device)
    return channel in _SPEAKS and _is_device(device) and user in (None, device)


def may_hear(user: str | None, topic_filter: str) -> bool:
    """Whether ``user`` may subscribe to ``topic_filter``, and hear on a topic of that name."""
    if topic_filter.startswith(_DEAD_LETTERS):
        device = topic_filter.removeprefix(_DEAD_LETTERS)
        return _is_device(device) and user in (None, device)
    device, channel = _parts(topic_filter)
    if user == CONFIGURE:
        return channel in _CONFIGURE_HEARS and (_is_device(device) or device == "+/+")
    return channel in TO_DEVICE and _is_device(device) and user in (None, device)


def _parts(topic: str) -> tuple[str, str]:
    """``SITE/DEVICE`` and the channel; both empty for a topic outside ours."""
    if not topic.startswith(f"{ROOT}/"):
        return "", ""
    device, _, channel = topic.removeprefix(f"{ROOT}/").rpartition("/")
    return device, channel


def _is_device(text: str) -> bool:
    site, _, device = text.partition("/")
    return bool(_NAME.fullmatch(site) and _NAME.fullmatch(device))
