"""Reading results: JSON lines, plain or compressed."""
from __future__ import annotations

import glob
import gzip
import json
import os
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
    return sorted(glob.glob(os.path.join(FOLDER, "*.jsonl.gz")))


def key_of(line: dict[str, Any]) -> tuple[str, str, int, int]:
    return line["driver"], line["problem"], line["seed"], line["q"]
