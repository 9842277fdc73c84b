#!/bin/sh
# A cluster on this machine with Argo Workflows, to try Norgay and to test it.
# usage: deploy/e2e-kind.sh [COMMAND [ARGUMENT ...]]
# Makes the cluster if it is not there, applies deploy/overlays/kubernetes, and runs the command
# with its address and token in the variables that the conformance tests read. Without a
# command it says how to go on. `kind delete cluster --name norgay` removes everything.
set -eu

cluster=${NORGAY_E2E_CLUSTER:-norgay}
version=${NORGAY_E2E_ARGO_VERSION:-v4.1.2}
namespace=hpo
port=2746
here=$(cd "$(dirname "$0")" && pwd)
manifests=https://github.com/argoproj/argo-workflows/releases/download/$version/install.yaml

for program in kind kubectl; do
    command -v "$program" > /dev/null || { echo "error: $program is missing" >&2; exit 1; }
done

folder=$(mktemp -d)
forward=
finish() {
    [ -z "$forward" ] || kill "$forward" 2> /dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM

kind get clusters | grep -qx "$cluster" || kind create cluster --name "$cluster" --wait 3m
kind get kubeconfig --name "$cluster" > "$folder/kubeconfig"
export KUBECONFIG="$folder/kubeconfig"

create_namespace() {
    kubectl get namespace "$1" > /dev/null 2>&1 || kubectl create namespace "$1"
}

create_namespace argo
# Argo's definitions are too long for the annotation that a client-side apply leaves.
kubectl apply --server-side --force-conflicts --namespace argo --filename "$manifests"
# Plain HTTP, since the server's own certificate is vouched for by nobody; it is reached through
# kubectl alone.
kubectl --namespace argo patch deployment argo-server --type json --patch '[
    {"op": "replace", "path": "/spec/template/spec/containers/0/args",
     "value": ["server", "--secure=false", "--auth-mode=client"]},
    {"op": "replace", "path": "/spec/template/spec/containers/0/readinessProbe/httpGet/scheme",
     "value": "HTTP"}]'
for deployment in workflow-controller argo-server; do
    kubectl --namespace argo rollout status "deployment/$deployment" --timeout 5m
done

create_namespace "$namespace"
kubectl label --overwrite namespace "$namespace" pod-security.kubernetes.io/enforce=restricted
kubectl apply --namespace "$namespace" --kustomize "$here/overlays/kubernetes"

if [ $# -eq 0 ]; then
    echo "The cluster is there. Go on with docs/guide/argo.md, or run tests in it:"
    echo "  deploy/e2e-kind.sh cargo test --package norgay-engine --features kubernetes"
    exit 0
fi

kubectl --namespace argo port-forward service/argo-server "$port:2746" > "$folder/forward.log" &
forward=$!
tries=0
until grep -q Forwarding "$folder/forward.log"; do
    tries=$((tries + 1))
    [ "$tries" -le 30 ] || { echo "error: the argo-server can't be reached" >&2; exit 1; }
    sleep 1
done

NORGAY_TEST_ARGO_URL=http://127.0.0.1:$port
NORGAY_TEST_ARGO_TOKEN=$(kubectl --namespace "$namespace" create token norgay-optimizer \
    --duration 2h)
NORGAY_TEST_NAMESPACE=$namespace
NORGAY_TEST_KUBECONFIG=$KUBECONFIG
export NORGAY_TEST_ARGO_URL NORGAY_TEST_ARGO_TOKEN NORGAY_TEST_NAMESPACE NORGAY_TEST_KUBECONFIG
"$@"
