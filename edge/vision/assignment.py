"""Assign rows to columns at the least total cost: the Hungarian method, exact and small.

Shortest augmenting paths with potentials (Kuhn 1955; Jonker and Volgenant 1987), O(n^3). One camera sees at most some
tens of faces, so we do not need scipy, which is large for a small device.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence


def assign(costs: Sequence[Sequence[float]], limit: float) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of least total cost; leaving a row without a pair costs ``limit``.

    ``costs`` is rectangular; ``math.inf`` forbids a pair; a pair that costs more than ``limit`` is never made.
    """
    by_row = {
        row: [column for column, cost in enumerate(line) if cost <= limit] for row, line in enumerate(costs)
    }
    suitors = Counter(column for columns in by_row.values() for column in columns)
    # A row and a column that are each other's only candidate need no search. This is true for most faces.
    pairs = [
        (row, columns[0]) for row, columns in by_row.items() if len(columns) == 1 and suitors[columns[0]] == 1
    ]
    settled_rows, settled_columns = {row for row, _ in pairs}, {column for _, column in pairs}
    rows = [row for row, columns in by_row.items() if columns and row not in settled_rows]
    columns = sorted(suitors.keys() - settled_columns)
    searched = _hungarian([[costs[row][column] for column in columns] for row in rows], limit)
    return sorted(pairs + [(rows[row], columns[column]) for row, column in searched])


def _hungarian(costs: Sequence[Sequence[float]], limit: float) -> list[tuple[int, int]]:
    # Each row has its own dummy column for "no pair"; so every row finds a partner and rows <= columns.
    rows, columns = len(costs), len(costs[0]) if costs else 0
    width = columns + rows
    padded = [
        [*line, *(limit if other == row else math.inf for other in range(rows))]
        for row, line in enumerate(costs)
    ]
    row_potential = [0.0] * (rows + 1)
    column_potential = [0.0] * (width + 1)
    owner = [0] * (width + 1)  # row (from 1) that holds a column; column 0 is the start of the search
    for row in range(1, rows + 1):
        owner[0] = row
        at = 0
        slack = [math.inf] * (width + 1)
        came_from = [0] * (width + 1)
        done = [False] * (width + 1)
        while owner[at]:
            done[at] = True
            current = owner[at]
            step, nearest = math.inf, 0
            for column in range(1, width + 1):
                if done[column]:
                    continue
                reduced = padded[current - 1][column - 1] - row_potential[current] - column_potential[column]
                if reduced < slack[column]:
                    slack[column], came_from[column] = reduced, at
                if slack[column] < step:
                    step, nearest = slack[column], column
            for column in range(width + 1):
                if done[column]:
                    row_potential[owner[column]] += step
                    column_potential[column] -= step
                else:
                    slack[column] -= step
            at = nearest
        while at:
            owner[at] = owner[came_from[at]]
            at = came_from[at]
    return [(owner[column] - 1, column - 1) for column in range(1, columns + 1) if owner[column]]
