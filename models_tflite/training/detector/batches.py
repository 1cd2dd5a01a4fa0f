"""Training pictures by the batch, put together where the training runs: on a GPU some 10,000 a second."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from models_tflite.training import loop
from models_tflite.training.detector import camera, views
from models_tflite.training.detector.atlas import ROW, SIDE, Atlas, page_offset
from models_tflite.training.detector.cells import cells
from models_tflite.training.detector.decoys import Decoys
from models_tflite.training.detector.views import CELLS, Views
from models_tflite.training.letterbox import HEIGHT, WIDTH

DECOYS = 1500


class Batches:
    """Batches of pictures (b, 3, HEIGHT, WIDTH) as the network takes them, with the five labels of ``views.Labels``,
    and for each cell of the network (b, a) whether its picture is known to be free of faces, and of people."""

    def __init__(self, atlas: Atlas, *, decoys: int = DECOYS) -> None:
        self.atlas = atlas
        self.decoys = Decoys(decoys, atlas.where)
        self.centres = cells()[0].to(atlas.where)
        self._gather = loop.compiled(_gather)

    def draw(self, steps: int, count: int, mosaic: float) -> Iterator[loop.Batch]:
        """Draw ``steps`` batches of ``count``, a share of ``mosaic`` of them put together from four pictures."""
        for _ in range(steps):
            with torch.no_grad():
                batch = self._batch(count, mosaic)
            yield batch

    def _batch(self, count: int, mosaic: float) -> loop.Batch:
        drawn, labels = views.draw(self.atlas, count, mosaic)
        images = self.render(drawn)
        self.decoys.paste(images, labels, count // 3)
        images = loop.normalise(camera.degrade(images))
        right, below = (self.centres[None] >= drawn.split[:, None]).unbind(-1)
        owner = drawn.index.gather(1, right.long() + 2 * below.long())
        return (images, *labels, self.atlas.without_faces[owner], self.atlas.without_people[owner])

    def render(self, drawn: Views) -> Tensor:
        """Render the pixels (b, 3, HEIGHT, WIDTH) of what was drawn, 0..255."""
        linear, shift = drawn.matrix[..., :2], drawn.matrix[..., 2:]
        back = torch.linalg.inv(linear)
        back = torch.cat([back, -back @ shift], -1)
        return self._gather(  # type: ignore[no-any-return]
            self.atlas.pages.view(-1),
            drawn.split,
            back,
            torch.exp2(-drawn.level.float()),
            page_offset(drawn.index, drawn.level),
            ((SIDE >> drawn.level) - 1).float(),
            self.atlas.size[drawn.index],
            drawn.fill,
        )


def _gather(
    flat: Tensor,
    split: Tensor,
    back: Tensor,
    shrink: Tensor,
    offset: Tensor,
    last: Tensor,
    size: Tensor,
    fill: Tensor,
) -> Tensor:
    """Sample every pixel bilinearly from the flat atlas, through the map ``back`` (b, 4, 2, 3) of its cell."""
    count, where = len(split), flat.device
    x = torch.arange(WIDTH, device=where, dtype=torch.float32)[None, None] + 0.5
    y = torch.arange(HEIGHT, device=where, dtype=torch.float32)[None, :, None] + 0.5
    cell = (x >= split[:, 0, None, None]).long() + 2 * (y >= split[:, 1, None, None]).long()
    cell = cell + CELLS * torch.arange(count, device=where)[:, None, None]

    def own(values: Tensor) -> Tensor:
        """Return the value of each pixel's cell (b, HEIGHT, WIDTH)."""
        return values.reshape(-1)[cell]

    to_x, to_y = (
        own(back[..., axis, 0]) * x + own(back[..., axis, 1]) * y + own(back[..., axis, 2])
        for axis in range(2)
    )
    inside = (to_x >= 0) & (to_y >= 0) & (to_x < own(size[..., 0])) & (to_y < own(size[..., 1]))
    factor, edge, start = own(shrink), own(last), own(offset)
    at_x, at_y = ((to * factor - 0.5).clamp(min=0).minimum(edge) for to in (to_x, to_y))
    left, top = at_x.floor(), at_y.floor()
    right, below = (left + 1).minimum(edge), (top + 1).minimum(edge)
    across, down = at_x - left, at_y - top

    def pixels(row: Tensor, column: Tensor) -> Tensor:
        return flat[start + row.long() * ROW + column.long()]

    corners = (
        (pixels(top, left), (1 - across) * (1 - down)),
        (pixels(top, right), across * (1 - down)),
        (pixels(below, left), (1 - across) * down),
        (pixels(below, right), across * down),
    )
    planes = []
    for channel in range(3):
        mixed = sum(((pixel >> (8 * channel)) & 255).float() * share for pixel, share in corners)
        planes.append(torch.where(inside, mixed, own(fill[..., channel])))
    return torch.stack(planes, 1)
