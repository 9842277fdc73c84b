//! Whose output folder it is: records of another study must never pass for this one's.

use serde::{Deserialize, Serialize};

use super::RunError;
use crate::files::Files;
use crate::open_study::OpenStudy;

const FILE: &str = "jobs/study.json";
const FIRST_TRIAL: &str = "jobs/trial_1";
const LIMIT_BYTES: u64 = 64 * 1024;

/// Names a study across databases: a study that was removed and made again is another one.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    study: String,
    created_ms: i64,
    id: i64,
}

/// Claims the folder for a study, or finds that it is the study's already.
///
/// # Errors
/// It is another study's.
pub(super) fn claim(base: &Files, study: &OpenStudy) -> Result<(), RunError> {
    let owner = Owner {
        study: study.name().to_string(),
        created_ms: study.study().created_ms(),
        id: study.id().0,
    };
    match base.read(FILE, LIMIT_BYTES)? {
        Some(bytes) if serde_json::from_slice::<Owner>(&bytes).ok().as_ref() == Some(&owner) => {
            Ok(())
        }
        // Trials without an owner's name were copied here, or their owner's name was removed.
        found if found.is_some() || base.exists(FIRST_TRIAL)? || is_used_bucket(base)? => {
            Err(RunError::Taken {
                folder: base.location().to_string(),
            })
        }
        _ => {
            let text = serde_json::to_vec_pretty(&owner)
                .map_err(|error| RunError::Results(error.to_string()))?;
            Ok(base.write(FILE, text)?)
        }
    }
}

/// Whether a bucket's folder holds trials that another program left, since on a bucket no records
/// of attempts show it.
fn is_used_bucket(base: &Files) -> Result<bool, RunError> {
    Ok(base.local_path("").is_none() && base.exists("1")?)
}
