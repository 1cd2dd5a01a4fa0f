"""The data that waits on the device between two cohorts, stored for the next start: sums, never a single visit.

It consists of the pool of the cohort rule and the open window: docs/decisions/0050.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from common.vocabulary import DWELL_BINS_S
from edge.types import WindowAggregate
from edge.vision.place_counts import keyed, plain
from edge.vision.pool import Pool

_Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Pool and open window; ``window`` is None between two windows."""

    pool: Pool
    window: WindowAggregate | None = None

    def dump(self) -> bytes:
        """Return it as JSON."""
        tree = {"pool": _plain(self.pool), "window": self.window and _plain(self.window)}
        return json.dumps(tree, separators=(",", ":"), default=str).encode()

    @classmethod
    def load(cls, text: bytes) -> Waiting:
        """Read what ``dump`` wrote. Raises ``ValueError`` if it is damaged or from another version."""
        try:
            tree = json.loads(text)
            pool, window = _POOL.validate_python(_keyed(tree["pool"])), tree["window"]
            waiting = cls(pool, None if window is None else _WINDOW.validate_python(_keyed(window)))
        except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(type(error).__name__) from None
        histograms = [pool.dwell, pool.attention]
        if waiting.window is not None:
            histograms += [list(waiting.window.dwell_histogram), list(waiting.window.attention_histogram)]
        if any(len(histogram) != len(DWELL_BINS_S) for histogram in histograms):
            raise ValueError("other bins")
        return waiting


_POOL, _WINDOW = TypeAdapter(Pool), TypeAdapter(WindowAggregate)


def _plain(value: Pool | WindowAggregate) -> _Tree:
    """Turn keys of several parts into text, because JSON has no such keys."""
    tree = {about.name: getattr(value, about.name) for about in fields(value)}
    tree["breakdown"] = [[*labels, count] for labels, count in value.breakdown.items()]
    tree["places"] = plain(value.places)
    if isinstance(value, WindowAggregate):
        tree["coverage"] = asdict(value.coverage)
    return tree


def _keyed(tree: Mapping[str, Any]) -> _Tree:
    rows = tree["breakdown"]
    return {
        **tree,
        "breakdown": {(gender, band, expression): count for gender, band, expression, count in rows},
        "places": keyed(tree["places"]),
    }
