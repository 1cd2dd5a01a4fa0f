"""The parts of a check, and a loop over all checks: one that fails gives a line and does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from common.errors import UserError

State = Literal["green", "amber", "red"]
STATES: tuple[State, ...] = ("green", "amber", "red")
"""From good to bad. Amber: the device counts, but check this. Red: it does not count, or not correctly."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured, as text with units, and what to do about it; ``fix`` is empty if there is nothing to do."""

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
    """Report a check that cannot be done because an earlier one failed; the earlier one says what to do."""
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
    """Yield each check when it is done, in order. An unexpected fault of the machine or a file is a red line."""
    for name, look in checks:
        try:
            finding = look()
        except PermissionError as error:
            finding = red(" ".join(str(error).split()), "run the doctor as root")
        except (UserError, OSError) as error:
            what, way_out = what_and_fix(error)
            finding = red(what, way_out or "check the file or device that is named here")
        yield Check(name, finding.state, finding.value, finding.fix)


def what_and_fix(error: Exception) -> tuple[str, str]:
    """Return what an error says is wrong, on one line, and the way out, which is empty if it names none."""
    what, _, way_out = " ".join(str(error).split()).partition("; ")
    return what, way_out


def worst(states: Sequence[State]) -> State:
    """Return the worst of ``states``; green if there are none."""
    return max(states, key=STATES.index, default="green")


def worst_of(findings: Sequence[Finding]) -> Finding:
    """Combine findings into one line: the values of all, and what to do about those of the worst state."""
    state = worst([finding.state for finding in findings])
    fixes = dict.fromkeys(finding.fix for finding in findings if finding.state == state and finding.fix)
    return Finding(state, ", ".join(finding.value for finding in findings), "; ".join(fixes))
