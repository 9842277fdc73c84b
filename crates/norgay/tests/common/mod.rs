//! A folder with a study, and the program run in it.

#![allow(dead_code, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// A folder of a test.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty folder.
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder with a study file and the script of its trials.
    pub fn with(study: &str, script: &str) -> Self {
        let place = Self::empty();
        place.write("study.yaml", study);
        place.write("trial.sh", script);
        place
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The program, to be run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_norgay"));
        command
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
            .env_remove("NORGAY_STORAGE")
            .env_remove("NORGAY_STUDY");
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts it and waits until files that its trials make are there.
    pub fn start(&self, arguments: &[&str], files: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while !files.iter().all(|file| self.file(file).exists()) {
            let over = child.try_wait().unwrap().is_some();
            if over || Instant::now() > deadline {
                let _ = child.kill();
                let output = child.wait_with_output().unwrap();
                panic!("{files:?} never came: {output:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }

    /// Runs it, checks the exit code, and gives both outputs as text.
    pub fn norgay(&self, arguments: &[&str], code: i32) -> (String, String) {
        let output = self.output(arguments);
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}\n{out}\n{err}"
        );
        (out, err)
    }

    /// Runs it and reads its JSON.
    pub fn json(&self, arguments: &[&str]) -> Json {
        let (out, err) = self.norgay(arguments, 0);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    }

    /// All trials of the only study, whole.
    pub fn trials(&self) -> Vec<Json> {
        self.json(&["study", "export", "--format", "json"])["history"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// How many trials are in each state and of which cause, as `state` or `state (cause)`.
    pub fn states(&self) -> Vec<String> {
        let name = |trial: &Json| match trial["cause"].as_str() {
            Some(cause) => format!("{} ({cause})", trial["state"].as_str().unwrap()),
            None => trial["state"].as_str().unwrap().to_string(),
        };
        self.trials().iter().map(name).collect()
    }
}

/// Waits until something holds; the test fails if it never does.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "it never came to pass: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal such as `-INT`.
pub fn signal(child: &Child, name: &str) {
    let number = child.id().to_string();
    let sent = Command::new("kill").args([name, &number]).status();
    assert!(sent.unwrap().success());
}
