//! `norgay files`: copies and lists.

#![allow(clippy::unwrap_used)]

mod common;

use common::Place;

#[test]
fn a_folder_is_copied_and_listed() {
    let place = Place::empty();
    std::fs::create_dir_all(place.file("out/deep")).unwrap();
    place.write("out/a", "1");
    place.write("out/deep/b c", "22");
    let (said, _) = place.norgay(&["files", "cp", "out", "target/"], 0);
    assert_eq!(said, "copied 2 files, 3 bytes\n");
    let (listed, _) = place.norgay(&["files", "ls", "target"], 0);
    assert_eq!(listed, "a\ndeep/b c\n");
    let (listed, _) = place.norgay(&["files", "ls", "--long", "target"], 0);
    assert!(listed.starts_with("BYTES"), "{listed}");
    let json = place.json(&["files", "ls", "target/a", "--json"]);
    let found = (&json[0]["path"], &json[0]["bytes"]);
    assert_eq!(found, (&"a".into(), &1.into()));
}

#[test]
fn what_is_not_there_or_can_not_be_opened_is_an_error() {
    let place = Place::empty();
    for (arguments, wanted) in [
        (
            vec!["files", "cp", "absent", "x"],
            "there is no such file or folder",
        ),
        (
            vec!["files", "ls", "absent"],
            "there is no such file or folder",
        ),
        (vec!["files", "ls", "s3://bucket/x"], "AWS_ACCESS_KEY_ID"),
        (vec!["files", "ls", "ftp://host/x"], "s3://"),
    ] {
        let mut command = place.command(&arguments);
        // Nothing of the surroundings may sign in.
        command.env_clear().env("HOME", place.path());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(wanted), "{said}");
    }
}
