"""The loop of all drivers: JSON lines on the standard streams. Python 3.8 or newer, standard library only.

 {"op":"init","algorithm":A,"space":[...],"seed":S,"budget":N,"q":Q,"mf":0|max_epochs[,"objectives":2,"reference":[..]]}
                                     -> {"ok":true,"version":V}
 {"op":"ask"}                        -> {"id":I,"params":{..},"wall":s,"cpu":s[,"epochs":n,"cfg":key]}
 {"op":"report","id":I,"step":n,"value":v} -> {"stop":bool,"wall":s,"cpu":s}
 {"op":"tell","id":I,"value":v}      -> {"ok":true,"wall":s,"cpu":s}     # with several objectives "values":[..]
 {"op":"inject","rows":[[params,value],..]}  -> {"ok":true}     # prior history, not timed
 {"op":"rss"}                        -> {"peak_mib":m}
One process may serve many studies, one after another. Times are of the peer's own calls only.
A driver subclasses Driver: init(algorithm), ask()->(handle, params), tell(handle, params, value)."""
import json, os, resource, sys, time, traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
import space as sp  # noqa: E402


class Driver:
    version = "?"
    seed = 0
    several = False                  # whether it takes several objectives

    def flat(self):
        """The space without conditions, for peers that have none."""
        return [{k: v for k, v in p.items() if k != "when"} for p in self.space]

    def report(self, handle, step, value):
        return False

    def extra(self, handle):
        return {}

    def inject(self, rows):
        """Add finished trials. The default asks and tells (the peer's own points)."""
        for _, v in rows:
            h, p = self.ask()
            self.tell(h, p, v)


def serve(cls):
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)                    # whatever the peer prints goes to stderr
    sys.stdout = sys.stderr
    d, open_, n = None, {}, 0
    for line in sys.stdin:
        m = json.loads(line)
        op = m["op"]
        try:
            if op == "init":
                d, open_, n = cls(), {}, 0
                d.space, d.seed, d.budget, d.q, d.mf = m["space"], m["seed"], m["budget"], m.get("q", 1), m.get("mf", 0)
                d.objectives, d.reference = m.get("objectives", 1), m.get("reference")
                if d.objectives > 1 and not d.several:
                    raise ValueError("no several objectives")
                d.init(m["algorithm"])
                r = {"ok": True, "version": d.version}
            elif op == "ask":
                w, c = time.perf_counter(), time.process_time()
                h, params = d.ask()
                w, c = time.perf_counter() - w, time.process_time() - c
                params = sp.clean(d.space, params)
                open_[n] = (h, params)
                r = {"id": n, "params": params, "wall": w, "cpu": c}
                r.update(d.extra(h))
                n += 1
            elif op == "report":
                w, c = time.perf_counter(), time.process_time()
                s = d.report(open_[m["id"]][0], m["step"], m["value"])
                r = {"stop": bool(s), "wall": time.perf_counter() - w, "cpu": time.process_time() - c}
            elif op == "tell":
                h, params = open_.pop(m["id"])
                w, c = time.perf_counter(), time.process_time()
                d.tell(h, params, m["values"] if d.objectives > 1 else m["value"])
                r = {"ok": True, "wall": time.perf_counter() - w, "cpu": time.process_time() - c}
            elif op == "inject":
                d.inject(m["rows"])
                r = {"ok": True}
            elif op == "rss":
                r = {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
            else:
                break
        except Exception as e:
            traceback.print_exc()
            r = {"error": "%s: %s" % (type(e).__name__, str(e)[:300])}
        out.write(json.dumps(r) + "\n")
        out.flush()
