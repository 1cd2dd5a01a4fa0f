"""``make test-train``: the whole recipe on painted data, every step cut short, and what comes out put to use."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from edge.inference.manifest import load_manifest
from edge.scene.portraits import load_portraits
from models_tflite.evaluation.evaluate import Shipped
from models_tflite.training import attributes, augment, loop
from models_tflite.training.age_gender import People
from models_tflite.training.detector.items import read_items
from models_tflite.training.networks import people_tower
from tests.models_tflite.training.painted import paint, paint_people

SMOKE = "--epochs 2 --limit 48 --batch 8"


def recipe(data: Path, folder: Path) -> None:
    """``make models`` ends well, and its files load, see and describe through the code of the device."""
    out = folder / "models"
    out.mkdir(exist_ok=True)
    command = [
        "make",
        "models",
        f"DATA={data}",
        f"RUNS={folder / 'runs'}",
        f"OUT={out}",
        "VERSION=smoke",
        f"SMOKE={SMOKE}",
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    manifest = load_manifest(out)
    assert (manifest.version, manifest.calibration) == ("smoke", "smoke")
    measured = json.loads((out / "cards" / "measured.json").read_text())
    assert (
        set(measured["figures"]["int8"])
        == set(measured["figures"]["float"])
        == {"utkface", "fer", "faces", "faces2", "person", "landmarks"}
    )
    assert measured["multiply_accumulates"]["detector"] <= 80e6
    assert measured["multiply_accumulates"]["attributes"] <= 88e6
    for name in ("detector", "landmarks", "attributes"):
        assert (out / f"{name}.tflite").stat().st_size < 2_000_000
        assert (out / "cards" / f"{name}.md").read_text().startswith("# ")
    rows = json.loads((out / "confusion.json").read_text())["smoke"]["gender"]["counts"]
    assert sum(map(sum, rows)) == 18, "every face of utkface's val split is in the confusion matrix"
    face = load_portraits()[0].picture[..., :3]
    shipped = Shipped(out)
    assert abs(shipped.classifier.describe(face[40:104, 40:104].copy()).gender.sum() - 1) < 1e-3
    shipped.detector.look(face.copy())


def distorted(data: Path) -> None:
    """Mixed pictures are told from mixed labels, teachers speak with one voice, and erasing keeps to its share."""
    faces = People.load(data, "train", 8)
    pictures = torch.rand(8, 3, 64, 64) * 255
    (images, *labels, order, part) = next(attributes.mixed([(pictures, *faces.labels)], share=1.0))
    assert torch.equal(images, part * pictures + (1 - part) * pictures[order])
    assert 0 <= part <= 1
    towers = attributes.Towers(people_tower() for _ in range(2)).eval()
    said = attributes.answers(towers, loop.normalise(images))
    both = [faces.errors(said[0], [label[at] for label in labels]) for at in (torch.arange(8), order)]
    lesson = attributes.Lesson(faces, None)
    wrong, _ = lesson(towers[0], (images, *labels, order, part))
    assert torch.allclose(wrong, (part * both[0] + (1 - part) * both[1]).mean(), rtol=1e-3)
    mean = (said[0][1].softmax(1) + said[1][1].softmax(1)) / 2
    assert torch.allclose(attributes.told(towers, loop.normalise(images))[1], mean, atol=1e-3)
    alone, parts = attributes.Lesson(faces, towers[:1])(towers[0], (images, *labels, order, part))
    assert parts["teachers"] < 1e-3, "who says what the teachers say is not corrected by them"
    assert torch.allclose(alone, (1 - attributes.LISTENING) * wrong, rtol=1e-2)
    assert torch.equal(augment.erase(pictures, share=0.0), pictures)
    erased = (augment.erase(pictures, share=1.0) != pictures).any(1).float().mean((1, 2))
    assert ((erased >= (1 / 8) ** 2) & (erased < (1 / 2) ** 2)).all()


class Stopped(Exception):
    pass


def resuming(data: Path, folder: Path) -> None:
    """A training that was stopped after an epoch ends with the very weights of one that was not."""
    torch.set_num_threads(1)

    def trained(run: Path, stop_at: int | None = None) -> dict[str, torch.Tensor]:
        words = ["people", "--teachers", "--data", str(data), "--run", str(run)]
        arguments = attributes.arguments().parse_args(
            [*words, "--epochs", "3", "--limit", "32", "--batch", "8"]
        )
        loop.seed_everything(1)
        training = attributes.prepare(arguments)

        def batches(epoch: int) -> Iterator[loop.Batch]:
            if epoch == stop_at:
                raise Stopped
            yield from training.batches(epoch)

        network = loop.fit(replace(training, batches=batches), run=run)
        return dict(network.state_dict())

    whole = trained(folder / "whole")
    try:
        trained(folder / "stopped", stop_at=1)
    except Stopped:
        resumed = trained(folder / "stopped")
    else:
        raise AssertionError("it was to be stopped")
    for name, weight in whole.items():
        assert torch.equal(weight, resumed[name]), f"{name} differs after a resumed training"


def by_hand(data: Path, folder: Path) -> None:
    """The detector also trains without any label of a network."""
    command = [sys.executable, "-m", "models_tflite.training.detector.train", "--hand-labels-only"]
    command += ["--data", str(data), "--run", str(folder / "by-hand"), *SMOKE.split()]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    people = [item.by_hand.all() for item in read_items(data, "train", hand_labels_only=True)]
    assert all(people), "a label of a network is left"


def wrong_data(data: Path) -> None:
    """A label that nobody knows stops the recipe before the first epoch, with one line and code 2."""
    csv = data / "utkface.csv"
    csv.write_text(csv.read_text().replace("female", "femle", 1))
    command = [sys.executable, "-m", "models_tflite.training.check", "--data", str(data)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "gender 'femle'" in done.stderr
    assert done.stderr.count("\n") == 1


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        data.mkdir()
        paint(data)
        paint_people(data)
        both = (data, folder)
        for test, arguments in (
            (distorted, (data,)),
            (resuming, both),
            (recipe, both),
            (by_hand, both),
            (wrong_data, (data,)),
        ):
            test(*arguments)
            print(f"ok  {test.__doc__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
