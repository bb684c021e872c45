//! Forms one by one, to be written down and read back, and under other names.

use serde::{Deserialize, Serialize};

use super::{Form, Miner, Stat, mask};

/// One form of line with how often it was seen: what a [`Miner`] is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Step of the ladder of masks.
    level: u8,
    #[serde(flatten)]
    form: Form,
    #[serde(flatten)]
    stat: Stat,
}

impl Miner {
    /// All forms, in order. [`Miner::put_back`] of each gives an equal miner, but for
    /// [`Miner::overflow`].
    pub fn counted(&self) -> impl Iterator<Item = Counted> {
        self.forms.iter().map(|(form, stat)| Counted {
            level: self.level,
            form: form.clone(),
            stat: stat.clone(),
        })
    }

    /// Adds one form.
    pub fn put_back(&mut self, counted: Counted) {
        let mut one = Self {
            level: counted.level.min(mask::LAST),
            ..Self::default()
        };
        one.put(counted.form, counted.stat);
        self.merge(one);
    }

    /// The same forms with the writers' names as `pod` gives them.
    #[must_use]
    pub(crate) fn renamed(mut self, pod: &dyn Fn(&str) -> Box<str>) -> Self {
        for stat in self.forms.values_mut() {
            stat.pods = stat.pods.iter().map(|name| pod(name)).collect();
            stat.pods.sort_unstable();
            stat.pods.dedup();
        }
        self
    }
}
