"""A network that other systems use, to compare its speed; its weights are random."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class MiniXception(nn.Module):
    """The expression network of Arriaga, Valdenegro-Toro and Ploeger 2017: (n, 1, 64, 64) to (n, 7), 58 k weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_block(1, 8, 3), *_block(8, 8, 3))
        self.shortcuts, self.bodies = nn.ModuleList(), nn.ModuleList()
        inputs = 8
        for width in (16, 32, 64, 128):
            self.shortcuts.append(
                nn.Sequential(nn.Conv2d(inputs, width, 1, 2, bias=False), nn.BatchNorm2d(width))
            )
            self.bodies.append(
                nn.Sequential(
                    *_separable(inputs, width),
                    nn.ReLU(),
                    *_separable(width, width),
                    nn.MaxPool2d(3, 2, 1),
                )
            )
            inputs = width
        self.head = nn.Conv2d(inputs, 7, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for shortcut, body in zip(self.shortcuts, self.bodies, strict=True):
            x = shortcut(x) + body(x)
        return functional.softmax(self.head(x).mean((2, 3)), dim=1)


def _block(inputs: int, outputs: int, size: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, size, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def _separable(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
    ]
