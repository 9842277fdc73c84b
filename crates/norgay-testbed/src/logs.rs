//! What the pods of workflows wrote.

use std::collections::HashMap;

/// How many lines are kept of each workflow.
const KEPT_LINES: usize = 10_000;

/// A line and the pod that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) pod: String,
    pub(crate) text: String,
}

/// Lines by the workflow's uid.
#[derive(Default)]
pub(crate) struct Logs {
    lines: HashMap<String, Vec<Line>>,
}

impl Logs {
    pub(crate) fn add(&mut self, uid: &str, line: Line) {
        let lines = self.lines.entry(uid.to_string()).or_default();
        if lines.len() < KEPT_LINES {
            lines.push(line);
        }
    }

    /// The lines of a workflow, of one pod only if it is named.
    pub(crate) fn of(&self, uid: &str, pod: &str) -> Vec<Line> {
        let lines = self.lines.get(uid).into_iter().flatten();
        lines
            .filter(|line| pod.is_empty() || line.pod == pod)
            .cloned()
            .collect()
    }

    pub(crate) fn forget(&mut self, uid: &str) {
        self.lines.remove(uid);
    }
}
