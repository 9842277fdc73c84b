"""Makes gaussian_process.json: posteriors and marginal likelihoods by scikit-learn 1.9.1.

The mean is ours (generalised least squares with precision 0.05); scikit-learn gets what is left.
"""

import json
import sys

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

PRECISION = 0.05


def case(seed, n, noise):
    rng = np.random.default_rng(seed)
    d = 1 + seed % 4
    x = rng.random((n, d))
    y = np.sin(5 * x.sum(axis=1)) + 0.1 * rng.standard_normal(n)
    lengthscales = np.exp(rng.normal(-0.5, 0.5, d))
    variance = float(np.exp(rng.normal(0, 0.5)))
    kernel = ConstantKernel(variance) * Matern(lengthscales, nu=2.5)
    inverse = np.linalg.inv(kernel(x) + noise * np.eye(n))
    ones = np.ones(n)
    mean = float(ones @ inverse @ y / (ones @ inverse @ ones + PRECISION))
    process = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(x, y - mean)
    at = rng.random((5, d))
    means, deviations = process.predict(at, return_std=True)
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "lengthscales": lengthscales.tolist(),
        "variance": variance,
        "noise": noise,
        "mean": mean,
        "log_marginal_likelihood": float(process.log_marginal_likelihood_value_),
        "at": at.tolist(),
        "means": (means + mean).tolist(),
        "variances": (deviations**2).tolist(),
    }


cases = [case(seed, [1, 2, 10, 60][seed % 4], [1e-2, 1e-3, 1e-4][seed % 3]) for seed in range(20)]
cases += [case(20 + seed, 30, 1e-6) for seed in range(3)]
json.dump(cases, sys.stdout)
