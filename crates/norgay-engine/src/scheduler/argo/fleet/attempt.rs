//! One attempt of the fleet: what is known of its workflow, and what is to be done next.

use super::action::{Action, Explanation};
use super::diagnosis::{Verdict, diagnose};
use super::timing::{Backoff, SubmitGate, Timing};
use crate::files::Seen;
use crate::scheduler::argo::api::{ApiError, Phase, Shutdown, Submission, Workflow};
use crate::scheduler::report_line::{Report, parse_report};
use crate::scheduler::{AttemptKey, Change, EndedBy, Exit, JobEnd, ResultFile};

/// Looks for a result that should be there: the first, and three over half a minute.
const RESULT_LOOKS: u32 = 4;
/// Looks for the result of a workflow that is gone.
const VANISHED_LOOKS: u32 = 2;
/// Tries at storage or server before an attempt that has ended is told without what they know.
const READING_TRIES: u32 = 20;
const EXPLAIN_TRIES: u32 = 5;
const REPORT_TRIES: u32 = 3;

/// Where an attempt is.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// What another attempt left has to go first.
    Clearing,
    /// It is to be submitted.
    Waiting,
    /// Its workflow has to be looked for.
    Checking(Doubt),
    /// Its workflow is there and has not ended, as far as known.
    Live,
    /// Its workflow has ended or is gone; what it left is being read.
    Reading(Left),
    /// All is known.
    Ended(Box<JobEnd>, Remains),
}

/// Why a workflow has to be looked for.
#[derive(Clone, Debug)]
pub(super) enum Doubt {
    /// A submission got no answer.
    NoAnswer,
    /// Its name is taken.
    Taken,
    /// It was refused after a submission that got no answer.
    Refused(String),
    /// An earlier process of the engine may have submitted it.
    Adopted,
    /// It was there, and now it is not told of.
    Missing,
}

/// How a workflow ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    Succeeded,
    Failed,
    /// We, or somebody through us, ended it.
    Stopped(EndedBy),
    /// Somebody ended it; an earlier process of the engine may have, since its result was there.
    Elsewhere(Box<Verdict>),
    /// It is not there any more.
    Gone,
}

/// What a workflow left, as far as it is read.
#[derive(Clone, Debug)]
pub(super) struct Left {
    how: How,
    reports_read: bool,
    looks: u32,
}

/// What is left of a workflow in the cluster once its attempt is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remains {
    Nothing,
    Succeeded,
    Failed,
    Stopped,
}

/// A wish that a workflow ends.
#[derive(Clone, Debug)]
struct Stopping {
    why: Why,
    next: StopStep,
    due_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Wanted(EndedBy),
    /// Its result is there, but it never ends.
    Stuck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum StopStep {
    Stop,
    Terminate,
    Delete,
}

/// The intermediate values of an attempt.
#[derive(Clone, Debug, Default)]
struct ReportState {
    etag: Option<String>,
    lines_told: usize,
    due_ms: i64,
    busy: bool,
    failures: u32,
}

/// What the attempt needs of its surroundings to decide.
pub(super) struct Surroundings<'a> {
    pub now_ms: i64,
    pub timing: &'a Timing,
    pub gate: &'a mut SubmitGate,
    pub messages: &'a mut Vec<String>,
}

/// Where an attempt's files are, in the study's folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    /// The file that another attempt may have left.
    pub stale: Option<String>,
    /// The file of intermediate values, if there is one.
    pub reports: Option<String>,
    /// The files of final metrics, the better one first; whether each is a `result.json`.
    pub results: Vec<(String, bool)>,
}

/// How long an attempt may run, and how it is ended.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_field_names)] // units belong into names
pub(super) struct Limits {
    pub time_ms: Option<i64>,
    pub grace_ms: i64,
    pub report_interval_ms: i64,
}

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // four facts, each of its own
pub(super) struct Attempt {
    pub key: AttemptKey,
    pub name: String,
    submission: Submission,
    paths: Paths,
    limits: Limits,
    pub stage: Stage,
    /// A call for this attempt is under way.
    busy: bool,
    backoff: Backoff,
    /// A submission may have been accepted.
    may_exist: bool,
    uid: Option<String>,
    phase: Phase,
    message: String,
    phase_since_ms: i64,
    running_since_ms: Option<i64>,
    pub seen_ms: i64,
    unseen_told: bool,
    stopping: Option<Stopping>,
    /// Its workflow is known to be gone.
    is_gone: bool,
    reports: ReportState,
    /// When a result was found though the workflow had not ended.
    result_found_ms: Option<i64>,
    probe_due_ms: i64,
    /// Reports that are to be told.
    pub changes: Vec<Change>,
}

impl Attempt {
    pub fn new(
        key: AttemptKey,
        submission: Submission,
        paths: Paths,
        limits: Limits,
        is_adopted: bool,
        now_ms: i64,
    ) -> Self {
        let stage = match (is_adopted, &paths.stale) {
            (true, _) => Stage::Checking(Doubt::Adopted),
            (false, Some(_)) => Stage::Clearing,
            (false, None) => Stage::Waiting,
        };
        Self {
            key,
            name: submission.name.clone(),
            submission,
            paths,
            limits,
            stage,
            busy: false,
            backoff: Backoff::default(),
            may_exist: is_adopted,
            uid: None,
            phase: Phase::Unseen,
            message: String::new(),
            phase_since_ms: now_ms,
            running_since_ms: None,
            seen_ms: now_ms,
            unseen_told: false,
            stopping: None,
            is_gone: false,
            reports: ReportState::default(),
            result_found_ms: None,
            probe_due_ms: i64::MAX,
            changes: Vec::new(),
        }
    }

    /// Asks it to end; with `at_once` its workflow is deleted without any grace.
    pub fn stop(&mut self, why: EndedBy, at_once: bool, now_ms: i64) {
        let next = if at_once {
            StopStep::Delete
        } else {
            StopStep::Stop
        };
        match &mut self.stopping {
            Some(stopping) if at_once && stopping.next < StopStep::Delete => {
                stopping.next = StopStep::Delete;
                stopping.due_ms = now_ms;
            }
            Some(_) => {}
            None => {
                let why = Why::Wanted(why);
                self.stopping = Some(Stopping {
                    why,
                    next,
                    due_ms: now_ms,
                });
            }
        }
    }

    /// What is to be done next for its workflow.
    pub fn next(&mut self, around: &mut Surroundings<'_>) -> Option<Action> {
        if self.busy || around.now_ms < self.backoff.not_before_ms {
            return None;
        }
        let action = match &self.stage {
            Stage::Clearing | Stage::Waiting if self.stopping.is_some() && !self.may_exist => {
                self.end(
                    Exit::NotStarted,
                    Some(self.stop_cause()),
                    String::new(),
                    None,
                );
                None
            }
            Stage::Waiting if self.stopping.is_some() => {
                self.stage = Stage::Checking(Doubt::NoAnswer);
                self.inspect()
            }
            Stage::Clearing => self.forget(),
            Stage::Waiting => around.gate.pass(around.now_ms).then(|| Action::Submit {
                key: self.key,
                submission: Box::new(self.submission.clone()),
            }),
            Stage::Checking(_) => self.inspect(),
            Stage::Live => self.next_of_live(around),
            Stage::Reading(_) => self.next_of_reading(),
            Stage::Ended(..) => None,
        };
        self.busy = action.is_some() && !matches!(action, Some(Action::ReadReports { .. }));
        action
    }

    /// The intermediate values, if it is time to look at them.
    pub fn next_reports(&mut self, now_ms: i64) -> Option<Action> {
        let wanted = matches!(self.stage, Stage::Live) && self.phase == Phase::Running;
        if !wanted || self.reports.busy || now_ms < self.reports.due_ms {
            return None;
        }
        self.read_reports()
    }

    fn read_reports(&mut self) -> Option<Action> {
        let path = self.paths.reports.clone()?;
        self.reports.busy = true;
        Some(Action::ReadReports {
            key: self.key,
            path,
            etag: self.reports.etag.clone(),
        })
    }

    fn forget(&mut self) -> Option<Action> {
        let Some(path) = self.paths.stale.clone() else {
            self.stage = Stage::Waiting;
            return None;
        };
        Some(Action::Forget {
            key: self.key,
            path,
        })
    }

    fn inspect(&self) -> Option<Action> {
        Some(Action::Inspect {
            key: self.key,
            name: self.name.clone(),
            uid: self.uid.clone(),
        })
    }

    fn stop_cause(&self) -> EndedBy {
        match &self.stopping {
            Some(Stopping {
                why: Why::Wanted(why),
                ..
            }) => *why,
            _ => EndedBy::StopRequest,
        }
    }

    fn next_of_live(&mut self, around: &mut Surroundings<'_>) -> Option<Action> {
        let now_ms = around.now_ms;
        self.tell_of_neglect(around);
        if let (None, Some(limit), Some(since)) =
            (&self.stopping, self.limits.time_ms, self.running_since_ms)
            && now_ms >= since + limit
        {
            self.stop(EndedBy::TimeLimit, false, now_ms);
        }
        if let Some(stopping) = &mut self.stopping {
            if now_ms < stopping.due_ms {
                return None;
            }
            // One that waits for its turn ignores a stop.
            if stopping.next == StopStep::Stop && self.phase != Phase::Running {
                stopping.next = StopStep::Terminate;
            }
            let name = self.name.clone();
            let key = self.key;
            return Some(match stopping.next {
                StopStep::Stop => Action::ShutDown {
                    key,
                    name,
                    how: Shutdown::Stop,
                },
                StopStep::Terminate => Action::ShutDown {
                    key,
                    name,
                    how: Shutdown::Terminate,
                },
                StopStep::Delete => Action::Delete { name },
            });
        }
        if self.phase == Phase::Running && now_ms >= self.probe_due_ms {
            self.probe_due_ms = now_ms + around.timing.stuck_patience;
            return Some(self.read_result());
        }
        None
    }

    /// Tells once of a workflow that no controller takes up.
    fn tell_of_neglect(&mut self, around: &mut Surroundings<'_>) {
        let unseen_for = around.now_ms - self.phase_since_ms;
        let neglected = self.phase == Phase::Unseen && unseen_for > around.timing.unseen_told_after;
        if neglected && !std::mem::replace(&mut self.unseen_told, true) {
            around.messages.push(format!(
                "trial {}: no workflow controller has taken up {} yet; does the controller watch \
                 this namespace, and does it have an instance id (then set \
                 NORGAY_ARGO_INSTANCE_ID)?",
                self.key.trial, self.name
            ));
        }
    }

    fn read_result(&self) -> Action {
        Action::ReadResult {
            key: self.key,
            paths: self.paths.results.clone(),
        }
    }

    fn next_of_reading(&mut self) -> Option<Action> {
        let Stage::Reading(left) = &self.stage else {
            return None;
        };
        if self.reports.busy {
            return None;
        }
        if !left.reports_read && self.paths.reports.is_some() {
            return self.read_reports();
        }
        match left.how.clone() {
            // Its last lines may tell what it was waiting for.
            How::Stopped(EndedBy::TimeLimit) if !self.is_gone => Some(self.explain()),
            How::Stopped(why) => {
                self.end(Exit::Unknown, Some(why), String::new(), None);
                None
            }
            How::Failed => Some(self.explain()),
            How::Succeeded | How::Gone | How::Elsewhere(_) => Some(self.read_result()),
        }
    }

    fn explain(&self) -> Action {
        Action::Explain {
            key: self.key,
            name: self.name.clone(),
            uid: self.uid.clone(),
        }
    }

    fn end(
        &mut self,
        exit: Exit,
        ended_by: Option<EndedBy>,
        log_tail: String,
        result: Option<ResultFile>,
    ) {
        let remains = match &self.stage {
            Stage::Reading(left) => match left.how {
                How::Succeeded => Remains::Succeeded,
                How::Failed | How::Elsewhere(_) => Remains::Failed,
                _ if self.is_gone => Remains::Nothing,
                How::Stopped(_) | How::Gone => Remains::Stopped,
            },
            _ => Remains::Nothing,
        };
        let end = JobEnd {
            exit,
            ended_by,
            log_tail,
            result,
        };
        self.stage = Stage::Ended(Box::new(end), remains);
    }

    /// Takes what is told of its workflow.
    pub fn see(&mut self, workflow: &Workflow, around: &Surroundings<'_>) {
        let now_ms = around.now_ms;
        let is_another = self.uid.as_ref().is_some_and(|uid| *uid != workflow.uid);
        let is_closed = match &self.stage {
            // A request that was still on the way when it was looked for.
            Stage::Reading(left) => left.how != How::Gone || self.uid.is_some(),
            stage => matches!(stage, Stage::Ended(..)),
        };
        if is_another || is_closed {
            return;
        }
        if workflow.deleting {
            self.gone(around);
            return;
        }
        self.uid = Some(workflow.uid.clone());
        self.may_exist = true;
        self.seen_ms = now_ms;
        if !matches!(self.stage, Stage::Live) {
            self.stage = Stage::Live;
            self.is_gone = false;
            self.busy = false;
            self.backoff.succeed();
            self.phase_since_ms = now_ms;
        }
        self.take_phase(workflow, around);
    }

    fn take_phase(&mut self, workflow: &Workflow, around: &Surroundings<'_>) {
        let now_ms = around.now_ms;
        // News that overtook each other must not lead back.
        let rank = |phase: &Phase| match phase {
            Phase::Unseen => 0,
            Phase::Pending => 1,
            Phase::Unknown(_) | Phase::Running => 2,
            _ => 3,
        };
        if rank(&workflow.phase) < rank(&self.phase) {
            return;
        }
        self.message.clone_from(&workflow.message);
        if workflow.phase != self.phase {
            if workflow.phase == Phase::Running {
                // Its own clock counts only where it was not seen to begin.
                let began = workflow.started_ms.filter(|_| self.phase == Phase::Unseen);
                self.running_since_ms = Some(began.map_or(now_ms, |began| began.min(now_ms)));
                self.reports.due_ms = now_ms + self.limits.report_interval_ms;
            }
            self.phase = workflow.phase.clone();
            self.phase_since_ms = now_ms;
            // One that ran before this process began has been running for longer.
            let since = self.running_since_ms.unwrap_or(now_ms);
            self.probe_due_ms = since + around.timing.stuck_after;
        }
        if self.phase.is_final() {
            let how = match (&self.phase, &self.stopping) {
                (Phase::Succeeded, _) => How::Succeeded,
                (_, Some(stopping)) => match stopping.why {
                    Why::Wanted(why) => How::Stopped(why),
                    Why::Stuck => How::Gone,
                },
                (_, None) => How::Failed,
            };
            self.read_what_is_left(how);
        }
    }

    fn read_what_is_left(&mut self, how: How) {
        self.busy = false;
        self.backoff.succeed();
        self.reports.failures = 0;
        self.stage = Stage::Reading(Left {
            how,
            reports_read: false,
            looks: 0,
        });
    }

    /// Its workflow is told to be gone.
    pub fn gone(&mut self, around: &Surroundings<'_>) {
        if !matches!(
            self.stage,
            Stage::Live | Stage::Checking(_) | Stage::Waiting
        ) {
            return;
        }
        match &self.stopping {
            Some(Stopping {
                why: Why::Wanted(why),
                ..
            }) => {
                let why = *why;
                self.is_gone = true;
                self.read_what_is_left(How::Stopped(why));
            }
            _ if matches!(self.stage, Stage::Live) => self.doubt(Doubt::Missing, around.now_ms),
            _ => {}
        }
    }

    /// Its workflow is looked for.
    pub fn doubt(&mut self, doubt: Doubt, now_ms: i64) {
        self.stage = Stage::Checking(doubt);
        self.busy = false;
        self.seen_ms = now_ms;
    }

    /// Whether a list that lacks it means that it is to be looked for.
    pub fn is_missed(&self, around: &Surroundings<'_>) -> bool {
        let unseen_for = around.now_ms - self.seen_ms;
        matches!(self.stage, Stage::Live) && unseen_for >= around.timing.missing_after
    }

    pub fn forgotten(&mut self, outcome: Result<(), String>, around: &mut Surroundings<'_>) {
        if !matches!(self.stage, Stage::Clearing) {
            return;
        }
        match outcome {
            Ok(()) => {
                self.busy = false;
                self.backoff.succeed();
                self.stage = Stage::Waiting;
            }
            Err(problem) => {
                if self.backoff.failures == 0 {
                    around
                        .messages
                        .push(format!("trial {}: {problem}", self.key.trial));
                }
                self.fail(around);
            }
        }
    }

    pub fn submitted(
        &mut self,
        outcome: Result<Workflow, ApiError>,
        around: &mut Surroundings<'_>,
    ) {
        match outcome {
            Ok(workflow) => self.see(&workflow, around),
            // The watch was faster.
            Err(_) if !matches!(self.stage, Stage::Waiting) => {}
            Err(ApiError::NameTaken { .. }) => {
                self.may_exist = true;
                self.doubt(Doubt::Taken, around.now_ms);
            }
            Err(error) if error.may_pass() => {
                if matches!(error, ApiError::Unavailable { .. }) {
                    self.may_exist = true;
                    self.stage = Stage::Checking(Doubt::NoAnswer);
                }
                self.fail(around);
            }
            Err(error) if self.may_exist => {
                self.doubt(Doubt::Refused(error.to_string()), around.now_ms);
            }
            Err(error) => self.end(Exit::NotStarted, None, error.to_string(), None),
        }
    }

    /// `is_ours`: whether the workflow that was found carries our labels.
    pub fn inspected(
        &mut self,
        outcome: Result<Option<(Workflow, bool)>, ApiError>,
        around: &mut Surroundings<'_>,
    ) {
        let Stage::Checking(doubt) = &self.stage else {
            return;
        };
        let doubt = doubt.clone();
        match outcome {
            Ok(Some((workflow, true))) if !workflow.deleting => self.see(&workflow, around),
            Ok(Some((_, false))) => {
                let taken = format!(
                    "there is a workflow named {} that is not this study's",
                    self.name
                );
                self.end(Exit::Unknown, Some(EndedBy::Platform), taken, None);
            }
            Ok(_) => self.absent(doubt, around),
            Err(error) if error.may_pass() => self.fail(around),
            Err(error) => {
                self.end(
                    Exit::Unknown,
                    Some(EndedBy::Platform),
                    error.to_string(),
                    None,
                );
            }
        }
    }

    /// It was looked for and is not there.
    fn absent(&mut self, doubt: Doubt, around: &Surroundings<'_>) {
        self.busy = false;
        match (doubt, &self.stopping) {
            (
                _,
                Some(Stopping {
                    why: Why::Wanted(_),
                    ..
                }),
            ) => self.gone(around),
            (Doubt::NoAnswer, _) => self.stage = Stage::Waiting,
            (Doubt::Refused(problem), _) => self.end(Exit::NotStarted, None, problem, None),
            _ => {
                self.is_gone = true;
                self.read_what_is_left(How::Gone);
            }
        }
    }

    pub fn shut_down(
        &mut self,
        how: Shutdown,
        outcome: &Result<(), ApiError>,
        around: &mut Surroundings<'_>,
    ) {
        if !matches!(self.stage, Stage::Live) {
            return;
        }
        if matches!(outcome, Err(error) if error.may_pass()) {
            self.fail(around);
            return;
        }
        self.busy = false;
        self.backoff.succeed();
        let grace_ms = self.limits.grace_ms;
        if let Some(stopping) = &mut self.stopping {
            let (next, wait) = match how {
                // A refusal leaves the next step, which is a stronger one.
                _ if outcome.is_err() => (StopStep::Delete, 0),
                Shutdown::Stop => (StopStep::Terminate, grace_ms),
                Shutdown::Terminate => (StopStep::Delete, grace_ms.max(around.timing.delete_after)),
            };
            if next > stopping.next || stopping.next == StopStep::Stop {
                stopping.next = next;
                stopping.due_ms = around.now_ms + wait;
            }
        }
    }

    /// Its workflow was deleted by us.
    pub fn deleted(&mut self, outcome: &Result<(), ApiError>, around: &mut Surroundings<'_>) {
        if !matches!(self.stage, Stage::Live) {
            return;
        }
        match outcome {
            Err(error) if error.may_pass() => self.fail(around),
            Err(error) => {
                around
                    .messages
                    .push(format!("trial {}: {error}", self.key.trial));
                self.fail(around);
            }
            Ok(()) => {
                self.is_gone = true;
                let how = match &self.stopping {
                    Some(Stopping {
                        why: Why::Wanted(why),
                        ..
                    }) => How::Stopped(*why),
                    _ => How::Gone,
                };
                self.read_what_is_left(how);
            }
        }
    }

    pub fn reports_read(&mut self, outcome: Result<Seen, String>, around: &mut Surroundings<'_>) {
        let now_ms = around.now_ms;
        self.reports.busy = false;
        self.reports.due_ms = now_ms + self.limits.report_interval_ms;
        let is_read = match outcome {
            Ok(reports) => {
                self.take_reports(reports);
                true
            }
            Err(problem) => {
                self.reports.failures += 1;
                let given_up = self.reports.failures >= REPORT_TRIES;
                if given_up || self.reports.failures == 1 {
                    let message = format!("its reports can't be read: {problem}");
                    self.changes.push(Change::BadReport { message });
                }
                self.backoff.wait_until(now_ms + around.timing.result_again);
                given_up
            }
        };
        if let Stage::Reading(left) = &mut self.stage {
            left.reports_read |= is_read;
        }
    }

    /// Tells the lines that are new; the last one counts in whole editions only.
    fn take_reports(&mut self, reports: Seen) {
        self.reports.failures = 0;
        let Seen::Changed { bytes, etag } = reports else {
            return;
        };
        // Empty where the storage has no names for contents.
        self.reports.etag = Some(etag).filter(|etag| !etag.is_empty());
        let lines = bytes.split(|byte| *byte == b'\n');
        for (number, line) in lines.enumerate().skip(self.reports.lines_told) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            self.reports.lines_told = number + 1;
            self.changes.push(match parse_report(line) {
                Ok(Report { step, metrics }) => Change::Reported {
                    // A line without a step must not count twice if it is read again.
                    step: step.or_else(|| u64::try_from(number + 1).ok()),
                    metrics,
                },
                Err(problem) => Change::BadReport {
                    message: format!("metrics.jsonl, line {}: {problem}", number + 1),
                },
            });
        }
    }

    pub fn result_read(
        &mut self,
        outcome: Result<ResultFile, String>,
        around: &mut Surroundings<'_>,
    ) {
        match (&mut self.stage, outcome) {
            (Stage::Live, outcome) => {
                self.busy = false;
                self.probed(outcome, around);
            }
            (Stage::Reading(left), Ok(result)) => {
                let is_there = !matches!(result.content, Ok(None));
                left.looks += 1;
                let (how, looks) = (left.how.clone(), left.looks);
                self.busy = false;
                if is_there {
                    self.end(Exit::Code(0), None, String::new(), Some(result));
                } else if let How::Elsewhere(verdict) = how {
                    self.end(verdict.exit, verdict.ended_by, verdict.log_tail, None);
                } else if how == How::Gone && looks >= VANISHED_LOOKS {
                    let gone = "norgay: its workflow is gone, and it left no result".to_string();
                    self.end(Exit::Unknown, None, gone, None);
                } else if looks >= RESULT_LOOKS {
                    self.end(Exit::Code(0), None, String::new(), Some(result));
                } else {
                    let again = around.now_ms + around.timing.result_again;
                    self.backoff.wait_until(again);
                }
            }
            (Stage::Reading(_), Err(problem)) => {
                if self.backoff.failures == 0 {
                    around
                        .messages
                        .push(format!("trial {}: {problem}", self.key.trial));
                }
                self.fail(around);
                if self.backoff.failures >= READING_TRIES {
                    let content = Err(problem);
                    let path = self.paths.results.first().map(|(path, _)| path.clone());
                    let result = ResultFile {
                        path: path.unwrap_or_default(),
                        is_envelope: false,
                        content,
                    };
                    self.end(Exit::Code(0), None, String::new(), Some(result));
                }
            }
            _ => {}
        }
    }

    /// A workflow that runs on though its result is there has lost its end.
    fn probed(&mut self, outcome: Result<ResultFile, String>, around: &mut Surroundings<'_>) {
        let is_there = matches!(
            outcome,
            Ok(ResultFile {
                content: Ok(Some(_)),
                ..
            })
        );
        if !is_there {
            self.result_found_ms = None;
            self.probe_due_ms = around.now_ms + around.timing.stuck_after;
            return;
        }
        let found = *self.result_found_ms.get_or_insert(around.now_ms);
        if around.now_ms >= found + around.timing.stuck_patience {
            around.messages.push(format!(
                "trial {}: its result is there, but its workflow {} never ends: it is ended",
                self.key.trial, self.name
            ));
            self.stopping = Some(Stopping {
                why: Why::Stuck,
                next: StopStep::Terminate,
                due_ms: around.now_ms,
            });
        }
    }

    pub fn explained(
        &mut self,
        outcome: Result<Explanation, ApiError>,
        around: &mut Surroundings<'_>,
    ) {
        let Stage::Reading(left) = &self.stage else {
            return;
        };
        let how = left.how.clone();
        let explanation = match outcome {
            Ok(explanation) => explanation,
            Err(error) if error.may_pass() && self.backoff.failures + 1 < EXPLAIN_TRIES => {
                self.fail(around);
                return;
            }
            Err(_) => Explanation::default(),
        };
        if let How::Stopped(why) = how {
            self.end(Exit::Unknown, Some(why), explanation.logs, None);
            return;
        }
        let mut verdict = diagnose(&self.phase, &self.message, &explanation);
        if verdict.ended_by == Some(EndedBy::Elsewhere) {
            let (limit, since) = (self.limits.time_ms, self.running_since_ms);
            let ran_ms = since.map(|since| around.now_ms - since);
            if limit.is_none() || ran_ms < limit {
                self.read_what_is_left(How::Elsewhere(Box::new(verdict)));
                return;
            }
            // An earlier process of the engine ended it.
            verdict.ended_by = Some(EndedBy::TimeLimit);
        }
        self.end(verdict.exit, verdict.ended_by, verdict.log_tail, None);
    }

    fn fail(&mut self, around: &Surroundings<'_>) {
        self.busy = false;
        let salt = self.key.trial.wrapping_mul(31) ^ u64::from(self.key.attempt);
        self.backoff.fail(around.now_ms, salt, around.timing);
    }
}
