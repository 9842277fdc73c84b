//! Files of a study, on this machine and in a bucket: names, durability, safe deletion.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use norgay_engine::files::{Files, FilesError, Replaced, Seen};
use proptest::prelude::*;
use tempfile::TempDir;

const LIMIT: u64 = 1024;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn open(folder: &Path) -> Files {
    Files::open(folder.to_str().expect("Unicode"), Path::new("/")).expect("files")
}

/// The same checks for a folder of this machine, for memory and for a bucket.
fn everywhere(check: impl Fn(&Files)) {
    let folder = folder();
    check(&open(folder.path()));
    check(&Files::in_memory().expect("files"));
    check(&support::own_prefix());
}

fn text(files: &Files, path: &str) -> Option<String> {
    let bytes = files.read(path, LIMIT).expect("readable");
    bytes.map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
}

#[test]
fn what_is_written_is_read_and_what_is_absent_is_none() {
    everywhere(|files| {
        assert_eq!(text(files, "a/b/c.txt"), None);
        files.write("a/b/c.txt", b"one".to_vec()).expect("written");
        files.write("a/b/c.txt", b"two".to_vec()).expect("written");
        assert_eq!(text(files, "a/b/c.txt").as_deref(), Some("two"));
        files.write("empty", Vec::new()).expect("written");
        assert_eq!(text(files, "empty").as_deref(), Some(""));
        assert_eq!(text(files, "a/b"), None, "a folder is no file");
        assert_eq!(text(files, "empty/x"), None, "a file is no folder");
        for (path, there) in [
            ("a", true),
            ("a/b", true),
            ("a/b/c.txt", true),
            ("a/c", false),
        ] {
            assert_eq!(files.exists(path).expect("known"), there, "{path}");
        }
    });
}

#[test]
fn a_file_over_the_limit_is_refused_with_both_numbers() {
    everywhere(|files| {
        files.write("big", vec![b'x'; 1025]).expect("written");
        let message = files.read("big", LIMIT).expect_err("refused").to_string();
        assert!(
            message.contains("1025 bytes") && message.contains("1024"),
            "{message}"
        );
        assert_eq!(
            files.read("big", 1025).expect("read").map(|b| b.len()),
            Some(1025)
        );
    });
}

#[test]
fn names_on_disk_are_the_names_as_written() {
    let folder = folder();
    let files = open(folder.path());
    let names = [
        "a b",
        "50%",
        "%20",
        "%2e%2e",
        "x#y",
        "#",
        "a?b",
        "ä€😀",
        "[x]{y}~|",
        "a\\b",
        "-f",
    ];
    for name in names {
        files
            .write(&format!("d {name}/{name}"), name.into())
            .expect("written");
        let path = folder.path().join(format!("d {name}")).join(name);
        assert_eq!(fs::read_to_string(&path).expect("there"), name, "{name}");
        assert_eq!(
            text(&files, &format!("d {name}/{name}")).as_deref(),
            Some(name)
        );
        let local = files.local_path(&format!("d {name}/{name}"));
        assert_eq!(local, Some(path.canonicalize().expect("a path")), "{name}");
    }
    let listed: BTreeSet<String> = files.list("").expect("listed").into_iter().collect();
    let wanted: BTreeSet<String> = names.iter().map(|n| format!("d {n}/{n}")).collect();
    assert_eq!(listed, wanted);
}

#[test]
fn a_location_with_odd_characters_is_the_folder_as_written() {
    let parent = folder();
    let odd = "run 1#2 50%20 ä";
    let files = Files::open(odd, parent.path()).expect("files");
    assert!(!parent.path().join(odd).exists(), "opening creates nothing");
    files.write("1/x", b"x".to_vec()).expect("written");
    assert!(parent.path().join(odd).join("1/x").is_file());
    files.delete_folder("1").expect("deleted");
    assert!(!parent.path().join(odd).join("1").exists());
}

#[test]
fn cs_113_a_file_url_and_the_path_are_the_same_location() {
    let folder = folder();
    let path = folder.path().to_str().expect("Unicode");
    let by_url = Files::open(&format!("file://{path}/a%20b"), Path::new("/")).expect("files");
    by_url.write("f", b"x".to_vec()).expect("written");
    assert_eq!(
        text(&open(&folder.path().join("a b")), "f").as_deref(),
        Some("x")
    );
}

#[test]
fn a_location_that_is_a_file_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("f"), "x").expect("written");
    let error = Files::open("f", folder.path()).expect_err("refused");
    assert!(
        error.to_string().ends_with("it is a file, not a folder"),
        "{error}"
    );
}

const UNSAFE: [&str; 12] = [
    "..",
    ".",
    "../x",
    "a/../../x",
    "a/..",
    "/etc",
    "//",
    "a//b",
    "./a",
    "a/./b",
    "a\nb",
    "\0",
];

#[test]
fn no_call_takes_a_path_that_leaves_the_location() {
    everywhere(|files| {
        for path in UNSAFE {
            let refused = [
                files.read(path, LIMIT).map(|_| ()),
                files.write(path, Vec::new()),
                files.delete_folder(path),
                files.child(path).map(|_| ()),
            ];
            for outcome in refused {
                assert!(
                    matches!(outcome, Err(FilesError::Path { .. })),
                    "{path:?} {outcome:?}"
                );
            }
            assert_eq!(files.local_path(path), None, "{path:?}");
        }
        assert!(files.write("", Vec::new()).is_err());
        assert!(files.write("folder/", Vec::new()).is_err());
        let message = files
            .write("x#12", Vec::new())
            .expect_err("refused")
            .to_string();
        assert!(message.contains("kept for unfinished files"), "{message}");
    });
}

#[test]
fn a_folder_is_deleted_whole_and_its_namesakes_stay() {
    everywhere(|files| {
        for path in ["1/a", "1/b/c", "10/a", "11", "x/1/a", "1.txt"] {
            files.write(path, b"x".to_vec()).expect("written");
        }
        files.delete_folder("1").expect("deleted");
        assert_eq!(
            files.list("").expect("listed"),
            ["1.txt", "10/a", "11", "x/1/a"]
        );
        files
            .delete_folder("1")
            .expect("an absent folder is no error");
        files.delete_folder("x/1/").expect("deleted");
        assert_eq!(files.list("").expect("listed"), ["1.txt", "10/a", "11"]);
        assert!(
            files.delete_folder("").is_err(),
            "never the location itself"
        );
        assert_eq!(files.list("").expect("listed").len(), 3);
    });
}

#[test]
fn a_child_is_a_location_of_its_own() {
    everywhere(|files| {
        let child = files.child("run/7").expect("a child");
        child.write("a/x", b"x".to_vec()).expect("written");
        assert_eq!(files.list("").expect("listed"), ["run/7/a/x"]);
        assert_eq!(files.list("run").expect("listed"), ["run/7/a/x"]);
        assert_eq!(child.list("").expect("listed"), ["a/x"]);
        assert_eq!(child.list("a/").expect("listed"), ["a/x"]);
        assert!(child.location().ends_with("/run/7"), "{}", child.location());
        child.delete_folder("a").expect("deleted");
        assert!(files.list("").expect("listed").is_empty());
    });
}

#[test]
fn a_file_is_not_deleted_as_a_folder() {
    let folder = folder();
    let files = open(folder.path());
    files
        .write("study_results.csv", b"x".to_vec())
        .expect("written");
    assert!(files.delete_folder("study_results.csv").is_err());
    assert!(files.exists("study_results.csv").expect("known"));
}

#[cfg(unix)]
#[test]
fn deletion_follows_no_symbolic_link() {
    use std::os::unix::fs::symlink;
    let outside = folder();
    fs::create_dir(outside.path().join("d")).expect("made");
    fs::write(outside.path().join("d/precious"), "x").expect("written");
    let folder = folder();
    let files = open(folder.path());
    files.write("1/own", b"x".to_vec()).expect("written");
    files.write("2/own", b"x".to_vec()).expect("written");
    symlink(outside.path(), folder.path().join("1/out")).expect("linked");
    symlink(outside.path(), folder.path().join("link")).expect("linked");
    symlink(folder.path().join("2"), folder.path().join("inner")).expect("linked");

    let error = files.delete_folder("link/d").expect_err("refused");
    assert!(error.to_string().contains("is a symbolic link"), "{error}");
    assert_eq!(
        files.list("1").expect("listed"),
        ["1/own"],
        "links to folders are not followed"
    );
    files.delete_folder("1").expect("deleted");
    files.delete_folder("link").expect("the link itself goes");
    files.delete_folder("inner").expect("the link itself goes");
    assert!(outside.path().join("d/precious").exists());
    assert_eq!(files.list("").expect("listed"), ["2/own"]);
}

#[cfg(unix)]
#[test]
fn a_named_pipe_in_place_of_a_file_is_refused_not_waited_for() {
    let folder = folder();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("metrics.json"))
        .status();
    if made.is_ok_and(|status| status.success()) {
        let error = open(folder.path())
            .read("metrics.json", LIMIT)
            .expect_err("refused");
        assert!(error.to_string().contains("no regular file"), "{error}");
    }
}

#[test]
fn unfinished_copies_that_a_kill_left_go_with_the_next_write() {
    let folder = folder();
    let files = open(folder.path());
    let leftover = |number: u32, age_seconds| {
        let path = folder.path().join(format!("r.csv#{number}"));
        fs::write(&path, "half").expect("written");
        let file = fs::File::options().write(true).open(&path).expect("open");
        let modified = SystemTime::now() - Duration::from_secs(age_seconds);
        file.set_modified(modified).expect("set");
        path
    };
    let (old, older, fresh) = (leftover(1, 3_600), leftover(2, 7_200), leftover(3, 0));
    assert!(
        files.list("").expect("listed").is_empty(),
        "they are no files"
    );
    files.write("r.csv", b"whole".to_vec()).expect("written");
    assert_eq!(text(&files, "r.csv").as_deref(), Some("whole"));
    assert!(!old.exists() && !older.exists());
    assert!(fresh.exists(), "it may be another process's");
    assert_eq!(files.list("").expect("listed"), ["r.csv"]);
}

#[cfg(unix)]
#[test]
fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
    let folder = folder();
    let files = open(folder.path());
    files.write("d/inner", b"x".to_vec()).expect("written");
    assert!(
        files.write("d", b"y".to_vec()).is_err(),
        "a folder is there"
    );
    let names: Vec<_> = fs::read_dir(folder.path())
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["d"]);
    assert_eq!(text(&files, "d/inner").as_deref(), Some("x"));
}

#[test]
fn files_can_be_used_from_several_threads() {
    let folder = folder();
    let files = open(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let files = files.clone();
            scope.spawn(move || {
                for round in 0..10 {
                    let path = format!("{thread}/{round}");
                    files.write(&path, path.clone().into()).expect("written");
                    files.write("shared", path.clone().into()).expect("written");
                    assert_eq!(text(&files, &path).as_deref(), Some(path.as_str()));
                }
            });
        }
    });
    assert_eq!(files.list("").expect("listed").len(), 41);
}

#[test]
fn files_may_be_dropped_and_used_from_asynchronous_code() {
    let folder = folder();
    let files = open(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let used = files.clone();
        let write = move || used.write("x", b"x".to_vec());
        tokio::task::spawn_blocking(write)
            .await
            .expect("a thread")
            .expect("written");
        drop(files);
    });
    assert!(folder.path().join("x").exists());
}

/// Every file below a folder, without our own code.
fn all_files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(all_files(&path));
        } else {
            found.insert(path.display().to_string());
        }
    }
    found
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("..".to_string()),
        Just(".".to_string()),
        Just(String::new()),
        "[ab1%. /\\\\]{1,4}",
        "1|10|1 |a",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_deleted_only_files_below_that_folder_go(
        segments in prop::collection::vec(segment(), 0..4),
    ) {
        let around = folder();
        let root = around.path().join("root");
        for path in ["outside/x", "x", "root/1/x", "root/10/x", "root/a/1/x", "root/a/x", "root/1 /x"]
        {
            let path = around.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, "x").expect("written");
        }
        let before = all_files(around.path());
        let path = segments.join("/");
        let outcome = open(&root).delete_folder(&path);
        let after = all_files(around.path());
        let gone: Vec<&String> = before.difference(&after).collect();
        let start = format!("{}/{}/", root.display(), path.trim_end_matches('/'));
        for file in &gone {
            prop_assert!(file.starts_with(&start), "{path:?} removed {file}");
        }
        if path.is_empty() || path.split('/').any(|s| s == ".." || s == ".") {
            prop_assert!(outcome.is_err());
        }
        prop_assert!(outcome.is_ok() || gone.is_empty());
    }

    #[test]
    fn any_plain_name_comes_back_as_it_is(name in "[^/\\x00-\\x1f\\x7f-\\x9f]{1,20}") {
        let folder = folder();
        let files = open(folder.path());
        let taken = files.write(&format!("{name}/f"), b"x".to_vec());
        if name == "." || name == ".." {
            prop_assert!(taken.is_err());
        } else {
            prop_assert!(taken.is_ok(), "{:?}", taken);
            prop_assert!(folder.path().join(&name).join("f").is_file());
            prop_assert_eq!(files.list("").expect("listed"), [format!("{name}/f")]);
            files.delete_folder(&name).expect("deleted");
            prop_assert!(!folder.path().join(&name).exists());
        }
    }
}

#[test]
fn one_file_is_deleted_and_nothing_beside_or_below_it() {
    everywhere(|files| {
        files.delete_file("absent/file").expect("no error");
        files.write("a/b", b"one".to_vec()).expect("written");
        files.write("a/bc", b"two".to_vec()).expect("written");
        files.delete_file("a/b").expect("deleted");
        files.delete_file("a/b").expect("no error");
        // The test server keeps keys as folders on its disk and fails where a key names one; to a
        // bucket 'a' is no name of anything.
        if !files.url().starts_with("s3://") {
            files.delete_file("a").expect("a folder is left alone");
        }
        assert_eq!(files.list("").expect("listed"), ["a/bc"]);
        for path in ["", "a/", "../a/bc"] {
            assert!(files.delete_file(path).is_err(), "{path}");
        }
    });
}

#[test]
fn a_file_is_read_again_only_if_it_changed() {
    everywhere(|files| {
        let look = |etag: Option<&str>| {
            files
                .read_if_changed("m/metrics.jsonl", etag, LIMIT)
                .expect("read")
        };
        assert_eq!(look(None), Seen::Absent);
        assert_eq!(look(Some("\"1\"")), Seen::Absent);
        let mut known = None;
        for content in ["one", "three"] {
            files
                .write("m/metrics.jsonl", content.into())
                .expect("written");
            let Seen::Changed { bytes, etag } = look(known.as_deref()) else {
                panic!("{content} was not seen");
            };
            assert_eq!(bytes, content.as_bytes());
            assert_eq!(look(Some(&etag)), Seen::Unchanged);
            known = Some(etag);
        }
        files.write("big", vec![b'x'; 1025]).expect("written");
        assert!(files.read_if_changed("big", None, LIMIT).is_err());
    });
}

#[test]
fn a_file_is_replaced_only_if_it_is_the_one_that_is_known() {
    everywhere(|files| {
        let write = |content: &str, etag: Option<&str>| {
            files
                .write_if_unchanged("a/b", content.into(), etag)
                .expect("answered")
        };
        assert_eq!(write("lost", Some("\"0\"")), Replaced::Changed);
        let Replaced::Written { etag: first } = write("first", None) else {
            panic!("a new file is written");
        };
        assert_eq!(write("again", None), Replaced::Changed);
        let Replaced::Written { etag: second } = write("second", Some(&first)) else {
            panic!("the known file is replaced");
        };
        assert_eq!(write("late", Some(&first)), Replaced::Changed);
        assert_eq!(text(files, "a/b").as_deref(), Some("second"));
        let seen = files
            .read_if_changed("a/b", Some(&second), LIMIT)
            .expect("read");
        assert_eq!(seen, Seen::Unchanged);
    });
}

#[test]
fn entries_tell_sizes_and_times() {
    everywhere(|files| {
        files.write("d/one", b"1".to_vec()).expect("written");
        files.write("d/three", b"123".to_vec()).expect("written");
        files.write("e", Vec::new()).expect("written");
        let entries = files.entries("d").expect("listed");
        let sizes: Vec<_> = entries.iter().map(|e| (e.path.as_str(), e.bytes)).collect();
        assert_eq!(sizes, [("d/one", 1), ("d/three", 3)]);
        let age = jiff::Timestamp::now().duration_since(entries[0].modified);
        assert!(age.as_secs().abs() < 600, "{age:?}");
    });
}

#[test]
fn access_is_checked_by_trying_and_nothing_stays() {
    everywhere(|files| {
        let report = files.check_access().expect("usable");
        assert!(report.clock_skew.as_secs().abs() < 600, "{report:?}");
        assert!(files.list("").expect("listed").is_empty());
    });
}

#[test]
fn of_many_writers_each_change_is_kept() {
    let files = Files::in_memory().expect("files");
    let writers = 8;
    std::thread::scope(|scope| {
        for _ in 0..writers {
            let files = files.clone();
            scope.spawn(move || {
                loop {
                    let (mut bytes, etag) =
                        match files.read_if_changed("log", None, LIMIT).expect("read") {
                            Seen::Changed { bytes, etag } => (bytes, Some(etag)),
                            _ => (Vec::new(), None),
                        };
                    bytes.push(b'x');
                    let outcome = files.write_if_unchanged("log", bytes, etag.as_deref());
                    if let Replaced::Written { .. } = outcome.expect("answered") {
                        break;
                    }
                }
            });
        }
    });
    let read = files.read("log", LIMIT).expect("read").expect("there");
    assert_eq!(read.len(), writers);
}
