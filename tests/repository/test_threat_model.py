"""The threat model names tests that exist, both lists are whole, and nothing is called met without a proof."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
POLICY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py::\w+)`", PAGE)
VERDICTS = ("met", "in part", "not met", "by document", "does not apply")
LINE = re.compile(r"^\| ([^|]+) \| (" + "|".join(VERDICTS) + r") \| ([^|]+) \| ([^|]*) ?\|$", re.MULTILINE)
ACTORS = (
    "A person who walks past with a phone",
    "A customer in the shop's network",
    "A thief of a device",
    "A malicious device",
    "Who runs the broker",
    "Who gets hold of an archive of the server",
    "A curious manager",
    "Who supplies an update",
)
PROVISIONS = {1: 5, 2: 3, 3: 16, 4: 4, 5: 8, 6: 9, 7: 2, 8: 3, 9: 3, 10: 1, 11: 4, 12: 3, 13: 1}
"""How many provisions each clause 5.x of EN 303 645 V2.1.1 has."""


def test_every_actor_has_attempts_and_answers() -> None:
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE)[: len(ACTORS)] == list(ACTORS)
    for part in PAGE.split("\n## ")[1 : len(ACTORS) + 1]:
        rows = [line for line in part.splitlines() if line.startswith("| ")][2:]
        assert len(rows) >= 5, part.partition("\n")[0]
        for row in rows:
            cells = [cell.strip() for cell in row.strip("|").split(" | ")]
            assert "::" in cells[-1] or "*not met*" in row, row


@pytest.mark.parametrize("named", sorted(set(NAMED)))
def test_every_named_test_exists(named: str) -> None:
    path, _, name = named.partition("::")
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_provision_of_the_standard_is_there_once() -> None:
    listed = [re.sub(" [MR]$", "", one) for item, *_ in LINE.findall(PAGE) for one in item.split(", ")]
    wanted = [f"5.{clause}-{number}" for clause, most in PROVISIONS.items() for number in range(1, most + 1)]
    assert [one for one in listed if one.startswith("5.")] == wanted
    assert [one for one in listed if one.startswith("6.")] == ["6.1", "6.2", "6.3", "6.4", "6.5"]
    assert [one.split()[0] for one in listed if one.startswith("I")] == [f"I{n}" for n in range(1, 11)]


def test_nothing_is_met_without_a_test_or_by_document_without_a_page() -> None:
    for item, verdict, why, test in LINE.findall(PAGE):
        if verdict == "met":
            assert "::" in test, item
        if verdict == "by document" and item != "5.11-1 M":
            assert "](" in why, item


def test_the_policy_says_contact_times_and_versions() -> None:
    for part in ("Contact: `", "## Supported versions", "within 3 working days", "the newest release"):
        assert part in POLICY
