"""The detector and its teacher: one backbone, a neck, heads for faces and heads for people.

Both take (n, 3, h, w), (pixel - 128) / 64, sides in multiples of 32. Both give fifteen maps, for each of the strides
8, 16, 32: face score (1, a logit), face box (4), five points (10), person score (1), person box (4). A box is the
offset of its centre from the cell's middle and the logarithm of its sides; points are offsets from the cell's middle;
all in strides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from edge.inference.detect import STRIDES
from models_tflite.training import loop
from models_tflite.training.networks import ConvNorm, Residual, Separable

KINDS = ("score", "box", "landmarks", "person_score", "person_box")
"""The maps of one stride, in order."""

Widths = tuple[int, int, int, int, int]


class Heads(nn.Module):
    """What teacher and student share: a top-down neck (Lin et al. 2017) and, on each level, a block and 1x1
    convolutions for each class (YuNet, Wu et al. 2023)."""

    def __init__(self, widths: Widths, neck: int, block: Callable[[int], nn.Module]) -> None:
        super().__init__()
        _, _, w8, w16, w32 = widths
        self.lateral8, self.lateral16, self.lateral32 = (ConvNorm(w, neck, 1) for w in (w8, w16, w32))
        self.smooth8, self.smooth16 = block(neck), block(neck)
        self.heads = nn.ModuleList(block(neck) for _ in STRIDES)
        self.people = nn.ModuleList(block(neck) for _ in STRIDES)

        def maps(channels: int) -> nn.ModuleList:
            return nn.ModuleList(nn.Conv2d(neck, channels, 1) for _ in STRIDES)

        self.scores, self.boxes, self.landmarks = maps(1), maps(4), maps(10)
        self.people_scores, self.people_boxes = maps(1), maps(4)
        for score in (*self.scores, *self.people_scores):
            nn.init.constant_(score.bias, -4.0)  # both are rare: start from a low prior (Lin et al. 2017)
        # Places where a device rounds to int8, besides those after each layer: see quantised.py.
        self.sums = nn.ModuleList(nn.Identity() for _ in range(2))
        self.ends = nn.ModuleList(nn.Identity() for _ in range(len(STRIDES) * len(KINDS)))

    def finish(self, p8: Tensor, p16: Tensor, p32: Tensor) -> list[Tensor]:
        """Compute the fifteen maps from the backbone's three."""
        p32 = self.lateral32(p32)
        p16 = self.smooth16(self.sums[0](self.lateral16(p16) + interpolate(p32, scale_factor=2.0)))
        p8 = self.smooth8(self.sums[1](self.lateral8(p8) + interpolate(p16, scale_factor=2.0)))
        out = []
        for level, features in enumerate((p8, p16, p32)):
            face, person = self.heads[level](features), self.people[level](features)
            out += [self.scores[level](face), self.boxes[level](face), self.landmarks[level](face)]
            out += [self.people_scores[level](person), self.people_boxes[level](person)]
        return [end(value) for end, value in zip(self.ends, out, strict=True)]


class Student(Heads):
    """What a device runs: 78.9 million multiply-accumulates at 256 x 320.

    ``blocks``: the kernel sizes of the blocks that follow the one of stride 2, at strides 8, 16, 32.
    """

    def __init__(
        self,
        widths: Widths = (16, 32, 64, 112, 176),
        neck: int = 48,
        blocks: Sequence[Sequence[int]] = ((5, 3), (5, 5), (5, 5, 3)),
    ) -> None:
        super().__init__(widths, neck, lambda width: Separable(width, width))
        stem, w4, w8, w16, w32 = widths
        self.stem = nn.Sequential(ConvNorm(3, stem, 3, 2), Separable(stem, w4, 3, 2), Separable(w4, w4))

        def level(inputs: int, outputs: int, sizes: Sequence[int]) -> nn.Sequential:
            return nn.Sequential(
                Separable(inputs, outputs, 3, 2), *(Separable(outputs, outputs, size) for size in sizes)
            )

        self.level8, self.level16 = level(w4, w8, blocks[0]), level(w8, w16, blocks[1])
        self.level32 = level(w16, w32, blocks[2])

    def forward(self, x: Tensor) -> list[Tensor]:
        p8 = self.level8(self.stem(x))
        p16 = self.level16(p8)
        return self.finish(p8, p16, self.level32(p16))


class Teacher(Heads):
    """Plain 3x3 residual network, 3,455 million multiply-accumulates: a GPU trains it as fast as the student.

    ``blocks``: how many residual blocks follow the convolution of stride 2, at strides 4, 8, 16, 32.
    """

    def __init__(
        self,
        widths: Widths = (32, 64, 128, 256, 384),
        neck: int = 128,
        blocks: tuple[int, int, int, int] = (1, 2, 2, 2),
    ) -> None:
        super().__init__(widths, neck, lambda width: ConvNorm(width, width, 3))

        def level(at: int) -> nn.Sequential:
            inputs, outputs = widths[at], widths[at + 1]
            return nn.Sequential(
                ConvNorm(inputs, outputs, 3, 2), *(Residual(outputs) for _ in range(blocks[at]))
            )

        self.stem = nn.Sequential(ConvNorm(3, widths[0], 3, 2), level(0))
        self.level8, self.level16, self.level32 = level(1), level(2), level(3)

    def forward(self, x: Tensor) -> list[Tensor]:
        p8 = self.level8(self.stem(x))
        p16 = self.level16(p8)
        return self.finish(p8, p16, self.level32(p16))


def start_from(network: nn.Module, weights: Mapping[str, Tensor]) -> int:
    """Take over what fits of the weights of a like network, of other widths too; returns from how many tensors."""
    state, taken = network.state_dict(), 0
    for name, mine in state.items():
        theirs = weights.get(name)
        if theirs is None or theirs.ndim != mine.ndim or mine.ndim == 0:
            continue
        common = tuple(slice(0, min(sizes)) for sizes in zip(mine.shape, theirs.shape, strict=True))
        mine[common] = theirs[common].to(mine.dtype)
        taken += 1
    network.load_state_dict(state)
    return taken


def told_by(path: Path) -> Teacher:
    """Load a trained teacher from a file."""
    teacher = Teacher()
    teacher.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return teacher.eval().to(loop.device(), memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]
