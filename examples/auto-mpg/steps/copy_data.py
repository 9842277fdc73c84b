"""Step 1: copy x.csv and y.csv into the trial's own folder, and check that they belong together.

Not called copy.py: that name would hide Python's own module `copy` from everything that imports it.
"""

import argparse
import shutil
from pathlib import Path

from steps.files import StepError, read_table
from steps.flags import run_program

FILE_NAMES = ("x.csv", "y.csv")


def copy_data(source: Path, target: Path) -> None:
    """Copy the two tables from `source` to `target`."""
    rows = [len(read_table(source / name)[1]) for name in FILE_NAMES]
    if rows[0] != rows[1]:
        raise StepError(f"{source}: x.csv has {rows[0]} rows, y.csv has {rows[1]}")
    target.mkdir(parents=True, exist_ok=True)
    for name in FILE_NAMES:
        shutil.copyfile(source / name, target / name)


def main() -> None:
    """Run the step from the command line."""
    parser = argparse.ArgumentParser(description="Copy x.csv and y.csv.")
    parser.add_argument("--input-dir", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    args = parser.parse_args()
    copy_data(args.input_dir, args.output_dir)


if __name__ == "__main__":
    run_program(main)
