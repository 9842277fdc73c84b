"""What the scores mean. Run with the `data` environment: python -m unittest."""
from __future__ import annotations

import random
import unittest

import numpy as np

import problems
import score
import space as sp
from driver import run_study
from hypervolume import hypervolume


class FakeDriver:
    """Asks for random points and keeps what it is told."""
    algorithm = "fake"

    def __init__(self):
        self.told, self.pending, self.most_pending = [], 0, 0

    def __call__(self, op, **message):
        if op == "init":
            self.space, self.random, self.asked = message["space"], random.Random(message["seed"]), 0
            return {"version": "fake"}
        if op == "ask":
            self.asked, self.pending = self.asked + 1, self.pending + 1
            self.most_pending = max(self.most_pending, self.pending)
            return {"id": self.asked, "params": sp.sample(self.space, self.random), "cpu": 0.0}
        self.pending -= 1
        self.told.append((message["id"], message.get("value", message.get("values"))))
        return {"cpu": 0.0}


class Scores(unittest.TestCase):
    entry = {"best": 0.0, "random": {"100": 10.0}}

    def test_zero_is_random_search_and_one_the_best_known(self):
        self.assertEqual(score.score(self.entry, 10.0, 100), 0.0)
        self.assertEqual(score.score(self.entry, 0.0, 100), 1.0)
        self.assertEqual(score.score(self.entry, 1e9, 100), -1.0)

    def test_digits_count_tenths_of_the_regret(self):
        self.assertAlmostEqual(score.digits(self.entry, 0.01, 100), 3.0)

    def test_equal_values_share_their_rank(self):
        self.assertEqual(score.ranks({"a": 1.0, "b": 2.0, "c": 2.0}), {"a": 0.0, "b": 0.75, "c": 0.75})

    def test_an_interval_holds_the_mean(self):
        mean, low, high = score.interval([np.array([0.1, 0.2]), np.array([0.6, 0.8])])
        self.assertAlmostEqual(mean, 0.425)
        self.assertTrue(low < mean < high)


class Hypervolume(unittest.TestCase):
    def test_of_two_objectives(self):
        self.assertEqual(hypervolume([[1, 2], [2, 1], [2, 2], [4, 0]], [3, 3]), 3.0)
        self.assertEqual(hypervolume([], [3, 3]), 0.0)

    def test_of_three_objectives_as_random_points_say(self):
        rng = np.random.default_rng(0)
        points, probes = rng.random((12, 3)), rng.random((200_000, 3))
        inside = np.any(np.all(points[:, None] <= probes, axis=2), axis=0).mean()
        self.assertAlmostEqual(hypervolume(points, [1, 1, 1]), inside, delta=0.005)


class Studies(unittest.TestCase):
    def test_so_many_trials_are_pending_as_asked_for(self):
        driver = FakeDriver()
        run = run_study(driver, problems.get("bbob-f1-d2-i1"), seed=0, budget=25, q=10, cap=60)
        self.assertEqual((driver.asked, driver.most_pending, len(driver.told)), (25, 10, 25))
        self.assertEqual([number for number, _ in driver.told], sorted(number for number, _ in driver.told))
        self.assertEqual(run.trace, sorted(run.trace, reverse=True))

    def test_on_a_noisy_problem_the_true_loss_of_the_incumbent_counts(self):
        driver = FakeDriver()
        run = run_study(driver, problems.get("noisy-f8-d5-i2-gauss"), seed=0, budget=20, q=1, cap=60)
        self.assertNotEqual(run.trace[-1], min(value for _, value in driver.told))

    def test_several_objectives_are_told_as_a_list(self):
        driver = FakeDriver()
        run = run_study(driver, problems.get("mo-zdt1-d6"), seed=0, budget=5, q=1, cap=60)
        self.assertEqual({len(values) for _, values in driver.told}, {2})
        self.assertLess(run.trace[-1], 0)


class Splits(unittest.TestCase):
    def test_have_no_problem_in_common_and_all_families(self):
        everything = {split: problems.names(split, "full", list(problems.FAMILIES)) for split in problems.SPLITS}
        self.assertFalse(set(everything["tuning"]) & set(everything["held"]))
        for names in everything.values():
            self.assertEqual({name.partition("-")[0] for name in names}, set(problems.FAMILIES))

    def test_optima_are_not_beaten(self):
        rng = random.Random(1)
        for name in ("bbob-f8-d5-i1", "mixint-f3-d5-i1", "tab-hpobench-car"):
            problem = problems.get(name)
            losses = [problem.evaluate(sp.sample(problem.space, rng), rng)[1] for _ in range(200)]
            self.assertGreaterEqual(min(losses), problem.best - 1e-9)


if __name__ == "__main__":
    unittest.main()
