//! What is in a folder, with sizes and times.

use std::fs;
use std::path::Path;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use object_store::ObjectMeta;

use super::Files;
use super::error::FilesError;
use super::place::Place;
use super::settings::Settings;

/// A file in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path, relative to the location.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last written, by the storage's clock.
    pub modified: Timestamp,
}

/// The files that a path or URL names: itself, or all in the folder and below.
pub fn entries_of(
    text: &str,
    relative_to: &Path,
    settings: &Settings,
) -> Result<Vec<Entry>, FilesError> {
    let place = Place::open(text, relative_to, settings)?;
    if !place.is_file()? {
        return place.existing_folder(text)?.entries("");
    }
    let Some(meta) = place.files.metadata(&place.name)? else {
        return Ok(Vec::new());
    };
    Ok(vec![Entry {
        path: place.name,
        bytes: meta.size,
        modified: time(meta.last_modified.timestamp_millis()),
    }])
}

impl Files {
    /// All files in a folder and below with sizes and times, sorted by path; an empty path is the
    /// location itself.
    pub fn entries(&self, folder: &str) -> Result<Vec<Entry>, FilesError> {
        if self.folder.is_some() {
            return self.local_entries(folder);
        }
        let key = self.key(folder)?;
        let found: Vec<ObjectMeta> = self
            .wait(self.objects_below(&key).try_collect())
            .map_err(|error| self.storage_refused("list", folder, error))?;
        let mut entries: Vec<Entry> = found
            .into_iter()
            .filter_map(|meta| {
                Some(Entry {
                    path: self.relative(&meta.location)?.to_string(),
                    bytes: meta.size,
                    modified: time(meta.last_modified.timestamp_millis()),
                })
            })
            .collect();
        entries.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(entries)
    }

    fn local_entries(&self, folder: &str) -> Result<Vec<Entry>, FilesError> {
        let mut entries = Vec::new();
        for path in self.list(folder)? {
            let file = self.local_path(&path);
            // What went away meanwhile is not there.
            let Some(Ok(metadata)) = file.map(fs::metadata) else {
                continue;
            };
            let modified = metadata.modified().ok().map(Timestamp::try_from);
            entries.push(Entry {
                path,
                bytes: metadata.len(),
                modified: modified.and_then(Result::ok).unwrap_or_default(),
            });
        }
        Ok(entries)
    }
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
