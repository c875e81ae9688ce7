//! The port's adapter: answers from the files of a folder, and notices when they are replaced.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use hum_core::{
    broadband::{BroadbandMap, Coverage, Place},
    clock::Timestamp,
    geocode::{Reach, SourceError},
};

use super::snapshot::{Files, Snapshot};

/// How often it looks for other files, at most.
const LOOK_EVERY_MS: u64 = 1_000;

/// Availability and plans in a folder of this machine.
///
/// Without an index in the folder, the sample answers. An import replaces files by renaming; the
/// next question that comes a second or more after the last look sees the new ones, and questions
/// that are being answered end with the old ones.
pub struct LocalBroadbandMap {
    folder: PathBuf,
    /// `None`: nobody asked yet, and the sample would be made for nothing.
    now: RwLock<Option<State>>,
    start: Instant,
    looked: AtomicU64,
}

#[derive(Clone)]
struct State {
    snapshot: Arc<Snapshot>,
    /// The files that could not be read, and why: they are not tried again.
    bad: Option<(Files, String)>,
}

impl LocalBroadbandMap {
    /// Opens a folder. Reads the header of the index and the plans, no matter how large the index
    /// is.
    ///
    /// # Errors
    /// A sentence: there is an index or a catalogue that cannot be read. A folder that is not there
    /// is none.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let map = Self {
            folder: folder.to_owned(),
            now: RwLock::new(None),
            #[expect(
                clippy::disallowed_methods,
                reason = "how often files are looked for is no decision of the core"
            )]
            start: Instant::now(),
            looked: AtomicU64::new(0),
        };
        if Files::in_folder(folder) != Files::default() {
            map.load()?;
        }
        Ok(map)
    }

    fn load(&self) -> Result<State, String> {
        let state = State {
            snapshot: Arc::new(Snapshot::load(&self.folder)?),
            bad: None,
        };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Some(state.clone());
        Ok(state)
    }

    fn current(&self) -> Result<State, String> {
        let state = self
            .now
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(state) = state else {
            return self.load();
        };
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.looked.load(Ordering::Relaxed);
        let due = now.saturating_sub(last) >= LOOK_EVERY_MS;
        // One of those who ask at the same time looks; the others go on with what there is.
        if due
            && self
                .looked
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            let files = Files::in_folder(&self.folder);
            if files != state.snapshot.files
                && state.bad.as_ref().is_none_or(|(bad, _)| *bad != files)
            {
                return Ok(self.replace(state, files));
            }
        }
        Ok(state)
    }

    /// Other files are there. When they cannot be read, those before go on answering, and answers
    /// say so.
    fn replace(&self, state: State, files: Files) -> State {
        match self.load() {
            Ok(state) => {
                tracing::info!(
                    data_set = state.snapshot.data_set(),
                    "the broadband data was replaced"
                );
                state
            }
            Err(why) => {
                tracing::warn!(
                    why,
                    "the new broadband data cannot be read; the data before goes on answering"
                );
                let state = State {
                    bad: Some((files, why)),
                    ..state
                };
                *self.now.write().unwrap_or_else(PoisonError::into_inner) = Some(state.clone());
                state
            }
        }
    }
}

fn refused(detail: String) -> SourceError {
    SourceError::Refused {
        source_name: "the broadband data on this machine".into(),
        detail,
    }
}

#[async_trait]
impl BroadbandMap for LocalBroadbandMap {
    fn reach(&self) -> Reach {
        Reach::Local
    }

    fn data_set(&self) -> String {
        self.current().map_or_else(
            |_| "unreadable".into(),
            |state| state.snapshot.data_set().to_owned(),
        )
    }

    async fn providers_at(&self, place: &Place, at: Timestamp) -> Result<Coverage, SourceError> {
        let state = self.current().map_err(refused)?;
        let mut coverage = state.snapshot.coverage(place, at).map_err(|damaged| {
            refused(format!(
                "the index is damaged: {damaged}; importing again repairs it"
            ))
        })?;
        if let Some((_, why)) = state.bad {
            coverage
                .problems
                .push(format!("newer broadband data cannot be read: {why}"));
        }
        Ok(coverage)
    }
}
