"""Turns the JSON lines of both systems into the markdown page docs/benchmarks/overhead.md."""

import argparse
import json
import os
import platform
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

Run: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, str, int]

PAGE = """\
# Overhead for a trial

What the machinery around a trial costs when the trial itself does nothing: ask for ten parameters
of mixed kinds (random search), store them, report one value, store that. One process; starting the
program is outside the clock; both systems write to the same disk. Medians of {repeats} runs, taken
in turn, with the slowest and fastest in brackets.

{table}

The last column is trials per second over those of Optuna with SQLite.
{growth}
{date}, {cores} cores, {system}, Python {python}, Optuna {optuna}. `make bench` writes this page.
"""

GROWTH = """
Where a run's first and last 1,000 trials were timed apart: {parts}.
"""


def read_runs(path: Path) -> dict[Key, list[Run]]:
    """The runs by system, storage and number of trials, in the order of their first appearance."""
    runs: dict[Key, list[Run]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("{"):
            run = json.loads(line)
            runs[run["system"], run["storage"], run["trials"]].append(run)
    return runs


def middle(runs: list[Run], name: str) -> float:
    """Median of one figure over the repeats."""
    return median(float(run[name]) for run in runs)


def spread(runs: list[Run], name: str, digits: int) -> str:
    """Median with the extremes in brackets."""
    values = sorted(float(run[name]) for run in runs)
    low, mid, high = (f"{value:,.{digits}f}" for value in (values[0], median(values), values[-1]))
    return f"{mid} ({low} to {high})"


def table(runs: dict[Key, list[Run]], baseline: float) -> str:
    """The markdown table, one row a kind of run."""
    rows = [
        "| system | storage | trials | wall s | trials/s | peak MiB | ratio |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (system, storage, trials), group in runs.items():
        rows.append(
            f"| {system} | {storage} | {trials:,} | {spread(group, 'wall_s', 2)}"
            f" | {spread(group, 'trials_per_s', 0)} | {middle(group, 'peak_rss_mib'):.0f}"
            f" | {middle(group, 'trials_per_s') / baseline:.1f} |"
        )
    return "\n".join(rows)


def growth(runs: dict[Key, list[Run]]) -> str:
    """How the cost grows within a study, for the runs that say so."""
    parts = [
        f"{system} with {storage}, {trials:,} trials:"
        f" first {middle(group, 'first_1000_ms'):.0f} ms,"
        f" last {middle(group, 'last_1000_ms'):.0f} ms"
        for (system, storage, trials), group in runs.items()
        if trials > 1000 and all("last_1000_ms" in run for run in group)
    ]
    return GROWTH.format(parts="; ".join(parts)) if parts else ""


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Write the page of the overhead benchmark.")
    parser.add_argument("runs", type=Path, help="file of JSON lines")
    parser.add_argument("page", type=Path)
    args = parser.parse_args()
    runs = read_runs(args.runs)
    optuna = [group for (system, storage, _), group in runs.items() if system == "optuna"]
    if not optuna:
        sys.exit(f"error: {args.runs} holds no run of optuna")
    text = PAGE.format(
        repeats=len(optuna[0]),
        table=table(runs, middle(optuna[0], "trials_per_s")),
        growth=growth(runs),
        date=datetime.now(UTC).date().isoformat(),
        cores=os.cpu_count(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        optuna=optuna[0][0]["version"],
    )
    args.page.parent.mkdir(parents=True, exist_ok=True)
    args.page.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
