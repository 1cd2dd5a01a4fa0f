"""The same walks seen by a second camera, which hangs elsewhere and looks the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edge.scene.route import distance_of, face_at
from edge.scene.walk import FOCAL, Walk, runs


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A camera at (x, z), in metres as the camera at (0, 0) sees them, for a picture that is ``width`` lines wide.
    Nobody is drawn who is nearer than ``nearest`` metres: behind the camera, or beside it."""

    x: float
    z: float
    width: float
    nearest: float = 0.9

    def path(self, path: np.ndarray) -> np.ndarray:
        """Return x and face height in lines, and x and distance in metres (n, 4), of a path of the same form; NaN
        outside the picture."""
        x, z = path[:, 2] - self.x, path[:, 3] - self.z
        z = np.where(z > self.nearest, z, np.nan)
        seen = np.stack([self.width / 2 + FOCAL * x / z, face_at(1.0) / z, x, z], 1)
        seen[np.abs(seen[:, 0] - self.width / 2) > self.width / 2 + seen[:, 1]] = np.nan
        return seen

    def walks(self, walk: Walk) -> Iterator[Walk]:
        """Yield the parts of a walk that are in front of this camera; ``walk`` itself for the camera at (0, 0)."""
        if not (self.x or self.z):
            yield walk
            return
        face, yaws = walk.keys[:, 2], walk.keys[:, 3:]
        far = distance_of(1.0) / face
        across = (walk.keys[:, 1] - self.width / 2) * far / FOCAL
        x, z = across - self.x, far - self.z
        turn = np.degrees(np.arctan2(x, z) - np.arctan2(across, far))
        keys = np.column_stack(
            [
                walk.keys[:, 0],
                self.width / 2 + FOCAL * x / np.maximum(z, 1e-3),
                face_at(1.0) / np.maximum(z, 1e-3),
                yaws + turn[:, None],
            ]
        ).astype(np.float32)
        for begins, ends in runs(z > self.nearest):
            if ends - begins > 1:
                yield replace(walk, keys=keys[begins:ends])
