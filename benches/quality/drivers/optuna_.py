from base import Driver, serve
import optuna, warnings
warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
S = optuna.samplers


class D(Driver):
    version = "optuna " + optuna.__version__
    several = True

    def init(self, a):
        a, _, pr = a.partition("+")
        s = {"random": lambda: S.RandomSampler(seed=self.seed), # optuna 5: the default is multivariate for one objective, constant_liar=True
             "tpe": lambda: S.TPESampler(seed=self.seed),
             "tpe-group": lambda: S.TPESampler(seed=self.seed, multivariate=True, group=True),   # differs from tpe on conditional spaces only
             "tpe-uni": lambda: S.TPESampler(seed=self.seed, multivariate=False),                # the optuna 4 default
             "gp": lambda: S.GPSampler(seed=self.seed), "cma": lambda: S.CmaEsSampler(seed=self.seed),
             "qmc": lambda: S.QMCSampler(seed=self.seed, scramble=True), "nsga2": lambda: S.NSGAIISampler(seed=self.seed)}[a]()
        P = optuna.pruners
        p = {"": P.NopPruner, "median": P.MedianPruner, "asha": lambda: P.SuccessiveHalvingPruner(1, 3, 0),
             "hyperband": lambda: P.HyperbandPruner(1, self.mf, 3)}[pr]()
        several = {"directions": ["minimize"] * self.objectives} if self.objectives > 1 else {"pruner": p}
        self.study = optuna.create_study(sampler=s, **several)

    def ask(self):
        t, out = self.study.ask(), {}
        for p in self.space:
            w = p.get("when")
            if w and not (w["param"] in out and out[w["param"]] in w["in"]):
                continue
            n = p["name"]
            if p["type"] == "float":
                out[n] = t.suggest_float(n, p["low"], p["high"], log=bool(p.get("log")))
            elif p["type"] == "int":
                out[n] = t.suggest_int(n, p["low"], p["high"], log=bool(p.get("log")))
            elif p["type"] == "cat":
                out[n] = t.suggest_categorical(n, p["choices"])
            else:
                out[n] = p["choices"][t.suggest_int(n, 0, len(p["choices"]) - 1)]
        return t, out

    def inject(self, rows):
        U = optuna.distributions
        ds, idx = {}, {}
        for p in self.space:
            n = p["name"]
            if p["type"] == "ordinal":
                idx[n] = p["choices"]
            ds[n] = (U.FloatDistribution(p["low"], p["high"], log=bool(p.get("log"))) if p["type"] == "float" else
                     U.IntDistribution(p["low"], p["high"], log=bool(p.get("log"))) if p["type"] == "int" else
                     U.CategoricalDistribution(p["choices"]) if p["type"] == "cat" else U.IntDistribution(0, len(p["choices"]) - 1))
        self.study.add_trials([optuna.trial.create_trial(params={k: idx[k].index(v) if k in idx else v for k, v in q.items()},
                                                         distributions={k: ds[k] for k in q}, value=y) for q, y in rows])

    def report(self, t, step, v):
        t.report(v, step)
        self.pruned = t.should_prune()
        return self.pruned

    def tell(self, t, params, v):
        if self.mf and getattr(self, "pruned", False):
            self.pruned = False
            self.study.tell(t, state=optuna.trial.TrialState.PRUNED)
        else:
            self.study.tell(t, v)


serve(D)
