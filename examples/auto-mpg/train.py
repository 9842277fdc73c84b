"""Runs one trial: copy -> scale -> select features -> fit -> evaluate.

Everything a trial writes lies in its output folder: data/, scaled/, selected/, model/ and the
metrics file, which comes last and is whole as soon as it is there.
"""

import argparse
import os
from pathlib import Path

# Trials run side by side, so each keeps to one core. NumPy reads this when it is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from steps.copy_data import copy_data  # noqa: E402
from steps.evaluate import evaluate  # noqa: E402
from steps.fit import add_flags, fit, settings_of  # noqa: E402
from steps.flags import run_program, whole_number  # noqa: E402
from steps.scale import SCALINGS, scale  # noqa: E402
from steps.select_features import select_features  # noqa: E402


def parse_flags() -> argparse.Namespace:
    """Parse and check the command line."""
    parser = argparse.ArgumentParser(description="Run one trial: all steps in order.")
    add = parser.add_argument
    add("--input-dir", type=Path, required=True, help="folder with x.csv and y.csv")
    add("--output-dir", type=Path, required=True, help="the trial's own folder")
    add("--scaling", choices=SCALINGS, default="standard")
    add("--split-seed", type=whole_number(0), default=0, help="keep it the same in all trials")
    add("--n-features", type=whole_number(1), default=9, help="how many features to keep")
    add("--metrics-file", default="metrics.json", help="name in the output folder")
    add_flags(parser)
    return parser.parse_args()


def main() -> None:
    """Run the steps and say how it went in one line."""
    args = parse_flags()
    output: Path = args.output_dir
    data, scaled = output / "data", output / "scaled"
    selected, model = output / "selected", output / "model"
    # Another attempt in the same folder must not be judged by what an earlier one left.
    (output / args.metrics_file).unlink(missing_ok=True)
    copy_data(args.input_dir, data)
    scale(data, scaled, args.scaling, args.split_seed)
    select_features(scaled, selected, args.n_features)
    fit(selected, model, settings_of(args))
    metrics = evaluate(selected, model, output / args.metrics_file)
    print(
        f"mean_squared_error {metrics['mean_squared_error']:.3f}, r2 {metrics['r2']:.3f},"
        f" best after {metrics['best_epoch']} of {metrics['epochs']} epochs"
    )


if __name__ == "__main__":
    run_program(main)
