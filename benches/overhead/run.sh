#!/usr/bin/env bash
# Overhead for a trial, Norgay beside Optuna; writes docs/benchmarks/overhead.md.
# usage: benches/overhead/run.sh [REPEATS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

repeats=${1:-3}
work=${CARGO_TARGET_DIR:-target}/bench-overhead
runs=$work/runs.jsonl
# Both systems put their databases here, so that both meet the same disk.
mkdir -p "$work/tmp"
TMPDIR=$(cd "$work/tmp" && pwd)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

tools/venv.sh "$work/venv" benches/overhead/requirements.txt
echo "Building Norgay's half"
cargo build --locked --release --quiet --package norgay-engine --example overhead

norgay() {
    cargo run --locked --release --quiet --package norgay-engine --example overhead -- --trials "$1"
}

# In turn, so that a busy moment of the machine does not meet only one of them.
: > "$runs"
for repeat in $(seq "$repeats"); do
    echo "Round $repeat of $repeats"
    "$work/venv/bin/python" benches/overhead/optuna_sqlite.py --trials 1000 | tee -a "$runs"
    norgay 1000 | tee -a "$runs"
    norgay 100000 | tee -a "$runs"
done

"$work/venv/bin/python" benches/overhead/report.py "$runs" docs/benchmarks/overhead.md
