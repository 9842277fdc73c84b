//! Tokens that are refused, and what is not allowed.

use crate::cluster::{Cluster, LOSS, STUDY, WAITING};

/// Refused while a study runs: it stops at once, and its workflows go on.
fn refused_midway(refuse: impl Fn(&Cluster), reasons: &[&str]) {
    let cluster = Cluster::running(WAITING);
    let run = cluster.start(STUDY);
    cluster.wait_for_running(2);
    let began = std::time::Instant::now();
    refuse(&cluster);
    cluster.argo().cut_watches();
    let said = cluster.ended(run, 1);
    assert!(
        began.elapsed() < std::time::Duration::from_secs(20),
        "{said}"
    );
    for reason in reasons {
        assert!(said.contains(reason), "{reason}: {said}");
    }
    assert_eq!(cluster.argo().live().len(), 2);
    cluster.check_files();
}

#[test]
fn a_token_that_is_refused_stops_the_study_with_the_reason() {
    refused_midway(
        |cluster| cluster.argo().rotate_token("another-token").unwrap(),
        &["does not accept the token"],
    );
}

#[test]
fn what_is_not_allowed_stops_the_study_with_the_reason() {
    refused_midway(
        |cluster| {
            cluster.argo().forbid("watch workflows");
            cluster.argo().forbid("list workflows");
        },
        &["does not allow"],
    );
}

#[test]
fn a_token_from_a_file_is_read_again_when_it_is_refused() {
    let cluster = Cluster::running(WAITING);
    let token_file = cluster.testbed().variables_file().with_file_name("token");
    let study = STUDY.replace(
        "{template: trial,",
        &format!("{{template: trial, token_file: {},", token_file.display()),
    );
    cluster.place.write("study.yaml", &study);
    let mut command = cluster.command(&["run", "study.yaml"]);
    command.env_remove("ARGO_TOKEN");
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let run = command.spawn().unwrap();
    cluster.wait_for_running(2);
    cluster.argo().rotate_token("a-token-of-tomorrow").unwrap();
    cluster.argo().cut_watches();
    cluster.release("go");
    cluster.ended(run, 0);
    cluster.check_end(4);
}

#[test]
fn a_wrong_token_is_told_before_anything_is_submitted() {
    let cluster = Cluster::running(LOSS);
    cluster.place.write("study.yaml", STUDY);
    let mut command = cluster.command(&["run", "study.yaml"]);
    let output = command
        .env("ARGO_TOKEN", "yesterdays-token")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    // Told once.
    assert_eq!(
        said.matches("does not accept the token").count(),
        1,
        "{said}"
    );
    assert!(
        said.contains("token") && !said.contains("yesterdays-token"),
        "{said}"
    );
    assert_eq!(cluster.argo().counters().created, 0);
}
