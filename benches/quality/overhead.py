"""The cost of one suggestion against the length of the history, on ten mixed parameters without conditions.

usage: PEERS=FOLDER overhead.py --out FILE --drivers norgay-gp,optuna-gp [--sizes 10,100,1000] [--asks 5] [--cap 90]

For each size a fresh study gets so many finished random trials; then it is asked, and told, a few times. The
first ask is not counted (it may load or compile), except after 10,000 trials, where time is short. A cell is
given up after --cap seconds.
"""
from __future__ import annotations

import argparse
import json
import random
import signal
from typing import Any

import space as sp
from driver import Driver

SPACE = [
    {"name": "f1", "type": "float", "low": 0.0, "high": 1.0, "log": False},
    {"name": "f2", "type": "float", "low": -5.0, "high": 5.0, "log": False},
    {"name": "g1", "type": "float", "low": 1e-5, "high": 1.0, "log": True},
    {"name": "g2", "type": "float", "low": 1e-3, "high": 1e3, "log": True},
    {"name": "i1", "type": "int", "low": 1, "high": 10, "log": False},
    {"name": "i2", "type": "int", "low": 0, "high": 100, "log": False},
    {"name": "j1", "type": "int", "low": 1, "high": 1024, "log": True},
    {"name": "c1", "type": "cat", "choices": ["a", "b"]},
    {"name": "c2", "type": "cat", "choices": ["a", "b", "c", "d"]},
    {"name": "c3", "type": "cat", "choices": ["u", "v", "w"]},
]
FLOATS = [{"name": "x%d" % k, "type": "float", "low": 0.0, "high": 1.0, "log": False} for k in range(10)]


def mixed(p: dict[str, Any]) -> float:
    return ((p["f1"] - .3) ** 2 + (p["f2"] / 5) ** 2 + abs(sp.to_unit(SPACE[2], p["g1"]) - .6) + (p["i2"] / 100 - .5) ** 2
            + (0 if p["c2"] == "b" else .3) + .01 * p["i1"])


def bowl(p: dict[str, Any]) -> float:
    return sum((value - 0.3) ** 2 for value in p.values())


class GivenUp(Exception):
    """The cell took too long."""


def give_up(*_: Any) -> None:
    raise GivenUp


def cell(name: str, size: int, asks: int, floats: bool, line: dict[str, Any]) -> None:
    space, function = (FLOATS, bowl) if floats else (SPACE, mixed)
    rng, rows, costs = random.Random(size), [], []
    for _ in range(size):
        params = sp.sample(space, rng)
        rows.append([params, function(params)])
    driver = Driver(name)
    try:
        line["version"] = driver(op="init", algorithm=driver.algorithm, space=space, seed=1, budget=size + asks + 100, q=1)["version"]
        start = driver(op="rss")["peak_mib"]
        if size:
            driver(op="inject", rows=rows)
        for k in range(asks + 1):
            asked = driver(op="ask")
            told = driver(op="tell", id=asked["id"], value=function(asked["params"]))
            if k > 0 or size >= 10000:
                costs.append((asked["cpu"], told["cpu"]))
        line.update(rss_mib=driver(op="rss")["peak_mib"], rss_start_mib=start)
    finally:
        if costs:
            ask, tell = (sorted(column) for column in zip(*costs))
            line.update(ask_ms=1e3 * ask[len(ask) // 2], ask_max_ms=1e3 * ask[-1], tell_ms=1e3 * tell[len(tell) // 2])
        if "rss_mib" not in line:
            driver.process.kill()
        driver.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--drivers", required=True)
    parser.add_argument("--sizes", default="10,100,1000")
    parser.add_argument("--asks", type=int, default=5)
    parser.add_argument("--cap", type=int, default=90)
    parser.add_argument("--floats", action="store_true", help="ten floats instead")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, give_up)
    for name in options.drivers.split(","):
        for size in map(int, options.sizes.split(",")):
            line: dict[str, Any] = {"driver": name, "n": size, "space": "floats" if options.floats else "mixed"}
            signal.alarm(options.cap)
            try:
                cell(name, size, options.asks, options.floats, line)
            except GivenUp:
                line["note"] = "given up after %d s" % options.cap
            except Exception as error:      # a peer's failure is a result too
                line["note"] = str(error)[:200]
            signal.alarm(0)
            with open(options.out, "a") as file:
                file.write(json.dumps(line) + "\n")
            print(line, flush=True)
            if "note" in line:
                break


if __name__ == "__main__":
    main()
