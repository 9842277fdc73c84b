"""Runs drivers on problems. Results are JSON lines, appended; what is already there is not run again.

usage: PEERS=FOLDER python run.py --out FILE --drivers norgay-gp,optuna-tpe [--split tuning] [--tier quick]
       [--families bbob,tab] [--problems a,b] [--seeds 0-4] [--budget 100] [--q 1] [--jobs 1] [--cap 300]

A driver of ours is `norgay-` and the algorithm: norgay-gp, norgay-gp:acquisition=lcb:initial=5, norgay-random+asha;
what follows a # only tells variants apart. With q, as many trials are pending, told back first in, first out.
On learning curves the budget counts full trainings.
"""
from __future__ import annotations

import argparse
import json
import os
import time
from multiprocessing import Pool
from typing import Any, Iterator

import problems
from driver import Driver, run_study
from results import CHECKPOINTS, key_of, read

Cell = tuple[str, str, int]


def record(driver: Driver, name: str, problem: problems.Problem, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """One study as a line of the results."""
    study = run_study(driver, problem, seed, options.budget, options.q, options.cap)
    best = {str(n): float("%.10g" % study.trace[n - 1]) for n in CHECKPOINTS if n <= len(study.trace)}
    cpu = sorted(study.ask_cpu) or [0.0]
    return {"driver": name, "problem": problem.name, "seed": seed, "q": options.q, "budget": options.budget, "n": len(study.trace),
            "asks": len(study.ask_cpu), "version": study.version, "best": best, "ask_cpu": round(sum(cpu), 6), "tell_cpu": round(study.tell_cpu, 6),
            "ask_cpu_med_ms": float("%.4g" % (1e3 * cpu[len(cpu) // 2])), "wall": round(study.wall, 3)}


def cells_of_problem(task: tuple[str, list[Cell], argparse.Namespace]) -> list[dict[str, Any]]:
    """All studies on one problem; a process of its own may do them."""
    name, cells, options = task
    drivers, lines = {}, []
    try:
        problem = problems.get(name)
    except FileNotFoundError as error:      # a table that gen_tables.py has yet to make
        print("left out", name, error, flush=True)
        return []
    for driver_name, _, seed in cells:
        if time.time() > options.until:
            break
        try:
            driver = drivers.get(driver_name) or drivers.setdefault(driver_name, Driver(driver_name))
            lines.append(record(driver, driver_name, problem, seed, options))
        except Exception as error:      # a peer's failure is a result too
            lines.append({"driver": driver_name, "problem": name, "seed": seed, "q": options.q, "budget": options.budget, "error": str(error)[:200]})
            if driver_name in drivers:
                drivers.pop(driver_name).close()
    for driver in drivers.values():
        driver.close()
    return lines


def tasks(options: argparse.Namespace) -> Iterator[tuple[str, list[Cell], argparse.Namespace]]:
    families = options.families.split(",") if options.families else None
    names = options.problems.split(",") if options.problems else problems.names(options.split, options.tier, families)
    low, _, high = options.seeds.partition("-")
    # A study that --cap ended is run again.
    done = {key_of(line) for line in read([options.out]) if "error" in line or line["n"] >= line["budget"]} if os.path.exists(options.out) else set()
    for name in names:
        cells = [(driver, name, seed) for seed in range(int(low), int(high or low) + 1) for driver in options.drivers.split(",")]
        todo = [cell for cell in cells if (*cell, options.q) not in done]
        if todo:
            yield name, todo, options


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for key, default in {"out": None, "drivers": None, "split": "tuning", "tier": "quick", "families": "", "problems": "", "seeds": "0-2"}.items():
        parser.add_argument("--" + key, default=default, required=default is None)
    for key, default in {"budget": 100, "q": 1, "jobs": 1}.items():
        parser.add_argument("--" + key, type=int, default=default)
    parser.add_argument("--cap", type=float, default=300, help="seconds after which a study is ended")
    parser.add_argument("--limit", type=float, default=1e9, help="seconds after which no study is begun")
    options = parser.parse_args()
    options.until = time.time() + options.limit
    with Pool(options.jobs) as pool:
        # One problem a process: leftovers of a peer or a suite don't pile up.
        for lines in pool.imap_unordered(cells_of_problem, tasks(options)):
            with open(options.out, "a") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            for line in lines:
                said = line.get("error") or "%d of %d, best %.6g, %.1f s" % (line["n"], line["budget"], min(line["best"].values(), default=float("nan")), line["wall"])
                print(line["driver"], line["problem"], line["seed"], said, flush=True)


if __name__ == "__main__":
    main()
