"""Train the landmark network: ``python -m models_tflite.training.landmarks --data DIR --run DIR``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.inference.landmarks import CROP_REACH, CROP_SIDE
from models_tflite.training import augment, loop
from models_tflite.training.datasets import FLIPPED, HELD_OUT, DataSet, landmark_points, scenes
from models_tflite.training.networks import LandmarkNet
from models_tflite.training.teacher import Labelled, label_patch, label_scene, teacher

STORED_SIDE = 96
STORED_REACH = 2.2
"""A face is stored in memory with this many box sides around it, so that a jittered crop still has surroundings."""

LEAST_EYES = 0.12
"""Eyes closer than this share of the crop, as in a profile, count as this far apart in the loss."""

TAUGHT = 0.4
"""Weight of a face whose points come from the teacher and not from a person."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces with labels: ``images`` (n, 3, s, s) BGR uint8; ``points`` (n, 5, 2) from the centre of the box, in box
    sides; ``weight`` (n,) of each face in the loss."""

    images: Tensor
    points: Tensor
    weight: Tensor

    def part(self, chosen: Tensor) -> Faces:
        return Faces(self.images[chosen], self.points[chosen], self.weight[chosen])


def load(data: Path, split: str, limit: int | None = None) -> tuple[list[Labelled], list[Labelled]]:
    """Load scenes and patches of one part, ``train`` or ``val``, with missing labels added by the teacher."""
    labeller = teacher(data)
    faces = DataSet(data, "faces", split)
    listed = scenes(faces)[:limit]
    images = faces.images(scene.name for scene in listed)
    wide = [label_scene(labeller, image, scene.boxes) for scene, image in zip(listed, images, strict=True)]
    single = DataSet(data, "landmarks")
    chosen = [index for index in range(len(single)) if bool(index % HELD_OUT) == (split == "train")][:limit]
    points = landmark_points(single)[chosen]
    pictures = single.images(single.rows[index]["name"] for index in chosen)
    patches = [label_patch(labeller, image, p) for image, p in zip(pictures, points, strict=True)]
    return wide, [patch for patch in patches if patch is not None]


def gather(pictures: Sequence[Labelled], weight: float) -> Faces:
    """Collect the faces that have known points and are at least 14 px large."""
    images, points = [], []
    for picture in pictures:
        for box, face in zip(picture.boxes, picture.landmarks, strict=True):
            side = float(max(box[2] - box[0], box[3] - box[1]))
            if side < 14 or np.isnan(face).any():
                continue
            middle = (box[:2] + box[2:]) / 2
            scale = STORED_SIDE / (STORED_REACH * side)
            # pixel centres lie at whole numbers
            shift = STORED_SIDE / 2 - 0.5 - scale * (middle - 0.5)
            matrix = np.hstack([np.eye(2) * scale, shift[:, None]])
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            images.append(
                cv2.warpAffine(
                    picture.image,
                    matrix,
                    (STORED_SIDE, STORED_SIDE),
                    flags=how,
                    borderMode=cv2.BORDER_REPLICATE,
                )
            )
            points.append((face - middle) / side)
    return Faces(
        torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(np.stack(points).astype(np.float32)),
        torch.full((len(images),), weight),
    )


def views(faces: Faces, strength: float) -> tuple[Tensor, Tensor]:
    """Return crops (n, 3, s, s) as on the device, around a slightly wrong box, and their points (n, 5, 2)."""
    count = len(faces.images)
    angle = torch.deg2rad(torch.randn(count).clamp(-2.5, 2.5) * 16 * strength)
    zoom = CROP_REACH * torch.exp(torch.randn(count).clamp(-2.5, 2.5) * 0.1 * strength)
    shift = torch.randn(count, 2).clamp(-2.5, 2.5) * 0.06 * strength
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).reshape(-1, 2, 2)
    flip = (torch.rand(count) < 0.5 * bool(strength)).float()
    mirror = torch.diag_embed(torch.stack([1 - 2 * flip, torch.ones(count)], 1))
    # a crop's point p (in crop sides) shows the face at q = mirror(turn(p)) * zoom + shift, in box sides
    to_face = mirror @ turn * zoom[:, None, None]
    grid = to_face / STORED_REACH
    theta = torch.cat([grid, (2 * shift / STORED_REACH)[:, :, None]], 2)
    images = augment.crop_pixels(faces.images.float(), theta, CROP_SIDE)
    points = (faces.points - shift[:, None]) @ torch.linalg.inv(to_face).transpose(1, 2)
    points = torch.where(flip[:, None, None] > 0, points[:, FLIPPED], points)
    return images, points


def batches(faces: Faces, size: int, strength: float) -> Iterator[loop.Batch]:
    for chosen in torch.randperm(len(faces.images)).split(size):
        if len(chosen) < size:
            return
        part = faces.part(chosen)
        images, points = views(part, 1.0)
        images = augment.light(images, 0.8 * strength)
        images = augment.erase(images, 0.15 * strength)
        images = augment.camera(images, 0.25 * strength).clamp(0, 255)
        yield images, points, part.weight


def errors(network: nn.Module, images: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the errors of the points (n, 5, 2) in crop sides, and the distance between the true eyes (n,)."""
    (told,) = network(loop.normalise(images))
    eyes = (points[:, 1] - points[:, 0]).norm(dim=1)
    return told.float().cpu().reshape(-1, 5, 2) - points, eyes


def loss(network: nn.Module, batch: loop.Batch) -> tuple[Tensor, dict[str, float]]:
    images, points, weight = batch
    offsets, eyes = errors(network, images, points)
    share = offsets / eyes.clamp(min=LEAST_EYES)[:, None, None]
    each = functional.smooth_l1_loss(share, torch.zeros_like(share), reduction="none", beta=0.03).mean((1, 2))
    total = (each * weight).sum() / weight.sum()
    return 10 * total, {"points": total.item()}


@torch.no_grad()
def figures(network: nn.Module, faces: Faces) -> dict[str, float]:
    images, points = views(faces, 0.0)
    offsets, eyes = errors(network, images, points)
    share = offsets.norm(dim=2).mean(1) / eyes
    return {"val_nme": float(share.mean()), "val_nme_median": float(share.median())}


def prepare(args: argparse.Namespace) -> loop.Training:
    """Collect the faces, and describe how the landmark network is trained on them."""
    wide, patches = load(args.data, "train", args.limit)
    _, held_out = load(args.data, "val", args.limit)
    drawn, taught, val = gather(patches, 1.0), gather(wide, TAUGHT), gather(held_out, 1.0)
    train = Faces(
        *(
            torch.cat(pair)
            for pair in (
                (drawn.images, taught.images),
                (drawn.points, taught.points),
                (drawn.weight, taught.weight),
            )
        )
    )
    print(
        f"{len(drawn.images)} faces with points drawn by hand, {len(taught.images)} by the teacher",
        flush=True,
    )
    return loop.Training(
        LandmarkNet(),
        lambda epoch: batches(train, args.batch, 1.0 if epoch < 0.7 * args.epochs else 0.5),
        loss,
        lambda net: figures(net, val),
        file="landmarks.pt",
        epochs=args.epochs,
        steps_per_epoch=max(1, len(train.images) // args.batch),
        peak_rate=3e-3,
        weight_decay=0.02,
    )


if __name__ == "__main__":
    loop.run_training(loop.arguments(__doc__, epochs=108, epochs_text="(%(default)s)", batch=128), prepare)
