"""The models say the same in every runtime and on every processor that a device may have.

The reference is what the runtime of this environment says of the shipped files now, not a file of numbers, so a
new export needs no new reference. ``make test-runtimes`` fetches the other runtimes and shows the differences.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from common.vocabulary import AGE_BANDS, UNKNOWN
from edge.inference.manifest import load_manifest, packaged_models
from edge.types import Box
from tests.support.paths import ROOT
from tests.support.programs import require_made
from tests.support.runtime_probe import Json, prepare, probe

MADE = ROOT / "build" / "runtimes"
EMULATOR = MADE / "emulator"

SURE = 0.5
"""A find of less is a close call, and another runtime may not have it."""

NEAR_EDGE = 8
"""So near to the edge of a near look, in pixels, it is a close call whether a box is cut off."""

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]  # an emulator beside other work takes its time


@dataclass(frozen=True, slots=True)
class Promise:
    """How far a runtime may be from the reference; ``steps`` of int8 for the same input, the rest for the same picture.

    ``mean_steps`` is the mean of one output. ``overlap``, ``score``: of one face. ``years``: the mean age of one
    visit. ``confidence``: of one verdict, which may differ only as near as this to its threshold.
    """

    steps: int
    mean_steps: float
    overlap: float
    score: float
    years: float
    confidence: float


# Which kernels numpy sums with may be set from outside; with others, the last digit of an age is another.
KERNELS = {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}

THE_SAME = Promise(steps=0, mean_steps=0, overlap=1, score=0, years=0, confidence=0)
# The networks compute the same, bit for bit; OpenCV cuts a face a little differently on another processor.
SAME_KERNELS = Promise(steps=0, mean_steps=0, overlap=0.95, score=0.02, years=1, confidence=0.05)
# Other kernels, as exact as the reference, that round what lies in the middle between two steps to the other side.
# The largest differences are in the boxes of cells that find nothing.
OTHER_KERNELS = Promise(steps=32, mean_steps=2, overlap=0.7, score=0.15, years=3, confidence=0.15)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Python with a runtime: how it is started, what must have been made for it, and what it promises."""

    package: str
    machine: str
    python: tuple[str, ...]
    made: tuple[Path, ...]
    promise: Promise


def emulated(packages: Path) -> tuple[str, ...]:
    """Python on the processor of a Raspberry Pi 4, which lacks what newer ones have."""
    command = f"qemu-aarch64 -cpu cortex-a72 -L root -E PYTHONPATH={packages} root/usr/bin/python3.11".split()
    return tuple(str(EMULATOR / word) if word.startswith(("qemu", "root")) else word for word in command)


RUNTIMES = {
    "LiteRT, here": Runtime("ai_edge_litert", "x86_64", (sys.executable,), (), THE_SAME),
    "tflite-runtime, here": Runtime(
        "tflite_runtime",
        "x86_64",
        (str(MADE / "here-tflite" / "bin" / "python"),),
        (MADE / "here-tflite",),
        OTHER_KERNELS,
    ),
    "LiteRT, aarch64": Runtime(
        "ai_edge_litert",
        "aarch64",
        emulated(MADE / "aarch64-litert"),
        (EMULATOR, MADE / "aarch64-litert"),
        SAME_KERNELS,
    ),
    "tflite-runtime, aarch64": Runtime(
        "tflite_runtime",
        "aarch64",
        emulated(MADE / "aarch64-tflite"),
        (EMULATOR, MADE / "aarch64-tflite"),
        OTHER_KERNELS,
    ),
}


@dataclass(frozen=True, slots=True)
class Compared:
    """What the reference and another runtime say of the same inputs."""

    runtime: Runtime
    reference: Json
    answer: Json


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runtimes") / "inputs.npz"
    prepare(packaged_models(), path)
    return path


@pytest.fixture(scope="module")
def reference(inputs: Path) -> Json:
    return probe(packaged_models(), inputs)


@pytest.fixture(scope="module", params=RUNTIMES)
def compared(request: pytest.FixtureRequest, inputs: Path, reference: Json) -> Compared:
    runtime = RUNTIMES[request.param]
    for folder in runtime.made:
        require_made(folder / ".installed", "make runtimes")
    said = subprocess.run(
        [*runtime.python, "-m", "tests.support.runtime_probe", packaged_models(), inputs],
        cwd=ROOT,
        env={"PYTHONDONTWRITEBYTECODE": "1", **KERNELS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr or f"ended by signal {-said.returncode}"
    return Compared(runtime, reference, json.loads(said.stdout))


def show(what: str, differences: Sequence[float] | npt.NDArray[Any]) -> None:
    """Seen with ``pytest -rP``, and beside a promise that was broken."""
    print(f"{what}: mean {np.mean(differences):.3f}, at most {np.max(differences):.3f}")


def test_every_model_runs_where_it_is_meant_to(compared: Compared) -> None:
    answer, manifest = compared.answer, load_manifest(packaged_models())
    assert (answer["runtime"], answer["machine"]) == (compared.runtime.package, compared.runtime.machine)
    assert answer["models"] == manifest.version
    assert answer["tensors"].keys() == compared.reference["tensors"].keys() >= {"detector", "attributes"}
    print(answer["versions"])


def test_outputs_differ_by_a_few_int8_steps_at_most(compared: Compared) -> None:
    for model, outputs in compared.reference["tensors"].items():
        for name, wanted in outputs.items():
            got = np.array(compared.answer["tensors"][model][name])
            assert got.shape == np.shape(wanted)
            steps = np.abs(got - np.array(wanted))
            show(f"int8 steps of {model} {name}", steps)
            assert steps.max() <= compared.runtime.promise.steps, (model, name)
            assert steps.mean() <= compared.runtime.promise.mean_steps, (model, name)


def faces(said: Json) -> Iterator[dict[int, Json]]:
    """The face of each person, picture by picture."""
    for found in said["pictures"]:
        best_last = [face for face in reversed(found) if face["person"] is not None]
        yield {face["person"]: face for face in best_last}


def test_the_same_people_are_found_in_the_same_places(compared: Compared) -> None:
    promise, overlaps, scores = compared.runtime.promise, [], []
    for wanted, got in zip(faces(compared.reference), faces(compared.answer), strict=True):
        assert wanted.keys() == got.keys() != set()
        overlaps += [Box(*wanted[who]["box"]).iou(Box(*got[who]["box"])) for who in wanted]
        scores += [abs(wanted[who]["score"] - got[who]["score"]) for who in wanted]
    show("boxes, what does not overlap", 1 - np.array(overlaps))
    show("scores", scores)
    assert min(overlaps) >= promise.overlap
    assert max(scores) <= promise.score


@pytest.mark.parametrize("kind", ["faces", "bodies"])
def test_both_looks_show_the_same_of_what_is_sure(compared: Compared, kind: str) -> None:
    promise, overlaps, scores = compared.runtime.promise, [], []
    pairs = list(zip(compared.reference["sights"], compared.answer["sights"], strict=True))
    for one, other in (pair[::step] for pair in pairs for step in (1, -1)):
        for *box, score in one[kind]:
            if score < SURE or any(
                abs(at - edge) < NEAR_EDGE for at, edge in zip(box, one["edges"], strict=False)
            ):
                continue
            overlap, again = max((Box(*box).iou(Box(*twin[:4])), twin[4]) for twin in other[kind])
            overlaps.append(overlap)
            scores.append(abs(score - again))
    show(f"{kind}, what does not overlap", 1 - np.array(overlaps))
    show(f"scores of {kind}", scores)
    assert min(overlaps) >= promise.overlap
    assert max(scores) <= promise.score


def test_a_visit_has_the_same_age(compared: Compared) -> None:
    looks = [
        abs(wanted[who]["years"] - got[who]["years"])
        for wanted, got in zip(faces(compared.reference), faces(compared.answer), strict=True)
        for who in wanted.keys() & got.keys()
    ]
    pairs = zip(compared.reference["visits"], compared.answer["visits"], strict=True)
    years = [abs(wanted["years"] - got["years"]) for wanted, got in pairs]
    show("years, single looks", looks)
    show("years, visits", years)
    assert max(years) <= compared.runtime.promise.years


@pytest.mark.parametrize("attribute", ["gender", "age_band", "expression"])
def test_a_visit_gets_the_same_verdict_unless_it_is_a_close_call(compared: Compared, attribute: str) -> None:
    threshold, near = (
        load_manifest(packaged_models()).thresholds[attribute],
        compared.runtime.promise.confidence,
    )
    distances, other_verdicts = [], []
    for wanted, got in zip(compared.reference["visits"], compared.answer["visits"], strict=True):
        assert wanted["person"] == got["person"]
        said, confidences = zip(wanted["verdicts"][attribute], got["verdicts"][attribute], strict=True)
        distances.append(abs(confidences[0] - confidences[1]))
        verdicts = [
            label if confidence >= threshold else UNKNOWN
            for label, confidence in zip(said, confidences, strict=True)
        ]
        if verdicts[0] == verdicts[1]:
            continue
        other_verdicts.append((wanted["person"], *verdicts))
        if UNKNOWN in verdicts:
            assert max(abs(confidence - threshold) for confidence in confidences) <= near, other_verdicts[-1]
        else:  # the ages are near each other, as promised above, with the border of two bands between them
            assert attribute == "age_band", other_verdicts[-1]
            assert abs(AGE_BANDS.index(verdicts[0]) - AGE_BANDS.index(verdicts[1])) == 1, other_verdicts[-1]
    show(f"confidence in {attribute}", distances)
    print(f"{attribute}: {len(other_verdicts)} of {len(distances)} verdicts differ: {other_verdicts}")
