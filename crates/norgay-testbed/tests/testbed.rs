//! The program `norgay-testbed`.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

const TEMPLATE: &str = "
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: trial}
spec:
  entrypoint: main
  templates:
    - {name: main, container: {command: [sh, -c], args: ['echo $IMAGE']}}
";

fn testbed(place: &TempDir) -> Command {
    let templates = place.path().join("template.yaml");
    std::fs::write(&templates, TEMPLATE).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_norgay-testbed"));
    command
        .arg("--folder")
        .arg(place.path().join("bed"))
        .arg("--templates")
        .arg(templates);
    command
        .args(["--bucket", "b", "--env", "IMAGE=here"])
        .stderr(Stdio::null());
    command
}

fn wait_for(child: &mut Child, mut holds: impl FnMut(&mut Child) -> bool) {
    let start = Instant::now();
    while !holds(child) {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "nothing happened"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap()
}

#[test]
fn a_command_gets_the_variables_and_its_exit_code_is_passed_on() {
    let place = TempDir::new().unwrap();
    let seen = place.path().join("seen");
    let script = format!(
        "cat {0}/bed/testbed.env > {0}/file; echo \"$ARGO_SERVER $ARGO_NAMESPACE $TESTBED_BUCKET $S3_ENDPOINT\" > {0}/seen; exit 7",
        place.path().display()
    );
    let status = testbed(&place)
        .args(["--", "sh", "-c", &script])
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(7));
    let seen = std::fs::read_to_string(seen).unwrap();
    let words: Vec<&str> = seen.split_whitespace().collect();
    assert!(
        words[0].starts_with("http://127.0.0.1:") && words[3].starts_with("http://127.0.0.1:"),
        "{seen}"
    );
    assert_eq!(words[1..3], ["argo", "b"]);
    let file = std::fs::read_to_string(place.path().join("file")).unwrap();
    assert!(
        file.contains(&format!("export ARGO_SERVER='{}'\n", words[0])),
        "{file}"
    );
    assert!(is_there(&place.path().join("bed/s3/b")));
    assert!(!is_there(&place.path().join("bed/testbed.env")));
}

#[test]
fn without_a_command_it_runs_until_it_is_told_to_end() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let place = TempDir::new().unwrap();
        let mut child = testbed(&place).spawn().unwrap();
        let file = place.path().join("bed/testbed.env");
        wait_for(&mut child, |_| is_there(&file));
        // The file may be there a moment before the signals are listened for.
        wait_for(&mut child, |child| {
            let id = i32::try_from(child.id()).unwrap();
            let caught = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let mask = caught.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let mask = u64::from_str_radix(mask.unwrap_or("0").trim(), 16).unwrap();
            mask & (1 << (signal as i32 - 1)) != 0
        });
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        wait_for(&mut child, |child| child.try_wait().unwrap().is_some());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(!is_there(&file));
    }
}

#[test]
fn what_is_wrong_is_said() {
    let place = TempDir::new().unwrap();
    let mut command = testbed(&place);
    std::fs::write(place.path().join("template.yaml"), "kind: ConfigMap").unwrap();
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("neither a WorkflowTemplate nor"), "{said}");
    let output = testbed(&place)
        .args(["--", "/no/such"])
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("/no/such can't be run")
    );
}
