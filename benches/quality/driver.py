"""A driver is a process that answers JSON lines (`drivers/base.py` says which); a study is run through it."""
from __future__ import annotations

import json
import os
import random
import subprocess
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

from hypervolume import hypervolume
from learning import EPOCHS
from problems import Problem

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# Name: environment, script, what the script is told.
PEERS = {
    "random": ("data", "random_", ""),
    "optuna-random": ("optuna", "optuna_", "random"), "optuna-tpe": ("optuna", "optuna_", "tpe"), "optuna-tpe-group": ("optuna", "optuna_", "tpe-group"),
    "optuna-tpe-uni": ("optuna", "optuna_", "tpe-uni"), "optuna-gp": ("optuna-gp", "optuna_", "gp"), "optuna-cma": ("optuna", "optuna_", "cma"),
    "optuna-nsga2": ("optuna", "optuna_", "nsga2"),
    "smac-rf": ("smac", "smac_", "rf"), "smac-gp": ("smac", "smac_", "gp"),
    "hyperopt-tpe": ("ng", "hyperopt_", "tpe"), "nevergrad-ngopt": ("ng", "nevergrad_", "NGOpt"), "nevergrad-ngopt-int": ("ng", "nevergrad_", "NGOpt+int"),
    "skopt-gp": ("skopt", "skopt_", "gp"), "hebo": ("hebo", "hebo_", ""), "ax": ("botorch", "ax_", "fast"), "openbox": ("openbox", "openbox_", ""),
    "sherpa-random": ("sherpa", "sherpa_", "random"), "sherpa-gpyopt": ("sherpa", "sherpa_", "gpyopt"), "sherpa-pbt": ("sherpa", "sherpa_", "pbt"),
    "rustuna-tpe": ("rustuna", "rustuna_", "tpe"),
    # With early stopping.
    "optuna-tpe+median": ("optuna", "optuna_", "tpe+median"), "optuna-tpe+asha": ("optuna", "optuna_", "tpe+asha"),
    "optuna-tpe+hyperband": ("optuna", "optuna_", "tpe+hyperband"), "optuna-random+asha": ("optuna", "optuna_", "random+asha"), "smac-mf": ("smac", "smac_", "mf"),
    "syne-cqr": ("syne", "syne_", "cqr"), "syne-bore": ("syne", "syne_", "bore"), "syne-rea": ("syne", "syne_", "rea"),
    "syne-asha": ("syne", "syne_", "asha"), "syne-bohb": ("syne", "syne_", "bohb"), "syne-asha-cqr": ("syne", "syne_", "ashacqr"),
}
OURS = "norgay-"


def command(name: str) -> tuple[list[str], str]:
    """What starts a driver, and the algorithm that it is told."""
    if name.startswith(OURS):
        program = os.environ.get("NORGAY_ASK_TELL") or os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release", "examples", "ask_tell")
        return [program], name[len(OURS):].partition("#")[0]
    environment, script, algorithm = PEERS[name]
    folder = os.environ["PEERS"]
    return [os.path.join(folder, environment, "bin", "python"), os.path.join(HERE, "drivers", script + ".py")], algorithm


class Driver:
    def __init__(self, name: str):
        arguments, self.algorithm = command(name)
        one_thread = {key: "1" for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        environment = {**os.environ, **one_thread, "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}
        errors = open(os.path.join(os.environ["PEERS"], "logs", "driver-%s.err" % name), "a") if "PEERS" in os.environ else subprocess.DEVNULL
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1, env=environment)

    def __call__(self, **message: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the driver died")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self) -> None:
        try:
            assert self.process.stdin
            self.process.stdin.close()
            self.process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()


@dataclass
class StudyRun:
    """The incumbent's true loss after each evaluation (or full training), and what it cost."""
    version: str
    trace: list[float] = field(default_factory=list)
    ask_cpu: list[float] = field(default_factory=list)
    tell_cpu: float = 0.0
    wall: float = 0.0


def run_study(driver: Driver, problem: Problem, seed: int, budget: int, q: int, cap: float) -> StudyRun:
    objectives = len(problem.reference) if problem.reference else 1
    several = {"objectives": objectives, "reference": problem.reference} if objectives > 1 else {}
    answer = driver(op="init", algorithm=driver.algorithm, space=problem.space, seed=seed, budget=budget, q=q, mf=EPOCHS if problem.curve else 0, **several)
    run, began = StudyRun(answer["version"]), time.time()
    until = began + cap
    if problem.curve:
        _trainings(driver, problem, budget, until, run)
    else:
        _evaluations(driver, problem, random.Random(zlib.crc32(("%s/%d" % (problem.name, seed)).encode())), budget, q, until, run)
    run.wall = time.time() - began
    return run


def _evaluations(driver: Driver, problem: Problem, rng: random.Random, budget: int, q: int, until: float, run: StudyRun) -> None:
    pending: list[dict[str, Any]] = []
    best_seen = incumbent = float("inf")
    front: list[list[float]] = []
    while len(run.trace) < budget and time.time() < until:
        while len(pending) < q and len(run.ask_cpu) < budget:
            answer = driver(op="ask")
            if "id" not in answer:           # it waits for a result, or is done
                break
            run.ask_cpu.append(answer["cpu"])
            pending.append(answer)
        if not pending:
            break
        trial = pending.pop(0)
        seen, true = problem.evaluate(trial["params"], rng)
        told = {"values": seen} if problem.reference else {"value": seen}
        run.tell_cpu += driver(op="tell", id=trial["id"], **told)["cpu"]
        if problem.reference:
            front.append(true)
            incumbent = -hypervolume(front, problem.reference)
        elif seen < best_seen:
            best_seen, incumbent = seen, true
        run.trace.append(incumbent)


def _trainings(driver: Driver, problem: Problem, budget: int, until: float, run: StudyRun) -> None:
    """Trials report each epoch; a driver that says how far to train (`epochs`) goes on where it stopped."""
    assert problem.curve
    used, total, best = 0, budget * EPOCHS, float("inf")
    trained: dict[Any, tuple[list[float], int]] = {}
    while used < total and time.time() < until:
        trial = driver(op="ask")
        if "id" not in trial:
            break
        run.ask_cpu.append(trial["cpu"])
        key = trial.get("cfg", ("trial", len(run.ask_cpu)))
        losses, done = trained.get(key) or (problem.curve(trial["params"]), 0)
        goal, value = trial.get("epochs", EPOCHS), None
        while done < goal and used < total:
            value = losses[done]
            done, used, best = done + 1, used + 1, min(best, value)
            if used % EPOCHS == 0:
                run.trace.append(best)
            if "epochs" not in trial:
                answer = driver(op="report", id=trial["id"], step=done, value=value)
                run.tell_cpu += answer["cpu"]
                if answer["stop"]:
                    break
        trained[key] = (losses, done)
        run.tell_cpu += driver(op="tell", id=trial["id"], value=losses[done - 1] if value is None else value)["cpu"]
