"""rustuna: Optuna's API over samplers in Rust."""
from importlib.metadata import version

import rustuna
from base import Driver, serve
from rustuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution


class Rustuna(Driver):
    version = "rustuna " + version("rustuna")
    several = True

    def init(self, algorithm):
        sampler = {"tpe": rustuna.samplers.TPESampler, "random": rustuna.samplers.RandomSampler}[algorithm](seed=self.seed)
        self.study = rustuna.create_study(sampler=sampler, directions=["minimize"] * self.objectives)

    def ask(self):
        trial, out = self.study.ask(), {}
        for p in self.space:
            when = p.get("when")
            if when and not (when["param"] in out and out[when["param"]] in when["in"]):
                continue
            name = p["name"]
            if p["type"] == "float":
                out[name] = trial.suggest_float(name, p["low"], p["high"], log=bool(p.get("log")))
            elif p["type"] == "int":
                out[name] = trial.suggest_int(name, p["low"], p["high"], log=bool(p.get("log")))
            elif p["type"] == "cat":
                out[name] = trial.suggest_categorical(name, p["choices"])
            else:
                out[name] = p["choices"][trial.suggest_int(name, 0, len(p["choices"]) - 1)]
        return trial, out

    def distribution(self, p):
        if p["type"] == "cat":
            return CategoricalDistribution(p["choices"])
        if p["type"] == "ordinal":
            return IntDistribution(0, len(p["choices"]) - 1)
        kind = FloatDistribution if p["type"] == "float" else IntDistribution
        return kind(p["low"], p["high"], log=bool(p.get("log")))

    def inject(self, rows):
        known = {p["name"]: p for p in self.space}
        distributions = {name: self.distribution(p) for name, p in known.items()}
        for params, value in rows:
            inner = {name: known[name]["choices"].index(v) if known[name]["type"] == "ordinal" else v for name, v in params.items()}
            self.study.add_trial(rustuna.create_trial(params=inner, distributions={name: distributions[name] for name in inner}, value=value))

    def tell(self, trial, params, value):
        self.study.tell(trial.number, value)


serve(Rustuna)
