"""Measures what a study of many workflows costs Norgay; appends to docs/benchmarks/argo-scale.md.

The cluster is a stand-in in a process of its own, whose workflows only take their time and leave a
result. What counts is the processor time and memory of `norgay run` alone.
"""

import argparse
import csv
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks" / "argo-scale.md"
TICKS = os.sysconf("SC_CLK_TCK")

STUDY = """\
name: scale
parameters:
  x1: {{type: continuous, range: [0, 1]}}
  x2: {{type: continuous, range: [0, 1]}}
  x3: {{type: continuous, range: [0.001, 1], scale: log}}
  layers: {{type: discrete, range: [1, 8]}}
  batch: {{type: ordinal, range: [8, 16, 32, 64]}}
  activation: {{type: choice, range: [relu, tanh, logistic]}}
minimize: loss
algorithm: {algorithm}
budget: {{trials: {trials}}}
max_concurrent: {concurrent}
scheduler: argo
argo: {{template: trial, submit_rate: 50}}
metrics_file: metrics.json
output_path: {output}
storage: norgay.db
"""


@dataclass
class Usage:
    """What a process and the machine used up to now."""

    wall_s: float
    norgay_s: float
    cluster_s: float
    machine_s: float


@dataclass
class Measured:
    """One run of a study."""

    algorithm: str
    wall_s: float = 0.0
    cpu_s: float = 0.0
    user_s: float = 0.0
    peak_mib: float = 0.0
    others: float = 0.0
    results: int = 0
    code: int = 0
    shares: list[float] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)


def processor_seconds(pid: int) -> float:
    """User and system time of a process; 0 once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_seconds() -> float:
    """Processor time of the whole machine that was not idle."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()
    user, nice, system, _, _, irq, softirq = (int(one) for one in fields[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def usage(norgay: int, cluster: int) -> Usage:
    """What was used up to now."""
    return Usage(
        time.monotonic(), processor_seconds(norgay), processor_seconds(cluster), machine_seconds()
    )


def shares_of_quarters(samples: list[Usage]) -> list[float]:
    """The share of one core in each quarter of the run, to see whether it grows."""
    marks = [samples[(len(samples) - 1) * quarter // 4] for quarter in range(5)]
    return [
        (after.norgay_s - before.norgay_s) / max(after.wall_s - before.wall_s, 0.001)
        for before, after in zip(marks, marks[1:])
    ]


def follow(norgay: "subprocess.Popen[bytes]", cluster: int, into: Measured) -> None:
    """Waits until the study is over, and notes what it used."""
    samples = [usage(norgay.pid, cluster)]
    while True:
        pid, status, used = os.wait4(norgay.pid, os.WNOHANG)
        if pid != 0:
            break
        time.sleep(0.5)
        now = usage(norgay.pid, cluster)
        if now.norgay_s > 0:
            samples.append(now)
    norgay.returncode = os.waitstatus_to_exitcode(status)
    first, last = samples[0], samples[-1]
    into.code = norgay.returncode
    into.wall_s = time.monotonic() - first.wall_s
    into.user_s = used.ru_utime
    into.cpu_s = used.ru_utime + used.ru_stime
    into.peak_mib = used.ru_maxrss / 1024
    into.shares = shares_of_quarters(samples)
    ours = last.norgay_s - first.norgay_s + last.cluster_s - first.cluster_s
    busy = last.machine_s - first.machine_s - ours
    into.others = max(busy, 0.0) / max(last.wall_s - first.wall_s, 0.001)


def completed(table: Path) -> int:
    """Trials with a result."""
    if not table.is_file():
        return 0
    with table.open(encoding="utf-8", newline="") as file:
        trials = {row["Trial-ID"] for row in csv.DictReader(file) if row["Status"] == "COMPLETED"}
    return len(trials)


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Waits until a file is there."""
    while not path.is_file():
        if process.poll() is not None:
            sys.exit("error: the stand-in did not start")
        time.sleep(0.05)


def run(algorithm: str, args: argparse.Namespace, programs: Path, work: Path) -> Measured:
    """Runs one study from beginning to end."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    output = "s3://bench/out" if args.s3 else str(work / "out")
    study = STUDY.format(
        algorithm=algorithm, trials=args.trials, concurrent=args.concurrent, output=output
    )
    (work / "study.yaml").write_text(study, encoding="utf-8")
    command = [str(programs / "examples" / "scripted_cluster"), "--folder", str(work)]
    command += ["--seconds", str(args.seconds)] + (["--reports"] if args.reports else [])
    cluster = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    measured = Measured(algorithm)
    try:
        wait_for(work / "cluster.json", cluster)
        reach = json.loads((work / "cluster.json").read_text(encoding="utf-8"))
        with (work / "norgay.log").open("wb") as log:
            norgay = subprocess.Popen(
                [str(programs / "norgay"), "run", "study.yaml"],
                cwd=work,
                env=os.environ | reach,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                follow(norgay, cluster.pid, measured)
            finally:
                if norgay.returncode is None:
                    norgay.kill()
    finally:
        cluster.terminate()
        measured.counts = json.loads(cluster.communicate()[0] or "{}")
    folder = work / "s3" / "bench" / "out" if args.s3 else work / "out"
    measured.results = completed(folder / "scale" / "study_results.csv")
    return measured


HEAD = """\
# What a large study on a cluster costs

Norgay's own use of the machine while it runs a study as Argo Workflows, 500 at a time unless said
otherwise, against a stand-in for the cluster that is a process of its own: its workflows are
Pending for a second, take their time (a fifth more or less) and leave a result. *CPU* is user and
system time of `norgay run` from its start to its end; *share* is that of one core, on average and
in each quarter of the run; *memory* is the most that was resident at once. *Others* is how many
cores were busy with anything but Norgay and the stand-in meanwhile: processor time is less
disturbed by that than wall time, but it grows too. Requests are counted by the stand-in; *rest* is
what came beside lists, submissions, deletions and watches. "Twice" counts workflows whose name was
created more than once.

`make bench-argo` runs a small edition and appends to this table; `benches/argo-scale/run.py --help`
tells the rest.

"""
COLUMNS = (
    "date | algorithm | output | trials x at once | each s | wall s | CPU s | CPU ms a trial"
    " | share | by quarter | memory MiB | submit | delete | list | watch | rest | most live | twice"
    " | results | others | machine"
)


def row(measured: Measured, args: argparse.Namespace) -> str:
    """The run as a row of the table."""
    requests = dict(measured.counts.get("requests", {}))
    kinds = [requests.pop(kind, 0) for kind in ("submit", "delete", "list", "watch")]
    rest = ", ".join(f"{kind} {number}" for kind, number in sorted(requests.items())) or "0"
    place = ("S3" if args.s3 else "folder") + (", intermediate values" if args.reports else "")
    cells = [
        datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        measured.algorithm,
        place,
        f"{args.trials:,} x {args.concurrent}",
        f"{args.seconds:g}",
        f"{measured.wall_s:,.0f}",
        f"{measured.cpu_s:,.1f}",
        f"{measured.cpu_s / args.trials * 1000:.2f}",
        f"{measured.cpu_s / measured.wall_s:.1%}",
        " ".join(f"{share:.1%}" for share in measured.shares),
        f"{measured.peak_mib:.0f}",
        *(f"{number:,}" for number in kinds),
        rest,
        str(measured.counts.get("most_live", "?")),
        str(len(measured.counts["created_again"])) if measured.counts else "?",
        f"{measured.results:,}",
        f"{measured.others:.1f}",
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
    ]
    return "| " + " | ".join(cells) + " |\n"


def append(line: str) -> None:
    """Adds a row to the page."""
    names = COLUMNS.split(" | ")
    rules = ["---"] * 3 + ["---:"] * (len(names) - 4) + ["---"]
    head = f"{HEAD}| {COLUMNS} |\n| {' | '.join(rules)} |\n"
    before = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else head
    PAGE.write_text(before + line, encoding="utf-8")


def build(target: Path) -> Path:
    """The folder of the programs."""
    cargo = ["cargo", "build", "--locked", "--release", "--quiet"]
    wanted = [
        ["--package", "norgay"],
        ["--package", "norgay-testbed", "--example", "scripted_cluster"],
    ]
    for what in wanted:
        subprocess.run(cargo + what, cwd=ROOT, check=True)
    return target / "release"


def arguments() -> argparse.Namespace:
    """What is to be run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--concurrent", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a trial")
    parser.add_argument("--algorithms", nargs="+", default=["random", "auto"])
    parser.add_argument("--s3", action="store_true", help="write to an S3 server, not a folder")
    parser.add_argument("--reports", action="store_true", help="look for intermediate values")
    parser.add_argument("--no-page", action="store_true", help="only print")
    parser.add_argument("--programs", type=Path, help="folder of programs that are built already")
    return parser.parse_args()


def main() -> None:
    """Run from the command line."""
    args = arguments()
    # The stand-in holds a connection for each request that is under way.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
    programs = args.programs or build(target)
    is_right = True
    for algorithm in args.algorithms:
        measured = run(algorithm, args, programs.resolve(), target / "bench-argo-scale")
        line = row(measured, args)
        print(dict(zip(COLUMNS.split(" | "), line.strip("| \n").split(" | "))), flush=True)
        if not args.no_page:
            append(line)
        is_right &= measured.code == 0 and measured.results == args.trials
        is_right &= not measured.counts.get("created_again", ["unknown"])
    sys.exit(0 if is_right else "error: a study did not end as it should; see norgay.log")


if __name__ == "__main__":
    main()
