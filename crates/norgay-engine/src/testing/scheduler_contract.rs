//! What every scheduler must do, as checks that run against any of them.
//!
//! The attempts are `sh` scripts of a few lines. Nothing here waits for a fixed time: it polls
//! until something happened, and fails if that takes a minute.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use norgay_core::Value;
use tempfile::TempDir;

use crate::scheduler::{
    Adoption, AttemptKey, Change, EndedBy, Exit, Job, JobEnd, Notice, Scheduler,
};

/// Makes a scheduler that runs at most so many attempts at once.
pub type Make<'a> = dyn Fn(usize) -> Box<dyn Scheduler> + 'a;

/// One check: its name, and the function that panics if the scheduler breaks the contract.
pub type Check = (&'static str, fn(&Make));

/// Every check of the contract, for harnesses that run them one by one.
pub const CHECKS: &[Check] = &[
    (
        "reports_come_before_the_end_and_nothing_after_it",
        reports_come_before_the_end,
    ),
    (
        "exit_codes_and_signals_are_told",
        exit_codes_and_signals_are_told,
    ),
    (
        "a_missing_program_is_not_started",
        a_missing_program_is_not_started,
    ),
    (
        "the_job_sets_environment_folder_and_parameters",
        the_job_sets_its_surroundings,
    ),
    ("the_log_tail_is_told", the_log_tail_is_told),
    ("stop_leaves_time_to_end", stop_leaves_time_to_end),
    (
        "stop_kills_after_the_grace_period",
        stop_kills_after_the_grace_period,
    ),
    ("kill_ends_at_once", kill_ends_at_once),
    ("stop_ends_the_whole_group", stop_ends_the_whole_group),
    (
        "the_time_limit_ends_an_attempt",
        the_time_limit_ends_an_attempt,
    ),
    ("room_is_what_was_asked_for", room_is_what_was_asked_for),
    ("started_twice_runs_once", started_twice_runs_once),
    ("a_running_attempt_is_adopted", a_running_attempt_is_adopted),
    (
        "an_attempt_that_ended_unwatched_is_adopted",
        an_ended_attempt_is_adopted,
    ),
    (
        "an_adopted_attempt_can_be_stopped",
        an_adopted_attempt_can_be_stopped,
    ),
    (
        "an_attempt_never_started_can_be_started",
        a_never_started_attempt_can_be_started,
    ),
];

/// Runs every check; panics with the first thing that the scheduler does wrong.
pub fn check_scheduler(make: &Make) {
    for (_, check) in CHECKS {
        check(make);
    }
}

/// A report: its step and its metrics.
pub type Told = (Option<u64>, Vec<(String, Value)>);

const DEADLINE: Duration = Duration::from_mins(1);

/// Waits until the condition holds; panics with `what` if it takes too long.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "waited too long until {what}");
        thread::sleep(Duration::from_millis(3));
    }
}

/// A scheduler with a temporary folder for its attempts.
pub struct Bench<'a> {
    make: &'a Make<'a>,
    max_concurrent: usize,
    folder: TempDir,
    /// The scheduler; `None` while "the engine is down".
    scheduler: Option<Box<dyn Scheduler + 'a>>,
    /// Everything told so far.
    pub notices: Vec<Notice>,
}

impl<'a> Bench<'a> {
    /// A bench with room for so many attempts.
    pub fn new(make: &'a Make<'a>, max_concurrent: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let scheduler = Some(make(max_concurrent) as Box<dyn Scheduler + 'a>);
        Self {
            make,
            max_concurrent,
            folder,
            scheduler,
            notices: Vec::new(),
        }
    }

    /// The scheduler.
    pub fn scheduler(&mut self) -> &mut (dyn Scheduler + 'a) {
        self.scheduler.as_mut().expect("the engine is up").as_mut()
    }

    /// Drops the scheduler and makes another, as a restart of the engine would.
    pub fn restart(&mut self) {
        self.scheduler = None;
        self.scheduler = Some((self.make)(self.max_concurrent));
    }

    /// A path in the folder of the bench; the working folder of its attempts.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// A job that runs a script with `sh`; a long grace period, no limits.
    pub fn job(&self, trial: u64, script: &str) -> Job {
        let base = self.folder.path();
        Job {
            key: AttemptKey { trial, attempt: 1 },
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            environment: BTreeMap::new(),
            working_folder: base.join("work"),
            record_folder: base.join(format!("jobs/trial_{trial}/attempt_1")),
            parameters_json: "{\"x\": 1}".to_owned(),
            time_limit: None,
            memory_limit_bytes: None,
            grace: Duration::from_hours(1),
            workflow: None,
        }
    }

    /// Starts a script as trial 1.
    pub fn start(&mut self, script: &str) -> Job {
        let job = self.job(1, script);
        self.scheduler().start(&job).expect("started");
        job
    }

    /// Polls once.
    pub fn poll(&mut self) {
        let news = self.scheduler().poll().expect("it can be watched");
        self.notices.extend(news.notices);
    }

    /// Polls until the condition on the bench holds.
    pub fn poll_until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        loop {
            self.poll();
            if condition(self) {
                return;
            }
            let notices = &self.notices;
            assert!(
                start.elapsed() < DEADLINE,
                "waited too long until {what}: {notices:?}"
            );
            thread::sleep(Duration::from_millis(3));
        }
    }

    /// How a trial ended, if it was told.
    pub fn told_end(&self, trial: u64) -> Option<JobEnd> {
        self.notices.iter().find_map(|notice| match &notice.change {
            Change::Ended(end) if notice.key.trial == trial => Some(end.clone()),
            _ => None,
        })
    }

    /// Polls until a trial has ended.
    pub fn end_of(&mut self, trial: u64) -> JobEnd {
        self.poll_until("the attempt ends", |bench| bench.told_end(trial).is_some());
        self.told_end(trial).expect("it was told just now")
    }

    /// Polls until a file is there.
    pub fn wait_for_file(&mut self, path: &Path) {
        self.poll_until(&format!("{} is there", path.display()), |_| path.exists());
    }

    /// What a trial has reported so far.
    pub fn reports(&self, trial: u64) -> Vec<Told> {
        let report = |notice: &Notice| match &notice.change {
            Change::Reported { step, metrics } if notice.key.trial == trial => {
                Some((*step, metrics.clone()))
            }
            _ => None,
        };
        self.notices.iter().filter_map(report).collect()
    }
}

/// Whether a process runs (one that is dead and not reaped does not).
pub fn is_running(pid: i32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim().starts_with('Z')),
        Err(_) if Path::new("/proc/self/stat").exists() => false,
        Err(_) => nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok(),
    }
}

/// The number that a script wrote to a file.
pub fn pid_in(path: &Path) -> i32 {
    let text = fs::read_to_string(path).expect("a file with a process number");
    text.trim().parse().expect("a process number")
}

fn reports_come_before_the_end(make: &Make) {
    let mut bench = Bench::new(make, 1);
    bench.start(
        r#"echo '{"step": 1, "loss": 0.5}' >> "$NORGAY_METRICS"
           echo '{"loss": NaN, "note": "x"}' >> "$NORGAY_METRICS"
           echo 'nonsense' >> "$NORGAY_METRICS"
           printf '{"step": 9, "loss": 2}' >> "$NORGAY_METRICS""#,
    );
    assert_eq!(bench.end_of(1).exit, Exit::Code(0));
    let reports = bench.reports(1);
    assert_eq!(reports.len(), 3, "{reports:?}");
    assert_eq!(
        reports[0],
        (Some(1), vec![("loss".to_owned(), Value::Float(0.5))])
    );
    assert!(matches!(reports[1].1[0].1, Value::Float(number) if number.is_nan()));
    assert_eq!(
        reports[2],
        (Some(9), vec![("loss".to_owned(), Value::Int(2))])
    );
    let is_bad = |notice: &Notice| match &notice.change {
        Change::BadReport { message } => message.contains("line 3"),
        _ => false,
    };
    assert!(bench.notices.iter().any(is_bad), "{:?}", bench.notices);
    assert!(matches!(
        bench.notices.last().map(|last| &last.change),
        Some(Change::Ended(_))
    ));
    assert_eq!(bench.scheduler().poll().expect("news").notices, []);
}

fn exit_codes_and_signals_are_told(make: &Make) {
    let mut bench = Bench::new(make, 2);
    let exits = bench.job(1, "exit 3");
    let dies = bench.job(2, "kill -KILL $$");
    bench.scheduler().start(&exits).expect("started");
    bench.scheduler().start(&dies).expect("started");
    let end = bench.end_of(1);
    assert_eq!((end.exit, end.ended_by), (Exit::Code(3), None));
    let end = bench.end_of(2);
    assert_eq!((end.exit, end.ended_by), (Exit::Signal(9), None));
}

fn a_missing_program_is_not_started(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let mut job = bench.job(1, "");
    job.command = vec!["norgay-has-no-such-program".to_owned(), "x".to_owned()];
    bench.scheduler().start(&job).expect("taken");
    let end = bench.end_of(1);
    assert_eq!((end.exit, end.ended_by), (Exit::NotStarted, None));
    assert!(
        end.log_tail.contains("norgay-has-no-such-program"),
        "{}",
        end.log_tail
    );
    assert!(bench.scheduler().has_room());
}

fn the_job_sets_its_surroundings(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let mut job = bench.job(
        1,
        r#"printf '%s|%s|%s' "$HOME" "$(cat "$NORGAY_PARAMS")" "$NORGAY_RESOURCE" > said
           test -n "$NORGAY_ATTEMPT_ID" && test "${SHERPA_RESOURCE-unset}" = "$NORGAY_RESOURCE""#,
    );
    job.environment
        .insert("HOME".to_owned(), "a 'b' $c".to_owned());
    bench.scheduler().start(&job).expect("started");
    assert_eq!(bench.end_of(1).exit, Exit::Code(0));
    let said = fs::read_to_string(bench.path("said")).expect("written in the working folder");
    assert_eq!(said, "a 'b' $c|{\"x\": 1}|");
}

fn the_log_tail_is_told(make: &Make) {
    let mut bench = Bench::new(make, 2);
    let both = bench.job(1, "echo to stdout; echo first >&2; echo last >&2; exit 1");
    let one = bench.job(2, "echo only stdout; exit 1");
    bench.scheduler().start(&both).expect("started");
    bench.scheduler().start(&one).expect("started");
    assert_eq!(bench.end_of(1).log_tail, "first\nlast");
    assert_eq!(bench.end_of(2).log_tail, "only stdout");
}

fn stop_leaves_time_to_end(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let job = bench.start(
        r#"trap 'echo "{\"saved\": true}" >> "$NORGAY_METRICS"; exit 7' TERM
           touch ready; while :; do sleep 0.05; done"#,
    );
    bench.wait_for_file(&bench.path("ready"));
    bench.scheduler().stop(job.key);
    bench.scheduler().stop(job.key);
    let end = bench.end_of(1);
    assert_eq!(
        (end.exit, end.ended_by),
        (Exit::Code(7), Some(EndedBy::StopRequest))
    );
    assert_eq!(bench.reports(1).len(), 1);
}

fn stop_kills_after_the_grace_period(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let mut job = bench.job(1, "trap '' TERM; touch ready; while :; do sleep 0.05; done");
    job.grace = Duration::from_millis(300);
    bench.scheduler().start(&job).expect("started");
    bench.wait_for_file(&bench.path("ready"));
    let start = Instant::now();
    bench.scheduler().stop(job.key);
    let end = bench.end_of(1);
    assert_eq!(
        (end.exit, end.ended_by),
        (Exit::Signal(9), Some(EndedBy::StopRequest))
    );
    assert!(start.elapsed() >= job.grace);
}

fn kill_ends_at_once(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let job = bench.start("trap '' TERM; touch ready; while :; do sleep 0.05; done");
    bench.wait_for_file(&bench.path("ready"));
    bench.scheduler().stop(job.key);
    bench.scheduler().kill(job.key);
    let end = bench.end_of(1);
    assert_eq!(
        (end.exit, end.ended_by),
        (Exit::Signal(9), Some(EndedBy::StopRequest))
    );
}

fn stop_ends_the_whole_group(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let script = "sleep 1000 & echo $! > child; (sleep 1000 & echo $! > orphan); touch ready; wait";
    let mut job = bench.job(1, script);
    job.grace = Duration::from_millis(200);
    bench.scheduler().start(&job).expect("started");
    bench.wait_for_file(&bench.path("ready"));
    let pids = [pid_in(&bench.path("child")), pid_in(&bench.path("orphan"))];
    assert!(pids.iter().all(|pid| is_running(*pid)));
    bench.scheduler().stop(job.key);
    assert_eq!(bench.end_of(1).ended_by, Some(EndedBy::StopRequest));
    assert!(pids.iter().all(|pid| !is_running(*pid)));
}

fn the_time_limit_ends_an_attempt(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let mut job = bench.job(1, "sleep 1000");
    job.time_limit = Some(Duration::from_millis(200));
    job.grace = Duration::from_millis(200);
    bench.scheduler().start(&job).expect("started");
    let end = bench.end_of(1);
    assert_eq!(end.ended_by, Some(EndedBy::TimeLimit));
    assert!(matches!(end.exit, Exit::Signal(9 | 15)), "{end:?}");
}

fn room_is_what_was_asked_for(make: &Make) {
    let mut bench = Bench::new(make, 2);
    let script = "while [ ! -e go ]; do sleep 0.02; done";
    for trial in 1..=2 {
        assert!(bench.scheduler().has_room());
        let job = bench.job(trial, script);
        bench.scheduler().start(&job).expect("started");
    }
    assert!(!bench.scheduler().has_room());
    fs::create_dir_all(bench.path("")).expect("a folder");
    fs::write(bench.path("go"), "").expect("written");
    bench.end_of(1);
    bench.end_of(2);
    assert!(bench.scheduler().has_room());
}

fn started_twice_runs_once(make: &Make) {
    let mut bench = Bench::new(make, 3);
    let job = bench.start("echo run >> runs");
    bench.scheduler().start(&job).expect("nothing to do");
    bench.end_of(1);
    bench.scheduler().start(&job).expect("nothing to do");
    bench.poll();
    bench.restart();
    bench.scheduler().start(&job).expect("nothing to do");
    bench.notices.clear();
    assert_eq!(bench.end_of(1).exit, Exit::Code(0));
    assert_eq!(
        fs::read_to_string(bench.path("runs")).expect("runs"),
        "run\n"
    );
}

fn a_running_attempt_is_adopted(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let job = bench.start(
        r#"echo '{"step": 1, "a": 1}' >> "$NORGAY_METRICS"
           while [ ! -e go ]; do sleep 0.02; done
           echo '{"step": 2, "a": 2}' >> "$NORGAY_METRICS"; exit 5"#,
    );
    bench.poll_until("the first report is told", |bench| {
        bench.reports(1).len() == 1
    });
    bench.restart();
    bench.notices.clear();
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Adopted
    );
    assert!(!bench.scheduler().has_room());
    assert_eq!(bench.told_end(1), None);
    fs::write(bench.path("go"), "").expect("written");
    assert_eq!(bench.end_of(1).exit, Exit::Code(5));
    assert_eq!(bench.reports(1).last().expect("a report").0, Some(2));
    assert!(bench.scheduler().has_room());
}

fn an_ended_attempt_is_adopted(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let job = bench.start(r#"echo '{"a": 1}' >> "$NORGAY_METRICS"; exit 4"#);
    bench.end_of(1);
    bench.notices.clear();
    bench.restart();
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Adopted
    );
    assert_eq!(bench.end_of(1).exit, Exit::Code(4));
    assert_eq!(bench.reports(1).len(), 1);
}

fn an_adopted_attempt_can_be_stopped(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let job = bench.start("touch ready; sleep 1000");
    bench.wait_for_file(&bench.path("ready"));
    bench.restart();
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Adopted
    );
    bench.scheduler().stop(job.key);
    let end = bench.end_of(1);
    assert_eq!(
        (end.exit, end.ended_by),
        (Exit::Signal(15), Some(EndedBy::StopRequest))
    );
}

fn a_never_started_attempt_can_be_started(make: &Make) {
    let mut bench = Bench::new(make, 1);
    let job = bench.job(1, "exit 6");
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::NeverStarted
    );
    assert!(bench.scheduler().has_room());
    bench.scheduler().start(&job).expect("started");
    assert_eq!(bench.end_of(1).exit, Exit::Code(6));
}
