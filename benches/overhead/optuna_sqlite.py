"""Measures what Optuna's SQLite storage costs a trial: trials of an objective that does nothing.

One process, random sampling, ten parameters of mixed kinds. The clock runs from the first trial to
the last; starting Python, importing Optuna and creating the study are outside. Prints one JSON line
of the form that Norgay's own `overhead` example prints.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import optuna

BYTES_IN_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def objective(trial: optuna.Trial) -> float:
    """Ask for ten parameters and return a number made of them at no cost."""
    value = trial.suggest_float("shift", -5.0, 5.0) + trial.suggest_float("share", 0.0, 1.0)
    value += trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True)
    value += trial.suggest_float("alpha", 1e-6, 1.0, log=True)
    value += trial.suggest_int("depth", 1, 12) + trial.suggest_int("patience", 0, 100)
    value += trial.suggest_int("units", 1, 1024, log=True)
    trial.suggest_categorical("batch_size", [8, 16, 32, 64])
    trial.suggest_categorical("activation", ["relu", "tanh", "logistic"])
    trial.suggest_categorical("solver", ["adam", "sgd"])
    return value


def measure(trials: int, folder: Path) -> dict[str, object]:
    """Run a study of so many trials on a new database in `folder`."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / 'study.db'}")
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=1))
    start = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    wall_s = time.perf_counter() - start
    stored = len(study.get_trials(deepcopy=False))
    if stored != trials:
        raise RuntimeError(f"{stored} trials are stored, {trials} were run")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_IN_MAXRSS_UNIT
    return {
        "system": "optuna",
        "version": optuna.__version__,
        "storage": "sqlite",
        "trials": trials,
        "wall_s": round(wall_s, 3),
        "trials_per_s": round(trials / wall_s, 1),
        "peak_rss_mib": round(peak / 2**20, 1),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Overhead of Optuna with SQLite.")
    parser.add_argument("--trials", type=int, default=1000)
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(args.trials, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
