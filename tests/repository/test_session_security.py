"""The list of session security names a test for every line of the standard that it is about."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "session-security.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| ([\d., ]+) \| [^|]+ \| `([^`]+)` \|$", PAGE, re.MULTILINE)

LEVEL_1 = {
    *(
        "6.1.1",
        "6.2.1",
        "6.2.2",
        "6.2.3",
        "6.2.4",
        "6.2.5",
        "6.2.6",
        "6.2.7",
        "6.2.8",
        "6.3.1",
        "6.3.2",
        "6.4.1",
        "6.4.2",
    ),
    *("7.2.1", "7.2.2", "7.2.3", "7.2.4", "7.4.1", "7.4.2"),
    *("8.1.1", "8.2.1", "8.2.2", "8.3.1"),
    *("3.2.1", "3.2.2", "3.3.1", "3.4.1", "3.4.2", "3.5.1", "3.5.2", "3.5.3"),
    *("9.1.1", "9.1.2", "9.1.3", "9.2.1", "14.2.1", "14.3.1"),
}
"""Level 1 of ASVS 5.0: the chapters 3, 6, 7, 8 and 9 whole, and of 14 what is about logins."""


def test_every_line_of_level_1_is_there_once() -> None:
    listed = [line for lines, _ in LINES for line in lines.split(", ")]
    assert sorted(listed) == sorted(LEVEL_1)


@pytest.mark.parametrize("named", sorted({test for _, test in LINES}))
def test_every_named_test_exists(named: str) -> None:
    path, _, name = named.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
