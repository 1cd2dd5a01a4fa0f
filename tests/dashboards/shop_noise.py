"""What a device of the small chain tells with noise."""

from __future__ import annotations

from random import Random

from common.vocabulary import ATTRIBUTES, NO_VERDICT
from common.wire import NOISY_LABELS, Cohort


def with_noise(cohort: Cohort, random: Random) -> Cohort:
    """The same cohort of a device with a budget; what its numbers were before, nobody asks."""
    targets = {name: one.model_copy(update={"expression": None}) for name, one in cohort.targets.items()}
    lists = {
        name: {label: random.randrange(-9, 40) for label in labels} for name, labels in NOISY_LABELS.items()
    }
    withheld = {name: dict.fromkeys((*labels, NO_VERDICT)) for name, labels in ATTRIBUTES.items()}
    people = {**withheld, "described": None, "gender_age_band": None, "targets": targets}
    return Cohort.model_validate({**vars(cohort), **people, "noise": {"budget": 1.0, **lists}})
