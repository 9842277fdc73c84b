"""The problems. Each is minimized; its name says all: `get(name)` makes it, `names(...)` lists them.

There are two splits, of the same kinds but with other functions, instances, data sets and models:
`tuning` is for design decisions, `held` only for reports. A problem is `core` (few, for the peers
that need seconds for a suggestion), `quick` (for a developer's answer within minutes) or `full`.
"""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Callable

import functions
import space as sp
import tables

Params = dict[str, Any]
Space = list[dict[str, Any]]
TIERS = ("core", "quick", "full")
SPLITS = ("tuning", "held")
FAMILIES = ("bbob", "noisy", "mixint", "tab", "sk", "mf", "mo")


@dataclass
class Problem:
    name: str
    space: Space
    loss: Callable[[Params], Any]                # a number; a list of them with several objectives
    best: float | None = None                    # the optimum, if it is known
    noise: Callable[[Params, float, random.Random], float] | None = None
    curve: Callable[[Params], list[float]] | None = None   # the loss after each epoch
    reference: list[float] | None = None         # the hypervolume's reference point
    live: bool = False                           # a model is trained for each evaluation

    @property
    def family(self) -> str:
        return self.name.partition("-")[0]

    def evaluate(self, params: Params, rng: random.Random) -> tuple[Any, Any]:
        """The loss as observed and as it is; they differ only where there is noise."""
        params = sp.clean(self.space, params)
        true = self.loss(params)
        return (true if self.noise is None else self.noise(params, true, rng)), true


def _bbob(names: str) -> list[str]:
    """`f-d-i` triples in short."""
    return ["bbob-f%s-d%s-i%s" % tuple(name.split("/")) for name in names.split()]


# Each split has functions of all five groups of BBOB; `quick` has each function once.
_QUICK_BBOB = {
    "tuning": _bbob("1/10/1 3/5/1 5/2/1 6/10/1 8/5/1 10/5/1 13/10/1 15/20/1 17/10/1 20/5/1 21/2/1 23/5/1"),
    "held": _bbob("2/5/11 4/10/11 7/10/11 9/10/11 11/5/11 12/5/11 14/20/11 16/2/11 18/5/11 19/10/11 22/5/11 24/5/11"),
}
_QUICK = {
    "tuning": _QUICK_BBOB["tuning"] + [
        "noisy-f8-d5-i2-gauss", "noisy-f15-d5-i2-hetero", "noisy-hpobench-australian",
        "mixint-f1-d20-i1", "mixint-f3-d5-i1", "mixint-f6-d10-i1", "mixint-f8-d10-i1", "mixint-f15-d10-i1", "mixint-f21-d5-i1",
        "tab-hpobench-kc1", "tab-hpobench-segment", "tab-hpobench-credit_g", "tab-hpolib-protein_structure",
        "tab-hpolib-parkinsons_telemonitoring", "tab-nasbench201-cifar10",
        "sk-svm-cancer", "sk-svr-fr1_1", "sk-knn-mkc3", "sk-enet-diabetes", "sk-cash-mkc1", "sk-rf-cancer", "sk-gbm-mkc1", "sk-mlp-digits500",
        "mf-digits", "mf-mkc4", "mf-boost-mkc2",
        "mo-zdt1-d6", "mo-zdt3-d6", "mo-dtlz2-d5-m2", "mo-tab-hpolib-protein_structure", "mo-tab-nasbench201-cifar10",
    ],
    "held": _QUICK_BBOB["held"] + [
        "noisy-f7-d5-i12-gauss", "noisy-f16-d5-i12-hetero", "noisy-hpobench-phoneme",
        "mixint-f2-d20-i11", "mixint-f4-d5-i11", "mixint-f7-d10-i11", "mixint-f11-d5-i11", "mixint-f16-d10-i11", "mixint-f22-d5-i11",
        "tab-hpobench-car", "tab-hpobench-vehicle", "tab-hpobench-blood_transfusion", "tab-hpolib-naval_propulsion",
        "tab-hpolib-slice_localization", "tab-nasbench201-cifar100", "tab-nasbench201-imagenet",
        "sk-svm-mkc8", "sk-svr-diabetes", "sk-knn-digits500", "sk-tree-mkc5", "sk-cash-wine", "sk-rf-mkc9", "sk-gbm-wine", "sk-mlp-mkc6",
        "mf-wine", "mf-fr1_3", "mf-boost-cancer",
        "mo-zdt2-d6", "mo-zdt4-d5", "mo-dtlz1-d5-m2", "mo-dtlz2-d6-m3", "mo-tab-hpolib-naval_propulsion", "mo-tab-nasbench201-imagenet",
    ],
}
_CORE = {
    "tuning": ["bbob-f3-d5-i1", "bbob-f8-d5-i1", "bbob-f6-d10-i1", "bbob-f21-d2-i1", "mixint-f3-d5-i1", "mixint-f8-d10-i1",
               "tab-hpobench-segment", "tab-hpolib-protein_structure", "tab-nasbench201-cifar10",
               "sk-svm-cancer", "sk-cash-mkc1", "sk-mlp-digits500", "noisy-f8-d5-i2-gauss", "mf-digits", "mo-zdt1-d6"],
    "held": ["bbob-f4-d10-i11", "bbob-f7-d10-i11", "bbob-f9-d10-i11", "bbob-f16-d2-i11", "mixint-f4-d5-i11", "mixint-f7-d10-i11",
             "tab-hpobench-car", "tab-hpolib-slice_localization", "tab-nasbench201-cifar100",
             "sk-svm-mkc8", "sk-cash-wine", "sk-mlp-mkc6", "noisy-f7-d5-i12-gauss", "mf-wine", "mo-zdt2-d6"],
}


def _all_dimensions(split: str) -> list[str]:
    """Every BBOB function of the split in four dimensions, every mixed-integer one in two."""
    functions_of = {"tuning": (1, 3, 5, 6, 8, 10, 13, 15, 17, 20, 21, 23), "held": (2, 4, 7, 9, 11, 12, 14, 16, 18, 19, 22, 24)}
    first = {"tuning": 1, "held": 11}[split]
    bbob = ["bbob-f%d-d%d-i%d" % (f, d, first + k) for f in functions_of[split] for k, d in enumerate((2, 5, 10, 20))]
    mixint = ["mixint-f%d-d%d-i%d" % (f, d, first + k) for f in functions_of[split] for k, d in enumerate((5, 10))]
    return bbob + mixint


def names(split: str, tier: str = "quick", families: list[str] | None = None) -> list[str]:
    """The problems of a split; several objectives and learning curves only if named among the families."""
    listed = {"core": _CORE[split], "quick": _QUICK[split], "full": list(dict.fromkeys(_QUICK[split] + _all_dimensions(split)))}[tier]
    wanted = families or [family for family in FAMILIES if family not in ("mf", "mo")]
    return [name for name in listed if name.partition("-")[0] in wanted]


def get(name: str) -> Problem:
    family, _, rest = name.partition("-")
    if family == "bbob" or (family == "noisy" and rest.startswith("f")):
        return Problem(name, *functions.bbob(rest))
    if family == "mixint":
        return Problem(name, *functions.mixed_integer(rest))
    if family == "tab":
        return Problem(name, *tables.tabular(rest)[:3])
    if family == "noisy":
        return Problem(name, *tables.tabular(rest))
    if family == "mo" and rest.startswith("tab-"):
        space, loss, reference, best = tables.loss_and_size(rest[4:])
        return Problem(name, space, loss, best, reference=reference)
    if family == "mo":
        space, loss, reference, best = functions.several_objectives(rest)
        return Problem(name, space, loss, best, reference=reference)
    import learning
    if family == "mf":
        space, curve = learning.curves(rest)
        return Problem(name, space, lambda params: curve(params)[-1], curve=curve)
    assert family == "sk", name
    space, loss, live = learning.task(rest)
    return Problem(name, space, loss, live=live)
