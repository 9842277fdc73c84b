//! Follows the changes of the workflows with some labels, with the faults that the plan has for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::faults::{WatchFault, WatchRule};
use crate::selector::Selector;
use crate::store::{Change, Stored};
use crate::world::World;

/// What a watch has to tell next.
pub(crate) enum News {
    Changes(Vec<(Change, Arc<Stored>)>),
    /// Nothing happened for as long as was asked.
    Nothing,
    /// The version to go on from is forgotten; then comes the end.
    TooOld(String),
    /// The watch behind it ended; then comes the end.
    Eof,
    Cut,
    End,
}

/// Follows changes.
pub(crate) struct Watching {
    world: Arc<World>,
    namespace: String,
    selector: Selector,
    /// All changes up to this version were told.
    told: Option<u64>,
    changed: watch::Receiver<u64>,
    cuts: watch::Receiver<u64>,
    fault: Option<WatchRule>,
    changes_told: u64,
    over: bool,
}

impl Watching {
    /// Begins with all workflows as they are, or after a version.
    pub(crate) fn begin(
        world: Arc<World>,
        namespace: String,
        selector: Selector,
        from: Option<u64>,
    ) -> Self {
        let (changed, fault) = {
            let mut state = world.state();
            (state.store.subscribe(), state.faults.of_watch())
        };
        let mut cuts = world.cuts.subscribe();
        cuts.mark_unchanged();
        Self {
            world,
            namespace,
            selector,
            told: from,
            changed,
            cuts,
            fault,
            changes_told: 0,
            over: false,
        }
    }

    /// The version up to which all changes were told.
    pub(crate) fn version(&self) -> Option<u64> {
        self.told
    }

    /// Waits for news, for `patience` at most.
    pub(crate) async fn next(&mut self, patience: Option<Duration>) -> News {
        if self.over {
            return News::End;
        }
        loop {
            if let Some(fault) = self.due_fault() {
                return self.suffer(fault).await;
            }
            self.changed.mark_unchanged();
            let news = self.changes();
            match news {
                Err(message) => {
                    self.over = true;
                    return News::TooOld(message);
                }
                Ok(changes) if !changes.is_empty() => {
                    self.changes_told += changes.len() as u64;
                    return News::Changes(changes);
                }
                Ok(_) => {}
            }
            tokio::select! {
                changed = self.changed.changed() => if changed.is_err() { return News::End },
                _ = self.cuts.changed() => return News::Cut,
                () = wait(patience) => return News::Nothing,
            }
        }
    }

    /// The changes since the last call; at first all workflows.
    fn changes(&mut self) -> Result<Vec<(Change, Arc<Stored>)>, String> {
        let mut state = self.world.state();
        let version = state.store.version();
        let Some(told) = self.told.replace(version) else {
            let mut all = state.store.list(&self.namespace, &self.selector, false);
            all.reverse();
            return Ok(all
                .into_iter()
                .map(|workflow| (Change::Added, workflow))
                .collect());
        };
        let events = state
            .store
            .changes_after(told)
            .map_err(|refusal| refusal.message)?;
        drop(state);
        let mine = events
            .into_iter()
            .filter(|event| self.namespace.is_empty() || event.workflow.key.0 == self.namespace);
        let selected = mine.filter(|event| self.selector.selects(&event.workflow.object));
        Ok(selected
            .map(|event| (event.change, event.workflow))
            .collect())
    }

    fn due_fault(&self) -> Option<WatchFault> {
        let rule = self.fault.as_ref()?;
        (self.changes_told >= rule.after_changes).then(|| rule.fault.clone())
    }

    async fn suffer(&mut self, fault: WatchFault) -> News {
        self.over = true;
        match fault {
            WatchFault::Cut => News::Cut,
            WatchFault::End => News::End,
            WatchFault::Eof => News::Eof,
            WatchFault::TooOld => News::TooOld("too old resource version".into()),
            WatchFault::Silent => {
                let _ = self.cuts.changed().await;
                News::Cut
            }
        }
    }
}

async fn wait(patience: Option<Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}
