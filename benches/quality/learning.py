"""Real scikit-learn models on real data: spaces, data sets, losses over fixed folds, learning curves.

`task("svm-cancer")` trains at each evaluation. Where `data/<name>.npz` exists (see `gen_tables.py`) a
forest fitted to a table of real losses stands for the training, which would take too long.
"""
from __future__ import annotations

import functools
import os
import warnings
from typing import Any, Callable

import numpy as np

import surrogate

Params = dict[str, Any]
Space = list[dict[str, Any]]
EPOCHS = 27


def task(name: str) -> tuple[Space, Callable[[Params], float], bool]:
    """The space and the loss of `model-data`, and whether each evaluation trains a model."""
    model, data = name.split("-", 1)
    if os.path.exists(surrogate.path(name)):
        forest = surrogate.Surrogate(name, SPACES[model])
        return SPACES[model], lambda params: float(forest(params)[0]), False
    return SPACES[model], lambda params: cv_loss(model, data, params), True


def curves(name: str) -> tuple[Space, Callable[[Params], list[float]]]:
    """The space and the loss after each epoch: networks, or boosting (`boost-data`)."""
    space = SPACES["boost" if name.startswith("boost-") else "mlp"]
    forest = surrogate.Surrogate("mf-" + name, space)
    return space, lambda params: [float(value) for value in forest(params)]


def _parameter(entry: dict[str, Any], when) -> dict[str, Any]:
    return entry if when is None else {**entry, "when": {"param": when[0], "in": list(when[1])}}


def _float(name, low, high, log=False, when=None):
    return _parameter({"name": name, "type": "float", "low": low, "high": high, "log": log}, when)


def _int(name, low, high, log=False, when=None):
    return _parameter({"name": name, "type": "int", "low": low, "high": high, "log": log}, when)


def _cat(name, choices, when=None):
    return _parameter({"name": name, "type": "cat", "choices": choices}, when)


def svm_space(pre="", when=None):
    k = pre + "kernel"
    return [_float(pre + "C", 1e-3, 1e3, True, when), _cat(k, ["rbf", "poly", "sigmoid", "linear"], when),
            _float(pre + "gamma", 1e-5, 1e1, True, (k, ["rbf", "poly", "sigmoid"])),
            _int(pre + "degree", 2, 5, False, (k, ["poly"])),
            _float(pre + "coef0", 0.0, 1.0, False, (k, ["poly", "sigmoid"]))]


def knn_space(pre="", when=None):
    return [_int(pre + "n_neighbors", 1, 60, True, when), _cat(pre + "weights", ["uniform", "distance"], when),
            _float(pre + "p", 1.0, 4.0, False, when)]


def tree_space(pre="", when=None):
    return [_int(pre + "max_depth", 1, 24, False, when), _int(pre + "min_samples_split", 2, 64, True, when),
            _int(pre + "min_samples_leaf", 1, 32, True, when), _float(pre + "max_features", 0.1, 1.0, False, when),
            _float(pre + "ccp_alpha", 1e-6, 1e-1, True, when)]


SPACES = {
    "svm": svm_space(),
    "svr": svm_space() + [_float("epsilon", 1e-3, 1.0, True)],
    "knn": [_cat("scaler", ["none", "standard", "minmax", "robust"]), _cat("pca", ["off", "on"]),
            _float("pca_frac", 0.1, 1.0, False, ("pca", ["on"]))] + knn_space(),
    "tree": [_cat("criterion", ["gini", "entropy", "log_loss"])] + tree_space(),
    "enet": [_cat("poly", ["1", "2"]), _float("alpha", 1e-4, 1e2, True), _float("l1_ratio", 0.0, 1.0),
             _cat("loss", ["squared", "huber"]), _float("eps", 1.01, 3.0, False, ("loss", ["huber"]))],
    "cash": [_cat("scaler", ["none", "standard", "minmax"]), _cat("algo", ["svm", "knn", "tree", "ridge"])]
            + svm_space("svm_", ("algo", ["svm"])) + knn_space("knn_", ("algo", ["knn"]))
            + tree_space("tree_", ("algo", ["tree"])) + [_float("ridge_alpha", 1e-4, 1e4, True, ("algo", ["ridge"]))],
    "rf": [_int("n_estimators", 4, 80, True), _int("max_depth", 1, 20), _float("max_features", 0.05, 1.0),
           _int("min_samples_leaf", 1, 32, True), _cat("bootstrap", ["yes", "no"]),
           _float("max_samples", 0.1, 1.0, False, ("bootstrap", ["yes"]))],
    "gbm": [_int("n_estimators", 5, 100, True), _float("learning_rate", 1e-3, 1.0, True), _int("max_depth", 1, 8),
            _float("subsample", 0.2, 1.0), _float("max_features", 0.05, 1.0), _int("min_samples_leaf", 1, 32, True)],
    "boost": [_float("learning_rate", 1e-3, 1.0, True), _int("max_depth", 1, 8), _float("subsample", 0.2, 1.0),
              _float("max_features", 0.05, 1.0), _int("min_samples_leaf", 1, 32, True)],
    "mlp": [_int("n_layers", 1, 3), _int("units1", 4, 96, True), _int("units2", 4, 96, True, ("n_layers", [2, 3])),
            _int("units3", 4, 96, True, ("n_layers", [3])), _float("alpha", 1e-7, 1e0, True), _float("lr", 1e-5, 1e-1, True),
            _int("batch", 8, 256, True), _cat("act", ["relu", "tanh", "logistic"]), _cat("solver", ["adam", "sgd"]),
            _float("momentum", 0.0, 0.99, False, ("solver", ["sgd"]))],
}


def dataset(name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Features, targets and the kind: `c` classification, `r` regression with a standardized target."""
    from sklearn import datasets
    shipped = {"wine": datasets.load_wine, "cancer": datasets.load_breast_cancer, "digits": datasets.load_digits, "digits500": datasets.load_digits}
    if name in shipped:
        X, y = shipped[name](return_X_y=True)
        return (X[:500], y[:500], "c") if name == "digits500" else (X, y, "c")
    if name.startswith("mkc"):      # generated; the number is the seed
        seed = int(name[3:])
        X, y = datasets.make_classification(400, 10 + seed % 7, n_informative=5, n_redundant=2, n_classes=2 + seed % 3, n_clusters_per_class=2,
                                            flip_y=0.05, class_sep=0.9, random_state=seed)
        return X, y, "c"
    if name == "diabetes":
        X, y = datasets.load_diabetes(return_X_y=True)
    else:                           # Friedman's regressions: fr<which>_<seed>
        which, seed = int(name[2]), int(name[4:])
        X, y = {1: lambda: datasets.make_friedman1(350, 10, noise=1.0, random_state=seed),
                2: lambda: datasets.make_friedman2(350, noise=50, random_state=seed),
                3: lambda: datasets.make_friedman3(350, noise=.1, random_state=seed)}[which]()
    return X, (y - y.mean()) / y.std(), "r"


_SCALERS = {"standard": "StandardScaler", "minmax": "MinMaxScaler", "robust": "RobustScaler"}


def _scaler(name: str):
    from sklearn import preprocessing
    return "passthrough" if name == "none" else getattr(preprocessing, _SCALERS[name])()


def build(model: str, kind: str, params: Params):
    """The estimator of a configuration."""
    from sklearn import ensemble, svm, tree
    p = dict(params)
    classifies = kind == "c"
    if model in ("svm", "svr"):
        return (svm.SVC if classifies else svm.SVR)(max_iter=3000, cache_size=50, **p)
    if model == "tree":
        if not classifies:
            p.pop("criterion", None)
        return (tree.DecisionTreeClassifier if classifies else tree.DecisionTreeRegressor)(random_state=0, **p)
    if model == "rf":
        bootstrap = p.pop("bootstrap") == "yes"
        return (ensemble.RandomForestClassifier if classifies else ensemble.RandomForestRegressor)(bootstrap=bootstrap, random_state=0, **p)
    if model == "gbm":
        return (ensemble.GradientBoostingClassifier if classifies else ensemble.GradientBoostingRegressor)(random_state=0, **p)
    if model == "mlp":
        return mlp(kind, p, 12)
    return {"knn": _neighbours, "enet": _linear, "cash": _any_model}[model](kind, p)


def _neighbours(kind: str, p: Params):
    from sklearn import decomposition, neighbors, pipeline
    steps = [_scaler(p.pop("scaler"))]
    reduce, share = p.pop("pca"), p.pop("pca_frac", None)
    if reduce == "on":
        steps.append(decomposition.PCA(n_components=min(share, 0.999), svd_solver="full"))
    steps.append((neighbors.KNeighborsClassifier if kind == "c" else neighbors.KNeighborsRegressor)(**p))
    return pipeline.make_pipeline(*steps)


def _linear(_kind: str, p: Params):
    from sklearn import linear_model, pipeline, preprocessing
    steps = []
    if p["poly"] == "2":
        steps += [preprocessing.PolynomialFeatures(2, include_bias=False), preprocessing.StandardScaler()]
    if p["loss"] == "huber":
        steps.append(linear_model.HuberRegressor(epsilon=p["eps"], alpha=p["alpha"], max_iter=60))
    else:
        steps.append(linear_model.ElasticNet(alpha=p["alpha"], l1_ratio=max(p["l1_ratio"], 1e-3), max_iter=200))
    return pipeline.make_pipeline(*steps)


def _any_model(kind: str, p: Params):
    """The choice of the algorithm is a parameter too."""
    from sklearn import linear_model, pipeline
    algorithm = p["algo"]
    own = {key[len(algorithm) + 1:]: value for key, value in p.items() if key.startswith(algorithm + "_")}
    if algorithm == "ridge":
        model = (linear_model.RidgeClassifier if kind == "c" else linear_model.Ridge)(**own)
    elif algorithm == "knn":
        model = build("knn", kind, {**own, "scaler": "none", "pca": "off"})
    else:
        model = build(algorithm, kind, own)
    return pipeline.make_pipeline(_scaler(p["scaler"]), model)


def mlp(kind: str, p: Params, epochs: int):
    from sklearn import neural_network
    units = tuple(p["units%d" % layer] for layer in range(1, p["n_layers"] + 1))
    return (neural_network.MLPClassifier if kind == "c" else neural_network.MLPRegressor)(
        hidden_layer_sizes=units, activation=p["act"], solver=p["solver"], alpha=p["alpha"], batch_size=p["batch"], learning_rate_init=p["lr"],
        momentum=p.get("momentum", 0.9), max_iter=epochs, random_state=0)


@functools.cache
def _data(name: str, scaled: bool) -> tuple[np.ndarray, np.ndarray, str]:
    X, y, kind = dataset(name)
    return ((X - X.mean(0)) / (X.std(0) + 1e-12) if scaled else X), y, kind


def metric(kind: str, mode: str, model, X: np.ndarray, y: np.ndarray) -> float:
    if kind == "r":
        error = np.nan_to_num(model.predict(X) - y, nan=1e3)
        return min(float(np.mean(np.clip(error, -1e3, 1e3) ** 2)), 4.0)
    if mode == "nll":
        from sklearn.metrics import log_loss
        shares = np.clip(np.nan_to_num(model.predict_proba(X), nan=1e-6), 1e-6, 1)
        return float(min(log_loss(y, shares, labels=model.classes_), 5.0))
    return float(np.mean(model.predict(X) != y))


def cv_loss(model: str, data: str, params: Params, folds: int = 3) -> float:
    """The mean over fixed folds: error rate (svm, knn, tree, cash), log loss (rf, gbm, mlp), squared error (regression)."""
    from sklearn.model_selection import KFold, StratifiedKFold
    X, y, kind = _data(data, model not in ("knn", "cash"))
    mode = "nll" if model in ("rf", "gbm", "mlp") else "err"
    splits = (StratifiedKFold if kind == "c" else KFold)(folds, shuffle=True, random_state=7)
    losses = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for train, test in splits.split(X, y):
            try:
                losses.append(metric(kind, mode, build(model, kind, params).fit(X[train], y[train]), X[test], y[test]))
            except (ValueError, FloatingPointError):      # it diverged
                losses.append(4.0 if kind == "r" else 5.0 if mode == "nll" else 1.0)
    return float(np.mean(losses))


def curve(data: str, params: Params) -> list[float]:
    """The validation loss of a network after each epoch (one fixed split)."""
    from sklearn.model_selection import train_test_split
    X, y, kind = _data(data, True)
    Xt, Xv, yt, yv = train_test_split(X, y, test_size=.3, random_state=11, stratify=y if kind == "c" else None)
    network, losses, rng = mlp(kind, params, 1), [], np.random.RandomState(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(EPOCHS):
            try:
                order = rng.permutation(len(Xt))       # partial_fit runs the minibatches of one epoch
                network.partial_fit(Xt[order], yt[order], **({"classes": np.unique(y)} if kind == "c" else {}))
                losses.append(metric(kind, "nll", network, Xv, yv))
            except ValueError:                          # it diverged
                return losses + [5.0 if kind == "c" else 4.0] * (EPOCHS - len(losses))
    return losses


def boosting_curve(data: str, params: Params) -> list[float]:
    """The validation loss of boosted trees after each epoch, which is three trees."""
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.metrics import log_loss
    from sklearn.model_selection import train_test_split
    X, y, _ = _data(data, True)
    Xt, Xv, yt, yv = train_test_split(X, y, test_size=.3, random_state=11, stratify=y)
    model = GradientBoostingClassifier(n_estimators=3 * EPOCHS, random_state=0, **params).fit(Xt, yt)
    stages = [np.clip(stage, 1e-6, 1) for stage in model.staged_predict_proba(Xv)][2::3]
    return [float(min(log_loss(yv, stage / stage.sum(1, keepdims=True), labels=model.classes_), 5.0)) for stage in stages]
