//! Files of a study and its trials, in a folder of this machine or in an object storage.
//!
//! Everything goes through the interface of the `object_store` crate, so that a bucket is no
//! special case. A folder of this machine differs in three points, all in `local.rs`: trees are
//! deleted and listed without following symbolic links, and what a kill in the middle of a write
//! leaves behind is removed. How buckets are opened and what they refuse is in `bucket/`.

mod access;
mod blocking;
mod bucket;
mod conditional;
mod entry;
mod error;
mod local;
mod location;
mod path;
mod place;
mod settings;
mod transfer;

use std::fmt;
use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt};

use bucket::{Bucket, Refusal, names_missing_bucket};

pub use access::AccessReport;
pub use conditional::{Replaced, Seen};
pub use entry::{Entry, entries_of};
pub use error::FilesError;
pub use location::{BucketUrl, Location, Provider};
pub use settings::Settings;
pub use transfer::{Copied, copy};

/// A folder in some storage, with blocking access to the files in it.
///
/// Cloning is cheap, and clones may be used from many threads at once. Calls block the thread: from
/// asynchronous code use a blocking task.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    base: Key,
    /// The folder, where the storage is this machine.
    folder: Option<PathBuf>,
    /// The bucket, where the storage is one.
    bucket: Option<Arc<Bucket>>,
    shown: Arc<str>,
}

/// Only the place: the storage's own form is long and holds settings.
impl fmt::Debug for Files {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Files").field(&self.shown).finish()
    }
}

impl Files {
    /// Opens a location; a folder need not exist, the first write creates it. For a bucket,
    /// credentials and endpoint come from the environment, and nothing is asked of it yet.
    pub fn open(location: &str, relative_to: &Path) -> Result<Self, FilesError> {
        match Location::parse(location, relative_to)? {
            Location::Folder(folder) => Self::open_folder(&folder),
            Location::Bucket(url) => Self::open_bucket(&url, &Settings::from_environment()),
        }
    }

    /// Opens a location with other settings than the environment's.
    pub fn open_with(
        location: &str,
        relative_to: &Path,
        settings: &Settings,
    ) -> Result<Self, FilesError> {
        Self::open_at(&Location::parse(location, relative_to)?, settings)
    }

    fn open_at(location: &Location, settings: &Settings) -> Result<Self, FilesError> {
        match location {
            Location::Folder(folder) => Self::open_folder(folder),
            Location::Bucket(url) => Self::open_bucket(url, settings),
        }
    }

    fn open_folder(folder: &Path) -> Result<Self, FilesError> {
        let refuse = |problem: String| FilesError::Location {
            location: folder.display().to_string(),
            problem,
        };
        if folder.exists() && !folder.is_dir() {
            return Err(refuse("it is a file, not a folder".into()));
        }
        let shown = folder
            .to_str()
            .ok_or_else(|| refuse("its path is not Unicode".into()))?;
        // The store's root is the system's, not the folder, since that may not exist yet.
        let base = Key::parse(shown).map_err(|error| refuse(error.to_string()))?;
        Ok(Self {
            // Without the sync a file renamed into place may be empty after a power cut.
            store: Arc::new(LocalFileSystem::new().with_fsync(true)),
            base,
            shown: shown.into(),
            folder: Some(folder.to_path_buf()),
            bucket: None,
        })
    }

    fn open_bucket(url: &BucketUrl, settings: &Settings) -> Result<Self, FilesError> {
        let refuse = |problem: String| FilesError::Location {
            location: url.to_string(),
            problem,
        };
        let base = Key::parse(url.prefix()).map_err(|error| refuse(error.to_string()))?;
        let (store, bucket) = bucket::open(url, settings).map_err(refuse)?;
        Ok(Self {
            store,
            base,
            folder: None,
            bucket: Some(Arc::new(bucket)),
            shown: url.to_string().into(),
        })
    }

    /// A store in memory that behaves as a bucket does, for tests.
    pub fn in_memory() -> std::io::Result<Self> {
        Ok(Self {
            store: Arc::new(InMemory::new()),
            base: Key::default(),
            folder: None,
            bucket: None,
            shown: "memory".into(),
        })
    }

    /// The location, as shown to users.
    pub fn location(&self) -> &str {
        &self.shown
    }

    /// The location as trials are told it: a URL or an absolute path, with a slash at its end.
    pub fn url(&self) -> String {
        format!("{}/", self.shown.trim_end_matches('/'))
    }

    /// The files of a folder in this one.
    pub fn child(&self, folder: &str) -> Result<Self, FilesError> {
        let segments = self.segments(folder)?;
        let mut child = self.clone();
        child.base = self.key(folder)?;
        for segment in segments {
            child.shown = format!("{}/{segment}", child.shown.trim_end_matches('/')).into();
            if let Some(path) = &mut child.folder {
                path.push(segment);
            }
        }
        Ok(child)
    }

    /// Whether it is reached over the network.
    pub fn is_remote(&self) -> bool {
        self.bucket.is_some()
    }

    /// Where a path is on this machine, if it is there at all and the path is safe; an empty path
    /// is the location itself.
    pub fn local_path(&self, path: &str) -> Option<PathBuf> {
        let mut local = self.folder.clone()?;
        local.extend(path::segments(path).ok()?);
        Some(local)
    }

    /// The content of a file; `None` if there is none.
    pub fn read(&self, path: &str, limit_bytes: u64) -> Result<Option<Vec<u8>>, FilesError> {
        let key = self.file_key(path)?;
        if !self.is_readable(path)? {
            return Ok(None);
        }
        self.wait(async {
            match self.store.get(&key).await {
                Err(error) if is_absent(&error) => Ok(None),
                Err(error) => Err(self.storage_refused("read", path, error)),
                Ok(found) => self.content(path, found, limit_bytes).await.map(Some),
            }
        })
    }

    /// Writes a file, whole or not at all; once this returns it survives a power cut.
    pub fn write(&self, path: &str, bytes: Vec<u8>) -> Result<(), FilesError> {
        let key = self.file_key(path)?;
        self.wait(self.store.put(&key, bytes.into()))
            .map_err(|error| self.storage_refused("write", path, error))?;
        self.remove_leftovers(path);
        Ok(())
    }

    fn remove_leftovers(&self, path: &str) {
        if let Some(local) = self.local_path(path) {
            local::remove_leftovers(&local);
        }
    }

    /// Whether there is a file, or a folder with something in it (on this machine, any folder).
    pub fn exists(&self, path: &str) -> Result<bool, FilesError> {
        if let Some(local) = self.local_path(path) {
            let metadata = local::metadata(&local).map_err(|e| self.refused("find", path, e))?;
            return Ok(metadata.is_some());
        }
        let key = self.key(path)?;
        self.wait(async {
            let below = self.objects_below(&key).next().await.transpose();
            let below = below.map_err(|error| self.storage_refused("list", path, error))?;
            // An empty path is no key.
            if below.is_some() || key.is_root() {
                return Ok(below.is_some());
            }
            match self.store.head(&key).await {
                Ok(_) => Ok(true),
                Err(error) if is_absent(&error) => Ok(false),
                Err(error) => Err(self.storage_refused("find", path, error)),
            }
        })
    }

    /// Paths of all files in a folder and below, relative to the location, sorted; an empty path
    /// is the location itself. Symbolic links to folders are not followed.
    pub fn list(&self, folder: &str) -> Result<Vec<String>, FilesError> {
        let key = self.key(folder)?;
        let prefix = match folder.trim_end_matches('/') {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let mut files = if let Some(local) = self.local_path(folder) {
            let below = local::files_below(&local).map_err(|e| self.refused("list", folder, e))?;
            below.iter().map(|path| format!("{prefix}{path}")).collect()
        } else {
            let keys: Vec<Key> = self
                .wait(self.keys_below(&key).try_collect())
                .map_err(|error| self.storage_refused("list", folder, error))?;
            let relative = keys.iter().filter_map(|key| self.relative(key));
            relative.map(str::to_string).collect::<Vec<_>>()
        };
        files.sort_unstable();
        Ok(files)
    }

    /// Deletes a file; an absent one is no error, and a folder of that name is left alone.
    pub fn delete_file(&self, path: &str) -> Result<(), FilesError> {
        let key = self.file_key(path)?;
        if let Some(local) = self.local_path(path) {
            let deleted = local::delete_file(&local);
            return deleted.map_err(|error| self.refused("delete", path, error));
        }
        match self.wait(self.store.delete(&key)) {
            Ok(()) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(self.storage_refused("delete", path, error)),
        }
    }

    /// Deletes a folder with all that is in it; an absent folder is no error.
    ///
    /// Never touches anything else: the path must name a folder below the location, whole segments
    /// count (folder `1` is not a part of `10`), and symbolic links are not followed.
    pub fn delete_folder(&self, folder: &str) -> Result<(), FilesError> {
        let segments = self.segments(folder)?;
        if segments.is_empty() {
            return Err(self.bad_path(folder, "the location itself is never deleted".into()));
        }
        if let Some(root) = &self.folder {
            return local::delete_tree(root, &segments).map_err(|error| match error {
                local::DeleteError::Io(error) => self.refused("delete", folder, error),
                local::DeleteError::Link(link) => FilesError::BehindLink {
                    path: folder.to_string(),
                    location: self.shown.to_string(),
                    link: link.display().to_string(),
                },
            });
        }
        let key = self.key(folder)?;
        self.wait(async {
            // All of them before the first goes, so that no page of the list is missed.
            let listed = self.keys_below(&key).try_collect::<Vec<Key>>().await;
            let keys = listed.map_err(|error| self.storage_refused("list", folder, error))?;
            let keys = stream::iter(keys.into_iter().map(Ok)).boxed();
            let deleted = self.store.delete_stream(keys);
            let deleted = deleted.try_for_each(|_| ready(Ok(()))).await;
            deleted.map_err(|error| self.storage_refused("delete", folder, error))
        })
    }

    fn keys_below(&self, folder: &Key) -> BoxStream<'static, Result<Key, StoreError>> {
        let objects = self.objects_below(folder);
        objects.map_ok(|object| object.location).boxed()
    }

    /// All files in a folder and below; of the whole storage if the key is empty.
    ///
    /// A key that is the folder's own is left out: with some storages `folder/` is an object as
    /// well, of no content, and its key is told without the slash that makes it another than
    /// that of the file `folder`.
    fn objects_below(&self, folder: &Key) -> BoxStream<'static, Result<ObjectMeta, StoreError>> {
        let start = match folder.as_ref() {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        self.store
            .list(Some(folder))
            .try_filter(move |object| ready(object.location.as_ref().starts_with(&start)))
            .boxed()
    }

    /// A key as a path relative to the location.
    fn relative<'a>(&self, key: &'a Key) -> Option<&'a str> {
        let start = self.base.as_ref().len() + usize::from(!self.base.is_root());
        key.as_ref().get(start..)
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        let bucket = self.bucket.as_deref();
        blocking::wait(bucket.map(|bucket| &bucket.network), future)
    }

    fn segments<'a>(&self, path: &'a str) -> Result<Vec<&'a str>, FilesError> {
        path::segments(path).map_err(|problem| self.bad_path(path, problem))
    }

    /// The key of a path: its characters as they are, not escaped as `Key::from` would do.
    fn key(&self, path: &str) -> Result<Key, FilesError> {
        let segments = self.segments(path)?;
        let base = Some(self.base.as_ref()).filter(|base| !base.is_empty());
        let whole: Vec<&str> = base.into_iter().chain(segments).collect();
        Key::parse(whole.join("/")).map_err(|error| self.bad_path(path, error.to_string()))
    }

    fn file_key(&self, path: &str) -> Result<Key, FilesError> {
        let segments = self.segments(path)?;
        match segments.last() {
            None => Err(self.bad_path(path, "it names no file".into())),
            Some(name) if path::is_reserved(name) => Err(self.bad_path(
                path,
                "names that end in '#' and a number are kept for unfinished files".into(),
            )),
            Some(_) if path.ends_with('/') => {
                Err(self.bad_path(path, "it names a folder, not a file".into()))
            }
            Some(_) => self.key(path),
        }
    }

    fn bad_path(&self, path: &str, problem: String) -> FilesError {
        FilesError::Path {
            path: path.to_string(),
            location: self.shown.to_string(),
            problem,
        }
    }

    fn refused(
        &self,
        action: &'static str,
        path: &str,
        reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> FilesError {
        FilesError::Storage {
            action,
            path: path.to_string(),
            location: self.shown.to_string(),
            reason: reason.into(),
        }
    }

    /// A storage's error in plain words.
    fn storage_refused(&self, action: &'static str, path: &str, error: StoreError) -> FilesError {
        match &self.bucket {
            Some(bucket) => self.refused(action, path, Refusal::of(action, bucket, &error)),
            None => self.refused(action, path, error),
        }
    }
}

/// Whether the error says that there is no such file, in a storage that is there.
fn is_absent(error: &StoreError) -> bool {
    matches!(error, StoreError::NotFound { .. }) && !names_missing_bucket(error)
}
