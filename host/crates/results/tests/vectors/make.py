#!/usr/bin/env python3
"""Writes scipy.json: what SciPy says about numbers that src/statistics computes too.

Needed only to make the file again: python3 -m venv v && v/bin/pip install scipy==1.17.1 && v/bin/python make.py
What SciPy does not have (ranks of an interval, Hodges-Lehmann, MSER-5, interval censoring) is computed here
straight from its definition, slowly and by other means than in Rust.
"""

import itertools
import json
import os

import numpy as np
from scipy import special, stats

rng = np.random.default_rng(20261122)
vectors = {"scipy": __import__("scipy").__version__}

vectors["beta"] = [
    [x, a, b, special.betainc(a, b, x)]
    for x, a, b in [
        (0.5, 1, 1), (0.1, 2, 5), (0.9, 2, 5), (0.01, 0.5, 0.5), (0.99, 368, 1), (0.99, 9900, 101),
        (0.5, 5000, 5001), (0.999, 999000, 1001), (0.3, 14.5, 0.5),
    ]
]
vectors["normal"] = [[x, stats.norm.cdf(x)] for x in [-8, -5, -3, -2.5, -1.96, -1, 0, 0.3, 1, 2, 2.83, 4]]
vectors["normalQuantile"] = [[p, stats.norm.ppf(p)] for p in [1e-6, 0.005, 0.025, 0.2, 0.5, 0.8, 0.975, 0.9999]]
vectors["student"] = [
    [p, df, stats.t.ppf(p, df)] for p in [0.005, 0.025, 0.5, 0.9, 0.975, 0.999] for df in [1, 2, 5, 19, 29, 200]
]

def ranks(n, q, alpha=0.05):
    below = stats.binom.cdf(np.arange(0, n), n, q)  # chance of at most k - 1, for k from 1
    low = np.nonzero(below <= alpha / 2)[0]
    high = np.nonzero(below >= 1 - alpha / 2)[0]
    return [int(low[-1]) + 1 if len(low) else None, int(high[0]) + 1 if len(high) else None]

vectors["ranks"] = [
    [n, q, *ranks(n, q)]
    for n in [1, 5, 6, 20, 36, 72, 100, 367, 368, 500, 1000, 3688, 5000, 40000, 200000]
    for q in [0.5, 0.9, 0.95, 0.99, 0.999]
]

def two_sided(a, b):
    """Every way to choose the first group, by its rank sum; ties share the mean rank."""
    if len(set(a) | set(b)) == len(a) + len(b):
        return float(stats.mannwhitneyu(a, b, method="exact").pvalue)
    method = stats.PermutationMethod(n_resamples=10**7)
    return float(stats.mannwhitneyu(a, b, method=method).pvalue)

def hodges_lehmann(a, b, alpha=0.05):
    differences = np.sort(np.subtract.outer(np.asarray(b), np.asarray(a)).ravel())
    n1, n2 = len(a), len(b)
    sums = [sum(c) for c in itertools.combinations(range(1, n1 + n2 + 1), n1)]
    u = np.asarray(sums) - n1 * (n1 + 1) // 2
    k = -1
    while np.mean(u <= k + 1) <= alpha / 2:
        k += 1
    if k < 0:
        return [float(np.median(differences)), None, None]
    return [float(np.median(differences)), float(differences[k]), float(differences[len(differences) - 1 - k])]

groups = []
for n1, n2, spread in [(1, 1, 1), (3, 3, 1), (4, 4, 1), (4, 4, 9), (5, 5, 1), (5, 7, 1), (6, 6, 3), (8, 8, 1), (9, 10, 1)]:
    a, b = rng.lognormal(0, 0.2, n1), rng.lognormal(0, 0.2, n2) * (1 + 0.1 * spread)
    groups.append((np.round(a, 6).tolist(), np.round(b, 6).tolist()))
for n1, n2 in [(4, 4), (5, 5), (6, 8)]:  # with ties
    groups.append((rng.integers(0, 5, n1).astype(float).tolist(), rng.integers(1, 6, n2).astype(float).tolist()))
vectors["groups"] = [
    {"a": a, "b": b, "p": two_sided(a, b), "shift": hodges_lehmann(a, b)} for a, b in groups
]
many = [np.round(rng.normal(0, 1, 70), 6).tolist(), np.round(rng.normal(0.3, 1, 90), 6).tolist()]
vectors["manyRuns"] = {"a": many[0], "b": many[1], "p": float(stats.mannwhitneyu(*many, method="asymptotic").pvalue)}

def mser5(series):
    y = [np.mean(series[i:i + 5]) for i in range(0, len(series) - len(series) % 5, 5)]
    m = len(y)
    costs = [np.sum((np.array(y[d:]) - np.mean(y[d:])) ** 2) / (m - d) ** 2 for d in range(0, m // 2 + 1)]
    return int(np.argmin(costs))

series = []
for n, bias, tau, drift in [(100, 0, 1, 0), (300, 0.8, 15, 0), (300, 0.8, 5, 0), (120, 0, 1, 0.5), (60, 3, 200, 0)]:
    t = np.arange(n)
    series.append(np.round(100 * (1 + bias * np.exp(-t / tau) + drift * t / n) + rng.normal(0, 2, n), 4).tolist())
vectors["series"] = [
    {
        "values": s,
        "mser5": mser5(s),
        "slope": float(stats.theilslopes(s[:60]).slope),
        # Kendall's tau-b without correction for continuity has the p of the Mann-Kendall test.
        "trendP": float(stats.kendalltau(np.arange(60), np.round(s[:60], 1), method="asymptotic").pvalue),
    }
    for s in series
]

# Values cut off on the right: Turnbull's estimate is Kaplan and Meier's.
came = np.sort(rng.choice(np.arange(1, 200), 60, replace=False))
cut = np.sort(rng.choice(np.arange(1, 200), 25, replace=False))
curve = stats.ecdf(stats.CensoredData(uncensored=came.astype(float), right=cut.astype(float))).cdf
vectors["kaplanMeier"] = {
    "came": came.tolist(), "cut": cut.tolist(),
    "at": curve.quantiles.tolist(), "cdf": curve.probabilities.tolist(),
}

# Values between stamps of whole seconds: the likelihood maximised with dense matrices.
truth = rng.lognormal(np.log(0.4), 0.5, 400)
start = rng.uniform(0, 60, 400)
stamp = np.floor(start + truth)
low, high = np.maximum(0, stamp - start), stamp + 1 - start
low, high = np.round(low, 4), np.round(high, 4)
cell = 0.01
cells = int(np.floor((high.max() - low.min()) / cell)) + 1
first = np.floor((low - low.min()) / cell).astype(int)
last = np.floor((high - low.min()) / cell).astype(int)
inside = (np.arange(cells + 1) >= first[:, None]) & (np.arange(cells + 1) <= last[:, None])
mass = np.full(cells + 1, 1 / (cells + 1))
for _ in range(400):
    mass = mass * np.mean(inside / (inside @ mass)[:, None], axis=0)
cumulative = np.concatenate([[0], np.cumsum(mass[:cells])])
vectors["turnbull"] = {
    "low": low.tolist(), "high": high.tolist(), "cell": cell,
    "quantiles": [[q, float(np.interp(q, cumulative, low.min() + cell * np.arange(cells + 1)))] for q in [0.1, 0.5, 0.9, 0.99]],
    "truth": [[q, float(np.exp(np.log(0.4) + 0.5 * stats.norm.ppf(q)))] for q in [0.5, 0.9]],
}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "scipy.json"), "w") as file:
    json.dump(vectors, file, separators=(",", ":"))
    file.write("\n")
