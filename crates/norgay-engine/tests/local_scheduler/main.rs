//! The local scheduler: the contract of schedulers, and what only processes can suffer.
//!
//! This binary is its own supervisor: called with `supervise FOLDER` it does what the hidden
//! subcommand of `norgay` does. Hence the harness of its own, which speaks as much of the
//! standard one's language as `cargo test` and nextest need.

mod deaths;
mod limits;
mod running;
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use norgay_engine::scheduler::local::supervise;
use norgay_engine::testing::scheduler_contract;

/// A named test.
type Test = (String, Box<dyn Fn() + Send + Sync>);

/// Flags of the standard harness that have their value in the next argument.
const FLAGS_WITH_VALUES: [&str; 4] = ["--format", "--color", "--test-threads", "--skip"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, folder] = arguments.as_slice()
        && command == "supervise"
    {
        return ExitCode::from(supervise(Path::new(folder)) as u8);
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let is_value =
        |index: usize| index > 0 && FLAGS_WITH_VALUES.contains(&arguments[index - 1].as_str());
    let filters: Vec<&String> = arguments
        .iter()
        .enumerate()
        .filter(|(index, name)| !name.starts_with('-') && !is_value(*index))
        .map(|(_, name)| name)
        .collect();
    let is_wanted = |name: &str| {
        let matches = |filter: &&String| {
            if has("--exact") {
                name == filter.as_str()
            } else {
                name.contains(filter.as_str())
            }
        };
        !has("--ignored") && (filters.is_empty() || filters.iter().any(matches))
    };
    let tests: Vec<Test> = tests()
        .into_iter()
        .filter(|(name, _)| is_wanted(name))
        .collect();
    if has("--list") {
        for (name, _) in &tests {
            say(&format!("{name}: test"));
        }
        return ExitCode::SUCCESS;
    }
    run(&tests)
}

fn tests() -> Vec<Test> {
    let contract = scheduler_contract::CHECKS.iter().map(|(name, check)| {
        let run: Box<dyn Fn() + Send + Sync> = Box::new(|| check(&support::make));
        (format!("contract::{name}"), run)
    });
    let own = [running::TESTS, limits::TESTS, deaths::TESTS]
        .into_iter()
        .flatten();
    let own = own.map(|(name, test)| {
        let run: Box<dyn Fn() + Send + Sync> = Box::new(test);
        ((*name).to_owned(), run)
    });
    contract.chain(own).collect()
}

/// Runs the tests on a few threads; they spend their time waiting for processes.
fn run(tests: &[Test]) -> ExitCode {
    const THREADS: usize = 4;
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((name, test)) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let is_good = catch_unwind(AssertUnwindSafe(test)).is_ok();
                    say(&format!(
                        "test {name} ... {}",
                        if is_good { "ok" } else { "FAILED" }
                    ));
                    if !is_good {
                        failed
                            .lock()
                            .expect("no panic while locked")
                            .push(name.as_str());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic while locked");
    let (passed, verdict) = (
        tests.len() - failed.len(),
        if failed.is_empty() { "ok" } else { "FAILED" },
    );
    say(&format!(
        "\ntest result: {verdict}. {passed} passed; {} failed: {failed:?}",
        failed.len()
    ));
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(101)
    }
}

fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}
