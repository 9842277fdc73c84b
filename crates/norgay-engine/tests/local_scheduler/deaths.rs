//! Kills at every point: of the supervisor, of the controller, of the record folder.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use norgay_engine::scheduler::{Adoption, Exit, Job, Scheduler};
use norgay_engine::testing::scheduler_contract::{Bench, is_running, pid_in, wait_until};

use crate::support::{self, NamedTest, make, make_with_supervisor, spawn_supervisor};

pub const TESTS: &[NamedTest] = &[
    (
        "a_killed_supervisor_is_noticed",
        a_killed_supervisor_is_noticed,
    ),
    (
        "an_attempt_that_was_lost_unwatched_is_lost",
        a_loss_unwatched_is_lost,
    ),
    (
        "reports_of_a_lost_attempt_are_told",
        reports_of_a_lost_attempt_are_told,
    ),
    (
        "processes_are_found_without_details",
        processes_are_found_without_details,
    ),
    ("many_supervisors_start_once", many_supervisors_start_once),
    (
        "supervisors_killed_at_any_instant_start_at_most_once",
        killed_at_any_instant,
    ),
    (
        "a_late_supervisor_starts_nothing",
        a_late_supervisor_starts_nothing,
    ),
    (
        "a_supervisor_that_does_nothing_is_told",
        a_supervisor_that_does_nothing_is_told,
    ),
    (
        "a_supervisor_that_is_missing_is_an_error",
        a_missing_supervisor_is_an_error,
    ),
    (
        "a_mark_without_a_supervisor_is_lost",
        a_mark_without_a_supervisor_is_lost,
    ),
    (
        "a_deleted_record_folder_loses_the_attempt",
        a_deleted_record_folder,
    ),
    ("a_garbled_end_is_unknown", a_garbled_end_is_unknown),
];

/// Runs until it is told to go; leaves its own process number and that of a child.
const LONG: &str = "echo $$ > main; sleep 1000 & echo $! > child; touch ready; wait";

/// Starts [`LONG`] and gives the numbers of its processes.
fn start_long(bench: &mut Bench, script: &str) -> (Job, [i32; 2]) {
    let job = bench.start(script);
    bench.wait_for_file(&bench.path("ready"));
    wait_until("the details are there", || support::started(&job).is_some());
    (
        job,
        [pid_in(&bench.path("main")), pid_in(&bench.path("child"))],
    )
}

fn none_runs(pids: &[i32]) -> bool {
    pids.iter().all(|pid| !is_running(*pid))
}

fn a_killed_supervisor_is_noticed() {
    let mut bench = Bench::new(&make, 1);
    let (job, pids) = start_long(&mut bench, LONG);
    support::send(support::pid_of(&job, "supervisor"), Signal::SIGKILL);
    let end = bench.end_of(1);
    assert_eq!((end.exit, end.ended_by), (Exit::Unknown, None));
    wait_until("the rest is gone", || none_runs(&pids));
    assert!(bench.scheduler().has_room());
}

fn kill_unwatched(bench: &mut Bench, job: &Job) {
    let supervisor = support::pid_of(job, "supervisor");
    bench.restart();
    support::send(supervisor, Signal::SIGKILL);
    wait_until("the supervisor is dead to its last thread", || {
        is_unlocked(job)
    });
}

fn is_unlocked(job: &Job) -> bool {
    let lock = fs::File::open(job.record_folder.join("lock")).expect("the lock file");
    lock.try_lock_shared().is_ok() && lock.unlock().is_ok()
}

fn a_loss_unwatched_is_lost() {
    let mut bench = Bench::new(&make, 1);
    let (job, pids) = start_long(&mut bench, LONG);
    kill_unwatched(&mut bench, &job);
    // Without the leader, only the child's environment tells whose it is.
    support::send(pids[0], Signal::SIGKILL);
    wait_until("the leader is dead", || !is_running(pids[0]));
    assert!(is_running(pids[1]));
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Lost
    );
    wait_until("the rest is gone", || none_runs(&pids));
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Lost
    );
    assert!(bench.scheduler().has_room());
    assert_eq!(bench.scheduler().poll().expect("news").notices, []);
}

fn reports_of_a_lost_attempt_are_told() {
    let mut bench = Bench::new(&make, 1);
    let script = format!(r#"echo '{{"a": 1}}' >> "$NORGAY_METRICS"; {LONG}"#);
    let (job, pids) = start_long(&mut bench, &script);
    bench.notices.clear();
    kill_unwatched(&mut bench, &job);
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Adopted
    );
    wait_until("the rest is gone", || none_runs(&pids));
    assert_eq!(bench.end_of(1).exit, Exit::Unknown);
    assert_eq!(bench.reports(1).len(), 1);
}

/// The supervisor was killed between starting the command and writing down which processes it is.
fn processes_are_found_without_details() {
    let mut bench = Bench::new(&make, 1);
    let (job, pids) = start_long(&mut bench, LONG);
    kill_unwatched(&mut bench, &job);
    fs::write(job.record_folder.join("started.json"), "").expect("written");
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Lost
    );
    wait_until("the rest is gone", || none_runs(&pids));
}

/// Writes the records of an attempt with a supervisor that does nothing.
fn prepare(bench: &Bench, script: &str) -> Job {
    let job = bench.job(1, script);
    make_with_supervisor("exit 0").start(&job).expect("started");
    job
}

fn runs(bench: &Bench) -> usize {
    fs::read_to_string(bench.path("runs"))
        .unwrap_or_default()
        .lines()
        .count()
}

fn many_supervisors_start_once() {
    for _ in 0..10 {
        let mut bench = Bench::new(&make, 1);
        let job = prepare(&bench, "echo run >> runs; sleep 0.05");
        let mut supervisors: Vec<_> = (0..8)
            .map(|_| spawn_supervisor(&job.record_folder))
            .collect();
        for supervisor in &mut supervisors {
            assert!(supervisor.wait().expect("an end").success());
        }
        assert_eq!(
            bench.scheduler().adopt(&job).expect("an answer"),
            Adoption::Adopted
        );
        assert_eq!(bench.end_of(1).exit, Exit::Code(0));
        assert_eq!(runs(&bench), 1);
    }
}

/// How long a supervisor takes, here and now, from its start to the end of a short command.
fn time_of_a_run() -> Duration {
    let bench = Bench::new(&make, 1);
    let job = prepare(&bench, "exit 0");
    let start = Instant::now();
    let status = spawn_supervisor(&job.record_folder).wait().expect("an end");
    assert!(status.success());
    start.elapsed()
}

/// Two supervisors race, one or both are killed after a delay that grows from round to round, and
/// the engine restarts and does what it does after a restart.
fn killed_at_any_instant() {
    const ROUNDS: u32 = 60;
    let longest = time_of_a_run();
    for round in 0..ROUNDS {
        let mut bench = Bench::new(&make, 1);
        let job = prepare(&bench, "echo run >> runs; sleep 0.02");
        let mut first = spawn_supervisor(&job.record_folder);
        let mut second = spawn_supervisor(&job.record_folder);
        let step = round / 2 * 2;
        // Most of the delays are short: the interesting points come early.
        std::thread::sleep(longest * step * step / (ROUNDS * ROUNDS));
        first.kill().expect("killed");
        if round % 2 == 0 {
            second.kill().expect("killed");
            let _ = (first.wait(), second.wait());
        }
        let answer = bench.scheduler().adopt(&job).expect("an answer");
        match answer {
            Adoption::Lost => {}
            Adoption::Adopted => drop(bench.end_of(1)),
            Adoption::NeverStarted => {
                assert_eq!(runs(&bench), 0);
                bench.scheduler().start(&job).expect("started");
                // The second one may have taken this start upon itself and been killed for it.
                let end = bench.end_of(1);
                assert!(matches!(end.exit, Exit::Code(0) | Exit::Unknown), "{end:?}");
            }
        }
        let _ = (first.wait(), second.wait());
        assert!(runs(&bench) <= 1, "round {round}");
    }
}

fn a_late_supervisor_starts_nothing() {
    let gate = tempfile::tempdir().expect("a folder");
    let [go, done] = ["go", "done"].map(|name| gate.path().join(name));
    let program = std::env::current_exe().expect("our own path");
    let script = format!(
        r#"while [ ! -e '{}' ]; do sleep 0.02; done; '{}' supervise "$0"; touch '{}'"#,
        go.display(),
        program.display(),
        done.display()
    );
    let mut bench = Bench::new(&make, 1);
    let job = bench.job(1, "echo run >> runs");
    let mut late = make_with_supervisor(&script);
    late.start(&job).expect("started");
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::NeverStarted
    );
    fs::write(&go, "").expect("written");
    wait_until("the late supervisor has given up", || done.exists());
    assert_eq!(runs(&bench), 0);
    bench.scheduler().start(&job).expect("started");
    assert_eq!(bench.end_of(1).exit, Exit::Code(0));
    assert_eq!(runs(&bench), 1);
}

fn a_supervisor_that_does_nothing_is_told() {
    let fails = |_| make_with_supervisor("echo no such subcommand >&2; exit 2");
    let mut bench = Bench::new(&fails, 1);
    bench.start("exit 0");
    let end = bench.end_of(1);
    assert_eq!(end.exit, Exit::NotStarted);
    assert!(
        end.log_tail
            .contains("started the command: no such subcommand"),
        "{}",
        end.log_tail
    );
    let dies = |_| make_with_supervisor("kill -KILL $$");
    let mut bench = Bench::new(&dies, 1);
    bench.start("exit 0");
    assert_eq!(bench.end_of(1).exit, Exit::Unknown);
}

fn a_missing_supervisor_is_an_error() {
    let mut options = support::options(1);
    options.supervisor_command = vec!["norgay-has-no-such-program".into()];
    options.resources = Some(vec!["a".to_owned()]);
    let mut scheduler = norgay_engine::scheduler::local::LocalScheduler::new(options);
    let bench = Bench::new(&make, 1);
    let job = bench.job(1, "exit 0");
    let error = scheduler.start(&job).expect_err("no such program");
    assert!(
        error.to_string().contains("norgay-has-no-such-program"),
        "{error}"
    );
    assert!(scheduler.has_room());
    assert_eq!(
        scheduler.adopt(&job).expect("an answer"),
        Adoption::NeverStarted
    );
}

fn a_mark_without_a_supervisor_is_lost() {
    let mut bench = Bench::new(&make, 1);
    let job = prepare(&bench, "echo run >> runs");
    fs::write(job.record_folder.join("started.json"), "").expect("written");
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Lost
    );
    // Starting it all the same starts nothing, and says so.
    bench.scheduler().start(&job).expect("nothing to do");
    assert_eq!(bench.end_of(1).exit, Exit::Unknown);
    assert_eq!(runs(&bench), 0);
}

fn a_deleted_record_folder() {
    let mut bench = Bench::new(&make, 1);
    let (job, pids) = start_long(&mut bench, LONG);
    bench.restart();
    fs::remove_dir_all(&job.record_folder).expect("deleted");
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Lost
    );
    wait_until("the rest is gone", || none_runs(&pids));
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::NeverStarted
    );
}

fn a_garbled_end_is_unknown() {
    let mut bench = Bench::new(&make, 1);
    let job = prepare(&bench, "exit 0");
    fs::write(job.record_folder.join("started.json"), "").expect("written");
    fs::write(job.record_folder.join("exit.json"), "{\"exi").expect("written");
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Adopted
    );
    let end = bench.end_of(1);
    assert_eq!(end.exit, Exit::Unknown);
    assert!(
        end.log_tail.contains("exit.json is not readable"),
        "{}",
        end.log_tail
    );
}
