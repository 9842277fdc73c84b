#!/usr/bin/env bash
# A reduced comparison with the peers, all run now on this machine; prints tables.
# usage: benches/quality/quality.sh [DRIVER...]
# SPLIT, TIER, SEEDS, BUDGET, Q and JOBS say how much; PEERS where the environments are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=${CARGO_TARGET_DIR:-target}/quality
mkdir -p "$work"
work=$(cd "$work" && pwd)
export PEERS=${PEERS:-$work/peers}
if [ $# -eq 0 ]; then
    set -- norgay-auto norgay-gp norgay-tpe norgay-cmaes optuna-tpe optuna-cma nevergrad-ngopt-int hyperopt-tpe rustuna-tpe
fi

environments=(data)
for driver in "$@"; do
    case $driver in
    norgay-*) ;;
    nevergrad-* | hyperopt-*) environments+=(ng) ;;
    optuna-gp) environments+=(optuna-gp) ;;
    ax) environments+=(botorch) ;;
    *) environments+=("${driver%%-*}") ;;
    esac
done
benches/quality/setup_peers.sh "${environments[@]}"
echo "Building Norgay's driver"
cargo build --locked --release --quiet --package norgay-core --example ask_tell

export NORGAY_ASK_TELL=$PWD/target/release/examples/ask_tell
if [ -n "${CARGO_TARGET_DIR:-}" ]; then NORGAY_ASK_TELL=$CARGO_TARGET_DIR/release/examples/ask_tell; fi
split=${SPLIT:-tuning} tier=${TIER:-core} q=${Q:-1}
runs=$work/runs-$split-$q.jsonl
rm -f "$runs"
drivers=$(IFS=, && echo "$*")
"$PEERS/data/bin/python" benches/quality/run.py --out "$runs" --drivers "$drivers" --split "$split" --tier "$tier" \
    --seeds "${SEEDS:-0-1}" --budget "${BUDGET:-50}" --q "$q" --jobs "${JOBS:-1}"
case ${BUDGET:-50} in 50) at=25,50 ;; *) at=25,50,$BUDGET ;; esac
"$PEERS/data/bin/python" benches/quality/score.py "$runs" --no-stored --split "$split" --at "$at" --q "$q" --drivers "$drivers"
echo "The runs are in $runs"
