"""Checked flag values, and the frame in which every program of this example runs."""

import argparse
import math
import sys
from collections.abc import Callable

from steps.files import StepError


def whole_number(low: int) -> Callable[[str], int]:
    """A flag type: a whole number that is not below `low`."""

    def parse(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"{value} is below {low}")
        return value

    parse.__name__ = "whole number"
    return parse


def number(low: float, high: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    """A flag type: a finite number from `low` (not `low` itself if `above`) up to below `high`."""

    def parse(text: str) -> float:
        value = float(text)
        if not math.isfinite(value) or value < low or (above and value == low) or value >= high:
            bound = f"{'above' if above else 'at least'} {low:g}"
            limit = "" if math.isinf(high) else f" and below {high:g}"
            raise argparse.ArgumentTypeError(f"{text} is not a finite number {bound}{limit}")
        return value

    parse.__name__ = "number"
    return parse


def run_program(main: Callable[[], None]) -> None:
    """Run a program; an input it cannot work with becomes one line and exit status 1."""
    try:
        main()
    except StepError as error:
        sys.exit(f"error: {error}")
