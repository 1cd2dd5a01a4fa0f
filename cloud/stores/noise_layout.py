"""The part of the layout that is about verdicts with noise: the point of a cohort and back.

It is a measurement of its own, which nothing that adds up counts reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cloud.domain.noise import ToldNoise, variance
from cloud.stores.declared import counts
from cloud.stores.measurement import Field, Measurement, Point, moment, nanoseconds
from common.wire import NOISY_LABELS, Cohort, Noise

COHORT_NOISE = Measurement(
    "cohort_noise",
    "raw",
    ("site", "device", "camera"),
    "start of the window",
    {
        "budget": Field("float", "budget of each visit, for all lists of its cohort together"),
        "variance": Field(
            "float", "variance of the noise in each number: the 95 % interval of a sum is 1.96 times its root"
        ),
        "noisy_visits": Field("integer", "visits of the cohort, without noise"),
        "since": Field("integer", "start of the first window whose visits are in here, in ns"),
        **{
            field: about
            for name, labels in NOISY_LABELS.items()
            for field, about in counts(
                (f"{name}_{label}" for label in labels),
                f"visits by {name.replace('_', ' ')} with noise, so it may be negative: add up first",
            ).items()
        },
    },
)


def noise_points(cohort: Cohort, at: datetime, tags: Mapping[str, str]) -> Iterator[Point]:
    """Make the point of a cohort that tells verdicts with noise; none for others."""
    if (noise := cohort.noise) is not None:
        numbers = {
            f"{name}_{label}": number
            for name, cells in noise.lists().items()
            for label, number in cells.items()
        }
        about = {
            "budget": noise.budget,
            "variance": variance(noise),
            "noisy_visits": cohort.visits,
            "since": nanoseconds(cohort.since),
        }
        yield COHORT_NOISE.point(tags, at, {**numbers, **about})


def noise_from(tags: Mapping[str, str], row: Mapping[str, Any]) -> ToldNoise:
    """Return what a cohort told from its point. It was validated before it was stored."""
    lists: dict[str, Any] = {
        name: {label: row[f"{name}_{label}"] for label in labels}
        for name, labels in NOISY_LABELS.items()
        if row[f"{name}_{labels[0]}"] is not None
    }
    return ToldNoise(
        camera=f"{tags['device']}/{tags['camera']}",
        since=moment(row["since"]),
        visits=row["noisy_visits"],
        noise=Noise.model_construct(budget=row["budget"], **lists),
    )
