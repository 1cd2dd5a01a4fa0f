"""The pictures of the cards, drawn only from measured values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

Json = dict[str, Any]

INK, ACCENT = "#1f2933", "#0f766e"
mpl.rcParams.update({"svg.hashsalt": "footlight", "font.size": 9, "text.color": INK, "axes.labelcolor": INK})


def draw(measured: Json, folder: Path) -> list[Path]:
    """Write the pictures as PNG; each contains the digest of its data, so that an outdated one can be detected."""
    pictures = {
        "confusion.png": confusion(measured["confusion"]),
        "reliability.png": reliability(measured["reliability"]),
        "groups.png": groups(measured["groups"]),
    }
    for name, figure in pictures.items():
        figure.savefig(folder / name, dpi=110, metadata={"Software": None, "Comment": measured["digest"]})
    return [folder / name for name in pictures]


def confusion(tables: Mapping[str, Json]) -> Figure:
    """Draw one panel for each attribute: for each true label (row), the share of visits with each verdict."""
    figure = Figure(figsize=(12, 4.4), layout="constrained")
    for axes, (name, table) in zip(figure.subplots(1, len(tables)), tables.items(), strict=True):
        counts = np.array(table["counts"], float)
        shares = counts / counts.sum(1, keepdims=True).clip(1)
        axes.imshow(shares, cmap="Greens", vmin=0, vmax=1, aspect="auto")
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.005:
                colour = "white" if share > 0.6 else INK
                axes.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=7, color=colour)
        axes.set_xticks(range(len(table["verdicts"])), table["verdicts"], rotation=45, ha="right")
        labels = [f"{label} ({int(n)})" for label, n in zip(table["labels"], counts.sum(1), strict=True)]
        axes.set_yticks(range(len(labels)), labels)
        axes.set_title(name.replace("_", " "))
        axes.set_xlabel("verdict on a visit")
    figure.axes[0].set_ylabel("truth (visits)")
    return figure


def reliability(attributes: Mapping[str, Sequence[Json]]) -> Figure:
    """Draw how often an answer is right, by its confidence; the diagonal is perfect calibration."""
    figure = Figure(figsize=(8, 3.8), layout="constrained")
    for axes, (name, bins) in zip(
        figure.subplots(1, len(attributes), sharey=True), attributes.items(), strict=True
    ):
        sure, right, n = (np.array([part[key] for part in bins]) for key in ("confidence", "right", "n"))
        axes.plot([0, 1], [0, 1], color="#9aa5b1", linewidth=1)
        axes.plot(sure, right, color=ACCENT, linewidth=1)
        axes.scatter(sure, right, s=8 + 220 * n / n.max(), color=ACCENT, alpha=0.7)
        axes.set(xlim=(0, 1), ylim=(0, 1.02), title=name, xlabel="confidence of an answer")
    figure.axes[0].set_ylabel("share that is right")
    return figure


def groups(rows: Sequence[Json]) -> Figure:
    """Draw the share of right genders by race, gender and age band with 95 % intervals; small groups are pale."""
    names = sorted({(row["race"], row["gender"]) for row in rows})
    bands = list(dict.fromkeys(row["age_band"] for row in sorted(rows, key=lambda row: row["age_band"])))
    figure = Figure(figsize=(12, 4.6), layout="constrained")
    grid = figure.subplots(2, (len(names) + 1) // 2, sharex=True, sharey=True)
    for axes, (race, gender) in zip(grid.T.ravel(), names, strict=False):
        for row in rows:
            if (row["race"], row["gender"]) != (race, gender):
                continue
            at, pale = bands.index(row["age_band"]), 1.0 if row["n"] >= 30 else 0.3
            axes.plot([at, at], [row["low"], row["high"]], color=ACCENT, linewidth=3, alpha=0.4 * pale)
            axes.plot(at, row["right"], "o", color=ACCENT, markersize=4, alpha=pale)
        axes.set_title(f"{race} {gender}", fontsize=9)
        axes.set_ylim(0.4, 1.02)
        axes.set_xticks(range(len(bands)), bands, rotation=60)
        axes.grid(axis="y", color="#e4e7eb")
    figure.supylabel("gender right")
    return figure
