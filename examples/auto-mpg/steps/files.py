"""What the steps hand to one another: tables, the three parts of the data, JSON files."""

import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
PART_NAMES = ("train", "validation", "test")


class StepError(Exception):
    """An input that a step cannot work with; the message is for the user."""


@dataclass(frozen=True)
class Part:
    """Features (one row a car) and targets of one part of the data."""

    x: Array
    y: Array


@dataclass(frozen=True)
class Parts:
    """The data cut into train, validation and test, with the names of the feature columns."""

    columns: list[str]
    train: Part
    validation: Part
    test: Part


def read_table(path: Path) -> tuple[list[str], Array]:
    """Read a CSV file of numbers with one header line; returns the header and the rows."""
    if not path.is_file():
        raise StepError(f"{path} is missing; prepare.py writes it")
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    try:
        values = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise StepError(f"{path}: {error}") from error
    if values.ndim != 2 or values.shape[1] != len(header) or not np.isfinite(values).all():
        raise StepError(f"{path}: expected a header and rows of {len(header)} finite numbers")
    return header, values


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file so that a reader sees either the old content or all of the new one."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that an earlier step wrote."""
    if not path.is_file():
        raise StepError(f"{path} is missing; run the step before this one first")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_parts(folder: Path, parts: Parts) -> None:
    """Write the three parts as NumPy files beside a JSON file with the column names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PART_NAMES:
        part: Part = getattr(parts, name)
        np.save(folder / f"{name}_x.npy", part.x, allow_pickle=False)
        np.save(folder / f"{name}_y.npy", part.y, allow_pickle=False)
    write_json(folder / "columns.json", {"columns": parts.columns})


def read_parts(folder: Path) -> Parts:
    """Read what write_parts wrote."""
    columns = read_json(folder / "columns.json")["columns"]
    train, validation, test = (_read_part(folder, name) for name in PART_NAMES)
    return Parts(columns, train, validation, test)


def _read_part(folder: Path, name: str) -> Part:
    x, y = (np.load(folder / f"{name}_{axis}.npy", allow_pickle=False) for axis in "xy")
    return Part(x, y)
