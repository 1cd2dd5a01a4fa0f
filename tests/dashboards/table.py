"""Prints, as Markdown, what every query of every panel answers beside what was counted without a database.

``python -m tests.dashboards.table`` starts the engine and fills it as the tests do. What is shown of an answer is
shortened; equal means that all of it is. The exit code is 1 if any is not.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.dashboards.expected import Asked, asked
from tests.dashboards.filling import fill
from tests.dashboards.panels import names, panels
from tests.dashboards.world import Answer
from tests.support.influxdb import influxdb_engine


def page(every: list[Asked]) -> Iterator[str]:
    """Markdown, in lines."""
    shown = [panel.targets for panel in panels()]
    yield (
        f"{len(shown)} panels with {sum(map(len, shown))} queries, asked {len(every)} times: "
        f"{sum(one.equal for one in every)} equal. For {sum(not one.wanted for one in every)} nothing was counted."
    )
    for name in names():
        yield f"\n## {name}\n\n| panel | query | InfluxDB | counted | equal |\n| --- | --- | --- | --- | --- |"
        for one in (one for one in every if one.panel.dashboard == name):
            query = f"`{shortened(one.text, 110, 170)}`"
            cells = (
                one.panel.title,
                query,
                short(one.found),
                short(one.wanted),
                "yes" if one.equal else "no",
            )
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def short(answer: Answer) -> str:
    """The number of rows or points, the sum of their numbers and the last; of a single one only that."""
    if isinstance(answer, dict):
        points = [(name, at, value) for name, values in answer.items() for at, value in values.items()]
        answer = [{"series": name, "time": at, "value": value} for name, at, value in sorted(points)]
    if not answer:
        return "nothing"
    numbers = [v for row in answer for k, v in row.items() if k != "time" and isinstance(v, int | float)]
    last = ", ".join(
        f"{k} {v:.6g}" if isinstance(v, float) else f"{k} {v}" for k, v in sorted(answer[-1].items())
    )
    size = f"{len(answer)} rows, sum {sum(numbers):.8g}, last: " if len(answer) > 1 else ""
    return size + shortened(last, 60, 20)


def shortened(text: str, first: int, last: int) -> str:
    """On one line, without its middle."""
    text = " ".join(text.split())
    return text if len(text) <= first + last else f"{text[:first]} … {text[-last:]}"


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as folder,
        influxdb_engine(Path(folder)) as engine,
        engine.installation() as influxdb,
    ):
        every = asked(influxdb, fill(influxdb, Path(folder)))
    sys.stdout.writelines(f"{line}\n" for line in page(every))
    return 0 if all(one.equal for one in every) else 1


if __name__ == "__main__":
    sys.exit(main())
