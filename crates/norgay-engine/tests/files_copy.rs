//! Copies of files and folders: both ways between this machine and a bucket, and among each.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use norgay_engine::files::{Copied, Files, FilesError, copy};
use support::{own_prefix, shared_bucket};
use tempfile::TempDir;

const LIMIT: u64 = 64 * 1024 * 1024;

/// A folder of this machine and one of a bucket.
struct Both {
    local: TempDir,
    bucket: Files,
}

impl Both {
    fn new() -> Self {
        Self {
            local: tempfile::tempdir().expect("a folder"),
            bucket: own_prefix(),
        }
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.local.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, content).expect("written");
    }

    /// `@` stands for the bucket's folder; other places are relative to the local one.
    fn copy(&self, source: &str, target: &str) -> Result<Copied, FilesError> {
        let place = |text: &str| text.replace("@/", &self.bucket.url());
        copy(
            &place(source),
            &place(target),
            self.local.path(),
            &shared_bucket().settings,
            false,
            &|_| {},
        )
    }

    fn in_bucket(&self) -> Vec<String> {
        self.bucket.list("").expect("listed")
    }

    fn here(&self) -> Vec<String> {
        let path = self.local.path().to_str().expect("Unicode");
        let files = Files::open(path, Path::new("/")).expect("files");
        files.list("").expect("listed")
    }
}

#[test]
fn a_file_becomes_the_target_or_lands_in_it() {
    let both = Both::new();
    both.write("one.csv", "1");
    fs::create_dir(both.local.path().join("folder")).expect("made");
    for target in ["@/named.csv", "@/in/", "copy.csv", "folder", "new/"] {
        let copied = both.copy("one.csv", target).expect("copied");
        assert_eq!((copied.files, copied.bytes), (1, 1), "{target}");
    }
    assert_eq!(both.in_bucket(), ["in/one.csv", "named.csv"]);
    both.copy("@/named.csv", "back.csv").expect("copied");
    both.copy("@/named.csv", ".").expect("copied");
    let wanted = [
        "back.csv",
        "copy.csv",
        "folder/one.csv",
        "named.csv",
        "new/one.csv",
        "one.csv",
    ];
    assert_eq!(both.here(), wanted);
}

#[test]
fn what_is_in_a_folder_lands_in_the_target() {
    let both = Both::new();
    for path in ["out/a", "out/b/c d.txt", "out/b/50%#x", "outer/x"] {
        both.write(path, path);
    }
    let copied = both.copy("out", "@/with").expect("copied");
    assert_eq!((copied.files, copied.bytes), (3, 5 + 13 + 11));
    both.copy("out/", "@/slash/").expect("copied");
    both.copy("@/with", "@/again").expect("copied");
    both.copy("@/again/", "back").expect("copied");
    both.copy("back", "local").expect("copied");
    for place in ["again", "slash", "with"] {
        let wanted = ["50%#x", "c d.txt"].map(|name| format!("{place}/b/{name}"));
        let found = both.bucket.list(&format!("{place}/b")).expect("listed");
        assert_eq!(found, wanted);
    }
    for place in ["back", "local"] {
        let read = |path: &str| fs::read_to_string(both.local.path().join(place).join(path));
        assert_eq!(read("a").expect("there"), "out/a");
        assert_eq!(read("b/c d.txt").expect("there"), "out/b/c d.txt");
    }
}

#[test]
fn a_file_and_a_folder_of_one_name_are_told_apart_by_the_slash() {
    let files = Files::in_memory().expect("files");
    files.write("x", b"file".to_vec()).expect("written");
    files.write("x/inside", b"y".to_vec()).expect("written");
    let target = Files::in_memory().expect("files");
    let inside = files.child("x").expect("a child");
    inside.copy_all(&target, &|_| {}).expect("copied");
    assert_eq!(target.list("").expect("listed"), ["inside"]);
    let size = files.copy_file("x", &target, "x").expect("copied");
    assert_eq!(size, Some(4));
    assert_eq!(
        files.copy_file("absent", &target, "y").expect("no error"),
        None
    );
    assert_eq!(target.list("").expect("listed"), ["inside", "x"]);
}

#[test]
fn a_large_file_goes_in_parts_and_comes_back_whole() {
    let both = Both::new();
    // No part looks like another.
    let content: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(both.local.path().join("large"), &content).expect("written");
    let copied = both.copy("large", "@/large").expect("copied");
    assert_eq!(copied.bytes, 20_000_000);
    let read = both.bucket.read("large", LIMIT).expect("read");
    assert!(read.as_deref() == Some(&content[..]), "other content");
    both.copy("@/large", "back").expect("copied");
    both.copy("back", "here").expect("copied");
    both.copy("@/large", "@/again").expect("copied");
    assert_eq!(both.here(), ["back", "here", "large"]);
    for name in ["back", "here"] {
        let back = fs::read(both.local.path().join(name)).expect("there");
        assert!(back == content, "{name} has other content");
    }
}

#[test]
fn every_file_is_told() {
    let both = Both::new();
    for number in 0..40 {
        both.write(&format!("out/{number:02}"), "x");
    }
    let told = Mutex::new(Vec::new());
    let from = Files::open("out", both.local.path()).expect("files");
    let copied = from.copy_all(&both.bucket, &|path| {
        told.lock().expect("not poisoned").push(path.to_string());
    });
    assert_eq!(copied.expect("copied").files, 40);
    let mut told = told.into_inner().expect("not poisoned");
    told.sort();
    assert_eq!(told, both.in_bucket());
}

#[test]
fn a_source_that_is_not_there_is_an_error_and_an_empty_folder_is_none() {
    let both = Both::new();
    for source in ["absent", "@/absent", "absent/", "@/absent/"] {
        let error = both.copy(source, "target").expect_err("refused");
        assert!(
            error
                .to_string()
                .ends_with("there is no such file or folder"),
            "{error}"
        );
    }
    fs::create_dir(both.local.path().join("empty")).expect("made");
    assert_eq!(
        both.copy("empty", "@/x").expect("copied"),
        Copied::default()
    );
    assert!(both.in_bucket().is_empty());
}

#[test]
fn the_first_error_ends_the_copy_and_names_the_file() {
    let both = Both::new();
    for number in 0..20 {
        both.write(&format!("out/{number:02}"), "x");
    }
    both.write("target/07/in the way", "y");
    let error = both.copy("out", "target").expect_err("refused").to_string();
    assert!(error.starts_with("can't write '07' in "), "{error}");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_behind_a_link_in_the_target() {
    let outside = tempfile::tempdir().expect("a folder");
    let both = Both::new();
    both.write("out/sub/x", "x");
    fs::create_dir(both.local.path().join("target")).expect("made");
    let link = both.local.path().join("target/sub");
    std::os::unix::fs::symlink(outside.path(), link).expect("linked");
    let error = both.copy("out", "target").expect_err("refused").to_string();
    assert!(error.contains("is a symbolic link"), "{error}");
    assert_eq!(fs::read_dir(outside.path()).expect("readable").count(), 0);
}

#[cfg(unix)]
#[test]
fn a_linked_file_keeps_its_name_and_a_linked_folder_is_left_out() {
    use std::os::unix::fs::symlink;
    let both = Both::new();
    both.write("real/data", "x");
    both.write("out/own", "x");
    symlink(
        both.local.path().join("real"),
        both.local.path().join("out/set"),
    )
    .expect("linked");
    symlink(
        both.local.path().join("real/data"),
        both.local.path().join("link"),
    )
    .expect("linked");
    both.copy("link", "@/").expect("copied");
    both.copy("out", "@/").expect("copied");
    assert_eq!(both.in_bucket(), ["link", "own"]);
}
