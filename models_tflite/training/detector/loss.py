"""What the detector learns from: the labels, and a teacher that speaks in every cell."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_tflite.training import loop
from models_tflite.training.detector.cells import assign, cells, decode_boxes, overlap
from models_tflite.training.detector.networks import KINDS
from models_tflite.training.detector.views import Labels

SCORE, BOX, POINTS = 2.0, 2.0, 2.5
"""Weights of the parts; a teacher's scores weigh ``TOLD_SCORE``."""

TOLD_SCORE = 3.0
LABELS_SHARE = 0.5
"""Weight of the labels beside a teacher."""

LARGEST_FACE, LARGEST_PERSON = 12.0, 16.0
"""Strides up to which a level speaks of one."""

NOTHING = -12.0
"""Logit that stands for a teacher's score where a picture is known to be empty."""


class Said(NamedTuple):
    """What a network says in its cells: logits (b, a), boxes (b, a, 4) and points (b, a, 5, 2) in input pixels."""

    faces: Tensor
    face_boxes: Tensor
    points: Tensor
    people: Tensor
    person_boxes: Tensor


def decode(maps: list[Tensor], centres: Tensor, strides: Tensor) -> Said:
    """Decode the fifteen maps of a network, cell by cell, finest level first."""
    flat = [value.float().permute(0, 2, 3, 1).flatten(1, 2) for value in maps]
    score, box, points, person, person_box = (
        torch.cat(flat[at :: len(KINDS)], 1) for at in range(len(KINDS))
    )
    return Said(
        score.squeeze(2),
        decode_boxes(box, centres, strides),
        points.unflatten(2, (5, 2)) * strides[:, None, None] + centres[:, None],
        person.squeeze(2),
        decode_boxes(person_box, centres, strides),
    )


def _point_loss(points: Tensor, wanted: Tensor, boxes: Tensor) -> Tensor:
    """Distance of five points (b, a, 5, 2) in sides of the box, summed (b, a)."""
    side = (boxes[..., 2:] - boxes[..., :2]).clamp(min=1).prod(-1).sqrt()[..., None, None]
    error = (points - wanted) / side
    return functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=0.05).sum((2, 3))


class Lesson:
    """The loss of a batch of ``Batches``, for ``loop.Training``.

    Without a ``teacher`` the labels alone, at cells that the network's own scores choose. With one, the labels by half,
    at cells that the teacher's scores choose, and the teacher in all cells, weighed by |difference| ** ``focus``: where
    both agree there is nothing to learn. ``exact`` keeps the network in float32.
    """

    def __init__(self, teacher: nn.Module | None = None, *, focus: float = 1.5, exact: bool = False) -> None:
        centres, strides = cells()
        self.centres, self.strides = centres.to(loop.device()), strides.to(loop.device())
        self.teacher, self.focus, self.exact = teacher, focus, exact
        self._from_labels = loop.compiled(self.from_labels)
        self._from_teacher = loop.compiled(self.from_teacher)

    def __call__(self, network: nn.Module, batch: loop.Batch) -> tuple[Tensor, dict[str, float]]:
        images, without_faces, without_people = batch[0], batch[-2], batch[-1]
        labels = Labels(*batch[1:-2])
        told = None if self.teacher is None else self._told(images, without_faces, without_people)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=not self.exact):
            maps = network(images)
        said = decode(maps, self.centres, self.strides)
        by_labels = self._from_labels(said, labels, told or said)
        if told is None:
            return by_labels, {"labels": by_labels.item()}
        by_teacher = self._from_teacher(said, told)
        total = LABELS_SHARE * by_labels + by_teacher
        return total, {"labels": by_labels.item(), "teacher": by_teacher.item()}

    @torch.no_grad()
    def _told(self, images: Tensor, without_faces: Tensor, without_people: Tensor) -> Said:
        """Ask the teacher; it says nothing where a picture is known to be empty, whatever it says."""
        assert self.teacher is not None
        with torch.autocast(images.device.type, torch.bfloat16):
            maps = self.teacher(images)
        told = decode(maps, self.centres, self.strides)
        return told._replace(
            faces=told.faces.masked_fill(without_faces, NOTHING),
            people=told.people.masked_fill(without_people, NOTHING),
        )

    def from_labels(self, said: Said, labels: Labels, guide: Said) -> Tensor:
        """Quality focal score loss, complete-IoU box loss, point loss in sides of the face."""
        face, owner, strength = self._class_loss(
            said.faces,
            said.face_boxes,
            labels.faces,
            labels.unsure_faces,
            (guide.faces, guide.face_boxes),
            LARGEST_FACE,
        )
        person, _, _ = self._class_loss(
            said.people,
            said.person_boxes,
            labels.people,
            labels.unsure_people,
            (guide.people, guide.person_boxes),
            LARGEST_PERSON,
        )
        wanted = labels.points.gather(1, owner[..., None, None].expand(-1, -1, 5, 2))
        boxes = labels.faces.gather(1, owner[..., None].expand(-1, -1, 4))
        known = ~wanted.isnan().flatten(2).any(-1)
        errors = _point_loss(said.points, wanted.nan_to_num(), boxes) * strength * known
        return face + person + errors.sum() / strength.sum().clamp(min=1.0) * POINTS

    def _class_loss(
        self,
        scores: Tensor,
        boxes: Tensor,
        truth: Tensor,
        unsure: Tensor,
        guide: tuple[Tensor, Tensor],
        largest: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Loss of scores and boxes, and which of ``truth`` each cell teaches (b, a), and how strongly (b, a)."""
        valid = truth[..., 2] > truth[..., 0]
        owner, strength = assign(
            guide[0].detach(), guide[1].detach(), truth, valid, self.centres, self.strides, largest
        )
        teaches = owner >= 0
        strength = strength * teaches
        norm = strength.sum().clamp(min=1.0)
        inside = (self.centres > unsure[:, :, None, :2]) & (self.centres < unsure[:, :, None, 2:])
        counts = teaches | ~inside.all(-1).any(1)
        probability = scores.sigmoid().detach()
        focus = torch.where(teaches, (strength - probability).abs().clamp(min=0.2), 0.75 * probability.pow(2))
        raw = functional.binary_cross_entropy_with_logits(scores, strength, reduction="none")
        owner = owner.clamp(min=0)
        wanted = truth.gather(1, owner[..., None].expand(-1, -1, 4))
        _, complete = overlap(boxes, torch.where(teaches[..., None], wanted, boxes.detach()))
        loss = (raw * focus * counts).sum() * SCORE + ((1 - complete) * strength).sum() * BOX
        return loss / norm, owner, strength

    def from_teacher(self, said: Said, told: Said) -> Tensor:
        """Scores, boxes and points as the teacher has them, in every cell, also where nobody labelled."""
        face, sure = self._class_from_teacher(said.faces, said.face_boxes, told.faces, told.face_boxes)
        person, _ = self._class_from_teacher(said.people, said.person_boxes, told.people, told.person_boxes)
        errors = _point_loss(said.points, told.points, told.face_boxes) * sure
        return face + person + errors.sum() / sure.sum().clamp(min=1.0) * POINTS

    def _class_from_teacher(
        self, scores: Tensor, boxes: Tensor, told: Tensor, told_boxes: Tensor
    ) -> tuple[Tensor, Tensor]:
        target = told.sigmoid()
        sure = target * (target > 0.1)
        norm = sure.sum().clamp(min=1.0)
        focus = (target - scores.sigmoid()).abs().detach().pow(self.focus) + 0.02 * target
        raw = functional.binary_cross_entropy_with_logits(scores, target, reduction="none")
        _, complete = overlap(boxes, told_boxes)
        loss = (raw * focus).sum() * TOLD_SCORE + ((1 - complete) * sure).sum() * BOX
        return loss / norm, sure
