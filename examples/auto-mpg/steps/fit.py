"""Step 4: train the network, telling the validation error every few epochs.

The network of the epoch with the lowest validation error is kept, as model.joblib; history.csv and
fit.json say how the training went. Losses are half the mean squared error on the scaled target.
"""

import argparse
import csv
import os
from dataclasses import dataclass, fields
from pathlib import Path

import joblib
import numpy as np
from sklearn.neural_network import MLPRegressor

from steps.files import Array, Part, StepError, read_json, read_parts, write_json
from steps.flags import number, run_program, whole_number
from steps.progress import Progress

ACTIVATIONS = ("relu", "tanh", "logistic")
SOLVERS = ("adam", "sgd")


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of the network and its training; `units_2` = 0 leaves the layer out."""

    batch_size: int
    learning_rate: float
    units_1: int
    units_2: int
    activation: str
    solver: str
    momentum: float
    alpha: float
    epochs: int
    patience: int
    report_every: int
    seed: int


@dataclass(frozen=True)
class Check:
    """One look at the network during training."""

    epoch: int
    loss: float
    val_loss: float


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add one flag for each of the settings."""
    add = parser.add_argument
    add("--batch-size", type=whole_number(1), default=32)
    add("--learning-rate", type=number(0.0, above=True), default=0.001)
    add("--units-1", type=whole_number(1), default=64, help="width of the first hidden layer")
    add("--units-2", type=whole_number(0), default=32, help="width of the second; 0 leaves it out")
    add("--activation", choices=ACTIVATIONS, default="relu")
    add("--solver", choices=SOLVERS, default="adam")
    add("--momentum", type=number(0.0, 1.0), default=0.9, help="for the solver sgd only")
    add("--alpha", type=number(0.0), default=0.0001, help="strength of the L2 penalty")
    add("--epochs", type=whole_number(1), default=200, help="at most so many")
    add("--patience", type=whole_number(1), default=60, help="epochs without a gain until the end")
    add("--report-every", type=whole_number(1), default=5, help="epochs between two checks")
    add("--seed", type=whole_number(0), default=0)


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings among parsed flags."""
    return Settings(**{field.name: getattr(args, field.name) for field in fields(Settings)})


def build(settings: Settings, rows: int) -> MLPRegressor:
    """An untrained network."""
    layers = (settings.units_1, settings.units_2) if settings.units_2 else (settings.units_1,)
    return MLPRegressor(
        hidden_layer_sizes=layers,
        activation=settings.activation,
        solver=settings.solver,
        alpha=settings.alpha,
        batch_size=min(settings.batch_size, rows),
        learning_rate_init=settings.learning_rate,
        momentum=settings.momentum,
        random_state=settings.seed,
    )


def half_squared_error(model: MLPRegressor, part: Part) -> float:
    """The loss on one part of the data, without the penalty."""
    return 0.5 * float(np.mean((model.predict(part.x) - part.y) ** 2))


def weights_of(model: MLPRegressor) -> list[list[Array]]:
    """A copy of all weights."""
    return [[layer.copy() for layer in layers] for layers in (model.coefs_, model.intercepts_)]


def train_epoch(model: MLPRegressor, part: Part) -> bool:
    """Go once over the training rows; false when the weights grew beyond all bounds."""
    try:
        model.partial_fit(part.x, part.y)
    except ValueError:
        if all(np.isfinite(layer).all() for layer in model.coefs_):
            raise
        return False
    return True


def train(
    model: MLPRegressor, training: Part, validation: Part, settings: Settings, progress: Progress
) -> list[Check]:
    """Train `model` and leave it as it was at its best check; returns all checks.

    A training that diverges ends there, and counts as long as one check came before.
    """
    checks: list[Check] = []
    best, best_weights = None, None
    for epoch in range(1, settings.epochs + 1):
        if not train_epoch(model, training):
            break
        if epoch % settings.report_every and epoch != settings.epochs:
            continue
        val_loss = half_squared_error(model, validation)
        if not np.isfinite(val_loss):
            break
        checks.append(Check(epoch, half_squared_error(model, training), val_loss))
        progress.report(epoch, val_loss)
        if best is None or val_loss < best.val_loss:
            best, best_weights = checks[-1], weights_of(model)
        elif epoch - best.epoch >= settings.patience:
            break
    if best_weights is None:
        raise StepError("the training diverged before the first check; lower --learning-rate")
    model.coefs_, model.intercepts_ = best_weights
    return checks


def write_history(path: Path, checks: list[Check]) -> None:
    """Write the checks as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "loss", "val_loss"])
        writer.writerows([check.epoch, check.loss, check.val_loss] for check in checks)


def fit(source: Path, target: Path, settings: Settings) -> None:
    """Train on the parts in `source` and write the model and its history to `target`."""
    parts = read_parts(source)
    y_width = read_json(source / "scaling.json")["y_width"]
    model = build(settings, len(parts.train.y))
    progress = Progress(os.environ.get("NORGAY_METRICS"), scale=2 * y_width**2)
    # Numbers that overflow are looked for after each epoch, so NumPy need not warn of them as well.
    with progress, np.errstate(over="ignore", invalid="ignore"):
        checks = train(model, parts.train, parts.validation, settings, progress)
    best = min(checks, key=lambda check: check.val_loss)
    target.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, target / "model.joblib")
    write_history(target / "history.csv", checks)
    write_json(
        target / "fit.json",
        {
            "loss": best.loss,
            "val_loss": best.val_loss,
            "epochs": checks[-1].epoch,
            "best_epoch": best.epoch,
        },
    )


def main() -> None:
    """Run the step from the command line."""
    parser = argparse.ArgumentParser(description="Train the network.")
    parser.add_argument("--input-dir", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    add_flags(parser)
    args = parser.parse_args()
    fit(args.input_dir, args.output_dir, settings_of(args))


if __name__ == "__main__":
    run_program(main)
