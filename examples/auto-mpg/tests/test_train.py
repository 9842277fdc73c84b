"""Tests of one trial from the outside: its files, its numbers, its errors."""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

from prepare import prepare
from steps.files import PART_NAMES, read_parts, read_table
from steps.fit import add_flags, fit, settings_of, train_epoch

HERE = Path(__file__).resolve().parent.parent
QUICK = ["--epochs", "20", "--units-1", "16", "--units-2", "0", "--learning-rate", "0.01"]
CARS = 392


def flags_of(arguments: list[str]) -> argparse.Namespace:
    """Parse the flags of the step fit."""
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return parser.parse_args(arguments)


class Trial(unittest.TestCase):
    """A folder with the prepared data and a fresh output folder for each test."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.input = Path(scratch.name) / "input"
        self.output = Path(scratch.name) / "output"
        self.reports = Path(scratch.name) / "reports.jsonl"
        self.assertEqual(prepare(self.input), CARS)

    def program(self, name: list[str], flags: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a program of the example with Norgay's variable set."""
        environment = os.environ | {"NORGAY_METRICS": str(self.reports)}
        command = [sys.executable, *name, *flags]
        return subprocess.run(
            command, cwd=HERE, env=environment, capture_output=True, text=True, check=False
        )

    def train(self, *flags: str) -> subprocess.CompletedProcess[str]:
        """Run one trial."""
        folders = ["--input-dir", str(self.input), "--output-dir", str(self.output)]
        return self.program(["train.py"], [*folders, *QUICK, *flags])

    def metrics(self, name: str = "metrics.json") -> dict[str, float]:
        """The metrics file of the last trial."""
        content: dict[str, float] = json.loads((self.output / name).read_text(encoding="utf-8"))
        return content

    def test_data_is_the_measured_set(self) -> None:
        columns, x = read_table(self.input / "x.csv")
        y = read_table(self.input / "y.csv")[1]
        self.assertEqual(x.shape, (CARS, len(columns)))
        self.assertEqual(dict(zip(columns, x[0], strict=True))["displacement"], 307.0)
        self.assertEqual(y[0, 0], 18.0)
        self.assertTrue((x[:, -3:].sum(axis=1) == 1).all(), "each car has one origin")

    def test_trial_beats_the_mean_and_reports_on_the_way(self) -> None:
        done = self.train()
        self.assertEqual(done.returncode, 0, done.stderr)
        metrics = self.metrics()
        self.assertGreater(metrics["r2"], 0.7)
        self.assertGreater(metrics["test_r2"], 0.6)
        lines = [json.loads(line) for line in self.reports.read_text().splitlines()]
        self.assertEqual([line["step"] for line in lines], [5, 10, 15, 20])
        best = min(line["mean_squared_error"] for line in lines)
        self.assertAlmostEqual(best, metrics["mean_squared_error"], places=9)
        self.assertEqual(metrics["epochs"], 20)
        with (self.output / "model" / "history.csv").open(newline="") as file:
            self.assertEqual(len(list(csv.DictReader(file))), len(lines))

    def test_same_flags_give_the_same_numbers(self) -> None:
        self.train("--metrics-file", "first.json")
        self.train("--metrics-file", "second.json")
        self.train("--metrics-file", "third.json", "--seed", "1")
        self.assertEqual(self.metrics("first.json"), self.metrics("second.json"))
        self.assertNotEqual(self.metrics("first.json"), self.metrics("third.json"))

    def test_parts_share_no_car_and_only_training_sets_the_scale(self) -> None:
        self.train("--n-features", "4")
        scaled = read_parts(self.output / "scaled")
        sizes = [len(getattr(scaled, name).y) for name in PART_NAMES]
        self.assertEqual(sizes, [235, 79, 78])
        np.testing.assert_allclose(scaled.train.x.mean(axis=0), 0, atol=1e-12)
        self.assertGreater(abs(scaled.validation.x.mean(axis=0)).max(), 1e-3)
        selected = read_parts(self.output / "selected")
        self.assertEqual(len(selected.columns), 4)
        self.assertIn("weight", selected.columns)

    def test_steps_run_alone_as_in_one_trial(self) -> None:
        self.train("--n-features", "5")
        steps = self.output.parent / "steps"

        def step(name: str, source: str, target: str, *flags: str) -> None:
            folders = ["--input-dir", source, "--output-dir", str(steps / target)]
            done = self.program(["-m", f"steps.{name}"], [*folders, *flags])
            self.assertEqual(done.returncode, 0, done.stderr)

        step("copy_data", str(self.input), "data")
        step("scale", str(steps / "data"), "scaled")
        step("select_features", str(steps / "scaled"), "selected", "--n-features", "5")
        step("fit", str(steps / "selected"), "model", *QUICK)
        step("evaluate", str(steps / "selected"), ".", "--model-dir", str(steps / "model"))
        alone = json.loads((steps / "metrics.json").read_text(encoding="utf-8"))
        self.assertEqual(alone, self.metrics())

    def test_wrong_flags_are_named(self) -> None:
        cases = [
            (["--batch-size", "0"], "--batch-size: 0 is below 1"),
            (["--learning-rate", "nan"], "--learning-rate: nan is not a finite number"),
            (["--units-1", "many"], "--units-1: invalid whole number value: 'many'"),
            (["--momentum", "1"], "--momentum: 1 is not a finite number at least 0 and below 1"),
            (["--activation", "softmax"], "--activation: invalid choice: 'softmax'"),
            (["--n-features", "10"], "--n-features 10 is more than the 9 columns"),
            (["--no-such-flag", "1"], "unrecognized arguments: --no-such-flag 1"),
        ]
        for flags, message in cases:
            with self.subTest(flags=flags):
                done = self.train(*flags)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(message, done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_a_failed_trial_leaves_no_metrics_file(self) -> None:
        self.train()
        (self.input / "y.csv").write_text("miles_per_gallon\n18\n", encoding="utf-8")
        done = self.train()
        self.assertEqual(done.returncode, 1)
        self.assertIn("x.csv has 392 rows, y.csv has 1", done.stderr)
        self.assertFalse((self.output / "metrics.json").exists())

    def test_divergence_before_any_check_is_an_error(self) -> None:
        done = self.train("--solver", "sgd", "--learning-rate", "1e6")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the training diverged before the first check", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertNotIn("Warning", done.stderr)

    def test_divergence_later_keeps_the_best_network_so_far(self) -> None:
        self.train("--n-features", "5")
        settings = settings_of(flags_of([*QUICK, "--report-every", "2"]))
        epochs = [train_epoch] * 5 + [lambda model, part: False]
        with mock.patch("steps.fit.train_epoch", side_effect=lambda *a: epochs.pop(0)(*a)):
            fit(self.output / "selected", self.output / "late", settings)
        outcome = json.loads((self.output / "late" / "fit.json").read_text(encoding="utf-8"))
        self.assertEqual((outcome["epochs"], outcome["best_epoch"]), (4, 4))


if __name__ == "__main__":
    unittest.main()
