"""Reading results: JSON lines, plain or compressed.

usage: results.py NAME FILE...   merges files into results/NAME.jsonl.gz, one line a cell; what is already
there stays unless a file has the cell again.
"""
from __future__ import annotations

import glob
import gzip
import json
import os
import sys
from typing import Any, Iterable, Iterator

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
CHECKPOINTS = [1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 125, 150, 200, 300, 400, 500]


def read(paths: Iterable[str]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with gzip.open(path, "rt") if path.endswith(".gz") else open(path) as file:
            for line in file:
                yield json.loads(line)


def stored() -> list[str]:
    """The peers' results that the repository holds."""
    return sorted(glob.glob(os.path.join(FOLDER, "peers*.jsonl.gz")))


def key_of(line: dict[str, Any]) -> tuple[str, str, int, int]:
    return line["driver"], line["problem"], line["seed"], line["q"]


def store(name: str, paths: list[str]) -> None:
    target = os.path.join(FOLDER, name + ".jsonl.gz")
    os.makedirs(FOLDER, exist_ok=True)
    lines = {}
    for line in read(([target] if os.path.exists(target) else []) + paths):
        if "error" not in line or key_of(line) not in lines:
            lines[key_of(line)] = line
    text = "".join(json.dumps(lines[key]) + "\n" for key in sorted(lines))
    with open(target, "wb") as file:
        file.write(gzip.compress(text.encode(), 9, mtime=0))
    print(target, len(lines), "cells")


if __name__ == "__main__":
    store(sys.argv[1], sys.argv[2:])
