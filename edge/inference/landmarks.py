"""Find the five landmarks of one face again, in an enlarged view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.inference.align import sampled
from edge.inference.model import Model
from edge.types import Face, Floats, Image

CROP_SIDE = 48
"""Side of the network's input, pixels."""

CROP_REACH = 1.3
"""Side of the crop over the longer side of the detector's box, which fits the face tightly."""

MIRRORED = [1, 0, 2, 4, 3]
"""The five points of a mirror image, in the order of the face."""


class LandmarkRefiner:
    """Finds landmarks in a crop of one face. The detector sees a whole shop in 320 pixels, where a face may be only 10
    pixels wide."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def refine(self, image: Image, face: Face) -> Face:
        """Return the same face with better landmarks.

        It looks twice: at the box, and at the mirror image, moved half way to the place where the first look found the
        face. The errors on a face and its mirror image are different, so their mean is better than either.
        """
        box = face.box
        reach = CROP_REACH * max(box.width, box.height)
        middle = np.array(box.centre, np.float32)
        first = self._look(image, middle, reach)
        second = self._look(image, (middle + first.mean(0)) / 2, reach, mirrored=True)
        return replace(face, landmarks=(first + second) * np.float32(0.5))

    def _look(self, image: Image, middle: Floats, reach: float, *, mirrored: bool = False) -> Floats:
        """Landmarks (5, 2) in pixels of ``image``, from a crop of side ``reach`` about ``middle``."""
        side = self._model.width
        scale = side / reach
        # pixel centres are at whole numbers: the centre of the box maps to the centre of the crop
        shift = side / 2 - 0.5 - scale * (middle - 0.5)
        crop = sampled(image, np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32), side)
        raw = self._model.run(np.ascontiguousarray(crop[:, ::-1]) if mirrored else crop)
        points = self._model.outputs["points"].floats(raw["points"].reshape(-1)).reshape(5, 2)
        if mirrored:
            points = points[MIRRORED] * np.array([-1, 1], np.float32)
        return middle + points * np.float32(reach)
