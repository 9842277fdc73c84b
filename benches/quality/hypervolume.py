"""The volume that a set of points dominates (all objectives minimized); two or three objectives."""
from __future__ import annotations

from typing import Sequence

import numpy as np


def hypervolume(points: Sequence[Sequence[float]], reference: Sequence[float]) -> float:
    values = np.asarray(points, float).reshape(-1, len(reference))
    values = values[np.all(values < np.asarray(reference), axis=1)]
    return _plane(values, reference) if len(reference) == 2 else _slices(values, reference)


def _plane(values: np.ndarray, reference: Sequence[float]) -> float:
    area, height = 0.0, reference[1]
    for x, y in values[np.lexsort((values[:, 1], values[:, 0]))]:
        if y < height:
            area += (reference[0] - x) * (height - y)
            height = y
    return float(area)


def _slices(values: np.ndarray, reference: Sequence[float]) -> float:
    """Slice by slice along the last objective."""
    volume = 0.0
    values = values[np.argsort(values[:, 2])]
    levels = np.append(values[:, 2], reference[2])
    for k in range(len(values)):
        if levels[k + 1] > levels[k]:
            volume += _plane(values[:k + 1, :2], reference) * (levels[k + 1] - levels[k])
    return float(volume)
