"""Write into README.md what was proven on which real part: ``make proven``, or ``docs/proven.py REPORT ...``.

The tests note in their report (JUnit XML) with which versions they ran. Several reports count as one run: each test
once for each part that it passed with, and a failure in one of them refuses them all. The numbers go to proven.json
beside this file; what another run proved on another version stays there with its date.
"""

from __future__ import annotations

import argparse
import json
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypedDict

HERE = Path(__file__).parent
MEASURED, README = HERE / "proven.json", HERE.parent / "README.md"
BEGIN, END = "<!-- written by `make proven` -->\n", "<!-- end -->"


class Proven(TypedDict):
    """One real part: how many tests passed on it, and the day."""

    passed: int
    day: str


def read(reports: Iterable[Path]) -> dict[str, int]:
    """Count the tests that passed in any of the reports, by real part. Raises ``ValueError`` if one failed."""
    passed: set[tuple[str, str]] = set()
    for report in reports:
        for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by our own tests
            test, found = f"{case.get('classname')}.{case.get('name')}", {child.tag for child in case}
            if found & {"failure", "error"}:
                raise ValueError(f"{report}: {test} failed; nothing was written")
            if "skipped" not in found:
                passed |= {
                    (one.get("value", ""), test) for one in case.iter("property") if one.get("name") == "on"
                }
    return Counter(part for part, _ in passed)


def merged(before: dict[str, Proven], passed: dict[str, int], day: date) -> dict[str, Proven]:
    """Add what one run proved. A part that a part of the tests ran on again keeps the larger number."""
    found = dict(before)
    for part, number in passed.items():
        if part not in found or number >= found[part]["passed"]:
            found[part] = {"passed": number, "day": day.isoformat()}
    return dict(sorted(found.items()))


def table(proven: dict[str, Proven]) -> str:
    """Return the table of README.md."""
    rows = [f"| {part} | {one['passed']:,} | {one['day']} |" for part, one in proven.items()]
    return "\n".join(["| real part | tests that passed with it | day |", "| --- | --: | --- |", *rows, ""])


def written(text: str, proven: dict[str, Proven]) -> str:
    """Return the text of README.md with the table of ``proven``."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{table(proven)}{END}{rest.partition(END)[2]}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="docs/proven.py", description="Write what was proven into README.md."
    )
    parser.add_argument(
        "reports", metavar="REPORT", nargs="+", type=Path, help="JUnit XML of a run of the tests"
    )
    before: dict[str, Proven] = json.loads(MEASURED.read_text(encoding="utf-8"))
    try:
        proven = merged(before, read(parser.parse_args(arguments).reports), datetime.now(UTC).date())
    except (OSError, ET.ParseError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    MEASURED.write_text(json.dumps(proven, indent=2) + "\n", encoding="utf-8")
    README.write_text(written(README.read_text(encoding="utf-8"), proven), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
