"""The privacy audit holds the noise of what was told against the budget in the settings."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from common.wire import Cohort, encode, topic
from edge.commands.privacy_audit.command import inspect
from edge.commands.privacy_audit.payloads import payloads
from edge.uplink.outbox import Outbox
from tests.edge.commands.audited import settings, subject
from tests.support.messages import MORNING, cohort, window, with_noise


@pytest.mark.parametrize(
    ("told", "budget", "leak"),
    [
        (cohort(), None, ""),
        (cohort(), 1.0, "a window told verdicts without noise; the settings say a budget of 1"),
        (with_noise(budget=1.0), 1.0, ""),
        (with_noise(budget=2.0), 1.0, "a window told noise of budget 2; the settings say 1"),
        (with_noise(budget=1.0), None, ""),
    ],
)
def test_verdicts_that_were_told_with_less_noise_than_the_settings_say_are_found(
    tmp_path: Path, told: Cohort, budget: float | None, leak: str
) -> None:
    own = settings(tmp_path, privacy={"noise_budget": budget})
    with closing(Outbox(own.outbox.location(), max_messages=10)) as outbox:
        outbox.put(topic(window(0)), encode(window(0, cohort=told)), MORNING)
        found = inspect(payloads, subject(tmp_path, None, own=own, settings=own))
    assert found.state == ("red" if leak else "green")
    assert leak in found.value
    if not leak:
        assert ("all verdicts only with noise" in found.value) == (told.noise is not None)
