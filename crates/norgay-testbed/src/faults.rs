//! What goes wrong, and when: a plan, and the dice that it is thrown with.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::record::Kind;

/// What goes wrong, and when. The same plan with the same order of requests does the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// Where chance begins.
    pub seed: u64,
    /// Faults of single requests; the first rule that applies counts.
    pub requests: Vec<RequestRule>,
    /// Faults of watches that were accepted; the first rule that applies counts.
    pub watches: Vec<WatchRule>,
    /// Faults of the cluster behind the server.
    pub cluster: ClusterFaults,
}

/// A fault of some requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRule {
    /// The kinds of requests that are meant; none means all.
    #[serde(default)]
    pub on: Vec<Kind>,
    /// Which of those.
    pub when: When,
    /// What happens to them.
    pub fault: RequestFault,
}

/// Which of the requests that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// All of them.
    Always,
    /// Each with this probability.
    Chance(f64),
    /// Only this one, counted from 1.
    Nth(u64),
    /// So many from the first on.
    First(u64),
    /// All after so many.
    After(u64),
    /// One in so many.
    Every(u64),
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestFault {
    /// 429, with or without the seconds to wait.
    TooManyRequests {
        /// `Retry-After`.
        retry_after_s: Option<u64>,
    },
    /// An error of the server with this HTTP status (500, 503, 504, 408, 400 ...).
    Status(u16),
    /// The page of a proxy with this HTTP status: no JSON.
    ProxyPage(u16),
    /// 401, whatever the token.
    Unauthorized,
    /// 403, whoever it is.
    Forbidden,
    /// The connection is cut; nothing was done.
    LostRequest,
    /// It is done, but the connection is cut before the answer.
    LostReply,
    /// It is done, but no answer comes for so many milliseconds; then the connection is cut.
    SilentReply(u64),
    /// It is done and answered so many milliseconds later.
    Slow(u64),
}

/// A fault of some watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchRule {
    /// Which watches.
    pub when: When,
    /// After so many changes that it told.
    #[serde(default)]
    pub after_changes: u64,
    /// What happens to it.
    pub fault: WatchFault,
}

/// What happens to a watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchFault {
    /// The connection is cut.
    Cut,
    /// It ends as if all were told.
    End,
    /// Nothing comes any more, not even signs of life.
    Silent,
    /// The error `EOF` within the stream, then the end.
    Eof,
    /// The error that the version is too old within the stream, then the end.
    TooOld,
}

/// Faults of the cluster behind the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterFaults {
    /// Lists show what was so many milliseconds ago.
    pub list_lag_ms: u64,
    /// Finished workflows are deleted after so many milliseconds.
    pub delete_finished_after_ms: Option<u64>,
    /// The share of workflows that stay Running though their pods succeeded.
    pub stuck_running: f64,
    /// The share of workflows that stay Running though they were stopped or terminated.
    pub ignores_shutdown: f64,
    /// The share of workflows that somebody deletes while they run.
    pub vanishes: f64,
    /// The share of workflows that end in a pod's eviction.
    pub evicted: f64,
    /// Each phase comes so many milliseconds later, at most, by chance.
    pub slow_phases_ms: u64,
    /// A deletion takes so many milliseconds; until then a workflow is there with its
    /// `deletionTimestamp`.
    pub delete_takes_ms: u64,
}

/// The plan with its counts and dice.
pub(crate) struct Faults {
    plan: FaultPlan,
    request_counts: Vec<u64>,
    watch_counts: Vec<u64>,
    dice: ChaCha8Rng,
}

impl Faults {
    pub(crate) fn new(plan: FaultPlan) -> Self {
        Self {
            request_counts: vec![0; plan.requests.len()],
            watch_counts: vec![0; plan.watches.len()],
            dice: ChaCha8Rng::seed_from_u64(plan.seed),
            plan,
        }
    }

    pub(crate) fn cluster(&self) -> &ClusterFaults {
        &self.plan.cluster
    }

    /// What happens to the next request of this kind. Every rule about it counts it.
    pub(crate) fn of_request(&mut self, kind: Kind) -> Option<RequestFault> {
        let mut fault = None;
        for (rule, count) in self.plan.requests.iter().zip(&mut self.request_counts) {
            if !rule.on.is_empty() && !rule.on.contains(&kind) {
                continue;
            }
            *count += 1;
            if applies(rule.when, *count, &mut self.dice) && fault.is_none() {
                fault = Some(rule.fault.clone());
            }
        }
        fault
    }

    /// What happens to the next watch.
    pub(crate) fn of_watch(&mut self) -> Option<WatchRule> {
        let mut found = None;
        for (rule, count) in self.plan.watches.iter().zip(&mut self.watch_counts) {
            *count += 1;
            if applies(rule.when, *count, &mut self.dice) && found.is_none() {
                found = Some(rule.clone());
            }
        }
        found
    }

    /// Whether something of this probability happens.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        chance(probability, &mut self.dice)
    }

    /// How much later a phase comes.
    pub(crate) fn delay(&mut self) -> Duration {
        match self.plan.cluster.slow_phases_ms {
            0 => Duration::ZERO,
            most => Duration::from_millis(self.dice.next_u64() % (most + 1)),
        }
    }
}

fn applies(when: When, count: u64, dice: &mut ChaCha8Rng) -> bool {
    match when {
        When::Always => true,
        When::Chance(probability) => chance(probability, dice),
        When::Nth(number) => count == number,
        When::First(number) => count <= number,
        When::After(number) => count > number,
        When::Every(number) => number > 0 && count.is_multiple_of(number),
    }
}

fn chance(probability: f64, dice: &mut ChaCha8Rng) -> bool {
    // Without a probability no die is thrown: a plan without chance needs no seed.
    probability > 0.0 && (dice.next_u64() >> 11) as f64 / ((1_u64 << 53) as f64) < probability
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rule(on: &[Kind], when: When, status: u16) -> RequestRule {
        RequestRule {
            on: on.to_vec(),
            when,
            fault: RequestFault::Status(status),
        }
    }

    fn plan(requests: Vec<RequestRule>) -> Faults {
        Faults::new(FaultPlan {
            seed: 1,
            requests,
            ..FaultPlan::default()
        })
    }

    #[test]
    fn a_rule_is_about_its_kinds_only() {
        let mut faults = plan(vec![rule(&[Kind::List], When::Nth(2), 503)]);
        assert_eq!(faults.of_request(Kind::List), None);
        assert_eq!(faults.of_request(Kind::Submit), None);
        assert_eq!(
            faults.of_request(Kind::List),
            Some(RequestFault::Status(503))
        );
        assert_eq!(faults.of_request(Kind::List), None);
    }

    #[test]
    fn the_first_rule_that_applies_counts() {
        let mut faults = plan(vec![
            rule(&[], When::Every(2), 500),
            rule(&[], When::First(3), 503),
        ]);
        let statuses: Vec<_> = (0..4).map(|_| faults.of_request(Kind::Get)).collect();
        let [a, b] = [503, 500].map(|status| Some(RequestFault::Status(status)));
        assert_eq!(statuses, [a.clone(), b.clone(), a, b]);
    }

    #[test]
    fn chance_is_repeatable_and_about_as_often_as_said() {
        let often = |seed| {
            let rules = vec![rule(&[], When::Chance(0.2), 500)];
            let mut faults = Faults::new(FaultPlan {
                seed,
                requests: rules,
                ..FaultPlan::default()
            });
            (0..1000)
                .filter(|_| faults.of_request(Kind::Get).is_some())
                .count()
        };
        assert_eq!(often(3), often(3));
        assert!((150..250).contains(&often(3)), "{}", often(3));
    }

    #[test]
    fn a_plan_can_be_written_down() {
        let text = r#"{"seed": 7,
            "requests": [{"on": ["submit"], "when": {"chance": 0.1}, "fault": "lost_reply"},
                         {"when": {"nth": 3}, "fault": {"too_many_requests": {"retry_after_s": 2}}}],
            "watches": [{"when": "always", "after_changes": 5, "fault": "eof"}],
            "cluster": {"list_lag_ms": 200, "stuck_running": 0.05}}"#;
        let plan: FaultPlan = serde_json::from_str(text).unwrap();
        assert_eq!(plan.requests[0].fault, RequestFault::LostReply);
        assert_eq!(plan.requests[1].when, When::Nth(3));
        assert_eq!(plan.watches[0].fault, WatchFault::Eof);
        assert_eq!(plan.cluster.list_lag_ms, 200);
        assert!(serde_json::from_str::<FaultPlan>(r#"{"sed": 7}"#).is_err());
    }
}
