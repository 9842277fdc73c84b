//! Names and labels of workflows.
//!
//! A workflow's name follows from its study, trial and attempt alone, so that asking twice for the
//! same attempt can't start two: Kubernetes takes each name once.

use std::collections::BTreeMap;

use super::api::{Labels, Workflow};
use crate::scheduler::AttemptKey;

/// Longest name of a workflow, and longest value of a label, in bytes.
const LONGEST: usize = 63;
/// Hexadecimal digits of the study's identity in names.
const DIGITS_IN_NAME: usize = 6;

const STUDY: &str = "norgay.dev/study";
const TRIAL: &str = "norgay.dev/trial";
const ATTEMPT: &str = "norgay.dev/attempt";
const SUBMISSION: &str = "norgay.dev/submission";

/// What names a study to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyIdentity {
    name: String,
    host: String,
    hash: String,
}

impl StudyIdentity {
    /// The identity of a study by its name, its time of creation (Unix milliseconds) and its number
    /// in its storage: one that is removed and made again is another one.
    pub fn new(name: &str, created_ms: i64, number: i64, host: &str) -> Self {
        Self {
            name: name.to_string(),
            host: host.to_string(),
            hash: hash(&[name, &created_ms.to_string(), &number.to_string()]),
        }
    }

    /// The labels by which all workflows of the study are found.
    pub fn selector(&self) -> Labels {
        vec![(STUDY.to_string(), self.hash.clone())]
    }

    /// The name of an attempt's workflow: at most 63 characters, as Kubernetes takes them.
    pub fn workflow_name(&self, key: AttemptKey) -> String {
        let identity = &self.hash[..DIGITS_IN_NAME];
        let end = format!("-{identity}-{}-{}", key.trial, key.attempt);
        let room = LONGEST.saturating_sub(end.len());
        let slug = slug(&self.name);
        let slug = slug.get(..room.min(slug.len())).unwrap_or_default();
        format!("{}{end}", slug.trim_end_matches('-'))
    }

    /// The labels of an attempt's workflow: the reference's two (CS-103), then ours.
    pub fn labels(&self, key: AttemptKey) -> Labels {
        [
            ("sherpa_run", label_value(&self.host)),
            ("run_name", label_value(&self.name)),
            (STUDY, self.hash.clone()),
            (TRIAL, key.trial.to_string()),
            (ATTEMPT, key.attempt.to_string()),
            (SUBMISSION, self.submission(key)),
        ]
        .map(|(name, value)| (name.to_string(), value))
        .into()
    }

    /// The attempt whose workflow this is, if it is one of the study's.
    pub fn key_of(&self, workflow: &Workflow) -> Option<AttemptKey> {
        let labels: &BTreeMap<String, String> = &workflow.labels;
        if *labels.get(STUDY)? != self.hash {
            return None;
        }
        let key = AttemptKey {
            trial: labels.get(TRIAL)?.parse().ok()?,
            attempt: labels.get(ATTEMPT)?.parse().ok()?,
        };
        // A copy that somebody made by resubmitting carries our labels, but another name.
        let is_ours = *labels.get(SUBMISSION)? == self.submission(key)
            && workflow.name == self.workflow_name(key);
        is_ours.then_some(key)
    }

    fn submission(&self, key: AttemptKey) -> String {
        hash(&[&self.hash, &key.trial.to_string(), &key.attempt.to_string()])
    }
}

/// The FNV-1a hash of some texts, 16 hexadecimal digits.
fn hash(parts: &[&str]) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    format!("{hash:016x}")
}

/// Lower-case letters, digits and single dashes, beginning with a letter.
fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches('-');
    if slug.starts_with(|first: char| first.is_ascii_lowercase()) {
        slug.to_string()
    } else {
        // A name of digits alone is taken by Kubernetes, but not by every tool around it.
        format!("study-{slug}")
    }
}

/// A text as the value of a label: other characters than those allowed become dashes.
pub fn label_value(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let replaced: String = text
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .take(LONGEST)
        .collect();
    let is_end = |c: char| !c.is_ascii_alphanumeric();
    replaced.trim_matches(is_end).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(trial: u64, attempt: u32) -> AttemptKey {
        AttemptKey { trial, attempt }
    }

    #[test]
    fn a_name_tells_study_trial_and_attempt() {
        let identity = StudyIdentity::new("Moulding length_01", 5, 1, "host");
        let name = identity.workflow_name(key(12, 3));
        assert!(name.starts_with("moulding-length-01-"), "{name}");
        assert!(name.ends_with("-12-3"), "{name}");
    }

    #[test]
    fn a_study_made_again_has_other_names() {
        let first = StudyIdentity::new("a", 5, 1, "host");
        let second = StudyIdentity::new("a", 6, 1, "host");
        assert_ne!(
            first.workflow_name(key(1, 1)),
            second.workflow_name(key(1, 1))
        );
        assert_ne!(first.selector(), second.selector());
    }

    #[test]
    fn cs_103_labels_begin_with_the_references_and_are_valid() {
        let identity = StudyIdentity::new("run 1/ä", 5, 1, "runner-pod");
        let labels = identity.labels(key(1, 1));
        assert_eq!(labels[0], ("sherpa_run".into(), "runner-pod".into()));
        assert_eq!(labels[1], ("run_name".into(), "run-1".into()));
    }

    #[test]
    fn only_the_workflow_of_the_attempt_itself_is_recognized() {
        let identity = StudyIdentity::new("a", 5, 1, "host");
        let mut workflow = Workflow {
            name: identity.workflow_name(key(4, 2)),
            labels: identity.labels(key(4, 2)).into_iter().collect(),
            ..Workflow::default()
        };
        assert_eq!(identity.key_of(&workflow), Some(key(4, 2)));
        workflow.name = "a-copy".into();
        assert_eq!(identity.key_of(&workflow), None);
        workflow.name = identity.workflow_name(key(4, 3));
        workflow.labels.insert(ATTEMPT.into(), "3".into());
        assert_eq!(identity.key_of(&workflow), None);
    }

    proptest! {
        #[test]
        fn every_name_and_label_is_one_that_kubernetes_takes(
            name in ".{0,90}", host in ".{0,90}", trial in 1..=u64::MAX, attempt in 1..=u32::MAX
        ) {
            let identity = StudyIdentity::new(&name, 5, 1, &host);
            let workflow = identity.workflow_name(key(trial, attempt));
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            prop_assert!(workflow.len() <= LONGEST && workflow.chars().all(plain));
            prop_assert!(workflow.starts_with(|c: char| c.is_ascii_lowercase()));
            prop_assert!(!workflow.ends_with('-'));
            for (_, value) in identity.labels(key(trial, attempt)) {
                let end = |c: char| c.is_ascii_alphanumeric();
                prop_assert!(value.len() <= LONGEST);
                prop_assert!(value.is_empty() || (value.starts_with(end) && value.ends_with(end)));
                prop_assert!(value.chars().all(|c| end(c) || "-_.".contains(c)));
            }
        }
    }
}
