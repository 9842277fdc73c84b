"""A forest fitted to a table of real losses, in place of the training."""
from __future__ import annotations

import os
from typing import Any

import numpy as np

import space as sp


def path(name: str) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", name + ".npz")


class Surrogate:
    """ExtraTrees (100 trees, all features tried) on a Sobol table of losses, fitted when it is loaded."""

    def __init__(self, name: str, space: list[dict[str, Any]]):
        from sklearn.ensemble import ExtraTreesRegressor
        table = np.load(path(name))
        rows = np.array([sp.encode(space, sp.from_units(space, units)) for units in table["units"].astype(float)], dtype=np.float32)
        forest = ExtraTreesRegressor(100, max_features=1.0, random_state=0, n_jobs=1).fit(rows, table["y"].astype(float))
        trees = [estimator.tree_ for estimator in forest.estimators_]
        size = max(tree.node_count for tree in trees)

        def padded(column: np.ndarray) -> np.ndarray:
            return np.concatenate([column, np.zeros((size - len(column),) + column.shape[1:], column.dtype)])[None]

        def joined(name: str) -> np.ndarray:
            return np.concatenate([padded(getattr(tree, name)) for tree in trees])

        # One prediction at a time is what is needed; scikit-learn's own takes milliseconds for it.
        self.feature, self.threshold = joined("feature"), joined("threshold")
        self.left, self.right = joined("children_left"), joined("children_right")
        self.value = np.concatenate([padded(tree.value[:, :, 0]) for tree in trees])
        self.depth, self.trees, self.space = max(tree.max_depth for tree in trees), np.arange(len(trees)), space

    def __call__(self, params: dict[str, Any]) -> np.ndarray:
        row, node = np.array(sp.encode(self.space, params), dtype=np.float32), np.zeros(len(self.trees), dtype=np.int64)
        for _ in range(self.depth):
            feature = self.feature[self.trees, node]
            leaf = feature < 0
            if leaf.all():
                break
            goes_left = row[np.maximum(feature, 0)] <= self.threshold[self.trees, node]
            node = np.where(leaf, node, np.where(goes_left, self.left[self.trees, node], self.right[self.trees, node]))
        return self.value[self.trees, node].mean(0)
