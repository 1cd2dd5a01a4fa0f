"""The average of many aligned faces, as sharp as one of them.

Each picture is warped onto the running mean by dense optical flow (the iterated average of medical atlases, Guimond et
al. 2000), so that lids, lips and nostrils coincide. An average also loses contrast in fine detail; this is restored in
each frequency band, to the energy of the single pictures.
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 144
"""Side of a member's picture, pixels."""

TRIMMED = 2
"""Values left out at each end of each pixel: of 16 faces, each has a weight of at most 1/12."""

_Y, _X = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
GRID = np.dstack([_X, _Y])
CENTRE = ((_X / SIDE - 0.5) / 0.34) ** 2 + ((_Y / SIDE - 0.50) / 0.36) ** 2 < 1
"""The middle of the face, where pictures are compared."""


def grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.clip(image, 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY)


def structure(image: np.ndarray) -> np.ndarray:
    """Remove local mean and contrast, uint8 (SIDE, SIDE), so that light and skin colour do not affect the flow."""
    plain = grey(image).astype(np.float32)
    apart = plain - cv2.GaussianBlur(plain, (0, 0), SIDE / 10)
    spread = np.sqrt(cv2.GaussianBlur(apart**2, (0, 0), SIDE / 10)) + 6
    return np.clip(apart / spread * 40 + 128, 0, 255).astype(np.uint8)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of the structure of two aligned faces, -1..1."""
    return float(np.corrcoef(structure(one)[CENTRE], structure(other)[CENTRE])[0, 1])


def affine(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the least-squares affine map (2, 3) of landmarks (5, 2) onto others."""
    solution, *_ = np.linalg.lstsq(np.c_[points, np.ones(len(points))], target, rcond=None)
    return np.asarray(solution.T)


def warp(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def bent_onto_mean(
    pictures: list[np.ndarray], smoothness: tuple[float, ...] = (6, 5, 4, 3.5, 3)
) -> list[np.ndarray]:
    """Warp every picture onto the common mean, with a finer flow each round; the mean shape itself does not drift."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(0)
    flow.setVariationalRefinementIterations(10)
    bent = pictures
    for sigma in smoothness:
        mean = structure(np.mean(bent, 0))
        fields = [flow.calc(mean, structure(picture), None) for picture in pictures]  # type: ignore[call-overload]
        fields = [np.clip(cv2.GaussianBlur(field, (0, 0), sigma), -9, 9) for field in fields]
        common = np.mean(fields, 0)
        bent = [
            cv2.remap(  # type: ignore[call-overload]
                picture, GRID + field - common, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
            for picture, field in zip(pictures, fields, strict=True)
        ]
    return bent


def bands(image: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return four band-pass layers, finest first, and the rest."""
    layers = []
    for sigma in (0.9, 1.8, 3.6, 7.2):
        coarse = cv2.GaussianBlur(image, (0, 0), sigma)
        layers.append(image - coarse)
        image = coarse
    return layers, image


def average(pictures: list[np.ndarray], most: float = 2.2) -> np.ndarray:
    """Average float pictures, and raise the contrast of each band to that of a single one, at most by factor ``most``.

    The two brightest and the two darkest values of each pixel are left out, to remove traces of glasses and hair.
    """
    layers, out = bands(np.sort(pictures, 0)[TRIMMED:-TRIMMED].mean(0))
    single = np.mean([[layer[CENTRE].std() for layer in bands(picture)[0]] for picture in pictures], 0)
    for layer, energy in zip(layers, single, strict=True):
        out = out + layer * min(most, energy / (layer[CENTRE].std() + 1e-6))
    return np.clip(out, 0, 255)


def face_only(picture: np.ndarray) -> np.ndarray:
    """Cut out an oval from hairline to chin with a soft edge, BGRA; everything outside is removed."""
    radius = np.sqrt(((_X / (SIDE - 1) - 0.5) / 0.43) ** 2 + ((_Y / (SIDE - 1) - 0.43) / 0.56) ** 2)
    alpha = np.clip((1.0 - radius) / 0.12, 0, 1)
    return np.dstack([np.where(alpha[..., None] > 0, picture, 0), alpha * 255]).astype(np.uint8)
