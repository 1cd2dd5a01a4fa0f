"""Check the data before hours of training: ``python -m models_tflite.training.check --data DIR``.

Every picture must be readable and every label known. No picture may be in two splits, because figures on trained
pictures are worthless. The first error ends the check with one line and exit code 2.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from common.errors import UserError
from common.vocabulary import AGE_BINS, GENDERS
from models_tflite.training.datasets import COLUMNS, FER2013_LABELS, DataSet
from models_tflite.training.detector.items import FURTHER, need_empty_pictures


def check(data: DataSet) -> Counter[str]:
    """Count the pictures by split. Raises ``UserError`` with the file, the row and what is wrong."""
    _check_labels(data)
    splits: dict[str, str] = {}
    for row in data.rows:
        name, split = row["name"], row.get("split", "all")
        if splits.setdefault(name, split) != split:
            raise UserError(
                f"{data.csv_path}: {name} is in the splits {splits[name]} and {split}; keep it in one"
            )
    seen: dict[str, str] = {}
    with zipfile.ZipFile(data.zip_path) as archive:
        inside = {Path(entry).name: entry for entry in archive.namelist()}
        for name, split in track(splits.items(), f"{data.name:10}", transient=True):
            if name not in inside:
                raise UserError(f"{data.zip_path}: picture {name} of the csv is not in the archive")
            content = archive.read(inside[name])
            if cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8) is None:
                raise UserError(f"{data.zip_path}: {name} is not a readable picture")
            digest = hashlib.sha256(content).hexdigest()
            twin = seen.setdefault(digest, name)
            if splits[twin] != split:
                raise UserError(
                    f"{data.zip_path}: {twin} ({splits[twin]}) and {name} ({split}) are the same picture; drop one"
                )
    return Counter(splits.values())


def _check_labels(data: DataSet) -> None:
    known = {
        "gender": GENDERS,
        "fer2013": FER2013_LABELS,
        "age": tuple(str(year) for year in range(AGE_BINS + 20)),
    }
    for column, words in known.items():
        if column not in COLUMNS[data.name]:
            continue
        for row in data.rows:
            if row[column] not in words:
                raise UserError(
                    f"{data.csv_path}: {row['name']}: {column} {row[column]!r} is not one of {', '.join(words[:7])}"
                )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        for name in FURTHER:
            if not (arguments.data / name).is_file():
                raise UserError(
                    f"{arguments.data / name}: no such file; the detector needs it beside its three sets"
                )
        need_empty_pictures(arguments.data)
        for name in COLUMNS:
            data = DataSet(arguments.data, name)
            counts = ", ".join(f"{split} {count}" for split, count in sorted(check(data).items()))
            print(f"{name:10} {counts} pictures; csv sha256 {data.digest()[:16]}")
    except UserError as error:
        print(f"check: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
