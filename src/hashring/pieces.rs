//! The circle of hashes, cut into pieces on which the members of every copy are constant.
//!
//! Between two sections of a ketama ring nothing changes. A hashmod ring changes with every hash,
//! but only through the remainder, so the hashes of a piece are grouped by it. Either way the
//! number of hashes with the same members is counted, not estimated. (For the last few hashes below
//! 2^64 hashmod's sum wraps around; fewer hashes than copies are concerned, and they are ignored.)

use super::ring::{Layout, Ring, RingError};
use crate::limits;

/// Number of hashes there are.
pub(super) const ALL: f64 = 18_446_744_073_709_551_616.0;

/// Calls `each` with the number of hashes and the members of their copies in each ring, until all
/// hashes have been told. A missing ring has no copies.
///
/// # Errors
/// [`RingError::TooLarge`] beyond [`limits::RING_PIECES`] pieces.
pub(super) fn pieces<const N: usize>(
    rings: [Option<&Ring>; N],
    mut each: impl FnMut(u128, [&[u32]; N]),
) -> Result<(), RingError> {
    let mut cursors = rings.map(Cursor::new);
    let period = cursors.iter().map(|cursor| cursor.period).fold(1, lcm);
    let cuts: u64 = cursors.iter().map(Cursor::cuts).sum();
    if period.saturating_mul(cuts + 1) > limits::RING_PIECES {
        let largest = rings
            .into_iter()
            .flatten()
            .max_by_key(|ring| ring.endpoints().len());
        return Err(RingError::TooLarge {
            members: largest.map_or(0, |ring| ring.endpoints().len()),
            copies: largest.map_or(0, Ring::copies),
        });
    }
    let mut low = 0;
    loop {
        for cursor in &mut cursors {
            cursor.seek(low);
        }
        let high = cursors.iter().map(Cursor::end).min().unwrap_or(u64::MAX);
        for remainder in 0..period {
            let count = count(low, high, period, remainder);
            if count > 0 {
                each(count, std::array::from_fn(|i| cursors[i].copies(remainder)));
            }
        }
        match high.checked_add(1) {
            Some(next) => low = next,
            None => return Ok(()),
        }
    }
}

struct Cursor<'a> {
    ring: Option<&'a Ring>,
    /// Section that the current piece belongs to; one past the last stands for the first.
    at: usize,
    /// Number of remainders; 1 unless hashmod.
    period: u64,
    /// Members by remainder, for hashmod.
    by_remainder: Vec<Vec<u32>>,
}

impl<'a> Cursor<'a> {
    fn new(ring: Option<&'a Ring>) -> Self {
        let by_remainder: Vec<Vec<u32>> = match ring {
            Some(ring) if matches!(ring.layout(), Layout::Hashmod) => {
                let members = u32::try_from(ring.endpoints().len()).unwrap_or(u32::MAX);
                let copies = u32::try_from(ring.copies()).unwrap_or(u32::MAX);
                (0..members)
                    .map(|first| (0..copies).map(|n| (first + n) % members).collect())
                    .collect()
            }
            _ => Vec::new(),
        };
        Self {
            ring,
            at: 0,
            period: by_remainder.len().max(1) as u64,
            by_remainder,
        }
    }

    fn hashes(&self) -> &'a [u64] {
        match self.ring.map(Ring::layout) {
            Some(Layout::Ketama { hashes, .. }) => hashes,
            _ => &[],
        }
    }

    fn cuts(&self) -> u64 {
        self.hashes().len() as u64
    }

    fn seek(&mut self, low: u64) {
        let hashes = self.hashes();
        while hashes.get(self.at).is_some_and(|&hash| hash < low) {
            self.at += 1;
        }
    }

    /// Last hash of the current piece.
    fn end(&self) -> u64 {
        self.hashes().get(self.at).copied().unwrap_or(u64::MAX)
    }

    fn copies(&self, remainder: u64) -> &[u32] {
        let Some(ring) = self.ring else { return &[] };
        if self.by_remainder.is_empty() {
            ring.section_replicas(if self.at == self.hashes().len() {
                0
            } else {
                self.at
            })
        } else {
            let index = usize::try_from(remainder % self.period).unwrap_or(0);
            &self.by_remainder[index]
        }
    }
}

/// How many hashes from `low` to `high`, both included, leave `remainder`.
fn count(low: u64, high: u64, period: u64, remainder: u64) -> u128 {
    let (low, high, period) = (u128::from(low), u128::from(high), u128::from(period));
    let first = low + (u128::from(remainder) + period - low % period) % period;
    if first > high {
        0
    } else {
        (high - first) / period + 1
    }
}

fn lcm(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    (a / x).saturating_mul(b)
}

/// Share of all hashes.
pub(super) fn share(count: u128) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share needs no more than 53 bits"
    )]
    let count = count as f64;
    count / ALL
}
