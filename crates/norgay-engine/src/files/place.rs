//! A file or folder as a command line names it.

use std::path::Path;

use super::Files;
use super::error::FilesError;
use super::location::Location;
use super::settings::Settings;

/// A file or folder by its parent and its name; the name is empty for a whole bucket.
pub(super) struct Place {
    pub(super) files: Files,
    pub(super) name: String,
    /// Whether the text can only mean a folder.
    pub(super) is_folder: bool,
}

impl Place {
    pub(super) fn open(
        text: &str,
        relative_to: &Path,
        settings: &Settings,
    ) -> Result<Self, FilesError> {
        let (parent, name) = Location::parse(text, relative_to)?.split();
        Ok(Self {
            files: Files::open_at(&parent, settings)?,
            is_folder: text.ends_with('/') || last_name(text).is_none() || name.is_empty(),
            name,
        })
    }

    /// Whether there is a file here, and the text can mean one.
    pub(super) fn is_file(&self) -> Result<bool, FilesError> {
        let name = self.name.as_str();
        let may_be = !self.is_folder && self.files.is_readable(name)?;
        Ok(may_be && self.files.metadata(name)?.is_some())
    }

    /// The folder, which must be there: in a bucket with a file in it, on this machine at all.
    pub(super) fn existing_folder(&self, text: &str) -> Result<Files, FilesError> {
        let folder = self.files.child(&self.name)?;
        let there = match folder.local_path("") {
            Some(path) => path.is_dir(),
            None => folder.exists("")?,
        };
        if there {
            return Ok(folder);
        }
        Err(FilesError::Location {
            location: text.to_string(),
            problem: "there is no such file or folder".into(),
        })
    }

    pub(super) fn is_local_folder(&self) -> bool {
        let path = self.files.local_path(&self.name);
        path.is_some_and(|path| path.is_dir())
    }
}

/// The last name of a path or URL as it is written: a link keeps its own name.
pub(super) fn last_name(text: &str) -> Option<&str> {
    let (_, name) = text.rsplit_once('/').unwrap_or(("", text));
    (!matches!(name, "" | "." | "..")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_is_as_written() {
        assert_eq!(last_name("a/b.csv"), Some("b.csv"));
        assert_eq!(last_name("b.csv"), Some("b.csv"));
        assert_eq!(last_name("s3://bucket/a b"), Some("a b"));
        for folder in ["a/", ".", "..", "a/.."] {
            assert_eq!(last_name(folder), None);
        }
    }
}
