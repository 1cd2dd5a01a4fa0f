"""What a check is, and how they are gone through: one that fails is a line like the others, and stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from common.errors import UserError

State = Literal["green", "amber", "red"]
STATES: tuple[State, ...] = ("green", "amber", "red")
"""From well to ill. Amber counts all the same and wants a look; red does not count, or not rightly."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured, in words with units, and what to do about it; ``fix`` is empty where nothing is to be done."""

    state: State
    value: str
    fix: str = ""


def green(value: str) -> Finding:
    return Finding("green", value)


def amber(value: str, fix: str) -> Finding:
    return Finding("amber", value, fix)


def red(value: str, fix: str) -> Finding:
    return Finding("red", value, fix)


def not_reached(why: str) -> Finding:
    """For a check that cannot be measured because of an earlier one, which says itself what to do."""
    return amber(f"not reached: {why}", "")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor."""

    name: str
    state: State
    value: str
    fix: str


Look = Callable[[], Finding]


def run_checks(checks: Sequence[tuple[str, Look]]) -> Iterator[Check]:
    """Each check as it is measured, in order. A fault of the machine or of a file that nobody foresaw is a red line."""
    for name, look in checks:
        try:
            finding = look()
        except PermissionError as error:
            finding = red(" ".join(str(error).split()), "run the doctor as root")
        except (UserError, OSError) as error:
            what, _, way_out = " ".join(str(error).split()).partition("; ")
            finding = red(what, way_out or "look at the file or device that is named")
        yield Check(name, finding.state, finding.value, finding.fix)


def worst(states: Sequence[State]) -> State:
    """The worst of ``states``; green where there is none."""
    return max(states, key=STATES.index, default="green")


def worst_of(findings: Sequence[Finding]) -> Finding:
    """Several findings on one line: the values of all of them, and what to do about those of the worst state."""
    state = worst([finding.state for finding in findings])
    fixes = dict.fromkeys(finding.fix for finding in findings if finding.state == state and finding.fix)
    return Finding(state, ", ".join(finding.value for finding in findings), "; ".join(fixes))
