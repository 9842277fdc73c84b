//! The reference's flags alone, with all files in a bucket.

use crate::cluster::{Cluster, template};
use crate::common::wait_until;

const SPACE: &str = r#"{"learning_rate": {"type": "Choice", "range": [0.5, 0.25]}}"#;
const PARAMETER_TEXT: &str = r#"{
    "rate": tp['learning_rate'], "epochs": 7, "optimizer_config": {"class_name": 'adam'},
}"#;
/// The second trial ends when the test has seen the results of the first.
const SCRIPT: &str = r#"
[ "$(basename "$OUTPUT")" != 2 ] || wait_for "$FREE/go"
echo "$rate|$epochs|$optimizer_config|$run_name|$input_path|$OUTPUT|$ENTRYPOINT" > "$FREE/told-$(basename "$OUTPUT")"
printf '{"mse": %s, "mae": 2}' "$rate" | put "$OUT/result_metrics.json"
"#;

/// The flags, the cluster's address included.
fn flags(cluster: &Cluster, more: &[&str]) -> Vec<String> {
    let address = cluster.argo().address();
    let given = [
        "--run_name=moulding",
        "--input_path=s3://testbed/input/",
        "--output_path=s3://testbed/output",
        "--default_parameter=trial_run_parameter.txt",
        &format!("--hpo_parameter={SPACE}"),
        "--algorithm=GridSearch",
        "--algo_parameter={}",
        "--objective=mse",
        "--filename_objective=result_metrics.json",
        "--lower_is_better=True",
        "--workflowtemplate=moulding-trial",
        "--entrypoint=fit",
        "--max_concurrent=1",
        "--k8_namespace=hpo",
        &format!("--argo_ip=http://{}", address.ip()),
        &format!("--argo_port={}", address.port()),
    ]
    .map(String::from);
    let more = more.iter().map(|flag| (*flag).to_string());
    ["run".to_string()]
        .into_iter()
        .chain(given)
        .chain(more)
        .collect()
}

fn cluster(script: &str) -> Cluster {
    let parameters = [
        "rate",
        "epochs",
        "optimizer_config",
        "run_name",
        "input_path",
    ];
    let templates = [template(
        "moulding-trial",
        &["copy", "fit"],
        script,
        &parameters,
    )];
    let cluster = Cluster::with(&templates);
    cluster.put("input/trial_run_parameter.txt", PARAMETER_TEXT);
    cluster
}

/// The program with the flags, and the token in the reference's own variable.
fn spawn(cluster: &Cluster, arguments: &[String]) -> std::process::Child {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = cluster.command(&arguments);
    for variable in ["ARGO_SERVER", "ARGO_TOKEN", "ARGO_NAMESPACE"] {
        command.env_remove(variable);
    }
    command.env("api_exec_token", cluster.argo().token());
    let piped = std::process::Stdio::piped;
    command.stdout(piped()).stderr(piped()).spawn().unwrap()
}

fn table_of(cluster: &Cluster) -> Vec<String> {
    let table = cluster.read("output/moulding/results.csv");
    table.lines().skip(1).map(String::from).collect()
}

#[test]
fn the_flags_alone_run_a_study_whose_results_are_always_in_the_bucket() {
    let cluster = cluster(SCRIPT);
    let run = spawn(&cluster, &flags(&cluster, &[]));
    wait_until("the first trial's row is there", || {
        table_of(&cluster)
            .iter()
            .any(|row| row.starts_with("1,COMPLETED,7,"))
    });
    let space = cluster.read("output/moulding/optimization_parameters.json");
    assert!(space.contains("learning_rate"), "{space}");
    wait_until("the best result is there", || {
        cluster
            .read("output/moulding/best_result.json")
            .contains("\"Objective\": \"0.")
    });
    assert!(
        !table_of(&cluster)
            .iter()
            .any(|row| row.starts_with("2,COMPLETED"))
    );
    cluster.release("go");
    let said = cluster.ended(run, 0);
    assert!(said.contains("2 completed, 0 pruned, 0 failed"), "{said}");

    assert!(
        table_of(&cluster)
            .iter()
            .any(|row| row.starts_with("2,COMPLETED,7,"))
    );
    assert_eq!(
        cluster.read("output/moulding/results.csv"),
        cluster.read("output/moulding/study_results.csv")
    );
    let best: serde_json::Value =
        serde_json::from_str(&cluster.read("output/moulding/best_result.json")).unwrap();
    assert_eq!(best["Objective"], "0.25", "{best}");
    assert!(
        std::fs::read(cluster.object("output/moulding/config.pkl"))
            .unwrap()
            .len()
            > 10
    );
    cluster.check_end(2);
}

#[test]
fn a_trial_gets_the_parameter_texts_values_and_its_paths() {
    let cluster = cluster(SCRIPT);
    cluster.release("go");
    cluster.ended(spawn(&cluster, &flags(&cluster, &[])), 0);
    let told =
        |trial: u32| std::fs::read_to_string(cluster.free(&format!("told-{trial}"))).unwrap();
    let mut rates = Vec::new();
    for trial in [1, 2] {
        let told = told(trial);
        let (rate, rest) = told.trim().split_once('|').unwrap();
        rates.push(rate.to_string());
        let expected = format!(
            "7|{{'class_name': 'adam'}}|moulding|s3://testbed/input/|\
             s3://testbed/output/moulding/{trial}/|fit"
        );
        assert_eq!(rest, expected);
    }
    rates.sort();
    assert_eq!(rates, ["0.25", "0.5"]);
}

#[test]
fn a_failed_trial_is_submitted_again_if_the_flag_says_so() {
    let script =
        r#"[ "$ATTEMPT" != 1 ] || exit 3; printf '{"mse": 1}' | put "$OUT/result_metrics.json""#;
    let cluster = cluster(script);
    cluster.ended(
        spawn(&cluster, &flags(&cluster, &["--resubmit_failed_trials"])),
        0,
    );
    cluster.check_end(4);
}

#[test]
fn a_missing_token_is_told_before_anything_is_sent() {
    let cluster = cluster(SCRIPT);
    let arguments = flags(&cluster, &[]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = cluster.command(&arguments);
    command.env_remove("ARGO_TOKEN");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_ne!(output.status.code(), Some(0));
    assert!(
        said.contains("ARGO_TOKEN") && said.contains("api_exec_token"),
        "{said}"
    );
    assert_eq!(cluster.argo().counters().created, 0);
}

#[test]
fn a_bucket_that_can_not_be_read_is_told_with_its_place() {
    let cluster = cluster(SCRIPT);
    std::fs::remove_file(cluster.object("input/trial_run_parameter.txt")).unwrap();
    let said = cluster.ended(spawn(&cluster, &flags(&cluster, &[])), 2);
    assert!(
        said.contains("s3://testbed/input/trial_run_parameter.txt"),
        "{said}"
    );
    assert_eq!(cluster.argo().counters().created, 0);
}
