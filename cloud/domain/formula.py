"""Metrics that are one sum of published fields divided by another: those of the till, and those of the chain file.

``transactions / entries`` is such a formula. Both sides of the line are sums of fields, each with a factor. So the
figure of a week is the sum of its days, divided by the sum of its days, and a short day weighs less than a long one.

A formula is evaluated once, when it is read, by simpleeval, which knows no name but the fields and no operator but
``+ - * /``. What comes out are the factors of both sums; from then on nothing is evaluated any more.
"""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeGuard

from simpleeval import InvalidExpression, NameNotDefined, SimpleEval

from cloud.domain.figures import COUNTS
from cloud.domain.messages import gettext as _

Source = Literal["cameras", "doors", "till", "hours"]
"""Who tells a field: all cameras of the role, those with a door, the till, or the opening hours."""
Better = Literal["more", "less"]
"""Whether a shop wants more or less of it."""

FIELDS: Final[Mapping[str, Source]] = {
    "visits": "cameras",
    "viewers": "cameras",
    "cohort_visits": "cameras",
    "described": "cameras",
    "described_of": "cameras",
    "dwell_sum_s": "cameras",
    "dwell_visits": "cameras",
    "attention_sum_s": "cameras",
    "attention_visits": "cameras",
    "attention_dwell_s": "cameras",
    "watched_hours": "cameras",
    "entries": "doors",
    "exits": "doors",
    "passers": "doors",
    "groups": "doors",
    "transactions": "till",
    "turnover": "till",
    "items": "till",
    "staff_hours": "till",
    "open_hours": "hours",
}
"""Every field that a formula may use."""

_COUNTED: Final = frozenset(
    name for name in FIELDS if not name.endswith(("_s", "_hours")) and name != "turnover"
)
"""The fields that count people or things one by one; the others are times and money."""

LONGEST: Final = 200
"""Characters of a formula."""
_FORM = "write one sum of fields divided by another, such as transactions / entries"


class FormulaError(ValueError):
    """What is wrong with a formula, where, and what to do."""


class _Refused(InvalidExpression):  # type: ignore[misc]
    """Something that the library could evaluate, and that is no sum divided by a sum."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Some fields, each with its factor."""

    factors: Mapping[str, float]

    def times(self, factor: float) -> Sum:
        return Sum({name: factor * value for name, value in self.factors.items()})

    def plus(self, other: Sum) -> Sum:
        names = [*self.factors, *(name for name in other.factors if name not in self.factors)]
        return Sum({name: self.factors.get(name, 0.0) + other.factors.get(name, 0.0) for name in names})


@dataclass(frozen=True, slots=True)
class Quotient:
    """One sum divided by another."""

    above: Sum
    below: Sum


@dataclass(frozen=True, slots=True)
class Formula:
    """A metric that is calculated by a formula."""

    name: str
    title: str
    text: str
    """As it is written."""
    unit: str
    """``%`` for a share in 0..1; empty for a plain number."""
    better: Better | None
    above: Mapping[str, float]
    """The fields above the line, each with its factor."""
    below: Mapping[str, float]

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field in it, once."""
        return tuple(dict.fromkeys((*self.above, *self.below)))

    @property
    def sources(self) -> tuple[Source, ...]:
        """Who tells its fields, once each."""
        return tuple(dict.fromkeys(FIELDS[name] for name in self.fields))

    @property
    def is_share(self) -> bool:
        """Whether it is a part of a whole, both counted one by one, so that chance alone gives an interval."""
        factors = {*self.above.values(), *self.below.values()}
        return self.unit == "%" and _COUNTED.issuperset(self.fields) and factors == {1.0}

    @property
    def uses_money(self) -> bool:
        return "turnover" in self.fields


def formula(name: str, title: str, text: str, unit: str = "", better: Better | None = None) -> Formula:
    """Read a formula. Raises ``FormulaError``."""
    found = parsed(text)
    return Formula(name, title, text, unit, better, found.above.factors, found.below.factors)


def parsed(text: str) -> Quotient:
    """Return the two sums of a formula. Raises ``FormulaError``."""
    if len(text) > LONGEST:
        raise FormulaError(f"is longer than {LONGEST} characters; {_FORM}")
    evaluator = _Evaluator()
    try:
        tree = ast.parse(text.strip(), mode="eval")
        found = evaluator.eval(text, previously_parsed=tree.body)
    except NameNotDefined as error:
        raise FormulaError(_unknown(str(error.name), evaluator.place)) from None
    except _Refused as error:
        raise FormulaError(f"{error} at character {evaluator.place}; {_FORM}") from None
    except InvalidExpression:
        raise FormulaError(
            f"only fields, numbers, + - * / and brackets are possible, and something else is at character"
            f" {evaluator.place}; {_FORM}"
        ) from None
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError) as error:
        at = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise FormulaError(f"cannot be read{at}; {_FORM}") from None
    if not isinstance(found, Quotient):
        raise FormulaError(f"is not divided by anything; {_FORM}, or divide by watched_hours")
    return found


def _unknown(name: str, place: int) -> str:
    close = difflib.get_close_matches(name, FIELDS, n=1)
    way = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(FIELDS)}"
    return f"unknown field {name!r} at character {place}; {way}"


_Value = float | Sum | Quotient


def _plus(one: _Value, other: _Value) -> _Value:
    if isinstance(one, Sum) and isinstance(other, Sum):
        return one.plus(other)
    if _is_number(one) and _is_number(other):
        return one + other
    if isinstance(one, Quotient) or isinstance(other, Quotient):
        raise _Refused("something is added to a division")
    raise _Refused("a number is added to a field, so that the figure would depend on the number of days")


def _times(one: _Value, other: _Value) -> _Value:
    for factor, value in ((one, other), (other, one)):
        if _is_number(factor):
            if isinstance(value, Quotient):
                return replace(value, above=value.above.times(factor))
            return value.times(factor) if isinstance(value, Sum) else factor * value
    raise _Refused("two fields are multiplied")


def _over(one: _Value, other: _Value) -> _Value:
    if _is_number(other):
        if not other:
            raise _Refused("something is divided by 0")
        return _times(one, 1 / other)
    if isinstance(one, Sum) and isinstance(other, Sum):
        return Quotient(one, other)
    raise _Refused("only one division of fields is possible, with fields on both sides, and there is another")


def _is_number(value: _Value) -> TypeGuard[float]:
    return isinstance(value, int | float)


_OPERATORS: Final[Mapping[type[ast.AST], Callable[..., _Value]]] = {
    ast.Add: _plus,
    ast.Sub: lambda one, other: _plus(one, _times(-1.0, other)),
    ast.Mult: _times,
    ast.Div: _over,
    ast.USub: lambda one: _times(-1.0, one),
    ast.UAdd: lambda one: _times(1.0, one),
}


class _Evaluator(SimpleEval):  # type: ignore[misc]
    """simpleeval with fields for names and the operators of sums; it remembers where it stopped."""

    def __init__(self) -> None:
        names = {name: Sum({name: 1.0}) for name in FIELDS}
        super().__init__(operators=dict(_OPERATORS), functions={}, names=names)
        kinds = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name)
        self.nodes: dict[type[ast.AST], Any] = {kind: self.nodes[kind] for kind in kinds}
        self.place = 0

    def _eval_constant(self, node: Any) -> float:
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        raise _Refused("only numbers and fields can be calculated with, and something else is")

    def _eval(self, node: Any) -> Any:
        try:
            return super()._eval(node)
        except InvalidExpression:
            self.place = self.place or node.col_offset + 1
            raise


CONVERSION: Final = "conversion_rate"
BUILT_IN: Final[tuple[Formula, ...]] = (
    formula(CONVERSION, _("Conversion rate"), "transactions / entries", "%", "more"),
    formula("sales_per_entry", _("Sales per entry"), "turnover / entries", "", "more"),
    formula("items_per_sale", _("Items per sale"), "items / transactions", "", "more"),
    formula("staff_hours_per_entry", _("Staff hours per entry"), "staff_hours / entries", "h", None),
)
"""The metrics that every shop with a till has."""

TAKEN: Final = frozenset(
    {
        "visits_per_open_hour", "viewers_share", "dwell_mean", "attraction_ratio", "entries_per_open_hour",
        "capture_rate", *(one.name for one in BUILT_IN), *COUNTS,
    }
)  # fmt: skip
"""The names of metrics and counts that every chain has."""
