//! What can go wrong with files.

use super::bucket::Refusal;

/// A file or folder can't be reached, or must not be touched.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The location's scheme is not supported.
    #[error(
        "{scheme}:// is not supported; give the path of a folder or a URL that starts with \
         file://, s3://, s3a://, gs://, az://, abfs:// or abfss://"
    )]
    Scheme {
        /// Its scheme.
        scheme: String,
    },
    /// The location can't be a folder.
    #[error("can't open '{location}': {problem}")]
    Location {
        /// The location as given.
        location: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The path within a location is not safe, or not possible.
    #[error("'{path}' is no path within '{location}': {problem}")]
    Path {
        /// The path as given.
        path: String,
        /// The location.
        location: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is larger than what may be read.
    #[error("'{path}' in '{location}' has {bytes} bytes; at most {limit_bytes} are read")]
    TooLarge {
        /// The file.
        path: String,
        /// The location.
        location: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// The folder lies behind a symbolic link, so that deleting it could reach other files.
    #[error("'{path}' in '{location}' is not deleted: '{link}' is a symbolic link")]
    BehindLink {
        /// The folder to be deleted.
        path: String,
        /// The location.
        location: String,
        /// The link on the way to it.
        link: String,
    },
    /// The storage refused.
    #[error("can't {action} {}: {reason}", named(path, location))]
    Storage {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: String,
        /// The location.
        location: String,
        /// Why it failed. Not called a source, since whoever prints sources, too, would tell it
        /// twice.
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn named(path: &str, location: &str) -> String {
    match path {
        "" => format!("'{location}'"),
        path => format!("'{path}' in '{location}'"),
    }
}

impl FilesError {
    /// Whether it may work later without anybody's doing: the storage can't be reached, or is busy.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Storage { reason, .. } => reason
                .downcast_ref::<Refusal>()
                .is_some_and(Refusal::is_passing),
            _ => false,
        }
    }
}
