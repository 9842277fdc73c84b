//! Reads and writes that depend on what is there already.

use std::sync::atomic::Ordering;

use futures_util::TryStreamExt;
use object_store::{
    Error as StoreError, GetOptions, GetResult, ObjectMeta, ObjectStoreExt, PutMode, PutOptions,
    UpdateVersion,
};

use super::bucket::names_unknown_request;
use super::error::FilesError;
use super::location::Provider;
use super::{Files, is_absent, local};

/// A file, compared with what the caller knew of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is another than the caller knew, or the caller knew none.
    Changed {
        /// The content.
        bytes: Vec<u8>,
        /// Names this content in the next call; empty if the storage has no names for contents.
        etag: String,
    },
    /// It is the one that the caller knew.
    Unchanged,
    /// There is no such file.
    Absent,
}

/// What became of a write on a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It was written.
    Written {
        /// Names the new content; empty if the storage told none, then read the file for it.
        etag: String,
    },
    /// The file is another than the caller knew; nothing was written. Read it and decide anew.
    ///
    /// After an answer that got lost on the way, that other content may be the caller's own.
    Changed,
}

impl Files {
    /// The content of a file, unless it is still the one named by `etag`.
    pub fn read_if_changed(
        &self,
        path: &str,
        etag: Option<&str>,
        limit_bytes: u64,
    ) -> Result<Seen, FilesError> {
        let key = self.file_key(path)?;
        if !self.is_readable(path)? {
            return Ok(Seen::Absent);
        }
        let options = GetOptions {
            if_none_match: etag.and_then(|etag| version(etag).e_tag),
            ..GetOptions::default()
        };
        self.wait(async {
            let found = match self.store.get_opts(&key, options).await {
                Err(StoreError::NotModified { .. }) => return Ok(Seen::Unchanged),
                Err(error) if is_absent(&error) => return Ok(Seen::Absent),
                found => found.map_err(|error| self.storage_refused("read", path, error))?,
            };
            let now = self.etag(found.meta.e_tag.as_deref(), found.meta.version.as_deref());
            // Not every storage minds the condition.
            if etag.is_some_and(|etag| !etag.is_empty() && etag == now) {
                return Ok(Seen::Unchanged);
            }
            let bytes = self.content(path, found, limit_bytes).await?;
            Ok(Seen::Changed { bytes, etag: now })
        })
    }

    /// The content of a file that was found, if it is not too large.
    pub(super) async fn content(
        &self,
        path: &str,
        found: GetResult,
        limit_bytes: u64,
    ) -> Result<Vec<u8>, FilesError> {
        let too_large = |bytes| FilesError::TooLarge {
            path: path.to_string(),
            location: self.shown.to_string(),
            bytes,
            limit_bytes,
        };
        let size = found.meta.size;
        if size > limit_bytes {
            return Err(too_large(size));
        }
        let refused = |error| self.storage_refused("read", path, error);
        let mut bytes = Vec::with_capacity(size as usize);
        let mut parts = found.into_stream();
        while let Some(part) = parts.try_next().await.map_err(refused)? {
            bytes.extend_from_slice(&part);
            // A server may send more than it said.
            if bytes.len() as u64 > limit_bytes {
                return Err(too_large(bytes.len() as u64));
            }
        }
        Ok(bytes)
    }

    /// Writes a file if it is still the one named by `etag`, or, without, if there is none.
    ///
    /// In buckets exactly one of several writers succeeds. A folder of this machine, and a bucket
    /// whose server has no such writes, are looked at first and written then: there a second
    /// writer in between goes unnoticed, except when the file is new.
    pub fn write_if_unchanged(
        &self,
        path: &str,
        bytes: Vec<u8>,
        etag: Option<&str>,
    ) -> Result<Replaced, FilesError> {
        let key = self.file_key(path)?;
        // A folder of this machine can only say whether a file is new.
        if !self.has_conditions() || (self.folder.is_some() && etag.is_some()) {
            return self.look_and_write(path, bytes, etag);
        }
        let mode = match etag {
            None => PutMode::Create,
            Some(etag) => PutMode::Update(version(etag)),
        };
        let put = self
            .store
            .put_opts(&key, bytes.clone().into(), PutOptions::from(mode));
        match self.wait(put) {
            Ok(done) => {
                self.remove_leftovers(path);
                let etag = self.etag(done.e_tag.as_deref(), done.version.as_deref());
                Ok(Replaced::Written { etag })
            }
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => {
                Ok(Replaced::Changed)
            }
            Err(error) if names_unknown_request(&error) => {
                if let Some(bucket) = &self.bucket {
                    bucket.lacks_conditions.store(true, Ordering::Relaxed);
                }
                self.look_and_write(path, bytes, etag)
            }
            Err(error) => Err(self.storage_refused("write", path, error)),
        }
    }

    /// Whether writes on a condition are worth trying.
    pub(super) fn has_conditions(&self) -> bool {
        let bucket = self.bucket.as_deref();
        !bucket.is_some_and(|bucket| bucket.lacks_conditions.load(Ordering::Relaxed))
    }

    fn look_and_write(
        &self,
        path: &str,
        bytes: Vec<u8>,
        etag: Option<&str>,
    ) -> Result<Replaced, FilesError> {
        let now = self.metadata(path)?;
        let now = now.map(|meta| self.etag(meta.e_tag.as_deref(), meta.version.as_deref()));
        if now.as_deref() != etag {
            return Ok(Replaced::Changed);
        }
        self.write(path, bytes)?;
        let written = self.metadata(path)?;
        let etag = written.map(|meta| self.etag(meta.e_tag.as_deref(), meta.version.as_deref()));
        Ok(Replaced::Written {
            etag: etag.unwrap_or_default(),
        })
    }

    /// Size and name of a file's content; `None` if there is no such file.
    pub(super) fn metadata(&self, path: &str) -> Result<Option<ObjectMeta>, FilesError> {
        let key = self.file_key(path)?;
        match self.wait(self.store.head(&key)) {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.storage_refused("find", path, error)),
        }
    }

    /// Whether there is a file to be read; in a bucket that only shows when it is read.
    pub(super) fn is_readable(&self, path: &str) -> Result<bool, FilesError> {
        let Some(local) = self.local_path(path) else {
            return Ok(true);
        };
        let metadata = local::metadata(&local).map_err(|e| self.refused("read", path, e))?;
        match metadata {
            Some(metadata) if metadata.is_file() => Ok(true),
            // Opening a named pipe would wait for ever.
            Some(metadata) if !metadata.is_dir() => {
                Err(self.refused("read", path, "it is no regular file"))
            }
            _ => Ok(false),
        }
    }

    /// The name of a content, as handed to callers. Google's storage compares numbers of
    /// generations when it writes and tags when it reads, so its names hold both.
    fn etag(&self, e_tag: Option<&str>, generation: Option<&str>) -> String {
        let e_tag = e_tag.unwrap_or_default();
        let google = self.bucket.as_deref().map(|bucket| bucket.provider) == Some(Provider::Google);
        match generation {
            Some(generation) if google => format!("{generation} {e_tag}"),
            _ => e_tag.to_string(),
        }
    }
}

/// What a name made by `Files::etag` says.
fn version(etag: &str) -> UpdateVersion {
    let (generation, e_tag) = match etag.split_once(' ') {
        Some((generation, e_tag)) => (Some(generation.to_string()), e_tag),
        None => (None, etag),
    };
    UpdateVersion {
        e_tag: (!e_tag.is_empty()).then(|| e_tag.to_string()),
        version: generation,
    }
}
