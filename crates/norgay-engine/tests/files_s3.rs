//! Files in a bucket of a real S3 server: what a folder of this machine never shows.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use norgay_engine::files::{Files, Replaced};
use support::{BUCKET, CannedServer, KEY, S3Server, SECRET, own_prefix, settings};

const LIMIT: u64 = 1024 * 1024;

fn open(url: &str, variables: &[(&str, &str)]) -> Files {
    Files::open_with(url, Path::new("/"), &settings(variables)).expect("files")
}

fn xml(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message>\
         <StringToSign>SIGNATURE</StringToSign></Error>"
    )
}

#[test]
fn a_trial_is_told_the_url_of_its_folder() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    for output in [
        "s3://factory-bucket/moulding/output",
        "s3://factory-bucket/moulding/output/",
    ] {
        let run = open(output, &keys)
            .child("moulding-length-01")
            .expect("a child");
        assert_eq!(
            run.child("1").expect("a child").url(),
            "s3://factory-bucket/moulding/output/moulding-length-01/1/"
        );
    }
    assert_eq!(open("s3://b", &keys).url(), "s3://b/");
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let server = S3Server::start();
    let settings = server.settings();
    let files = Files::open_with("s3://b/x", Path::new("/"), &settings).expect("files");
    for shown in [format!("{files:?}"), format!("{settings:?}")] {
        assert!(!shown.contains(SECRET) && !shown.contains(KEY), "{shown}");
    }
}

#[test]
fn without_credentials_a_bucket_is_not_opened_and_nothing_is_waited_for() {
    let start = Instant::now();
    let message = Files::open_with("s3://b/x", Path::new("/"), &settings(&[]))
        .expect_err("refused")
        .to_string();
    assert!(
        message.starts_with("can't open 's3://b/x': no credentials"),
        "{message}"
    );
    assert!(message.contains("AWS_ACCESS_KEY_ID"), "{message}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_wrong_secret_is_said_to_be_one() {
    let server = S3Server::start();
    for (key, secret) in [(KEY, "WRONG"), ("AKIANOBODY", SECRET)] {
        let files = open(
            &format!("s3://{BUCKET}/x"),
            &[
                ("S3_ENDPOINT", &server.endpoint()),
                ("AWS_ACCESS_KEY_ID", key),
                ("AWS_SECRET_ACCESS_KEY", secret),
            ],
        );
        let error = files.check_access().expect_err("refused");
        let message = error.to_string();
        assert!(
            message.contains("the server answered 403"),
            "{key}: {message}"
        );
        assert!(message.contains("AWS_SECRET_ACCESS_KEY"), "{message}");
        assert!(
            !message.contains(secret) && message.len() < 500,
            "{message}"
        );
        assert!(!error.is_passing());
    }
}

#[test]
fn a_missing_bucket_is_named() {
    let server = S3Server::start();
    let files = Files::open_with("s3://absent/x", Path::new("/"), &server.settings());
    let files = files.expect("files");
    let outcomes = [
        files.write("a", b"x".to_vec()),
        files.check_access().map(|_| ()),
    ];
    for outcome in outcomes {
        let message = outcome.expect_err("refused").to_string();
        assert!(
            message.contains(&format!(
                "there is no bucket 'absent' at {}: create it, or mend its name",
                server.endpoint()
            )),
            "{message}"
        );
    }
}

#[test]
fn a_missing_bucket_is_no_missing_file() {
    let server = CannedServer::start(|_, _| (404, xml("NoSuchBucket", "no such bucket")));
    let files = server.files("s3://absent/x");
    let outcomes = [
        files.read("a", LIMIT).map(|_| ()),
        files.read_if_changed("a", None, LIMIT).map(|_| ()),
        files.list("").map(|_| ()),
    ];
    for outcome in outcomes {
        let message = outcome.expect_err("refused").to_string();
        assert!(message.contains("there is no bucket 'absent'"), "{message}");
    }
}

#[test]
fn an_endpoint_that_is_down_is_named_within_the_given_patience() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let endpoint = format!("http://{address}");
    let variables = [
        ("S3_ENDPOINT", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let settings = settings(&variables).with_patience(Duration::from_millis(300));
    let files = Files::open_with("s3://b/x", Path::new("/"), &settings).expect("files");
    let start = Instant::now();
    let error = files.check_access().expect_err("refused");
    assert!(
        error
            .to_string()
            .contains(&format!("can't connect to {endpoint}: Connection refused")),
        "{error}"
    );
    assert!(error.to_string().contains("check S3_ENDPOINT"), "{error}");
    assert!(error.is_passing());
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn each_refusal_says_what_to_do() {
    for (status, code, wanted, passing) in [
        (403, "AccessDenied", "s3:PutObject", false),
        (
            403,
            "RequestTimeTooSkewed",
            "set this machine's clock",
            false,
        ),
        (400, "ExpiredToken", "AWS_SESSION_TOKEN", false),
        (301, "PermanentRedirect", "set AWS_REGION", false),
        (
            503,
            "SlowDown",
            "the server answered 503 SlowDown: Some words",
            true,
        ),
    ] {
        let server = CannedServer::start(move |_, _| (status, xml(code, "Some words")));
        let error = server
            .files("s3://b/x")
            .write("a", Vec::new())
            .expect_err("refused");
        let message = error.to_string();
        assert!(
            message.starts_with("can't write 'a' in 's3://b/x': "),
            "{message}"
        );
        assert!(message.contains(wanted), "{message}");
        assert!(
            !message.contains("SIGNATURE") && !message.contains('<'),
            "{message}"
        );
        assert_eq!(error.is_passing(), passing, "{message}");
    }
}

#[test]
fn a_key_that_can_not_be_deleted_is_named() {
    let server = CannedServer::start(|method, _| match method {
        "GET" => {
            let contents = |key| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z\
                     </LastModified><ETag>\"1\"</ETag><Size>1</Size></Contents>"
                )
            };
            let listed = ["x/1/a", "x/1/locked", "x/1/z"].map(contents).concat();
            (
                200,
                format!("<ListBucketResult>{listed}</ListBucketResult>"),
            )
        }
        _ => (
            200,
            "<DeleteResult><Deleted><Key>x/1/a</Key></Deleted><Error><Key>x/1/locked</Key>\
             <Code>AccessDenied</Code><Message>Object is locked</Message></Error></DeleteResult>"
                .to_string(),
        ),
    });
    let message = server
        .files("s3://b/x")
        .delete_folder("1")
        .expect_err("refused")
        .to_string();
    assert!(
        message.contains("x/1/locked") && message.contains("Object is locked"),
        "{message}"
    );
}

#[test]
fn a_folder_of_1500_files_is_listed_and_deleted_and_its_namesakes_stay() {
    let files = own_prefix();
    let threads = 8;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let files = files.clone();
            scope.spawn(move || {
                for number in (thread..1500).step_by(threads) {
                    let path = format!("1/{number:04}");
                    files.write(&path, Vec::new()).expect("written");
                }
            });
        }
    });
    files.write("10/a", b"x".to_vec()).expect("written");
    files.write("1.txt", b"x".to_vec()).expect("written");
    assert_eq!(files.list("1").expect("listed").len(), 1500);
    files.delete_folder("1").expect("deleted");
    assert_eq!(files.list("").expect("listed"), ["1.txt", "10/a"]);
}

#[test]
fn odd_names_come_back_as_they_are() {
    let files = own_prefix();
    let mut names = vec![
        "a b",
        "50%",
        "%20",
        "%2e%2e",
        "x#y",
        "#",
        "a?b",
        "ä€😀",
        "[x]{y}~|",
        "-f",
        "a+b",
        "a&b=c",
        "'q'",
        "a;b",
        "a,b",
        "a:b",
        "(x)",
        "a*b",
        "<x>",
        "\"x\"",
        "a@b",
        "a$b",
        "!",
    ];
    for name in &names {
        let path = format!("d {name}/{name}");
        files
            .write(&path, name.as_bytes().to_vec())
            .expect("written");
        let read = files.read(&path, LIMIT).expect("readable");
        assert_eq!(read.as_deref(), Some(name.as_bytes()), "{name}");
    }
    let mut wanted: Vec<String> = names.iter().map(|n| format!("d {n}/{n}")).collect();
    wanted.sort_unstable();
    assert_eq!(files.list("").expect("listed"), wanted);
    while let Some(name) = names.pop() {
        files.delete_folder(&format!("d {name}")).expect("deleted");
        assert_eq!(files.list("").expect("listed").len(), names.len(), "{name}");
    }
}

#[test]
fn many_threads_read_at_once() {
    let files = own_prefix();
    for trial in 0..50 {
        let path = format!("{trial}/metrics.jsonl");
        files.write(&path, path.clone().into()).expect("written");
    }
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let files = files.clone();
            scope.spawn(move || {
                for trial in 0..50 {
                    let path = format!("{}/metrics.jsonl", (trial + thread) % 50);
                    let read = files.read(&path, LIMIT).expect("readable");
                    assert_eq!(read.as_deref(), Some(path.as_bytes()));
                }
            });
        }
    });
}

#[test]
fn a_bucket_may_be_used_and_dropped_in_asynchronous_code() {
    let files = own_prefix();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        files.write("a", b"x".to_vec()).expect("written");
        drop(files);
    });
}

#[test]
fn a_trial_folder_that_is_marked_by_an_object_is_deleted_and_its_namesake_stays() {
    // The marks that some tools make: 'x/1/', beside a file 'x/1'.
    let server = CannedServer::start(|method, target| match method {
        "GET" if target.contains("list-type") => {
            let contents = |key| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z\
                     </LastModified><ETag>\"1\"</ETag><Size>0</Size></Contents>"
                )
            };
            let listed = ["x/1/", "x/1/a"].map(contents).concat();
            (
                200,
                format!("<ListBucketResult>{listed}</ListBucketResult>"),
            )
        }
        _ => (500, String::new()),
    });
    let files = server.files("s3://b/x");
    assert_eq!(files.list("1").expect("listed"), ["1/a"]);
}

#[test]
fn access_is_checked_by_trying() {
    let server = S3Server::start();
    let url = format!("s3://{BUCKET}/some/run");
    let files = Files::open_with(&url, Path::new("/"), &server.settings()).expect("files");
    let report = files.check_access().expect("usable");
    assert!(report.clock_skew.is_zero(), "{report:?}");
    assert!(report.conditional_writes);
    assert!(files.list("").expect("listed").is_empty());
}

#[test]
fn a_server_without_writes_on_a_condition_is_looked_at_first() {
    let server = CannedServer::start(|method, _| match method {
        "HEAD" | "GET" => (404, xml("NoSuchKey", "")),
        _ => (501, xml("NotImplemented", "no such header")),
    });
    let files = server.files("s3://b/x");
    // The unconditional write is refused as well here, which shows that it was tried.
    let message = files
        .write_if_unchanged("a", b"x".to_vec(), None)
        .expect_err("refused")
        .to_string();
    assert!(message.contains("501 NotImplemented"), "{message}");
    let other = files.write_if_unchanged("a", b"x".to_vec(), Some("\"1\""));
    assert_eq!(other.expect("looked at"), Replaced::Changed);
}

#[test]
fn a_failure_to_sign_in_is_not_taken_for_one_of_the_bucket() {
    let metadata = CannedServer::start(|_, _| (404, "no role".to_string()));
    let bucket = CannedServer::start(|_, _| (200, String::new()));
    let files = open(
        "s3://b/x",
        &[
            ("S3_ENDPOINT", &bucket.endpoint()),
            ("AWS_METADATA_ENDPOINT", &metadata.endpoint()),
        ],
    );
    let error = files.list("").expect_err("refused");
    let message = error.to_string();
    assert!(
        message.contains("signing in failed: the server answered 404"),
        "{message}"
    );
    assert!(!message.contains("there is no bucket"), "{message}");
    assert!(!error.is_passing());
}

#[test]
fn a_server_that_never_answers_is_not_waited_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    let variables = [
        ("S3_ENDPOINT", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let settings = settings(&variables).with_patience(Duration::from_millis(100));
    let files = Files::open_with("s3://b/x", Path::new("/"), &settings).expect("files");
    let start = Instant::now();
    let error = files.read("a", LIMIT).expect_err("refused");
    assert!(
        error.to_string().contains("did not answer in time"),
        "{error}"
    );
    assert!(error.is_passing());
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn cs_113_a_host_means_https_and_only_a_trusted_certificate_will_do() {
    let server = S3Server::start_with_tls();
    let host = format!("localhost:{}", server.port());
    let file = server.certificate_file();
    let authority = file.to_str().expect("Unicode");
    let open = |further: &[(&str, &str)]| {
        let keys = [
            ("S3_ENDPOINT", host.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        let settings = settings(&[&keys, further].concat());
        let settings = settings.with_patience(Duration::from_millis(300));
        Files::open_with(&format!("s3://{BUCKET}/x"), Path::new("/"), &settings)
    };
    for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let files = open(&[(variable, authority)]).expect("files");
        files.check_access().expect("trusted");
    }
    let error = open(&[])
        .expect("files")
        .check_access()
        .expect_err("refused");
    assert!(error.to_string().contains("is not trusted"), "{error}");
    assert!(error.to_string().contains("AWS_CA_BUNDLE"), "{error}");
    assert!(!error.is_passing());
    for missing in ["/absent/ca.pem", "/dev/null"] {
        let error = open(&[("AWS_CA_BUNDLE", missing)]).expect_err("refused");
        assert!(error.to_string().contains("AWS_CA_BUNDLE: "), "{error}");
        assert!(error.to_string().contains(missing), "{error}");
    }
}

#[test]
fn a_refusal_is_told_once_with_its_place() {
    let server = CannedServer::start(|_, _| (403, xml("AccessDenied", "No")));
    let error = server.files("s3://b/x").list("").expect_err("refused");
    assert_eq!(
        error.to_string(),
        "can't list 's3://b/x': the server answered 403 AccessDenied: No; the credentials need \
         the permission s3:ListBucket"
    );
    assert!(std::error::Error::source(&error).is_none());
}
