"""Step 2: cut the rows into train, validation and test, and bring every column to one scale.

The scale is learnt from the training rows alone and kept in scaling.json.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steps.files import Array, Part, Parts, StepError, read_table, write_json, write_parts
from steps.flags import run_program, whole_number

SCALINGS = ("standard", "minmax")
TRAIN_SHARE = 0.6
VALIDATION_SHARE = 0.2
SMALLEST_TABLE = 10


def split_rows(rows: int, seed: int) -> list[NDArray[np.intp]]:
    """Row numbers of train, validation and test, shuffled by `seed`."""
    order = np.random.default_rng(seed).permutation(rows)
    first = round(rows * TRAIN_SHARE)
    second = round(rows * (TRAIN_SHARE + VALIDATION_SHARE))
    return np.split(order, [first, second])


def centre_and_width(values: Array, scaling: str) -> tuple[Array, Array]:
    """What to subtract from each column and what to divide it by."""
    if scaling == "standard":
        centre, width = values.mean(axis=0), values.std(axis=0)
    else:
        centre = values.min(axis=0)
        width = values.max(axis=0) - centre
    return centre, np.where(width > 0, width, 1.0)


def scale(source: Path, target: Path, scaling: str, split_seed: int) -> None:
    """Split and scale the tables in `source`; the target is always standardised."""
    columns, x = read_table(source / "x.csv")
    y = read_table(source / "y.csv")[1][:, 0]
    if len(x) < SMALLEST_TABLE:
        raise StepError(f"{source}: {len(x)} rows, at least {SMALLEST_TABLE} are needed to split")
    train, validation, test = split_rows(len(x), split_seed)
    x_centre, x_width = centre_and_width(x[train], scaling)
    y_centre, y_width = centre_and_width(y[train], "standard")

    def part(rows: NDArray[np.intp]) -> Part:
        return Part((x[rows] - x_centre) / x_width, (y[rows] - y_centre) / y_width)

    write_parts(target, Parts(columns, part(train), part(validation), part(test)))
    write_json(
        target / "scaling.json",
        {
            "x_centre": x_centre.tolist(),
            "x_width": x_width.tolist(),
            "y_centre": float(y_centre),
            "y_width": float(y_width),
        },
    )


def main() -> None:
    """Run the step from the command line."""
    parser = argparse.ArgumentParser(description="Split the rows and scale the columns.")
    parser.add_argument("--input-dir", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--scaling", choices=SCALINGS, default="standard")
    parser.add_argument("--split-seed", type=whole_number(0), default=0)
    args = parser.parse_args()
    scale(args.input_dir, args.output_dir, args.scaling, args.split_seed)


if __name__ == "__main__":
    run_program(main)
