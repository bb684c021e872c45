//! What could not be seen, gathered while opening and while reading.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::limits;

/// Something that is not in the input, or could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// What is missing: a file as named below the path given, or a kind of thing.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Shared, bounded, sorted set of gaps. Streams add to it while they are read, on any thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    gaps: BTreeSet<Gap>,
    dropped: u64,
}

impl Gaps {
    /// Adds a gap. Of too many the smallest are kept, so that order does not matter.
    pub(super) fn add(&self, what: impl Into<String>, why: impl Into<String>) {
        let gap = Gap {
            what: what.into(),
            why: why.into(),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.gaps.insert(gap) && kept.gaps.len() > limits::GAPS {
            kept.gaps.pop_last();
            kept.dropped += 1;
        }
    }

    /// All gaps so far, sorted; the last one counts those not kept.
    pub(super) fn list(&self) -> Vec<Gap> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<Gap> = kept.gaps.iter().cloned().collect();
        if kept.dropped > 0 {
            list.push(Gap {
                what: format!("{} more", kept.dropped),
                why: "only the first gaps are listed".to_owned(),
            });
        }
        list
    }
}
