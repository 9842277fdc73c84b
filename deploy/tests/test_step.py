"""A step of a trial gets its files, runs its command and leaves its files, whatever is sent."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.manifests import inner_template

# Stands in for norgay: `norgay files cp --quiet FROM TO`, with bucket:// as a folder.
NORGAY = """#!/bin/sh
set -eu
[ "$1 $2 $3" = "files cp --quiet" ] && [ $# -eq 5 ]
place() { case $1 in bucket://*) echo "$BUCKET/${1#bucket://}" ;; *) echo "$1" ;; esac; }
target=$(place "$5")
mkdir -p "$(dirname "$target")"
cp "$(place "$4")" "$target"
"""


class Step(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name in ("bin", "work", "bucket"):
            (self.root / name).mkdir()
        program = self.root / "bin" / "norgay"
        program.write_text(NORGAY, "utf-8")
        program.chmod(0o755)

    def put(self, path: str, text: str) -> None:
        file = self.root / "bucket" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def got(self, path: str) -> str:
        return (self.root / "bucket" / path).read_text("utf-8")

    def run_step(self, command: str, **variables: str) -> int:
        """Runs the script as the container would, with the variables that it declares."""
        step = inner_template("moulding-trial", "step")["container"]
        declared = {v["name"]: "" for v in step["env"] if "value" in v}
        sent = {
            "COMMAND": command,
            "INPUT_PATH": "bucket://input",
            "OUTPUT_PATH": "bucket://output/1/",
            "MODEL_INPUT_PATH": "",
        } | variables
        self.assertLessEqual(sent.keys(), declared.keys())
        environment = declared | sent | {
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "BUCKET": str(self.root / "bucket"),
            "HOME": str(self.root),
        }
        done = subprocess.run(
            [*step["command"], *step["args"]],
            cwd=self.root / "work", env=environment, capture_output=True, timeout=60, check=False,
        )
        return done.returncode

    def test_gets_files_from_the_input_the_parent_and_the_trial(self) -> None:
        self.put("input/x.csv", "input ")
        self.put("output/7/model", "parent ")
        self.put("output/1/scaled", "trial")
        status = self.run_step(
            "cat x.csv model scaled > all", FROM_INPUT="x.csv", FROM_PARENT="model",
            FROM_TRIAL="scaled", MODEL_INPUT_PATH="bucket://output/7/", TO_TRIAL="all",
        )
        self.assertEqual(status, 0)
        self.assertEqual(self.got("output/1/all"), "input parent trial")

    def test_fails_if_a_file_is_missing(self) -> None:
        self.assertNotEqual(self.run_step("touch ran", FROM_INPUT="x.csv"), 0)
        self.assertFalse((self.root / "work" / "ran").exists())

    def test_ends_as_its_command_does_and_leaves_nothing_then(self) -> None:
        self.assertEqual(self.run_step("echo > model; exit 77", TO_TRIAL="model"), 77)
        self.assertFalse((self.root / "bucket" / "output").exists())

    def test_stops_at_the_first_command_that_fails(self) -> None:
        self.assertNotEqual(self.run_step("false; true"), 0)

    def test_takes_values_for_values(self) -> None:
        hostile = "$(touch pwned) `touch pwned`; touch pwned #"
        status = self.run_step('printf %s "$UNITS" > units', UNITS=hostile, TO_TRIAL="units")
        self.assertEqual(status, 0)
        self.assertEqual(self.got("output/1/units"), hostile)
        self.assertFalse((self.root / "work" / "pwned").exists())

    def test_does_not_take_stars_for_files(self) -> None:
        self.assertNotEqual(self.run_step("touch a b", TO_TRIAL="*"), 0)

    def test_tells_what_the_command_reported_also_if_it_failed(self) -> None:
        line = '{"step": 1, "loss": 0.5}\n'
        lines = f"""'{line.strip()}' '{{"step": 2, "lo'"""
        command = f"""printf '%s\\n' {lines} >> "$NORGAY_METRICS"; exit 3"""
        status = self.run_step(command, METRICS_PATH="bucket://output/1/2/")
        self.assertEqual(status, 3)
        self.assertEqual(self.got("output/1/2/metrics.jsonl"), line)

    def test_tells_nothing_if_nothing_was_reported(self) -> None:
        self.assertEqual(self.run_step(":", METRICS_PATH="bucket://output/1/2/"), 0)
        self.assertFalse((self.root / "bucket" / "output").exists())

    def test_gives_the_hyperparameters_as_a_file(self) -> None:
        status = self.run_step(
            'cp "$NORGAY_PARAMS" seen', PARAMS_JSON='{"lr": 0.1}', TO_TRIAL="seen"
        )
        self.assertEqual(status, 0)
        self.assertEqual(self.got("output/1/seen"), '{"lr": 0.1}\n')
