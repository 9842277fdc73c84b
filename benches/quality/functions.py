"""Test functions: BBOB (ioh), its mixed-integer suite (coco-experiment), ZDT and DTLZ."""
from __future__ import annotations

import math
import os
import random
import re
import tempfile
from typing import Any, Callable

import numpy as np

from hypervolume import hypervolume

Params = dict[str, Any]


def _box(dimensions: int, low: float = -5.0, high: float = 5.0) -> list[dict[str, Any]]:
    return [{"name": "x%d" % k, "type": "float", "low": low, "high": high, "log": False} for k in range(dimensions)]


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def bbob(name: str):
    """`f8-d5-i2`, with noise `f8-d5-i2-gauss` or `-hetero`."""
    import ioh
    function, dimensions, instance = _numbers(name)
    problem = ioh.get_problem(function, instance, dimensions, ioh.ProblemClass.BBOB)
    keys = ["x%d" % k for k in range(dimensions)]
    optimum = float(problem.optimum.y)

    def loss(params: Params) -> float:
        return float(problem([params[key] for key in keys]))

    kind = name.split("-")[3:]
    if not kind:
        return _box(dimensions), loss, optimum
    # The scale: a random point's median regret.
    rng = random.Random(5)
    regrets = sorted(loss({key: rng.uniform(-5, 5) for key in keys}) - optimum for _ in range(301))
    middle = regrets[150]
    spread = {"gauss": lambda true: 0.05 * middle, "hetero": lambda true: 0.01 * middle + 0.3 * (true - optimum)}[kind[0]]
    return _box(dimensions), loss, optimum, lambda params, true, rng: true + spread(true) * rng.gauss(0, 1)


def mixed_integer(name: str):
    """`f3-d5-i1` of bbob-mixint: four of five parameters are whole numbers."""
    import cocoex
    function, dimensions, instance = _numbers(name)
    suite = cocoex.Suite("bbob-mixint", "", "dimensions:%d instance_indices:%d" % (dimensions, instance))
    problem = suite.get_problem_by_function_dimension_instance(function, dimensions, instance)
    space = []
    for k in range(dimensions):
        whole = k < problem.number_of_integer_variables
        number = int if whole else float
        space.append({"name": "x%d" % k, "type": "int" if whole else "float", "low": number(problem.lower_bounds[k]),
                      "high": number(problem.upper_bounds[k]), "log": False})
    keys = [parameter["name"] for parameter in space]

    def loss(params: Params) -> float:
        assert suite is not None             # it owns the problem
        return float(problem([params[key] for key in keys]))

    return space, loss, _optimum(problem, dimensions)


def _optimum(problem, dimensions: int) -> float | None:
    """COCO writes the optimum's position to a file in the current folder."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.chdir(folder)
            problem._best_parameter("print")
            for name in os.listdir("."):
                position = np.loadtxt(name).ravel()
                if len(position) == dimensions:
                    return float(problem(position))
        finally:
            os.chdir(before)
    return None


def several_objectives(name: str):
    """`zdt1-d6` or `dtlz2-d5-m2`: all objectives are minimized over the unit cube.

    Zitzler, Deb, Thiele: Comparison of multiobjective evolutionary algorithms (2000); Deb, Thiele,
    Laumanns, Zitzler: Scalable test problems for evolutionary multiobjective optimization (2005).
    """
    kind, dimensions = name.split("-")[0], _numbers(name)[1]
    objectives = _numbers(name)[2] if kind.startswith("dtlz") else 2
    function = _zdt(kind) if kind.startswith("zdt") else _dtlz(kind, objectives)
    keys = ["x%d" % k for k in range(dimensions)]
    reference, front = _front(kind, objectives)
    return (_box(dimensions, 0.0, 1.0), lambda params: function([params[key] for key in keys]), reference, -hypervolume(front, reference))


def _zdt(kind: str) -> Callable[[list[float]], list[float]]:
    def function(x: list[float]) -> list[float]:
        rest = x[1:]
        if kind == "zdt4":                   # many local fronts
            rest = [10 * value - 5 for value in rest]
            g = 1 + 10 * len(rest) + sum(value * value - 10 * math.cos(4 * math.pi * value) for value in rest)
        else:
            g = 1 + 9 * sum(rest) / len(rest)
        share = x[0] / g
        h = {"zdt1": 1 - math.sqrt(share), "zdt2": 1 - share ** 2, "zdt3": 1 - math.sqrt(share) - share * math.sin(10 * math.pi * x[0]),
             "zdt4": 1 - math.sqrt(share)}[kind]
        return [x[0], g * h]
    return function


def _dtlz(kind: str, objectives: int) -> Callable[[list[float]], list[float]]:
    def function(x: list[float]) -> list[float]:
        position, distance = x[:objectives - 1], x[objectives - 1:]
        g = sum((value - 0.5) ** 2 for value in distance)
        if kind == "dtlz1":
            g = 100 * (len(distance) + g - sum(math.cos(20 * math.pi * (value - 0.5)) for value in distance))
            near, far, scale = (lambda value: value), (lambda value: 1 - value), 0.5
        else:
            near, far, scale = (lambda value: math.cos(value * math.pi / 2)), (lambda value: math.sin(value * math.pi / 2)), 1.0
        values = []
        for k in range(objectives):
            value = scale * (1 + g)
            for place in position[:objectives - 1 - k]:
                value *= near(place)
            if k > 0:
                value *= far(position[objectives - 1 - k])
            values.append(value)
        return values
    return function


def _front(kind: str, objectives: int) -> tuple[list[float], np.ndarray]:
    """The reference point, and points of the best front."""
    t = np.linspace(0, 1, 2001)
    if kind.startswith("zdt"):
        curve = {"zdt1": 1 - np.sqrt(t), "zdt2": 1 - t ** 2, "zdt3": 1 - np.sqrt(t) - t * np.sin(10 * np.pi * t), "zdt4": 1 - np.sqrt(t)}[kind]
        # Far enough that a random search has a hypervolume.
        return {"zdt4": [1.1, 60.0]}.get(kind, [1.1, 6.0]), np.column_stack([t, curve])
    far = 200.0 if kind == "dtlz1" else 2.5
    if objectives == 2:
        angle = t * np.pi / 2
        front = np.column_stack([0.5 * t, 0.5 * (1 - t)]) if kind == "dtlz1" else np.column_stack([np.cos(angle), np.sin(angle)])
    else:
        a, b = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 60)))
        function = _dtlz(kind, objectives)
        front = np.array([function([x, y, 0.5]) for x, y in zip(a, b)])
    return [far] * objectives, front
