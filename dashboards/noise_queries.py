"""The queries of verdicts with noise: sums as they were told, which are no counts."""

from __future__ import annotations

from cloud.stores.noise_layout import COHORT_NOISE
from common.vocabulary import ATTRIBUTES
from dashboards.queries import SITE, Query


def _sums(attribute: str) -> Query:
    numbers = ", ".join(f'sum("{attribute}_{label}") AS "{label}"' for label in ATTRIBUTES[attribute])
    return Query(f'SELECT {numbers} FROM "{COHORT_NOISE.name}" WHERE {SITE}')


SUMS = [_sums(attribute) for attribute in ATTRIBUTES]
"""A query for each attribute, with a column for each verdict."""
RANGE = Query(f'SELECT 1.96 * sqrt(sum("variance")) AS "visits" FROM "{COHORT_NOISE.name}" WHERE {SITE}')
"""Half of the 95 % interval of each sum."""
BUDGET = Query(f'SELECT max("budget") AS "budget" FROM "{COHORT_NOISE.name}" WHERE {SITE}')
