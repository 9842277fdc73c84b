//! What a folder of this machine needs beyond the storage interface.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much older than its file an unfinished copy must be to count as left behind by a kill.
const LEFTOVER_AGE: Duration = Duration::from_mins(1);
/// Most unfinished copies of one file that are looked at.
const MOST_LEFTOVERS: u32 = 64;

/// Why a folder was not deleted.
pub(super) enum DeleteError {
    /// A symbolic link lies on the way.
    Link(PathBuf),
    /// The system refused.
    Io(io::Error),
}

impl From<io::Error> for DeleteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Deletes a file or a link; an absent one is no error, and a folder is left alone.
pub(super) fn delete_file(path: &Path) -> io::Result<()> {
    match found(fs::symlink_metadata(path))? {
        Some(metadata) if !metadata.is_dir() => found(fs::remove_file(path)).map(|_| ()),
        _ => Ok(()),
    }
}

/// Metadata of what is there; `None` if nothing is.
pub(super) fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    found(fs::metadata(path))
}

fn found<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Deletes the folder at `root/segments` with all that is in it; absent ones are no error.
///
/// No symbolic link is followed: one on the way refuses the deletion, one at the end is removed
/// itself, and those inside the folder are removed as links.
pub(super) fn delete_tree(root: &Path, segments: &[&str]) -> Result<(), DeleteError> {
    let Some((name, way)) = segments.split_last() else {
        let error = io::Error::new(
            ErrorKind::InvalidInput,
            "the location itself is not deleted",
        );
        return Err(error.into());
    };
    if let Some(link) = link_on_the_way(root, segments)? {
        return Err(DeleteError::Link(link));
    }
    let mut folder = root.to_path_buf();
    folder.extend(way);
    folder.push(name);
    match found(fs::symlink_metadata(&folder))? {
        None => Ok(()),
        Some(metadata) if metadata.is_symlink() => Ok(fs::remove_file(&folder)?),
        Some(metadata) if metadata.is_dir() => Ok(fs::remove_dir_all(&folder)?),
        Some(_) => Err(io::Error::new(ErrorKind::NotADirectory, "it is a file").into()),
    }
}

/// The first symbolic link between the root and what `segments` name, that itself left out.
pub(super) fn link_on_the_way(root: &Path, segments: &[&str]) -> io::Result<Option<PathBuf>> {
    let mut folder = root.to_path_buf();
    for segment in segments.iter().take(segments.len().saturating_sub(1)) {
        folder.push(segment);
        match found(fs::symlink_metadata(&folder))? {
            None => return Ok(None),
            Some(metadata) if metadata.is_symlink() => return Ok(Some(folder)),
            Some(_) => {}
        }
    }
    Ok(None)
}

/// Paths of all files below a folder, relative to it, with `/` between segments, unsorted.
///
/// Links to files count as files; links to folders are not followed, so that a trial's link to
/// its data set does not make the data set part of its output.
pub(super) fn files_below(folder: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut open = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        let Some(entries) = found(fs::read_dir(&folder))? else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            // A name that is not Unicode can't be spoken of in any other storage either.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{prefix}{name}");
            let Some(kind) = found(entry.file_type())? else {
                continue;
            };
            if kind.is_dir() {
                open.push((entry.path(), format!("{path}/")));
            } else if entry.path().is_file() && !super::path::is_reserved(&name) {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Removes unfinished copies of a file (`name#1`) that a kill in the middle of a write left.
///
/// Copies about as new as the file may be another process's, and stay.
pub(super) fn remove_leftovers(file: &Path) {
    let Ok(written) = fs::metadata(file).and_then(|metadata| metadata.modified()) else {
        return;
    };
    for number in 1..=MOST_LEFTOVERS {
        let mut leftover = file.as_os_str().to_owned();
        leftover.push(format!("#{number}"));
        let Ok(metadata) = fs::symlink_metadata(&leftover) else {
            return;
        };
        let age = metadata
            .modified()
            .ok()
            .and_then(|modified| written.duration_since(modified).ok());
        if metadata.is_file() && age.is_some_and(|age| age >= LEFTOVER_AGE) {
            // Nothing depends on it: the next write looks again.
            let _ = fs::remove_file(&leftover);
        }
    }
}
