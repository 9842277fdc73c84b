"""The neutral form of a search space, shared by the harness and all drivers. Python 3.8 or newer, standard library only.

A space is a list of parameters, parents before children:
  {"name":"lr","type":"float","low":1e-5,"high":1.0,"log":true}
  {"name":"k","type":"int","low":1,"high":50,"log":false}
  {"name":"act","type":"cat","choices":["relu","tanh"]}
  {"name":"batch","type":"ordinal","choices":[8,16,32,64]}      # ordered, any scalar
Each may carry "when":{"param":"kernel","in":["rbf","poly"]} (active only then; nesting allowed).
Params sent to the harness may hold inactive names; they are dropped before evaluation.
"""
import math


def active(space, params):
    """The active part of params."""
    out = {}
    for p in space:
        w = p.get("when")
        if w is not None and not (w["param"] in out and out[w["param"]] in w["in"]):
            continue
        out[p["name"]] = params[p["name"]]
    return out


def from_unit(p, u):
    """Map u in [0,1) to a value of parameter p."""
    u = min(max(u, 0.0), 1.0 - 1e-12)
    if p["type"] in ("cat", "ordinal"):
        return p["choices"][int(u * len(p["choices"]))]
    lo, hi = p["low"], p["high"]
    if p["type"] == "int":
        if p.get("log"):
            v = math.exp(math.log(lo - 0.5) + u * (math.log(hi + 0.5) - math.log(lo - 0.5)))
        else:
            v = lo - 0.5 + u * (hi - lo + 1)
        return int(min(max(round(v), lo), hi))
    if p.get("log"):
        return min(max(math.exp(math.log(lo) + u * (math.log(hi) - math.log(lo))), lo), hi)
    return lo + u * (hi - lo)


def to_unit(p, v):
    if p["type"] in ("cat", "ordinal"):
        return (p["choices"].index(v) + 0.5) / len(p["choices"])
    lo, hi = p["low"], p["high"]
    if p["type"] == "int":
        lo, hi = lo - 0.5, hi + 0.5
    if p.get("log"):
        return (math.log(v) - math.log(lo)) / (math.log(hi) - math.log(lo))
    return (v - lo) / (hi - lo)


def from_units(space, us):
    return active(space, {p["name"]: from_unit(p, u) for p, u in zip(space, us)})


def sample(space, rnd):
    return from_units(space, [rnd.random() for _ in space])


def clean(space, params):
    """Clip / cast what a peer returned to legal values of the active parameters."""
    out = {}
    for p in space:
        n = p["name"]
        if n not in params or params[n] is None:
            continue
        v = params[n]
        if p["type"] == "int":
            v = int(min(max(int(round(v)), p["low"]), p["high"]))
        elif p["type"] == "float":
            v = float(min(max(float(v), p["low"]), p["high"]))
        elif v not in p["choices"]:
            raise ValueError("%s=%r not in choices" % (n, v))
        else:
            v = p["choices"][p["choices"].index(v)]      # plain python value, not numpy's
        out[n] = v
    return active(space, out)


def encode(space, params):
    """Feature row for the surrogate: unit value, one-hot for cat, -1 when inactive."""
    row = []
    for p in space:
        on = p["name"] in params
        if p["type"] == "cat":
            row += [(1.0 if on and params[p["name"]] == c else 0.0) for c in p["choices"]]
        else:
            row.append(to_unit(p, params[p["name"]]) if on else -1.0)
    return row
