//! The rule that ends unpromising trials early, and which arguments each rule takes.

use norgay_core::stopping::{
    AshaRule, AutoRule, HyperbandRule, MedianRule, PatienceRule, StoppingRule, ThresholdRule,
};

use super::draft::Draft;
use super::fields::STOPPING_RULE;
use super::source_text::Report;

/// The rules' names.
pub(super) const RULES: &[&str] = &[
    "auto",
    "median",
    "asha",
    "hyperband",
    "patience",
    "threshold",
];

/// The arguments of a rule.
fn arguments(rule: &str) -> &'static [&'static str] {
    match rule {
        "auto" => &["min_iterations", "eta", "chance"],
        "median" => &["min_iterations", "min_trials", "legacy"],
        "asha" => &["min_iterations", "eta"],
        "hyperband" => &["min_iterations", "max_iterations", "eta"],
        "patience" => &["min_iterations", "patience", "min_delta"],
        "threshold" => &["min_iterations", "lower", "upper"],
        _ => &[],
    }
}

/// The rule of a draft; `tell_missing` tells that something lacks in its map.
pub(super) fn stopping_rule(
    draft: &Draft,
    report: &mut Report,
    tell_missing: impl Fn(&str, &mut Report),
) -> Option<StoppingRule> {
    if !draft.mentions("stopping_rule") {
        return None;
    }
    if !draft.mentions("stopping_rule.name") {
        tell_missing("the rule's name is missing, as in {name: median}", report);
    }
    let name = draft.text("stopping_rule.name")?;
    tell_strangers(draft, &name, report);
    let reader = Reader { draft };
    match &*name {
        "auto" => Some(StoppingRule::Auto(reader.auto(report))),
        "median" => Some(StoppingRule::Median(reader.median())),
        "asha" => Some(StoppingRule::Asha(reader.asha())),
        "hyperband" => Some(StoppingRule::Hyperband(reader.hyperband())),
        "patience" => Some(StoppingRule::Patience(reader.patience(report))),
        "threshold" => {
            let rule = reader.threshold();
            if rule.lower.is_none() && rule.upper.is_none() {
                tell_missing("the rule threshold needs a lower or an upper limit", report);
            }
            Some(StoppingRule::Threshold(rule))
        }
        _ => None,
    }
}

/// Tells the arguments that belong to other rules.
fn tell_strangers(draft: &Draft, rule: &str, report: &mut Report) {
    let own = arguments(rule);
    for field in STOPPING_RULE {
        let path = format!("stopping_rule.{}", field.name);
        let is_stranger = field.name != "name" && !own.contains(&field.name);
        if let (true, Some(written)) = (is_stranger, draft.get(&path)) {
            let message = format!(
                "the rule {rule} has no argument '{}'; it has {}",
                field.name,
                own.join(", ")
            );
            written.error(report, message);
        }
    }
}

struct Reader<'a> {
    draft: &'a Draft,
}

impl Reader<'_> {
    fn whole(&self, name: &str, default: u64) -> u64 {
        let written = self.draft.whole(&format!("stopping_rule.{name}"));
        written.unwrap_or(default)
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.draft.number(&format!("stopping_rule.{name}"))
    }

    fn auto(&self, report: &mut Report) -> AutoRule {
        let default = AutoRule::default();
        let chance = self.number("chance").unwrap_or(default.chance);
        let is_chance = (0.0..1.0).contains(&chance);
        if let (false, Some(written)) = (is_chance, self.draft.get("stopping_rule.chance")) {
            written.error(report, "must be at least 0 and below 1");
        }
        AutoRule {
            min_iterations: self.whole("min_iterations", default.min_iterations),
            eta: self.whole("eta", default.eta),
            chance,
        }
    }

    fn median(&self) -> MedianRule {
        let default = MedianRule::default();
        let legacy = self.draft.flag("stopping_rule.legacy");
        MedianRule {
            min_iterations: self.whole("min_iterations", default.min_iterations),
            min_trials: usize::try_from(self.whole("min_trials", default.min_trials as u64))
                .unwrap_or(usize::MAX),
            legacy: legacy.unwrap_or(default.legacy),
        }
    }

    fn asha(&self) -> AshaRule {
        let default = AshaRule::default();
        AshaRule {
            min_iterations: self.whole("min_iterations", default.min_iterations),
            eta: self.whole("eta", default.eta),
        }
    }

    fn hyperband(&self) -> HyperbandRule {
        let default = HyperbandRule::default();
        HyperbandRule {
            min_iterations: self.whole("min_iterations", default.min_iterations),
            max_iterations: self.whole("max_iterations", default.max_iterations),
            eta: self.whole("eta", default.eta),
        }
    }

    fn patience(&self, report: &mut Report) -> PatienceRule {
        let default = PatienceRule::default();
        let min_delta = self.number("min_delta").unwrap_or(default.min_delta);
        if let (true, Some(written)) = (min_delta < 0.0, self.draft.get("stopping_rule.min_delta"))
        {
            written.error(report, "must not be negative");
        }
        PatienceRule {
            min_iterations: self.whole("min_iterations", default.min_iterations),
            patience: self.whole("patience", default.patience),
            min_delta,
        }
    }

    fn threshold(&self) -> ThresholdRule {
        ThresholdRule {
            min_iterations: self.whole("min_iterations", 0),
            lower: self.number("lower"),
            upper: self.number("upper"),
        }
    }
}
