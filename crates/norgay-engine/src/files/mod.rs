//! Files of a study and its trials, in a folder of this machine or (later) in object storage.
//!
//! Everything goes through the interface of the `object_store` crate, so that a bucket is no
//! special case. A folder of this machine differs in three points, all in `local.rs`: trees are
//! deleted and listed without following symbolic links, and what a kill in the middle of a write
//! leaves behind is removed.

mod error;
mod local;
mod location;
mod path;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};

pub use error::FilesError;
pub use location::Location;

/// A folder in some storage, with blocking access to the files in it.
///
/// Cloning is cheap. Calls block the thread: from asynchronous code use a blocking task.
#[derive(Clone, Debug)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    runtime: Arc<Blocking>,
    base: Key,
    /// The folder, where the storage is this machine.
    folder: Option<PathBuf>,
    shown: Arc<str>,
}

impl Files {
    /// Opens a location; it need not exist, the first write creates it.
    pub fn open(location: &str, relative_to: &Path) -> Result<Self, FilesError> {
        let refuse = |problem: String| FilesError::Location {
            location: location.to_string(),
            problem,
        };
        let Location::Folder(folder) = Location::parse(location, relative_to)?;
        if folder.exists() && !folder.is_dir() {
            return Err(refuse("it is a file, not a folder".into()));
        }
        let shown = folder
            .to_str()
            .ok_or_else(|| refuse("its path is not Unicode".into()))?;
        // The store's root is the system's, not the folder, since that may not exist yet.
        let base = Key::parse(shown).map_err(|error| refuse(error.to_string()))?;
        // Without the sync a file renamed into place may be empty after a power cut.
        let store = Arc::new(LocalFileSystem::new().with_fsync(true));
        let runtime = Blocking::new().map_err(|error| refuse(error.to_string()))?;
        Ok(Self {
            store,
            runtime,
            base,
            shown: shown.into(),
            folder: Some(folder),
        })
    }

    /// A store in memory that behaves as a bucket does, for tests.
    pub fn in_memory() -> std::io::Result<Self> {
        Ok(Self {
            store: Arc::new(InMemory::new()),
            runtime: Blocking::new()?,
            base: Key::default(),
            folder: None,
            shown: "memory".into(),
        })
    }

    /// The location, as shown to users.
    pub fn location(&self) -> &str {
        &self.shown
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
        if let Some(local) = self.local_path(path) {
            let metadata = local::metadata(&local).map_err(|e| self.refused("read", path, e))?;
            match metadata {
                Some(metadata) if metadata.is_file() => {}
                // Opening a named pipe would wait for ever.
                Some(metadata) if !metadata.is_dir() => {
                    return Err(self.refused("read", path, "it is no regular file"));
                }
                _ => return Ok(None),
            }
        }
        let outcome = self.runtime.block_on(async {
            let found = match self.store.get(&key).await {
                Err(StoreError::NotFound { .. }) => return Ok(None),
                found => found.map_err(|error| self.refused("read", path, error))?,
            };
            if found.meta.size > limit_bytes {
                return Err(FilesError::TooLarge {
                    path: path.to_string(),
                    location: self.shown.to_string(),
                    bytes: found.meta.size,
                    limit_bytes,
                });
            }
            let bytes = found.bytes().await;
            bytes.map(Some).map_err(|e| self.refused("read", path, e))
        });
        outcome.map(|bytes| bytes.map(Vec::from))
    }

    /// Writes a file, whole or not at all; once this returns it survives a power cut.
    pub fn write(&self, path: &str, bytes: Vec<u8>) -> Result<(), FilesError> {
        let key = self.file_key(path)?;
        let put = self.store.put(&key, bytes.into());
        self.runtime
            .block_on(put)
            .map_err(|error| self.refused("write", path, error))?;
        if let Some(local) = self.local_path(path) {
            local::remove_leftovers(&local);
        }
        Ok(())
    }

    /// Whether there is a file, or a folder with something in it (on this machine, any folder).
    pub fn exists(&self, path: &str) -> Result<bool, FilesError> {
        if let Some(local) = self.local_path(path) {
            let metadata = local::metadata(&local).map_err(|e| self.refused("find", path, e))?;
            return Ok(metadata.is_some());
        }
        let key = self.key(path)?;
        self.runtime.block_on(async {
            match self.store.head(&key).await {
                Ok(_) => return Ok(true),
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(self.refused("find", path, error)),
            }
            let first = self.store.list(Some(&key)).next().await.transpose();
            first
                .map(|first| first.is_some())
                .map_err(|e| self.refused("find", path, e))
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
            let listed = self.store.list(Some(&key)).map_ok(|meta| meta.location);
            let keys: Vec<Key> = self
                .runtime
                .block_on(listed.try_collect())
                .map_err(|error| self.refused("list", folder, error))?;
            let start = self.base.as_ref().len() + usize::from(!self.base.is_root());
            let relative = keys.iter().filter_map(|key| key.as_ref().get(start..));
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
        match self.runtime.block_on(self.store.delete(&key)) {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.refused("delete", path, error)),
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
        let keys = self
            .store
            .list(Some(&key))
            .map_ok(|meta| meta.location)
            .boxed();
        let deleted = self.store.delete_stream(keys).try_collect::<Vec<Key>>();
        self.runtime
            .block_on(deleted)
            .map_err(|error| self.refused("delete", folder, error))?;
        Ok(())
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
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> FilesError {
        FilesError::Storage {
            action,
            path: path.to_string(),
            location: self.shown.to_string(),
            source: source.into(),
        }
    }
}

/// Runs asynchronous storage calls on the calling thread.
#[derive(Debug)]
struct Blocking(Option<Runtime>);

impl Blocking {
    fn new() -> std::io::Result<Arc<Self>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Arc::new(Self(Some(runtime))))
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.0 {
            Some(runtime) => runtime.block_on(future),
            None => unreachable!("the runtime is taken only when this is dropped"),
        }
    }
}

impl Drop for Blocking {
    /// A runtime dropped in asynchronous code panics, unless it is shut down this way.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
