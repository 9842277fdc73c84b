//! Copies of files and folders between this machine and buckets, both ways.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt;
use object_store::{GetResult, ObjectStoreExt, PutPayload, WriteMultipart};

use super::error::FilesError;
use super::place::{Place, last_name};
use super::settings::Settings;
use super::{Files, blocking, is_absent, local};

/// Files up to this size are written at once, larger ones in parts of at least this size.
const PART_BYTES: u64 = 8 * 1024 * 1024;
/// A storage takes 10,000 parts of one file; somewhat fewer leave room for rounding.
const MOST_PARTS: u64 = 9_000;
/// Parts of one file that are on their way at once, and files that are: together with the part
/// size they bound the memory.
const PARTS_AT_ONCE: usize = 2;
const FILES_AT_ONCE: usize = 4;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many files.
    pub files: u64,
    /// How large they are together.
    pub bytes: u64,
}

/// Copies a file or a folder; places are paths or URLs, and each may be on either side.
///
/// A source is a folder if its text ends in a slash, if `folder` says so, or if there is no file
/// of that name; what is in it lands in the target, which is then a folder, too. A single file
/// lands in the target if that ends in a slash or is a folder of this machine, and becomes it
/// otherwise. `copied` is told each file's path below the source.
pub fn copy(
    source: &str,
    target: &str,
    relative_to: &Path,
    settings: &Settings,
    folder: bool,
    copied: &(dyn Fn(&str) + Sync),
) -> Result<Copied, FilesError> {
    let from = Place::open(source, relative_to, settings)?;
    if folder || !from.is_file()? {
        let folder = from.existing_folder(source)?;
        let to = Files::open_with(target, relative_to, settings)?;
        return folder.copy_all(&to, copied);
    }
    let name = last_name(source).unwrap_or(&from.name);
    let mut to = Place::open(target, relative_to, settings)?;
    if to.is_folder || to.is_local_folder() {
        to.files = to.files.child(&to.name)?;
        to.name = name.to_string();
    }
    let bytes = from.files.copy_file(&from.name, &to.files, &to.name)?;
    copied(name);
    let bytes = bytes.unwrap_or_default();
    Ok(Copied { files: 1, bytes })
}

impl Files {
    /// Copies all files of this location, with their paths, to another.
    pub fn copy_all(
        &self,
        to: &Files,
        copied: &(dyn Fn(&str) + Sync),
    ) -> Result<Copied, FilesError> {
        let paths = self.list("")?;
        let waiting = Mutex::new(paths.into_iter());
        let next = || waiting.lock().ok()?.next();
        let (files, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = || -> Result<(), FilesError> {
            while let Some(path) = next() {
                // What went away meanwhile, or is only the mark of a folder, is left out.
                if let Some(size) = self.copy_file(&path, to, &path)? {
                    files.fetch_add(1, Ordering::Relaxed);
                    bytes.fetch_add(size, Ordering::Relaxed);
                    copied(&path);
                }
            }
            Ok(())
        };
        let stop = || {
            if let Ok(mut waiting) = waiting.lock() {
                waiting.by_ref().for_each(drop);
            }
        };
        let outcomes = std::thread::scope(|scope| {
            let worker = || work().inspect_err(|_| stop());
            let workers: Vec<_> = (0..FILES_AT_ONCE).map(|_| scope.spawn(worker)).collect();
            let ended = workers.into_iter().map(|worker| {
                let panicked = |_| Err(self.refused("copy", "", "a thread panicked"));
                worker.join().unwrap_or_else(panicked)
            });
            ended.collect::<Vec<_>>()
        });
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Ok(Copied {
            files: files.into_inner(),
            bytes: bytes.into_inner(),
        })
    }

    /// Copies one file, whole or not at all; its size, or `None` if there is none.
    pub fn copy_file(
        &self,
        path: &str,
        to: &Files,
        to_path: &str,
    ) -> Result<Option<u64>, FilesError> {
        let key = self.file_key(path)?;
        let target = to.file_key(to_path)?;
        if !self.is_readable(path)? {
            return Ok(None);
        }
        to.refuse_links(to_path)?;
        // Parts are sent by tasks, so that even folders of this machine need the runtime.
        let network = blocking::network().map_err(|e| self.refused("copy", path, e))?;
        let size = blocking::wait(Some(&network), async {
            let found = match self.store.get(&key).await {
                Err(error) if is_absent(&error) => return Ok(None),
                found => found.map_err(|error| self.storage_refused("read", path, error))?,
            };
            let size = found.meta.size;
            if size <= PART_BYTES {
                let bytes = self.content(path, found, size).await?;
                self.whole(path, size, bytes.len() as u64)?;
                let put = to.store.put(&target, PutPayload::from(bytes)).await;
                put.map_err(|error| to.storage_refused("write", to_path, error))?;
            } else {
                self.stream(path, found, to, to_path).await?;
            }
            Ok(Some(size))
        })?;
        to.remove_leftovers(to_path);
        Ok(size)
    }

    async fn stream(
        &self,
        path: &str,
        found: GetResult,
        to: &Files,
        to_path: &str,
    ) -> Result<(), FilesError> {
        let not_written = |error| to.storage_refused("write", to_path, error);
        let size = found.meta.size;
        let part_bytes = PART_BYTES.max(size.div_ceil(MOST_PARTS)) as usize;
        let upload = to.store.put_multipart(&to.file_key(to_path)?).await;
        let upload = upload.map_err(not_written)?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, part_bytes);
        let sent = async {
            let mut parts = found.into_stream();
            let mut sent = 0;
            while let Some(part) = parts
                .try_next()
                .await
                .map_err(|error| self.storage_refused("read", path, error))?
            {
                sent += part.len() as u64;
                let ready = writer.wait_for_capacity(PARTS_AT_ONCE).await;
                ready.map_err(not_written)?;
                writer.put(part);
            }
            self.whole(path, size, sent)
        }
        .await;
        if let Err(error) = sent {
            // The first error is the one to tell.
            let _ = writer.abort().await;
            return Err(error);
        }
        writer.finish().await.map_err(not_written)?;
        Ok(())
    }

    /// Whether all of a file came.
    fn whole(&self, path: &str, size: u64, came: u64) -> Result<(), FilesError> {
        if size == came {
            return Ok(());
        }
        let problem = format!("{came} bytes came of {size}");
        Err(self.refused("read", path, problem))
    }

    /// Refuses to write behind a symbolic link, which may lead out of the location.
    fn refuse_links(&self, path: &str) -> Result<(), FilesError> {
        let Some(root) = &self.folder else {
            return Ok(());
        };
        let link = local::link_on_the_way(root, &self.segments(path)?);
        let link = link.map_err(|error| self.refused("write", path, error))?;
        link.map_or(Ok(()), |link| {
            let problem = format!("'{}' is a symbolic link", link.display());
            Err(self.bad_path(path, problem))
        })
    }
}
