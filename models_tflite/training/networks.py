"""The networks, in PyTorch. All take ``(pixel - 128) / 64``, so that the int8 input is ``pixel - 128``."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from common.vocabulary import AGE_BINS, EXPRESSIONS, GENDERS


class ConvNorm(nn.Sequential):
    """Convolution, batch norm, optional ReLU. Stride 2 pads right and bottom only, like TFLite's SAME, which avoids a
    PAD operator on the device."""

    def __init__(
        self, inputs: int, outputs: int, size: int, stride: int = 1, *, groups: int = 1, relu: bool = True
    ):
        pad = (size - 1) // 2
        layers: list[nn.Module] = []
        if stride == 2 and size > 1:
            before = (size - 2) // 2
            layers.append(nn.ZeroPad2d((before, size - 2 - before, before, size - 2 - before)))
            pad = 0
        layers.append(nn.Conv2d(inputs, outputs, size, stride, pad, groups=groups, bias=False))
        layers.append(nn.BatchNorm2d(outputs))
        if relu:
            layers.append(nn.ReLU())
        super().__init__(*layers)

    def fuse(self) -> None:
        """Fold the batch norm into the convolution (evaluation mode only)."""
        layers = list(self)
        at = next(index for index, layer in enumerate(layers) if isinstance(layer, nn.Conv2d))
        layers[at : at + 2] = [fuse_conv_bn_eval(layers[at], layers[at + 1])]
        for key in list(self._modules):
            del self._modules[key]
        for index, layer in enumerate(layers):
            self.add_module(str(index), layer)


def fuse(network: nn.Module) -> nn.Module:
    """Fold every batch norm; the network must be in evaluation mode. Returns the same network."""
    for module in list(network.modules()):
        if isinstance(module, ConvNorm):
            module.fuse()
    return network


class Residual(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al. 2016, basic block)."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(ConvNorm(width, width, 3), ConvNorm(width, width, 3, relu=False))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x + self.body(x))


class Tower(nn.Module):
    """A plain residual network over one aligned face, with one or more heads.

    Input (n, ``inputs``, 64, 64); outputs logits (n, size) for each of ``heads``. Four stages of stride 2; ``blocks``
    gives the number of residual blocks in each. It uses plain 3x3 convolutions, because a Cortex-A72 and a training CPU
    run them faster than depthwise ones.
    """

    def __init__(
        self,
        inputs: int,
        widths: tuple[int, int, int, int],
        blocks: tuple[int, int, int, int],
        heads: tuple[int, ...],
        dropout: float = 0.2,
    ):
        super().__init__()
        stages: list[nn.Module] = []
        for width, count in zip(widths, blocks, strict=True):
            stages += [ConvNorm(inputs, width, 3, 2), *(Residual(width) for _ in range(count))]
            inputs = width
        self.trunk = nn.Sequential(*stages)
        self.pool = nn.AvgPool2d(4)
        self.dropout = nn.Dropout(dropout)
        # 1x1 convolutions, not dense layers: a per-channel quantised dense head of two outputs crashes
        # tflite-runtime 2.14 on aarch64.
        self.heads = nn.ModuleList(nn.Conv2d(inputs, size, 1) for size in heads)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        features = self.dropout(self.pool(self.trunk(x)))
        return tuple(head(features).flatten(1) for head in self.heads)


PEOPLE_HEADS = (AGE_BINS, len(GENDERS))
EXPRESSION_HEADS = (len(EXPRESSIONS), len(EXPRESSIONS))
"""The votes of FER+ annotators, which are the shipped expression, and the label of fer2013."""

LUMA = (0.114, 0.587, 0.299)
"""Grey of blue, green and red (ITU-R BT.601), as in the grey pictures of fer."""


WIDTHS, BLOCKS = (24, 40, 80, 128), (1, 1, 2, 1)
"""Both towers have the same shape: 43.6 million multiply-accumulates each."""

TEACHER_WIDTHS, TEACHER_BLOCKS = (48, 96, 192, 320), (1, 2, 2, 2)
"""A teacher has seven times the work of a tower, and no device runs it."""


def people_tower() -> Tower:
    """Build the network for age and gender, of a face in colour."""
    return Tower(3, WIDTHS, BLOCKS, PEOPLE_HEADS, dropout=0.15)


def expression_tower(inputs: int = 1) -> Tower:
    """Build the network for expression, of a grey face, because the data has no colour."""
    return Tower(inputs, WIDTHS, BLOCKS, EXPRESSION_HEADS, dropout=0.15)


def people_teacher() -> Tower:
    """Build a network for training only, from which the tower for age and gender learns."""
    return Tower(3, TEACHER_WIDTHS, TEACHER_BLOCKS, PEOPLE_HEADS, dropout=0.4)


def expression_teacher() -> Tower:
    """Build a network for training only, from which the tower for expression learns."""
    return Tower(1, TEACHER_WIDTHS, TEACHER_BLOCKS, EXPRESSION_HEADS, dropout=0.4)


class AttributeNet(nn.Module):
    """Age, gender and expression of one aligned face in one pass: both towers over one picture.

    Input (n, 3, 64, 64) in colour; outputs logits: age (n, AGE_BINS), gender (n, 2), expression (n, 7),
    fer2013 (n, 7). It has two towers and no shared trunk: the sets have no common picture, the tasks need different
    augmentation, and in a shared trunk one task improves only at the cost of the other.
    """

    OUTPUTS = ("age", "gender", "expression", "fer2013")

    def __init__(self, people: Tower, expression: Tower):
        super().__init__()
        self.people = people
        self.expression = expression_tower(3)
        state = expression.state_dict()
        stem = next(iter(state))
        # the stem for one grey channel is spread over three colour channels
        state[stem] = state[stem] * torch.tensor(LUMA).reshape(1, 3, 1, 1)
        self.expression.load_state_dict(state)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (*self.people(x), *self.expression(x))


class LandmarkNet(nn.Module):
    """Five landmarks of one face, from the picture around a detector's box.

    Input (n, 3, 48, 48); output (n, 10): x and y of each point from the middle of the crop, in crop sides.
    The head sees the position of a feature in the last map, which an average over the map would lose.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (12, 16, 32, 64)):
        super().__init__()
        stages: list[nn.Module] = []
        inputs = 3
        for index, width in enumerate(widths):
            stages += [ConvNorm(inputs, width, 3, 2), *([Residual(width)] if index else [])]
            inputs = width
        self.trunk = nn.Sequential(*stages)
        self.points = nn.Conv2d(inputs, 10, 3)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.points(self.trunk(x)).flatten(1),)


class Separable(nn.Module):
    """Depthwise then pointwise convolution, with a shortcut where the shape allows (MobileNetV1/V2 style)."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1):
        super().__init__()
        self.body = nn.Sequential(
            ConvNorm(inputs, inputs, size, stride, groups=inputs), ConvNorm(inputs, outputs, 1)
        )
        self.shortcut = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.shortcut else y


def multiply_accumulates(network: nn.Module, side: tuple[int, int]) -> int:
    """Count the multiply-accumulates of one forward pass at input (height, width)."""
    total = 0

    def count(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += output.shape[2] * output.shape[3] * layer.weight.numel()

    handles = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        network(torch.zeros(1, 3, *side))
    for handle in handles:
        handle.remove()
    return total
