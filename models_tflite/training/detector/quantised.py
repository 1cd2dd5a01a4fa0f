"""Let the detector learn on with int8 rounding simulated, so that the int8 file loses little:
``python -m models_tflite.training.detector.quantised --data DIR --run DIR --start-from FILE --learn-from FILE``.

Rounded as TFLite rounds: weights per channel and symmetric, activations per tensor (Jacob et al. 2018). Batch norms are
folded before.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_tflite.training import loop
from models_tflite.training.detector.atlas import Atlas
from models_tflite.training.detector.batches import Batches
from models_tflite.training.detector.loss import Lesson
from models_tflite.training.detector.networks import Student, told_by
from models_tflite.training.detector.train import Validation, arguments, steps_of, train_items
from models_tflite.training.networks import ConvNorm, Separable, fuse

FILE = "rounded.pt"
STEPS = 100
MOSAICS = 0.15
MORE_EMPTY = 3.0
"""How many times as often pictures without faces or people are drawn: false finds are what is left to learn."""

FIRST_BATCHES = 6
"""Batches from which the ranges are taken before anything is rounded."""

EVERY = 8
"""A range is looked at again in every so many passes."""


class Rounded(nn.Module):
    """An activation, rounded to int8 within a range that follows what passes.

    The range is that of the mean picture, which forgets outliers; of the ``whole`` batch at the ends of the network.
    Nothing is rounded before ``round_from_now``.
    """

    def __init__(self, *, whole: bool = False) -> None:
        super().__init__()
        self.whole, self.rounds, self.passes = whole, False, 0
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            if not self.rounds or self.passes % EVERY == 0:
                self._look(x.detach())
            self.passes += 1
        if not self.rounds:
            return x
        scale = (self.high - self.low) / 255
        zero = (-128 - self.low / scale).round().clamp(-128, 127).int()
        return torch.fake_quantize_per_tensor_affine(x, scale, zero, -128, 127)

    @torch.no_grad()
    def _look(self, x: Tensor) -> None:
        rows = x.flatten(1)
        low, high = (x.amin(), x.amax()) if self.whole else (rows.amin(1).mean(), rows.amax(1).mean())
        share = 0.05 if self.rounds else 1 / (self.passes + 1)
        self.low.lerp_(low.clamp(max=0), share)
        self.high.lerp_(high.clamp(min=1e-3), share)


class RoundedConv(nn.Conv2d):
    """A convolution whose weights are rounded to int8, one range for each channel, as soon as it ``rounds``."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            conv.stride,
            conv.padding,
            groups=conv.groups,
        )
        self.rounds = False
        self.load_state_dict(conv.state_dict())

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if self.rounds:
            scale = (weight.detach().flatten(1).abs().amax(1) / 127).clamp(min=1e-8)
            zero = torch.zeros(len(weight), dtype=torch.int32, device=weight.device)
            weight = torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -127, 127)
        return functional.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class RoundedSum(nn.Module):
    """A separable block whose sum with its shortcut is rounded."""

    def __init__(self, block: Separable) -> None:
        super().__init__()
        self.body, self.rounded = block.body, Rounded()

    def forward(self, x: Tensor) -> Tensor:
        return self.rounded(x + self.body(x))


def simulated(weights: Mapping[str, Tensor]) -> Student:
    """Build a student with folded batch norms and with a rounding wherever the int8 file has one."""
    network = Student()
    network.load_state_dict(weights)
    fuse(network.eval())
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d):
                setattr(parent, name, RoundedConv(child))
            elif isinstance(child, ConvNorm):
                child.add_module("rounded", Rounded())
            elif isinstance(child, Separable) and child.shortcut:
                setattr(parent, name, RoundedSum(child))
    network.sums = nn.ModuleList(Rounded() for _ in network.sums)
    network.ends = nn.ModuleList(Rounded(whole=True) for _ in network.ends)
    return network


def round_from_now(network: nn.Module) -> None:
    """Round from now on, with the ranges seen so far."""
    for module in network.modules():
        if isinstance(module, Rounded | RoundedConv):
            module.rounds = True


def exported(weights: Mapping[str, Tensor]) -> Student:
    """Build the plain student of a simulated one's weights: what was folded becomes a batch norm that only adds."""
    network = Student()
    state = network.state_dict()
    for name, module in network.named_modules():
        if isinstance(module, ConvNorm):
            at = next(index for index, layer in enumerate(module) if isinstance(layer, nn.Conv2d))
            conv, norm = f"{name}.{at}", f"{name}.{at + 1}"
            state[f"{conv}.weight"] = weights[f"{conv}.weight"]
            state[f"{norm}.weight"].fill_((1 + module[at + 1].eps) ** 0.5)
            state[f"{norm}.bias"] = weights[f"{conv}.bias"]
        elif isinstance(module, nn.Conv2d) and module.bias is not None:
            state |= {f"{name}.{part}": weights[f"{name}.{part}"] for part in ("weight", "bias")}
    network.load_state_dict(state)
    return network


def prepare(args: argparse.Namespace) -> loop.Training:
    """Load the pictures, find the ranges, and say how the simulated network is trained."""
    atlas = Atlas(train_items(args), loop.device())
    atlas.weight[atlas.without_faces | atlas.without_people] *= MORE_EMPTY
    batches = Batches(atlas)
    steps = steps_of(args, STEPS)
    network = simulated(torch.load(args.start_from, map_location="cpu", weights_only=True))
    network.train().to(loop.device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.no_grad():
        for batch in batches.draw(FIRST_BATCHES, args.batch, MOSAICS):
            network(batch[0])
    round_from_now(network)

    def drawn(_epoch: int) -> Iterator[loop.Batch]:
        return batches.draw(steps, args.batch, MOSAICS)

    return loop.Training(
        network,
        drawn,
        Lesson(told_by(args.learn_from), focus=1.0, exact=True),
        Validation(args.data, args.limit),
        file=FILE,
        epochs=args.epochs or 10,
        steps_per_epoch=steps,
        peak_rate=3e-4,
        weight_decay=0.01,
        average_decay=0.998,
    )


def main() -> None:
    parser = arguments(__doc__, epochs_text="10", batch=32)
    parser.add_argument(
        "--start-from", type=Path, metavar="FILE", required=True, help="detector.pt of the detector"
    )
    parser.add_argument(
        "--learn-from", type=Path, metavar="FILE", required=True, help="detector.pt of its teacher"
    )
    loop.run_training(parser, prepare)


if __name__ == "__main__":
    main()
