"""Step 5: measure the trained network in miles per gallon, and write the metrics file.

The objective, mean_squared_error, is that of the validation rows. What begins with `test_` comes
from rows that neither the training nor the search has looked at; do not tune on it.
"""

import argparse
from pathlib import Path

import joblib
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.neural_network import MLPRegressor

from steps.files import Part, StepError, read_json, read_parts, write_json
from steps.flags import run_program


def errors(model: MLPRegressor, part: Part, centre: float, width: float) -> dict[str, float]:
    """Errors of the model on one part of the data, in the target's own unit."""
    truth = centre + width * part.y
    predicted = centre + width * model.predict(part.x)
    return {
        "mean_squared_error": float(mean_squared_error(truth, predicted)),
        "mean_absolute_error": float(mean_absolute_error(truth, predicted)),
        "r2": float(r2_score(truth, predicted)),
    }


def evaluate(data: Path, model_dir: Path, metrics_path: Path) -> dict[str, float]:
    """Write the metrics of the model in `model_dir` on the parts in `data`."""
    path = model_dir / "model.joblib"
    if not path.is_file():
        raise StepError(f"{path} is missing; run the step fit first")
    model: MLPRegressor = joblib.load(path)
    parts = read_parts(data)
    scaling = read_json(data / "scaling.json")
    centre, width = scaling["y_centre"], scaling["y_width"]
    test = errors(model, parts.test, centre, width)
    metrics = {
        **errors(model, parts.validation, centre, width),
        **read_json(model_dir / "fit.json"),
        **{f"test_{name}": value for name, value in test.items()},
    }
    metrics_path.parent.mkdir(parents=True, exist_ok=True)
    write_json(metrics_path, metrics)
    return metrics


def main() -> None:
    """Run the step from the command line."""
    parser = argparse.ArgumentParser(description="Measure the trained network.")
    parser.add_argument("--input-dir", type=Path, required=True, help="output of select_features")
    parser.add_argument("--model-dir", type=Path, required=True, help="output of fit")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--metrics-file", default="metrics.json", help="name in the output folder")
    args = parser.parse_args()
    evaluate(args.input_dir, args.model_dir, args.output_dir / args.metrics_file)


if __name__ == "__main__":
    run_program(main)
