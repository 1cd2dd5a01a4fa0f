"""Which part of which picture a training picture shows, and where its labels go: dice on the device, no pixels yet.

A training picture has one or four cells: 0 top left, 1 top right, 2 and 3 below. Without a mosaic the first fills it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models_tflite.training.datasets import FLIPPED
from models_tflite.training.detector.atlas import Atlas
from models_tflite.training.letterbox import HEIGHT, WIDTH

CELLS = 4
MOST = 48
"""Boxes of a class, and unsure regions of a class, in one training picture; the largest stay."""

SMALLEST_FACE, SMALLEST_PERSON = 6.0, 9.0
"""Shortest side, input pixels: what is smaller is unsure. So is a face cut to half, a person cut to three tenths."""

NOWHERE = -1e4


class Views(NamedTuple):
    """``index`` (b, 4) pictures, ``split`` (b, 2) x and y where the cells meet, ``matrix`` (b, 4, 2, 3) from the
    picture's to input pixels, ``level`` (b, 4) size in the atlas, ``fill`` (b, 4, 3) colour beyond the picture."""

    index: Tensor
    split: Tensor
    matrix: Tensor
    level: Tensor
    fill: Tensor


class Labels(NamedTuple):
    """Boxes (b, 48, 4) in input pixels, without size where there is none; points (b, 48, 5, 2), NaN unknown; unsure
    regions (b, 48, 4), far outside where there is none."""

    faces: Tensor
    points: Tensor
    unsure_faces: Tensor
    people: Tensor
    unsure_people: Tensor


def _between(low: float, high: float, *shape: int, where: torch.device) -> Tensor:
    return low + (high - low) * torch.rand(*shape, device=where)


def draw(atlas: Atlas, count: int, mosaic: float) -> tuple[Views, Labels]:
    """Throw the dice for ``count`` training pictures, a share of ``mosaic`` with four cells."""
    where = atlas.where
    index = torch.multinomial(atlas.weight, count * CELLS, replacement=True).view(count, CELLS)
    split, corner, extent = _cells(count, mosaic, where)
    matrix, scale, mirrored = _matrices(atlas, index, extent)
    matrix = torch.cat([matrix[..., :2], matrix[..., 2:] + corner[..., None]], -1)
    # shrink from the size of the atlas that is a little larger than needed, or a little smaller
    level = (_between(0.2, 0.8, count, CELLS, where=where) - scale.log2()).floor().clamp(0, 2).long()
    plain = torch.rand(count, CELLS, 1, device=where) < 0.5
    fill = torch.where(plain, (torch.rand(count, CELLS, 3, device=where) * 256).floor(), 128.0)
    cells = torch.cat([corner, corner + extent], -1)
    labels = _labels(atlas, index, matrix, mirrored, cells)
    return Views(index, split, matrix, level, fill), labels


def _cells(count: int, mosaic: float, where: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Where the cells meet (b, 2), their top left corners and their width and height (b, 4, 2)."""
    whole = torch.tensor([WIDTH, HEIGHT], dtype=torch.float32, device=where)
    four = torch.rand(count, 1, device=where) < mosaic
    split = torch.where(four, (whole * _between(0.35, 0.65, count, 2, where=where)).floor(), whole)
    right = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=torch.bool, device=where)
    corner = torch.where(right, split[:, None], 0.0)
    extent = torch.where(right, (whole - split)[:, None], split[:, None])
    return split, corner, extent


def _focus(atlas: Atlas, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One random face or person (b, 4, 4) of each picture, whether it is a face, and whether there is one (b, 4)."""
    where = atlas.where

    def pick(boxes: Tensor, valid: Tensor) -> Tensor:
        chosen = (torch.rand(valid.shape, device=where) + valid.float() * 2).argmax(-1)
        return boxes.gather(2, chosen[..., None, None].expand(-1, -1, 1, 4)).squeeze(2)

    faces, people = atlas.faces[index], atlas.people[index]
    a_face, a_person = faces[..., 2] > faces[..., 0], people[..., 2] > people[..., 0]
    any_face, any_person = a_face.any(-1), a_person.any(-1)
    face = any_face & ((torch.rand(index.shape, device=where) < 0.55) | ~any_person)
    box = torch.where(face[..., None], pick(faces, a_face), pick(people, a_person))
    return box, face, any_face | any_person


def _matrices(atlas: Atlas, index: Tensor, extent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Affine maps (b, 4, 2, 3) from the picture into its cell, their scales and whether they mirror (b, 4).

    Of the views 38 % show about the whole picture, 17 % a part near its own resolution, and 45 % bring one face or
    person to a size spread evenly over octaves.
    """
    where, shape = atlas.where, tuple(index.shape)
    size, wanted = atlas.size[index], extent.clamp(min=8)
    fit = (wanted / size).amin(-1)
    box, face, known = _focus(atlas, index)
    side = (box[..., 2:] - box[..., :2]).clamp(min=1).prod(-1).sqrt()
    low, high = torch.where(face, 8.0, 14.0), torch.where(face, 0.55, 0.9) * wanted[..., 1]
    octaves = (high.log() - low.log()).clamp(min=0)
    focused = ((low.log() + octaves * torch.rand(shape, device=where)).exp() / side).clamp(max=3.2)
    focused = focused.maximum(fit * 0.6)
    middle = torch.where(
        known[..., None], (box[..., :2] + box[..., 2:]) / 2, size * _between(0.2, 0.8, *shape, 2, where=where)
    )
    near = _between(-0.2, 0.4, *shape, where=where).exp()
    whole = fit * _between(-0.25, 0.4, *shape, where=where).exp()
    dice = torch.rand(shape, device=where)
    is_whole, is_near = dice < 0.38, (dice < 0.55) | ~known
    scale = torch.where(is_whole, whole, torch.where(is_near, near, focused))
    middle = torch.where(is_whole[..., None], size / 2, middle)
    # the chosen point lands anywhere in the cell, but the picture fills it where it can
    goal = extent * _between(0.1, 0.9, *shape, 2, where=where)
    slack = extent - size * scale[..., None]
    corner = (goal - middle * scale[..., None]).maximum(slack.clamp(max=0)).minimum(slack.clamp(min=0))
    wide = scale * _between(-0.1, 0.1, *shape, where=where).exp()
    mirrored = torch.rand(shape, device=where) < 0.5
    a = torch.where(mirrored, -wide, wide)
    x = torch.where(mirrored, extent[..., 0] - corner[..., 0], corner[..., 0]) - goal[..., 0]
    y = corner[..., 1] - goal[..., 1]
    turn = (torch.randn(shape, device=where) * 12).clamp(-35, 35) * (math.pi / 180)
    turn = torch.where(torch.rand(shape, device=where) < 0.3, turn, 0.0)  # heads tilt, about the chosen point
    cos, sin = turn.cos(), turn.sin()
    first = torch.stack([cos * a, -sin * scale, cos * x - sin * y + goal[..., 0]], -1)
    second = torch.stack([sin * a, cos * scale, sin * x + cos * y + goal[..., 1]], -1)
    return torch.stack([first, second], -2), scale, mirrored


def _moved(matrix: Tensor, points: Tensor) -> Tensor:
    """Points (b, 4, k, 2) through the maps of their cells."""
    return (matrix[:, :, None, :, :2] * points[..., None, :]).sum(-1) + matrix[:, :, None, :, 2]


def _moved_boxes(matrix: Tensor, boxes: Tensor) -> Tensor:
    """Boxes (b, 4, k, 4): what is in one fills its ellipse, not its corners, so the turned ellipse is bounded."""
    centres = _moved(matrix, (boxes[..., :2] + boxes[..., 2:]) / 2)
    halves = (boxes[..., None, 2:] - boxes[..., None, :2]) / 2 * matrix[:, :, None, :, :2]
    halves = halves.pow(2).sum(-1).sqrt()
    return torch.cat([centres - halves, centres + halves], -1)


def _clipped(boxes: Tensor, cells: Tensor) -> Tensor:
    low, high = cells[:, :, None, [0, 1, 0, 1]], cells[:, :, None, [2, 3, 2, 3]]
    return boxes.maximum(low).minimum(high)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def _labels(atlas: Atlas, index: Tensor, matrix: Tensor, mirrored: Tensor, cells: Tensor) -> Labels:
    known = torch.ones_like(mirrored)
    faces, order, kept, unsure_faces = _class_labels(
        matrix, cells, atlas.faces[index], atlas.unsure_faces[index], known, SMALLEST_FACE, 0.5
    )
    people, _, _, unsure_people = _class_labels(
        matrix,
        cells,
        atlas.people[index],
        atlas.unsure_people[index],
        atlas.people_known[index],
        SMALLEST_PERSON,
        0.3,
    )
    points = atlas.points[index]
    points = _moved(matrix, points.flatten(2, 3)).unflatten(2, points.shape[2:4])
    points = torch.where(mirrored[..., None, None, None], points[..., FLIPPED, :], points).flatten(1, 2)
    points = points.gather(1, order[..., None, None].expand(-1, -1, 5, 2))
    points = torch.where(kept[..., None, None], points, math.nan)
    return Labels(faces, points, unsure_faces, people, unsure_people)


def _class_labels(
    matrix: Tensor,
    cells: Tensor,
    boxes: Tensor,
    unsure: Tensor,
    known: Tensor,
    smallest: float,
    shown: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Boxes (b, 48, 4) of a class, their places among all (b, 48), whether they are any, unsure regions (b, 48, 4).

    A box stays if its visible part is large enough and more than the share ``shown`` of it; else it is unsure. Where
    the class is not ``known`` (b, 4), the whole cell is.
    """
    live = ((cells[..., 2:] - cells[..., :2]) > 1).all(-1)
    moved = _moved_boxes(matrix, boxes)
    clipped = _clipped(moved, cells)
    valid = (boxes[..., 2] > boxes[..., 0]) & live[..., None]
    visible = _area(clipped) / (moved[..., 2:] - moved[..., :2]).prod(-1).clamp(min=1e-6)
    large = (clipped[..., 2:] - clipped[..., :2]).amin(-1) >= smallest
    good = (valid & large & (visible > shown)).flatten(1)
    doubtful = (valid & (visible > 0)).flatten(1) & ~good
    clipped = clipped.flatten(1, 2)
    size, order = (_area(clipped) * good).sort(1, descending=True)
    kept, surplus = size[:, :MOST] > 0, size[:, MOST:] > 0
    out = clipped.gather(1, order[:, :MOST, None].expand(-1, -1, 4)) * kept[..., None]
    doubtful |= torch.zeros_like(good).scatter(1, order[:, MOST:], surplus)
    regions = torch.cat([cells, _clipped(_moved_boxes(matrix, unsure), cells).flatten(1, 2), clipped], 1)
    given = ((unsure[..., 2] > unsure[..., 0]) & live[..., None]).flatten(1)
    size, which = (_area(regions) * torch.cat([~known & live, given, doubtful], 1)).topk(MOST, 1)
    blind = regions.gather(1, which[..., None].expand(-1, -1, 4))
    return out, order[:, :MOST], kept, torch.where((size > 0)[..., None], blind, NOWHERE)
