//! A storage that lives as long as its process: for tests and short experiments.

use std::collections::BTreeMap;

use norgay_core::event::{Event, Record};

use super::{Storage, StorageError, StudyId};

/// Studies in memory.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    studies: BTreeMap<StudyId, (String, Vec<Record>)>,
    last_id: i64,
}

impl MemoryStorage {
    fn log(&mut self, study: StudyId) -> Result<&mut Vec<Record>, StorageError> {
        self.studies
            .get_mut(&study)
            .map(|(_, log)| log)
            .ok_or(StorageError::NoStudy)
    }
}

fn extend(log: &mut Vec<Record>, at_ms: i64, events: &[Event]) {
    for event in events {
        let sequence = log.len() as u64 + 1;
        log.push(Record {
            sequence,
            at_ms,
            event: event.clone(),
        });
    }
}

impl Storage for MemoryStorage {
    fn path(&self) -> Option<&std::path::Path> {
        None
    }

    fn create(
        &mut self,
        name: &str,
        at_ms: i64,
        events: &[Event],
    ) -> Result<StudyId, StorageError> {
        if self.find(name)?.is_some() {
            return Err(StorageError::NameTaken {
                name: name.to_string(),
            });
        }
        self.last_id += 1;
        let id = StudyId(self.last_id);
        let mut log = Vec::new();
        extend(&mut log, at_ms, events);
        self.studies.insert(id, (name.to_string(), log));
        Ok(id)
    }

    fn studies(&mut self) -> Result<Vec<(StudyId, String)>, StorageError> {
        let mut all: Vec<_> = self
            .studies
            .iter()
            .map(|(id, (name, _))| (*id, name.clone()))
            .collect();
        all.sort_by(|a, b| a.1.cmp(&b.1));
        Ok(all)
    }

    fn find(&mut self, name: &str) -> Result<Option<StudyId>, StorageError> {
        Ok(self
            .studies
            .iter()
            .find(|(_, (known, _))| known == name)
            .map(|(id, _)| *id))
    }

    fn read(&mut self, study: StudyId, after: u64) -> Result<Vec<Record>, StorageError> {
        Ok(self
            .log(study)?
            .iter()
            .skip(after as usize)
            .cloned()
            .collect())
    }

    fn append(
        &mut self,
        study: StudyId,
        expected: u64,
        at_ms: i64,
        events: &[Event],
    ) -> Result<(), StorageError> {
        let log = self.log(study)?;
        let head = log.len() as u64;
        if head != expected {
            return Err(StorageError::Conflict { expected, head });
        }
        extend(log, at_ms, events);
        Ok(())
    }

    fn delete(&mut self, study: StudyId) -> Result<(), StorageError> {
        self.studies
            .remove(&study)
            .map(|_| ())
            .ok_or(StorageError::NoStudy)
    }
}
