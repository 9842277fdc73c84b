//! What trials leave in the study's folder, as the fleet asks for it.

use crate::files::{Files, FilesError, Seen};
use crate::metrics_file::LIMIT_BYTES;
use crate::scheduler::ResultFile;

/// Deletes a file that another attempt may have left.
pub(super) fn forget(files: &Files, path: &str) -> Result<(), String> {
    files.delete_file(path).map_err(told)
}

/// The intermediate values, unless they are of the edition that is known.
pub(super) fn read_reports(files: &Files, path: &str, etag: Option<&str>) -> Result<Seen, String> {
    files
        .read_if_changed(path, etag, LIMIT_BYTES as u64)
        .map_err(told)
}

/// The first of some files that is there; whether each is a `result.json`.
///
/// # Errors
/// The storage can't be asked now. What will fail again is the content's own error.
pub(super) fn read_result(files: &Files, paths: &[(String, bool)]) -> Result<ResultFile, String> {
    let mut absent = Vec::new();
    for (path, is_envelope) in paths {
        let content = match files.read(path, LIMIT_BYTES as u64) {
            Ok(None) => {
                absent.push(path.as_str());
                continue;
            }
            Err(error) if error.is_passing() => return Err(error.to_string()),
            found => found.map_err(told),
        };
        return Ok(ResultFile {
            path: path.clone(),
            is_envelope: *is_envelope,
            content,
        });
    }
    Ok(ResultFile {
        path: absent.join(" or "),
        is_envelope: false,
        content: Ok(None),
    })
}

#[allow(clippy::needless_pass_by_value)] // the shape that map_err wants
fn told(error: FilesError) -> String {
    error.to_string()
}
