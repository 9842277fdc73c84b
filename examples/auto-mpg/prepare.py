"""Writes the input folder: x.csv (what is known of each car) and y.csv (what was measured).

The data are the 392 complete rows of Auto MPG (Quinlan, 1993; UCI Machine Learning Repository) as
the package mlxtend carries them. Nothing is downloaded.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mlxtend.data import autompg_data

MEASURED = ["cylinders", "displacement", "horsepower", "weight", "acceleration", "model_year"]
ORIGINS = {"origin_usa": 1, "origin_europe": 2, "origin_japan": 3}
ORIGIN_COLUMN = len(MEASURED)


def write_table(path: Path, header: list[str], rows: Sequence[Sequence[float]]) -> None:
    """Write a CSV file with one header line; numbers in their shortest exact form."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([f"{value:.10g}" for value in row] for row in rows)


def prepare(target: Path) -> int:
    """Write both tables to `target`; returns the number of cars."""
    raw, fuel_economy = autompg_data()
    # The origin is a code, not a quantity: each of its three values gets a column of its own.
    origin = raw[:, ORIGIN_COLUMN]
    indicators = [(origin == code).astype(float) for code in ORIGINS.values()]
    features = np.column_stack([raw[:, :ORIGIN_COLUMN], *indicators])
    target.mkdir(parents=True, exist_ok=True)
    write_table(target / "x.csv", [*MEASURED, *ORIGINS], features.tolist())
    write_table(target / "y.csv", ["miles_per_gallon"], [[value] for value in fuel_economy])
    return len(fuel_economy)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Write the input folder of the example.")
    parser.add_argument("--output-dir", type=Path, default=Path(__file__).parent / "input")
    args = parser.parse_args()
    print(f"{prepare(args.output_dir)} cars written to x.csv and y.csv")


if __name__ == "__main__":
    main()
