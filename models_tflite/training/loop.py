"""The parts that all trainings share: arguments, schedule, averaged weights, and checkpoints to resume from."""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from rich.progress import track
from torch import Tensor, nn

from common.errors import UserError

Batch = tuple[Tensor, ...]
Function = TypeVar("Function", bound=Callable[..., Any])


def seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def compiled(function: Function) -> Function:
    """Compile the function for a GPU; on a CPU return it as it is, because compiling costs more than it saves."""
    return torch.compile(function, dynamic=False) if torch.cuda.is_available() else function  # type: ignore[return-value]


def normalise(images: Tensor) -> Tensor:
    """Convert pixels (n, c, h, w) in 0..255 to the input of the networks, on the training device."""
    return ((images - 128) / 64).to(device(), memory_format=torch.channels_last)


class Averaged:
    """Exponential moving average of the weights (Polyak averaging); the average is exported."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, self.steps / (10 + self.steps))
        for mine, theirs in zip(
            self.network.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """Return the rate: linear warm-up, then cosine to one hundredth of the peak (Loshchilov & Hutter 2017)."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


@dataclass(frozen=True, slots=True)
class Training:
    """One network, and how to train it. ``batches`` returns the batches of an epoch, ``loss`` a total with its parts,
    and ``evaluate`` the figures on val; ``file`` is the name of the weights in the folder of the run. Longer gradients
    than ``gradient_norm`` are cut to it."""

    network: nn.Module
    batches: Callable[[int], Iterable[Batch]]
    loss: Callable[[nn.Module, Batch], tuple[Tensor, dict[str, float]]]
    evaluate: Callable[[nn.Module], dict[str, float]]
    file: str
    epochs: int
    steps_per_epoch: int
    peak_rate: float
    weight_decay: float
    average_decay: float = 0.999
    gradient_norm: float = 5.0


def arguments(
    description: str | None, *, epochs: int | None, epochs_text: str, batch: int
) -> argparse.ArgumentParser:
    """Create the arguments that every training takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=epochs, help=epochs_text)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--limit", type=int, help="pictures of each set, for a smoke run")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def run_training(parser: argparse.ArgumentParser, prepare: Callable[[argparse.Namespace], Training]) -> None:
    """Parse the command line, run the training that ``prepare`` returns, and save the averaged weights."""
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    seed_everything(1)
    try:
        training = prepare(args)
    except UserError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    network = fit(training, run=args.run)
    torch.save(network.state_dict(), args.run / training.file)


def fit(training: Training, *, run: Path) -> nn.Module:
    """Train and return the averaged network. ``run/last.pt`` is for resuming, ``run/log.jsonl`` contains the figures.

    A run that is stopped and resumed ends with the same weights as one without a stop, because the random seed is set
    at the start of every epoch.
    """
    network, epochs, steps_per_epoch = training.network, training.epochs, training.steps_per_epoch
    run.mkdir(parents=True, exist_ok=True)
    where = device()
    network.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    decays = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decays, "weight_decay": training.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=training.peak_rate,
    )
    averaged = Averaged(network, training.average_decay)
    first = 0
    checkpoint = run / "last.pt"
    if checkpoint.exists():
        state: dict[str, Any] = torch.load(checkpoint, map_location=where, weights_only=True)
        network.load_state_dict(state["network"])
        averaged.network.load_state_dict(state["averaged"])
        averaged.steps = state["steps"]
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"]
        print(f"resuming after epoch {first}", flush=True)
    steps = epochs * steps_per_epoch
    step = first * steps_per_epoch
    for epoch in range(first, epochs):
        seed_everything(1000 + epoch)
        network.train()
        began, sums = time.monotonic(), dict[str, float]()
        title = f"epoch {epoch + 1} of {epochs}"
        shown = track(
            training.batches(epoch), title, steps_per_epoch, transient=True, disable=not sys.stdout.isatty()
        )
        for batch in shown:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, training.peak_rate, warmup=min(500, steps // 10 + 1))
            total, parts = training.loss(network, batch)
            optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), training.gradient_norm)
            optimizer.step()
            averaged.update(network)
            step += 1
            for key, value in parts.items():
                sums[key] = sums.get(key, 0.0) + value / steps_per_epoch
        last = epoch + 1 == epochs
        figures = training.evaluate(averaged.network) if last or (epoch + 1) % 5 == 0 or epoch == 0 else {}
        row = {"epoch": epoch + 1, "seconds": round(time.monotonic() - began, 1), **sums, **figures}
        print(" ".join(f"{k}={v:.4g}" for k, v in row.items()), flush=True)
        with (run / "log.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")
        state = {
            "network": network.state_dict(),
            "averaged": averaged.network.state_dict(),
            "steps": averaged.steps,
            "optimizer": optimizer.state_dict(),
            "epoch": epoch + 1,
        }
        torch.save(state, checkpoint.with_suffix(".tmp"))
        checkpoint.with_suffix(".tmp").replace(checkpoint)
    return averaged.network
