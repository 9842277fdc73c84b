//! Attempts that nothing bad happens to.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use nix::sys::signal::Signal;
use nix::unistd::{Pid, getsid};
use norgay_core::Value;
use norgay_engine::scheduler::local::{LocalOptions, LocalScheduler, append_report, log_paths};
use norgay_engine::scheduler::{Adoption, Change, EndedBy, Exit, Scheduler};
use norgay_engine::testing::scheduler_contract::{Bench, is_running, pid_in, wait_until};

use crate::support::{self, NamedTest, make, make_with_resources};

pub const TESTS: &[NamedTest] = &[
    (
        "fifty_attempts_in_quick_succession",
        fifty_attempts_in_quick_succession,
    ),
    (
        "resources_are_distinct_and_come_back",
        resources_are_distinct_and_come_back,
    ),
    (
        "a_resource_is_kept_across_adoption",
        a_resource_is_kept_across_adoption,
    ),
    ("an_empty_pool_waits", an_empty_pool_waits),
    (
        "what_the_command_leaves_behind_is_ended",
        what_the_command_leaves_behind_is_ended,
    ),
    (
        "a_wrapped_program_gets_the_whole_grace_period",
        a_wrapped_program_gets_its_grace,
    ),
    (
        "a_stop_right_after_the_start_is_heeded",
        a_stop_right_after_the_start_is_heeded,
    ),
    (
        "a_stop_survives_the_death_of_who_asked",
        a_stop_survives_the_death_of_who_asked,
    ),
    (
        "sigterm_from_elsewhere_is_not_a_stop_request",
        sigterm_from_elsewhere,
    ),
    (
        "an_attempt_is_away_from_the_terminal",
        an_attempt_is_away_from_the_terminal,
    ),
    (
        "standard_output_can_hold_reports",
        standard_output_can_hold_reports,
    ),
    ("appended_reports_arrive", appended_reports_arrive),
    (
        "the_old_name_of_the_output_lives_on",
        the_old_name_of_the_output_lives_on,
    ),
    ("records_are_private", records_are_private),
];

fn fifty_attempts_in_quick_succession() {
    let names: Vec<String> = (0..50).map(|slot| format!("gpu{slot}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let make = |max| make_with_resources(max, &names);
    let mut bench = Bench::new(&make, 50);
    let start = Instant::now();
    for trial in 1..=50 {
        let script = format!(
            r#"echo "{{\"slot\": \"$NORGAY_RESOURCE\"}}" >> "$NORGAY_METRICS"; exit {}"#,
            trial % 7
        );
        assert!(bench.scheduler().has_room());
        let job = bench.job(trial, &script);
        bench.scheduler().start(&job).expect("started");
    }
    assert!(
        start.elapsed().as_secs() < 30,
        "starting took {:?}",
        start.elapsed()
    );
    let mut slots = BTreeSet::new();
    for trial in 1..=50 {
        assert_eq!(bench.end_of(trial).exit, Exit::Code((trial % 7) as i32));
        let reports = bench.reports(trial);
        assert_eq!(reports.len(), 1);
        slots.insert(reports[0].1[0].1.to_string());
    }
    assert!(bench.scheduler().has_room());
    assert_eq!(slots.len(), 50);
}

fn resources_are_distinct_and_come_back() {
    let make = |max| make_with_resources(max, &["a", "b"]);
    let mut bench = Bench::new(&make, 9);
    let script = r#"touch "$SLOT-$0"; while [ ! -e "go-$0" ]; do sleep 0.02; done"#;
    for trial in 1..=2 {
        let mut job = bench.job(trial, script);
        job.command.push("{resource}".to_owned());
        job.environment
            .insert("SLOT".to_owned(), "slot-{resource}".to_owned());
        bench.scheduler().start(&job).expect("started");
    }
    assert!(!bench.scheduler().has_room());
    let third = bench.job(3, "exit 0");
    let error = bench.scheduler().start(&third).expect_err("no slot");
    assert!(error.to_string().contains("no slot"), "{error}");
    bench.wait_for_file(&bench.path("slot-a-a"));
    bench.wait_for_file(&bench.path("slot-b-b"));
    fs::write(bench.path("go-a"), "").expect("written");
    bench.end_of(1);
    assert!(bench.scheduler().has_room());
    bench.scheduler().start(&third).expect("started");
    bench.end_of(3);
    fs::write(bench.path("go-b"), "").expect("written");
    bench.end_of(2);
}

fn a_resource_is_kept_across_adoption() {
    let make = |max| make_with_resources(max, &["a", "b"]);
    let mut bench = Bench::new(&make, 9);
    let job = bench.start("touch ready; while [ ! -e go ]; do sleep 0.02; done");
    bench.wait_for_file(&bench.path("ready"));
    bench.restart();
    assert_eq!(
        bench.scheduler().adopt(&job).expect("an answer"),
        Adoption::Adopted
    );
    let second = bench.job(2, r#"test "$NORGAY_RESOURCE" = "b""#);
    bench.scheduler().start(&second).expect("started");
    assert!(!bench.scheduler().has_room());
    assert_eq!(bench.end_of(2).exit, Exit::Code(0));
    fs::create_dir_all(bench.path("")).expect("a folder");
    fs::write(bench.path("go"), "").expect("written");
    bench.end_of(1);
}

fn an_empty_pool_waits() {
    let mut scheduler = make_with_resources(5, &[]);
    assert!(!scheduler.has_room());
    assert_eq!(scheduler.poll().expect("news").notices, []);
}

fn what_the_command_leaves_behind_is_ended() {
    let mut bench = Bench::new(&make, 1);
    bench.start("sleep 1000 & echo $! > child; exit 0");
    let end = bench.end_of(1);
    assert_eq!((end.exit, end.ended_by), (Exit::Code(0), None));
    assert!(!is_running(pid_in(&bench.path("child"))));
}

/// The shell dies of SIGTERM at once; the program in it needs a moment to save its state.
fn a_wrapped_program_gets_its_grace() {
    let mut bench = Bench::new(&make, 1);
    let script = r#"sh -c 'trap "sleep 0.5; echo {\\\"saved\\\": 1} >> $NORGAY_METRICS; exit" TERM
                           touch ready; while :; do sleep 0.05; done'; true"#;
    let job = bench.start(script);
    bench.wait_for_file(&bench.path("ready"));
    bench.scheduler().stop(job.key);
    assert_eq!(bench.end_of(1).exit, Exit::Signal(15));
    assert_eq!(bench.reports(1).len(), 1, "{:?}", bench.notices);
}

fn a_stop_right_after_the_start_is_heeded() {
    for _ in 0..10 {
        let mut bench = Bench::new(&make, 1);
        let job = bench.start("sleep 1000");
        bench.scheduler().stop(job.key);
        let end = bench.end_of(1);
        assert_eq!(end.ended_by, Some(EndedBy::StopRequest));
        assert!(
            matches!(end.exit, Exit::NotStarted | Exit::Signal(15)),
            "{end:?}"
        );
    }
}

fn a_stop_survives_the_death_of_who_asked() {
    let mut bench = Bench::new(&make, 1);
    let job = bench.start("sleep 1000");
    // As if the controller had died between leaving the file and sending the signal.
    fs::write(job.record_folder.join("stop"), "").expect("written");
    assert_eq!(bench.end_of(1).ended_by, Some(EndedBy::StopRequest));
}

fn sigterm_from_elsewhere() {
    let mut bench = Bench::new(&make, 1);
    let job = bench.start("touch ready; sleep 1000");
    bench.wait_for_file(&bench.path("ready"));
    wait_until("the details are there", || support::started(&job).is_some());
    support::send(support::pid_of(&job, "supervisor"), Signal::SIGTERM);
    let end = bench.end_of(1);
    assert_eq!((end.exit, end.ended_by), (Exit::Signal(15), None));
}

fn an_attempt_is_away_from_the_terminal() {
    let mut bench = Bench::new(&make, 1);
    let job = bench.start("sleep 1000");
    wait_until("the details are there", || support::started(&job).is_some());
    let supervisor = Pid::from_raw(support::pid_of(&job, "supervisor"));
    let leader = Pid::from_raw(support::pid_of(&job, "leader"));
    assert_eq!(getsid(Some(supervisor)), Ok(supervisor));
    assert_eq!(getsid(Some(leader)), Ok(supervisor));
    bench.scheduler().kill(job.key);
    bench.end_of(1);
}

fn standard_output_can_hold_reports() {
    let make = |max| -> Box<dyn Scheduler> {
        let pattern = r"epoch (?P<step>\d+): loss (?P<loss>\S+)";
        let stdout_pattern = Some(regex_lite::Regex::new(pattern).expect("a pattern"));
        Box::new(LocalScheduler::new(LocalOptions {
            stdout_pattern,
            ..support::options(max)
        }))
    };
    let mut bench = Bench::new(&make, 1);
    bench.start(r"echo hello; echo 'epoch 1: loss 0.5'; printf 'x\repoch 2: loss 1'");
    bench.end_of(1);
    let loss = |value| vec![("loss".to_owned(), value)];
    let expected = [
        (Some(1), loss(Value::Float(0.5))),
        (Some(2), loss(Value::Int(1))),
    ];
    assert_eq!(bench.reports(1), expected);
}

fn appended_reports_arrive() {
    let mut bench = Bench::new(&make, 1);
    let job = bench.start("while [ ! -e go ]; do sleep 0.02; done");
    let file = job.record_folder.join("metrics.jsonl");
    let metrics = vec![("loss".to_owned(), Value::Float(f64::INFINITY))];
    append_report(&file, Some(4), &metrics).expect("appended");
    bench.poll_until("the report is told", |bench| !bench.reports(1).is_empty());
    assert_eq!(bench.reports(1), [(Some(4), metrics)]);
    bench.scheduler().kill(job.key);
    bench.end_of(1);
    assert!(
        !bench
            .notices
            .iter()
            .any(|n| matches!(n.change, Change::BadReport { .. }))
    );
}

fn the_old_name_of_the_output_lives_on() {
    let mut bench = Bench::new(&make, 1);
    let job = bench.start("echo hello");
    bench.end_of(1);
    let jobs = job
        .record_folder
        .parent()
        .and_then(|path| path.parent())
        .expect("jobs");
    let link = jobs.join("trial_1.out");
    let target = fs::read_link(&link).expect("a link");
    assert_eq!(target.to_str(), Some("trial_1/attempt_1/stdout.log"));
    assert_eq!(fs::read_to_string(link).expect("the output"), "hello\n");
    assert_eq!(
        log_paths(&job.record_folder).stdout,
        job.record_folder.join("stdout.log")
    );
}

fn records_are_private() {
    let mut bench = Bench::new(&make, 1);
    let job = bench.start("exit 0");
    bench.end_of(1);
    let metadata = fs::metadata(job.record_folder.join("job.json")).expect("the job");
    assert_eq!(metadata.permissions().mode() & 0o077, 0);
}
