"""Makes the tables behind the surrogates: Sobol points of a space and real losses there.

usage: gen_tables.py [NAME...]; writes data/NAME.npz with `units` and `y` (a column an epoch). A table that
exists is kept.
"""
from __future__ import annotations

import os
import sys
import time

import numpy as np
from scipy.stats import qmc

import learning
import space as sp
import surrogate

# Name: model, data set, seconds of CPU.
TABLES = {
    "rf-cancer": ("rf", "cancer", 52), "gbm-mkc1": ("gbm", "mkc1", 52), "mlp-digits500": ("mlp", "digits500", 77),
    "mf-digits": ("curve", "digits500", 63), "mf-mkc4": ("curve", "mkc4", 42), "mf-boost-mkc2": ("boost", "mkc2", 50),
    "rf-mkc9": ("rf", "mkc9", 50), "gbm-wine": ("gbm", "wine", 50), "mlp-mkc6": ("mlp", "mkc6", 25),
    "mf-wine": ("curve", "wine", 20), "mf-fr1_3": ("curve", "fr1_3", 20), "mf-boost-cancer": ("boost", "cancer", 25),
}


def losses(model: str, data: str, params: dict):
    if model == "curve":
        return learning.curve(data, params)
    return learning.boosting_curve(data, params) if model == "boost" else learning.cv_loss(model, data, params)


def main() -> None:
    for name in sys.argv[1:] or TABLES:
        if os.path.exists(surrogate.path(name)):
            continue
        model, data, seconds = TABLES[name]
        space = learning.SPACES["mlp" if model == "curve" else model]
        units = qmc.Sobol(len(space), seed=sum(map(ord, name))).random(1024)
        began, values = time.process_time(), []
        for point in units:
            values.append(losses(model, data, sp.from_units(space, point)))
            if time.process_time() - began > seconds:
                break
        y = np.array(values, dtype=np.float32)
        last = y[:, -1] if y.ndim == 2 else y
        # A model that fails yields the penalty; a table of penalties is no problem.
        assert len(np.unique(last)) > len(last) // 2 and (last == last.max()).mean() < 0.2, name + ": the losses hardly vary"
        np.savez_compressed(surrogate.path(name), units=units[:len(y)].astype(np.float32), y=y)
        print(name, y.shape, "best %.4f, median %.4f, worst %.4f" % (last.min(), np.median(last), last.max()), flush=True)


if __name__ == "__main__":
    main()
