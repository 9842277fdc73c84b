"""The references of all problems, in refs.json: random search's median at each budget, and the best value known.

usage: refs.py [PROBLEM...]; a problem that is there is kept. Random search is simulated: 400 searches drawn
from a pool of random points. The best value is the optimum where it is known, or else the lowest one in the
pool, in the surrogate's table or in the stored results.
"""
from __future__ import annotations

import json
import os
import random
import sys
import time

import numpy as np

import learning
import problems
import results
import space as sp
import surrogate
from hypervolume import hypervolume

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refs.json")
BUDGETS = [5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 125, 150, 200]


def pool(problem: problems.Problem) -> tuple[list, list]:
    """Random points' losses, as observed and as they are."""
    rng, rows, until = random.Random(99), [], time.time() + (45 if problem.live else 20)
    while len(rows) < (400 if problem.live else 4000) and time.time() < until:
        params = sp.sample(problem.space, rng)
        if problem.curve:
            lowest = min(problem.curve(sp.clean(problem.space, params)))
            rows.append((lowest, lowest))
        else:
            rows.append(problem.evaluate(params, rng))
    return [seen for seen, _ in rows], [true for _, true in rows]


def reference(problem: problems.Problem) -> dict:
    seen, true = pool(problem)
    rng, searches = np.random.default_rng(1), 400
    drawn = rng.integers(len(seen), size=(searches, max(BUDGETS)))
    medians = {}
    if problem.reference:
        searches = 40                                 # a hypervolume is dear
        for budget in BUDGETS:
            medians[str(budget)] = float(np.median([-hypervolume([true[k] for k in row[:budget]], problem.reference) for row in drawn[:searches]]))
        lowest = -hypervolume(true, problem.reference)
    else:
        a, b = np.array(seen), np.array(true)
        for budget in BUDGETS:
            best = a[drawn[:, :budget]].argmin(1)
            medians[str(budget)] = float(np.median(b[drawn[np.arange(searches), best]]))
        lowest = float(b.min())
        name = problem.name if problem.family == "mf" else problem.name[3:]
        if problem.family in ("sk", "mf") and os.path.exists(surrogate.path(name)):
            lowest = min(lowest, float(np.load(surrogate.path(name))["y"].min()))
    known = problem.best is not None
    return {"best": problem.best if known else lowest, "exact": known, "random": medians, "pool": len(seen)}


def main() -> None:
    known = json.load(open(PATH)) if os.path.exists(PATH) else {}
    everything = [name for split in problems.SPLITS for name in problems.names(split, "full", list(problems.FAMILIES))]
    for name in sys.argv[1:] or everything:
        if name in known:
            continue
        try:
            known[name] = reference(problems.get(name))
        except FileNotFoundError as error:
            print("no", name, error)
            continue
        print(name, {key: known[name][key] for key in ("best", "exact", "pool")}, "random at 100: %.6g" % known[name]["random"]["100"], flush=True)
    for line in results.read(results.stored()):
        entry = known.get(line["problem"])
        if entry and not entry["exact"] and line.get("best"):
            entry["best"] = min(entry["best"], min(line["best"].values()))
    with open(PATH, "w") as file:
        json.dump(dict(sorted(known.items())), file, indent=0)


if __name__ == "__main__":
    assert learning.EPOCHS == 27, "the tables have 27 epochs"
    main()
