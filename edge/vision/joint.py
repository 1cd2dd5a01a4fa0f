"""Choose the cells of a two-way table to withhold, so that nobody can work out a small one from the margins.

The choice depends only on the *classes* of the cells: empty, small (1 to k-1) or large. So all tables with the same
classes and sums look the same to a reader, who cannot exclude any of them, even by applying this rule again.
They are the integer points of a network: every cell is an edge from the sum of its row to the sum of its
column, its class bounds its flow, and the sums are given (D. Gusfield, "A graph theoretic approach to statistical data
security", SIAM J. Comput. 17(3), 1988). Two questions about that network decide, and their answers are the same at
each of its points:

- Can the cell change? It can if one visit can move along a cycle through it.
- Does every sum that can be read include at least k visits? A sum of withheld cells can be read if and only if they
  are a directed cut; by max-flow min-cut that is one small flow problem for each small cell.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

Key = tuple[str, str]
Node = Hashable


@dataclass(frozen=True, slots=True)
class _Edge:
    """A withheld cell: ``count`` visits from the sum of a row to that of a column, and its known bounds."""

    tail: Node
    head: Node
    count: int
    least: int
    most: float


def withhold_in_joint(
    joint: Mapping[Key, int], k: int, rows: Sequence[str], columns: Sequence[str]
) -> set[Key] | None:
    """Return the cells to withhold when both margins are published; large ones are taken in the order of ``rows`` and
    ``columns``. None: the table cannot be published, or would show nothing.

    If a cell of a margin is small, or k where that says too much, the result is always None.
    """
    of_rows = [sum(joint[row, column] for column in columns) for row in rows]
    of_columns = [sum(joint[row, column] for row in rows) for column in columns]
    if _too_few(of_rows, of_columns, k) or _too_few(of_columns, of_rows, k):
        return None
    hidden = _hidden(joint, k, rows, columns)
    if any(of_rows) and all(key in hidden for key, count in joint.items() if count):
        return None  # it would show nothing
    edges = [_edge(("row", row), ("column", column), joint[row, column], k) for row, column in sorted(hidden)]
    small = [index for index, edge in enumerate(edges) if edge.count < k]
    safe = all(_can_change(edges, index) and _carried(edges, index, k) for index in small)
    return hidden if safe else None


def _too_few(sums: Sequence[int], across: Sequence[int], k: int) -> bool:
    """Return whether a sum says too much of its line. ``across``: the sums of the lines that cross it.

    In a line of k visits that k lines cross, each of these may have one of them. If the other lines are large, every
    other table with these sums is published, so that this one would be known by being withheld.
    """
    crossing = sum(count > 0 for count in across)
    return any(0 < count < k or 1 < count == k == crossing for count in sums)


def _hidden(joint: Mapping[Key, int], k: int, rows: Sequence[str], columns: Sequence[str]) -> set[Key]:
    """Return the small cells, and large ones beside them: in each row and column with withheld cells, at least two are
    withheld and one of them is large, or all that are not empty."""
    hidden = {key for key, count in joint.items() if 0 < count < k}
    lines: list[list[Key]] = [
        # In turn, or one gender would be the one that is always withheld.
        [(row, column) for row in (rows[0], *(rows[1:] if index % 2 else reversed(rows[1:])))]
        for index, column in enumerate(columns)
    ]
    lines += [[(row, column) for column in columns] for row in rows]
    # Rows and columns with a small cell come first, because the others can use the cells that these withhold.
    lines.sort(key=lambda line: not any(key in hidden for key in line))
    before = -1
    while len(hidden) > before:
        before = len(hidden)
        for line in lines:
            taken = [key for key in line if key in hidden]
            left = [key for key in line if joint[key] and key not in hidden]
            if taken and left and (len(taken) == 1 or all(joint[key] < k for key in taken)):
                hidden.add(min(left, key=lambda key: not _crossed(key, hidden)))
    return hidden


def _crossed(key: Key, hidden: set[Key]) -> bool:
    """Return whether another cell in the row and in the column is withheld, so that this one needs no further cell."""
    return any(row == key[0] for row, _ in hidden) and any(column == key[1] for _, column in hidden)


def _edge(tail: Node, head: Node, count: int, k: int) -> _Edge:
    return _Edge(tail, head, count, 1, k - 1) if count < k else _Edge(tail, head, count, k, math.inf)


def _can_change(edges: Sequence[_Edge], index: int) -> bool:
    """Return whether one visit more or less can flow along a cycle through this edge."""
    ways: dict[Node, set[Node]] = defaultdict(set)
    for other, edge in enumerate(edges):
        if other != index:
            if edge.count < edge.most:
                ways[edge.tail].add(edge.head)
            if edge.count > edge.least:
                ways[edge.head].add(edge.tail)
    one = edges[index]
    more = one.count < one.most and _reaches(ways, one.head, one.tail)
    less = one.count > one.least and _reaches(ways, one.tail, one.head)
    return more or less


def _reaches(ways: Mapping[Node, set[Node]], start: Node, goal: Node) -> bool:
    seen, queue = {start}, deque([start])
    while queue:
        for node in ways.get(queue.popleft(), set()) - seen:
            seen.add(node)
            queue.append(node)
    return goal in seen


def _carried(edges: Sequence[_Edge], index: int, k: int) -> bool:
    """Return whether every directed cut through this edge carries at least ``k`` visits.

    It uses augmenting paths from tail to head. Against its direction an edge has unlimited capacity, so a cut that an
    edge crosses backwards is never a minimum: only directed cuts remain.
    """
    room = [edge.count for edge in edges]
    flow, start, goal = edges[index].count, edges[index].tail, edges[index].head
    while flow < k:
        came: dict[Node, tuple[Node, int, bool]] = {}
        queue = deque([start])
        while queue and goal not in came:
            node = queue.popleft()
            for other, edge in enumerate(edges):
                if other == index:
                    continue
                for near, far, along in ((edge.tail, edge.head, True), (edge.head, edge.tail, False)):
                    if near == node and far not in came and far != start and (not along or room[other]):
                        came[far] = node, other, along
                        queue.append(far)
        if goal not in came:
            return False
        path, node = [], goal
        while node != start:
            node, other, along = came[node]
            path.append((other, along))
        step = min((room[other] for other, along in path if along), default=k)
        for other, along in path:
            room[other] += -step if along else step
        flow += step
    return True
