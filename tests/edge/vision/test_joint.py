"""Which cells of a two-way table are withheld, by looking at all tables of small shops."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

from edge.vision.disclosure import withhold
from edge.vision.joint import withhold_in_joint


@pytest.mark.parametrize("k", [3, 4])
def test_no_joint_table_is_the_only_one_that_is_published_as_it_is(k: int) -> None:
    """All tables of 2 x 2 up to 16 visits, margins included."""
    rows, columns, alike = ("a", "b"), ("x", "y"), dict[object, list[tuple[int, ...]]]()
    keys = [(row, column) for row in rows for column in columns]
    most = 16
    for counts in itertools.product(range(most + 1), repeat=4):
        if k <= sum(counts) <= most:
            joint = dict(zip(keys, counts, strict=True))
            alike.setdefault(_published(joint, k, rows, columns), []).append(counts)
    for tables in alike.values():
        for index in range(4):
            values = {counts[index] for counts in tables}
            assert len(values) > 1 or not 0 < min(values) < k


def _published(
    joint: dict[tuple[str, str], int], k: int, rows: tuple[str, ...], columns: tuple[str, ...]
) -> object:
    by_row = {row: sum(joint[row, column] for column in columns) for row in rows}
    by_column = {column: sum(joint[row, column] for row in rows) for column in columns}
    hidden = withhold_in_joint(joint, k, rows, columns)
    return (
        sum(joint.values()),
        tuple(None if row in withhold(by_row, k, rows) else by_row[row] for row in rows),
        tuple(None if one in withhold(by_column, k, columns) else by_column[one] for one in columns),
        hidden is not None and tuple(None if key in hidden else count for key, count in joint.items()),
    )


@pytest.mark.parametrize(("k", "columns", "most"), [(3, 3, 8), (3, 4, 7), (4, 4, 7), (4, 5, 6), (5, 5, 6)])
def test_no_row_beside_a_large_one_is_the_only_one_that_is_published_as_it_is(
    k: int, columns: int, most: int
) -> None:
    """As those who looked at a target have it, or one gender of two: all rows with a sum from k to ``most``. Each of k
    visits may have another column."""
    names = [f"column {n}" for n in range(columns)]
    alike = defaultdict(list)
    for row in itertools.product(range(most + 1), repeat=columns):
        if k <= sum(row) <= most:
            joint = {("row", name): count for name, count in zip(names, row, strict=True)}
            joint |= {("others", name): 40 - joint["row", name] for name in names}
            hidden = withhold_in_joint(joint, k, ("others", "row"), names)
            told = None if hidden is None else tuple(None if key in hidden else n for key, n in joint.items())
            alike[sum(row), told].append(row)
    for (_, told), rows in alike.items():
        for place in range(columns):
            values = {row[place] for row in rows}
            assert len(values) > 1 or not 0 < min(values) < k, (told, rows)
