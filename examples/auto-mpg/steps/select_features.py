"""Step 3: keep the features that tell most about the target, by the F-test on the training rows."""

import argparse
import shutil
from pathlib import Path

import numpy as np
from sklearn.feature_selection import SelectKBest, f_regression

from steps.files import Part, Parts, StepError, read_parts, write_parts
from steps.flags import run_program, whole_number


def select_features(source: Path, target: Path, n_features: int) -> None:
    """Copy the parts in `source` to `target` with only the best `n_features` columns."""
    parts = read_parts(source)
    if n_features > len(parts.columns):
        raise StepError(
            f"--n-features {n_features} is more than the {len(parts.columns)} columns of the data"
        )
    selection = SelectKBest(f_regression, k=n_features).fit(parts.train.x, parts.train.y)
    kept = np.flatnonzero(selection.get_support())

    def narrow(part: Part) -> Part:
        return Part(part.x[:, kept], part.y)

    columns = [parts.columns[index] for index in kept]
    train, validation, test = map(narrow, (parts.train, parts.validation, parts.test))
    write_parts(target, Parts(columns, train, validation, test))
    shutil.copyfile(source / "scaling.json", target / "scaling.json")


def main() -> None:
    """Run the step from the command line."""
    parser = argparse.ArgumentParser(description="Keep the features that tell most.")
    parser.add_argument("--input-dir", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--n-features", type=whole_number(1), required=True)
    args = parser.parse_args()
    select_features(args.input_dir, args.output_dir, args.n_features)


if __name__ == "__main__":
    run_program(main)
