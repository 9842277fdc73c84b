//! Limits.

use std::time::Duration;

use norgay_engine::scheduler::{EndedBy, Exit};
use norgay_engine::testing::scheduler_contract::Bench;

use crate::support::{NamedTest, make};

pub const TESTS: &[NamedTest] = &[
    (
        "the_memory_limit_counts_the_whole_group",
        the_memory_limit_counts_the_whole_group,
    ),
    (
        "the_first_cause_of_an_end_counts",
        the_first_cause_of_an_end_counts,
    ),
    (
        "a_limit_that_is_kept_does_nothing",
        a_limit_that_is_kept_does_nothing,
    ),
];

fn the_memory_limit_counts_the_whole_group() {
    if !std::path::Path::new("/proc/self/stat").exists() {
        return;
    }
    let mut bench = Bench::new(&make, 1);
    // `tail` holds the bytes in memory, since nobody takes them off the pipe.
    let script = "head -c 200M /dev/zero | tail -c 150M | sleep 1000";
    let mut job = bench.job(1, script);
    job.memory_limit_bytes = Some(50 << 20);
    bench.scheduler().start(&job).expect("started");
    let end = bench.end_of(1);
    assert_eq!(
        (end.exit, end.ended_by),
        (Exit::Signal(9), Some(EndedBy::MemoryLimit))
    );
    assert!(
        end.log_tail.contains("the memory limit is 52428800"),
        "{}",
        end.log_tail
    );
}

fn the_first_cause_of_an_end_counts() {
    let mut bench = Bench::new(&make, 1);
    let mut job = bench.job(1, "trap 'touch asked' TERM; while :; do sleep 0.05; done");
    job.time_limit = Some(Duration::from_millis(200));
    bench.scheduler().start(&job).expect("started");
    let asked = bench.path("asked");
    // On a slow machine the command may die before it has come to its `trap`.
    bench.poll_until("SIGTERM was sent", |bench| {
        asked.exists() || bench.told_end(1).is_some()
    });
    bench.scheduler().kill(job.key);
    let end = bench.end_of(1);
    assert!(matches!(end.exit, Exit::Signal(9 | 15)), "{end:?}");
    assert_eq!(end.ended_by, Some(EndedBy::TimeLimit));
}

fn a_limit_that_is_kept_does_nothing() {
    let mut bench = Bench::new(&make, 1);
    let mut job = bench.job(1, "sleep 0.3");
    job.time_limit = Some(Duration::MAX);
    job.memory_limit_bytes = Some(u64::MAX);
    job.grace = Duration::MAX;
    bench.scheduler().start(&job).expect("started");
    let end = bench.end_of(1);
    assert_eq!(
        (end.exit, end.ended_by, end.log_tail.as_str()),
        (Exit::Code(0), None, "")
    );
}
