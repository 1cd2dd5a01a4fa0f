"""Which cells of a table of counts must be withheld so that nobody can work out a small one.

Withholding the cells of 1 to k-1 visits is not enough: a total minus the published cells gives them back. The
published sums form a network in which every cell is an edge from one sum to another, and the withheld cells
are the edges whose flow is not known (D. Gusfield, "A graph theoretic approach to statistical data security",
SIAM J. Comput. 17(3), 1988). What a reader can work out from the published numbers are then the cuts:

- A set of withheld cells can be added up from published numbers if and only if it is a directed cut. Every
  directed cut has to carry k visits. By max-flow min-cut that is one small flow problem per small cell.
- A reader knows that a withheld cell is not 0, for a 0 is published as a fact. So one visit must be able to
  move in or out of each small cell along a cycle of withheld cells that leaves none of them empty.

Where a small cell fails, the published cells on the cheapest way round it are withheld as well, cheap meaning
few visits. That can only help the cells that were safe already, so one pass is enough.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)
Row = TypeVar("Row", bound=Hashable)
Column = TypeVar("Column", bound=Hashable)
Node = Hashable


@dataclass(frozen=True, slots=True)
class Cell:
    """A count on its way from one published sum to another; a reader knows that it is at least ``floor``,
    where it is not published itself."""

    count: int
    tail: Node
    head: Node
    floor: int = 1

    @property
    def spare(self) -> bool:
        return self.count > self.floor


def withhold(
    cells: Mapping[Name, Cell], k: int, already: AbstractSet[Name] = frozenset()
) -> set[Name] | None:
    """The cells to withhold besides and including ``already``; None if not even all of them would do."""
    network = _Network(cells, set(already) | {name for name, cell in cells.items() if 0 < cell.count < k})
    for name in [name for name in cells if name in network.withheld and cells[name].count < k]:
        if not (network.carry(name, k) and network.move(name)):
            return None
    return network.withheld


def withhold_in_joint(
    joint: Mapping[tuple[Row, Column], int],
    rows: Mapping[Row, int],
    columns: Mapping[Column, int],
    k: int,
    *,
    rows_withheld: AbstractSet[Row],
    columns_withheld: AbstractSet[Column],
) -> set[tuple[Row, Column]] | None:
    """For a two-way table beside its margins, of which some are withheld already.

    The table may cost no further cell of a margin: None says that it cannot be published at all.
    """
    margins: dict[tuple[Row | None, Column | None], Cell] = {}
    for row in rows_withheld:
        margins[row, None] = Cell(rows[row], "rows", ("row", row))
    for column in columns_withheld:
        margins[None, column] = Cell(columns[column], ("column", column), "columns")
    if not all(margin.count for margin in margins.values()):
        return None  # a margin is withheld as a whole, its zeros too: this table would show them
    inside = {key: Cell(count, ("row", key[0]), ("column", key[1])) for key, count in joint.items()}
    withheld = withhold({**margins, **inside}, k, already=margins.keys())
    return None if withheld is None else {key for key in joint if key in withheld}


@dataclass(slots=True)
class _Network(Generic[Name]):
    cells: Mapping[Name, Cell]
    withheld: set[Name]
    arcs: dict[Node, list[tuple[Node, Name, bool]]] = field(init=False)
    """The cells at a node: where each leads, and whether that is its own direction."""

    def __post_init__(self) -> None:
        self.arcs = defaultdict(list)
        for name, cell in self.cells.items():
            if cell.count:
                self.arcs[cell.tail].append((cell.head, name, True))
                self.arcs[cell.head].append((cell.tail, name, False))

    def carry(self, name: Name, k: int) -> bool:
        """See to it that every directed cut through ``name`` carries ``k``; False if that cannot be had.

        Augmenting paths from tail to head. Against its direction a cell lets any flow pass, which keeps every
        cut that it enters from being a minimum: only directed cuts remain.
        """
        cell, flow = self.cells[name], self.cells[name].count
        room = {other: self.cells[other].count for other in self.cells}
        while flow < k:
            path = self._way(cell.tail, cell.head, name, lambda other, along: not along or room[other] > 0)
            if path is None:
                return False
            self.withheld.update(other for other, _ in path)
            step = min((room[other] for other, along in path if along), default=k)
            for other, along in path:
                room[other] += -step if along else step
            flow += step
        return True

    def move(self, name: Name) -> bool:
        """See to it that one visit can move in or out of ``name``; False if that cannot be had."""
        cell = self.cells[name]

        def can_move(other: Name, along: bool) -> bool:
            return along or self.cells[other].spare

        into = self._way(cell.head, cell.tail, name, can_move)
        out = self._way(cell.tail, cell.head, name, can_move) if cell.spare else None
        ways = [{other for other, _ in way} - self.withheld for way in (into, out) if way is not None]
        if not ways:
            return False
        self.withheld |= min(ways, key=lambda way: sum(self.cells[other].count for other in way))
        return True

    def _way(
        self, start: Node, goal: Node, without: Name, passable: Callable[[Name, bool], bool]
    ) -> list[tuple[Name, bool]] | None:
        """The way on which the fewest published visits would have to be withheld (Dijkstra), as cells and
        whether each is passed in its own direction."""
        queue: list[tuple[int, int, Node]] = [(0, 0, start)]
        came: dict[Node, tuple[Node, Name, bool]] = {}
        cost, done, order = {start: 0}, set(), 0
        while queue:
            _, _, node = heapq.heappop(queue)
            if node == goal:
                break
            if node in done:
                continue
            done.add(node)
            for far, name, along in self.arcs[node]:
                if name == without or far in done or not passable(name, along):
                    continue
                reached = cost[node] + (0 if name in self.withheld else self.cells[name].count)
                if far not in cost or reached < cost[far]:
                    cost[far], came[far], order = reached, (node, name, along), order + 1
                    heapq.heappush(queue, (reached, order, far))
        if goal not in came:
            return None
        path, node = [], goal
        while node != start:
            node, name, along = came[node]
            path.append((name, along))
        return path
