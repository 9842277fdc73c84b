"""Tables of results, in Markdown.

usage: score.py [RESULTS...] [--at 25,50,100] [--q 1] [--split tuning] [--tier full] [--families bbob,tab]
       [--drivers norgay-gp,optuna-tpe] [--against norgay-gp] [--problems-table] [--no-stored]

The peers' stored results are read too, unless --no-stored is given. Compared are the cells (problem and seed)
that all drivers of the table have; a driver with fewer than half of the most frequent one's cells is left out
unless --drivers names it.

score   (random - f) / (random - best): 0 is the median of random search with the same budget, 1 the best known
        value, -1 the least that counts
digits  log10((random - best) / (f - best)): decimal digits of regret gained on random search, where the
        optimum is known
rank    relative rank among the drivers of the table on a cell, 0 the best and 1 the worst; ties share
The intervals are 95 % bootstraps over problems, and over seeds within them.
"""
from __future__ import annotations

import argparse
import json
from collections import defaultdict
from typing import Any, Callable, Iterable

import numpy as np

import problems
import refs
import results

Cell = tuple[str, int]
Runs = dict[str, dict[Cell, dict[str, Any]]]
DRAWS = 1000
ANALYTIC = ("bbob", "noisy", "mixint")


def load(paths: Iterable[str], q: int, names: set[str], at: int) -> tuple[Runs, dict[str, int]]:
    """Runs by driver and cell that got as far as `at`, and the failures of each driver."""
    runs: Runs = defaultdict(dict)
    failures: dict[str, int] = defaultdict(int)
    for line in results.read(paths):
        if line["q"] != q or line["problem"] not in names:
            continue
        if "error" in line:
            failures[line["driver"]] += 1
        elif str(at) in line["best"]:
            runs[line["driver"]][line["problem"], line["seed"]] = line
    return runs, failures


def score(entry: dict[str, Any], value: float, at: int) -> float:
    best, middle = entry["best"], entry["random"][str(at)]
    if middle - best < 1e-12:
        return 1.0 if value <= best + 1e-12 else 0.0
    return max(-1.0, (middle - value) / (middle - best))


def digits(entry: dict[str, Any], value: float, at: int) -> float:
    best, middle = entry["best"], entry["random"][str(at)]
    return float(np.clip(np.log10(max(middle - best, 1e-12) / max(value - best, 1e-12)), -6, 8))


def ranks(values: dict[str, float]) -> dict[str, float]:
    """Relative ranks of drivers by their values; equal ones share."""
    number = len(values) - 1
    if number == 0:
        return dict.fromkeys(values, 0.0)
    tolerance = 1e-9
    out = {}
    for driver, value in values.items():
        slack = tolerance * max(abs(value), 1e-3)
        below = sum(other < value - slack for other in values.values())
        equal = sum(abs(other - value) <= slack for other in values.values()) - 1
        out[driver] = (below + equal / 2) / number
    return out


def by_problem(cells: Iterable[Cell], value: Callable[[Cell], float]) -> list[np.ndarray]:
    grouped: dict[str, list[float]] = defaultdict(list)
    for cell in sorted(cells):
        grouped[cell[0]].append(value(cell))
    return [np.array(values) for values in grouped.values()]


def interval(groups: list[np.ndarray]) -> tuple[float, float, float]:
    """The mean over problems of the mean over seeds, and its bootstrap interval."""
    rng = np.random.default_rng(0)
    mean = float(np.mean([group.mean() for group in groups]))
    draws = np.empty(DRAWS)
    for k in range(DRAWS):
        chosen = rng.integers(len(groups), size=len(groups))
        draws[k] = np.mean([groups[j][rng.integers(len(groups[j]), size=len(groups[j]))].mean() for j in chosen])
    low, high = np.percentile(draws, [2.5, 97.5])
    return mean, float(low), float(high)


def common(runs: Runs, named: list[str]) -> tuple[list[str], set[Cell]]:
    if named:
        drivers = [driver for driver in named if runs.get(driver)]
    else:
        most = max((len(cells) for cells in runs.values()), default=0)
        drivers = sorted(driver for driver, cells in runs.items() if len(cells) >= most / 2)
    return drivers, set.intersection(*[set(runs[driver]) for driver in drivers]) if drivers else set()


class Table:
    def __init__(self, runs: Runs, drivers: list[str], cells: set[Cell], at: list[int]):
        self.runs, self.drivers, self.cells, self.at = runs, drivers, cells, at
        self.known = json.load(open(refs.PATH))
        # Where the optimum is not known, the best value that any of the runs found counts as it.
        for (name, _), run in ((cell, run) for found in runs.values() for cell, run in found.items()):
            if not self.known[name]["exact"]:
                self.known[name]["best"] = min(self.known[name]["best"], *run["best"].values())
        self.ranks = {budget: {cell: ranks({driver: self.value(driver, cell, budget) for driver in drivers}) for cell in cells} for budget in at}

    def value(self, driver: str, cell: Cell, at: int) -> float:
        return self.runs[driver][cell]["best"][str(at)]

    def score(self, driver: str, cell: Cell, at: int) -> float:
        return score(self.known[cell[0]], self.value(driver, cell, at), at)

    def show(self, family: str) -> None:
        cells = {cell for cell in self.cells if family in ("all", cell[0].partition("-")[0])}
        if not cells:
            return
        last = self.at[-1]
        analytic = family in ANALYTIC
        print("\n**%s**: %d problems, %d cells\n" % (family, len({name for name, _ in cells}), len(cells)))
        print("| driver | " + " | ".join("score@%d" % n for n in self.at) + " | 95 %% @%d | " % last
              + ("digits@%d | " % last if analytic else "") + " | ".join("rank@%d" % n for n in self.at) + " | 95 %% @%d |" % last)
        print("|---" * (3 + 2 * len(self.at) + analytic) + "|")
        rows = []
        for driver in self.drivers:
            scores = [interval(by_problem(cells, lambda cell: self.score(driver, cell, n))) for n in self.at]
            places = [interval(by_problem(cells, lambda cell: self.ranks[n][cell][driver])) for n in self.at]
            line = ["%.3f" % mean for mean, _, _ in scores] + ["%.2f to %.2f" % scores[-1][1:]]
            if analytic:
                gained = by_problem(cells, lambda cell: digits(self.known[cell[0]], self.value(driver, cell, last), last))
                line.append("%.2f" % np.mean([group.mean() for group in gained]))
            line += ["%.3f" % mean for mean, _, _ in places] + ["%.2f to %.2f" % places[-1][1:]]
            rows.append((places[-1][0], "| %s | %s |" % (driver, " | ".join(line))))
        print("\n".join(text for _, text in sorted(rows)))

    def differences(self, ours: str) -> None:
        """How much better or worse the others are, cell by cell."""
        print("\n**Score of each driver minus %s's, paired** (95 %% bootstrap over problems)\n" % ours)
        families = ["all"] + sorted({name.partition("-")[0] for name, _ in self.cells})
        print("| driver | " + " | ".join("%s @%d" % (family, self.at[-1]) for family in families) + " | cells won - lost |")
        print("|---" * (len(families) + 2) + "|")
        for driver in self.drivers:
            if driver == ours:
                continue
            line = []
            for family in families:
                cells = [cell for cell in self.cells if family in ("all", cell[0].partition("-")[0])]
                line.append("%+.3f (%+.2f to %+.2f)" % interval(by_problem(cells, lambda cell: self.score(driver, cell, self.at[-1]) - self.score(ours, cell, self.at[-1]))))
            balance = np.mean([np.sign(self.value(ours, cell, self.at[-1]) - self.value(driver, cell, self.at[-1])) for cell in self.cells])
            print("| %s | %s | %+.2f |" % (driver, " | ".join(line), balance))

    def each_problem(self) -> None:
        at = self.at[-1]
        print("\n**Mean score@%d of each problem**\n" % at)
        print("| problem | " + " | ".join(self.drivers) + " |")
        print("|---" * (len(self.drivers) + 1) + "|")
        for name in sorted({name for name, _ in self.cells}):
            cells = [cell for cell in self.cells if cell[0] == name]
            print("| %s | %s |" % (name, " | ".join("%.3f" % np.mean([self.score(driver, cell, at) for cell in cells]) for driver in self.drivers)))

    def costs(self) -> None:
        print("\n**CPU of a suggestion in these runs**, in ms: median of the studies' medians; all asks and tells of the studies, per trial\n")
        print("| driver | median ask | ask and tell, mean | version |\n|---|---|---|---|")
        for driver in self.drivers:
            runs = [self.runs[driver][cell] for cell in self.cells]
            asks = sum(run["asks"] for run in runs)
            print("| %s | %.3g | %.3g | %s |" % (driver, np.median([run["ask_cpu_med_ms"] for run in runs]),
                                               1e3 * sum(run["ask_cpu"] + run["tell_cpu"] for run in runs) / asks, runs[0]["version"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*")
    for key, default in {"at": "25,50,100", "split": "tuning", "tier": "full", "families": "", "drivers": "", "against": ""}.items():
        parser.add_argument("--" + key, default=default)
    parser.add_argument("--q", type=int, default=1)
    parser.add_argument("--no-stored", action="store_true")
    parser.add_argument("--problems-table", action="store_true", help="the score of each problem too")
    options = parser.parse_args()
    at = [int(number) for number in options.at.split(",")]
    names = set(problems.names(options.split, options.tier, options.families.split(",") if options.families else None))
    paths = ([] if options.no_stored else results.stored()) + options.results    # the later counts
    runs, failures = load(paths, options.q, names, at[-1])
    drivers, cells = common(runs, options.drivers.split(",") if options.drivers else [])
    if not cells:
        print("There is no cell that all have:", {driver: len(found) for driver, found in runs.items()})
        return
    table = Table(runs, drivers, cells, at)
    table.show("all")
    for family in problems.FAMILIES:
        table.show(family)
    if options.against in drivers:
        table.differences(options.against)
    if options.problems_table:
        table.each_problem()
    table.costs()
    if failures:
        print("\nFailed studies:", dict(failures))


if __name__ == "__main__":
    main()
