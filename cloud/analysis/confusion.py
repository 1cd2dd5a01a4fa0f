"""How often the models confuse labels: the confusion matrices that are measured with every calibration.

They are shipped with the models as ``models_tflite/confusion.json``, which is read as a resource; no code is imported.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from cloud.domain.messages import gettext as _

ATTRIBUTE_WORDS = {"gender": _("gender"), "age_band": _("age band"), "expression": _("expression")}
"""What people call an attribute."""

Matrix = npt.NDArray[np.float64]

_PACKAGE, _FILE = "models_tflite", "confusion.json"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: list[str] = Field(min_length=2)
    verdicts: list[str]
    counts: list[list[int]]

    @model_validator(mode="after")
    def _shape(self) -> Self:
        if self.verdicts[: len(self.labels)] != self.labels or len(self.verdicts) != len(self.labels) + 1:
            raise ValueError("verdicts must be the labels in the same order, then unknown")
        if [len(row) for row in self.counts] != [len(self.verdicts)] * len(self.labels):
            raise ValueError("counts must have a row for each label and a column for each verdict")
        return self


@dataclass(frozen=True, slots=True)
class Confusion:
    """Labelled visits by true label and by verdict of the device, for one attribute and calibration."""

    calibration: str
    labels: tuple[str, ...]
    verdicts: tuple[str, ...]
    """The labels in the same order, then ``unknown``."""
    counts: Matrix
    """(labels, verdicts): visits in labelled data, after int8, threshold and fusion. Rows are the true labels."""


Confusions = Mapping[str, Mapping[str, Confusion]]
"""By calibration version, then attribute."""


@cache
def shipped_confusions() -> Confusions:
    """Return the matrices of every calibration that this version of Footlight knows."""
    text = resources.files(_PACKAGE).joinpath(_FILE).read_text(encoding="utf-8")
    return parse_confusions(text)


def parse_confusions(text: str) -> Confusions:
    """Parse the matrices from the text of such a file. Raises ``ValueError`` if it is invalid."""
    entries = TypeAdapter(dict[str, dict[str, _Entry]]).validate_python(json.loads(text))
    return {
        version: {
            attribute: Confusion(
                version, tuple(entry.labels), tuple(entry.verdicts), np.array(entry.counts, np.float64)
            )
            for attribute, entry in attributes.items()
        }
        for version, attributes in entries.items()
    }


def confusion_for(
    calibrations: Collection[str], attribute: str, confusions: Confusions
) -> tuple[Confusion | None, str | None]:
    """Return the matrix for counts made with ``calibrations``, or None and the reason why there is none."""
    if len(calibrations) != 1:
        return (
            None,
            _("%(count)s different calibrations", count=len(calibrations))
            if calibrations
            else _("no calibration is known"),
        )
    (version,) = calibrations
    found = confusions.get(version, {}).get(attribute)
    return found, None if found else _(
        "the mistakes of calibration %(version)s are not known for %(attribute)s",
        version=version,
        attribute=ATTRIBUTE_WORDS[attribute],
    )
