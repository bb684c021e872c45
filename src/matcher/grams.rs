//! Which of many literals stand in a line: most of its bytes are never looked at.
//!
//! Each literal is at least [`SHORTEST`] bytes long. Of each a window of that length is chosen, and
//! all pieces of [`GRAM`] bytes in it are known. Whatever the window's place in a line, one of every
//! [`STRIDE`] places begins such a piece, so only those places are looked up, in a table that fits the
//! first-level cache; a literal is compared only where the table says so.

use rustc_hash::{FxHashMap, FxHashSet};

const SHORTEST: usize = Grams::SHORTEST;
/// Bytes looked up together.
const GRAM: usize = 5;
/// Distance of the places looked up: the window of `SHORTEST` bytes holds as many pieces.
const STRIDE: usize = SHORTEST - GRAM + 1;
/// Bits of the table, as a power of two: 8 KiB.
const TABLE_BITS: u32 = 16;

/// Pieces that stand in usual lines; a window with few of them is preferred.
const USUAL: &str = concat!(
    "ts=2024-01-01T00:00:00.000000000Z caller=handler.go:87 level=info level=debug level=warn level=error component=receive ",
    "component=receive-handler component=receive-writer component=multi-tsdb component=uploader component=config-watcher ",
    "tenant=default-tenant thanos-receive-0.thanos-receive.monitoring.svc.cluster.local:10901 service=http/server ",
    "service=gRPC/server msg=\"changing probe status\" msg=\"write block\" msg=\"Head GC completed\" msg=\"upload new block\" ",
    "duration= maxSegment= path=/api/v1/receive time=2024 request requests endpoint endpoints samples series ",
    "err=\"forwarding request to endpoint \" rpc error: code = Unavailable desc = internal server error ",
    "opening creating listening starting running replaying loaded started completed received receiver ",
);

/// Literals, ready to be looked for.
#[derive(Debug, Default)]
pub(super) struct Grams {
    table: Vec<u64>,
    /// By piece: (literal, offset of the piece in it).
    pieces: FxHashMap<u64, Vec<(u32, u32)>>,
    literals: Vec<Vec<u8>>,
}

impl Grams {
    /// Shortest literal.
    pub(super) const SHORTEST: usize = 8;

    /// Prepares literals; shorter ones are never found.
    pub(super) fn new(literals: Vec<Vec<u8>>) -> Self {
        let usual = USUAL.as_bytes();
        let usual: FxHashSet<u64> = (0..=usual.len() - GRAM).map(|at| gram(usual, at)).collect();
        let mut table = vec![0_u64; 1 << (TABLE_BITS - 6)];
        let mut pieces: FxHashMap<u64, Vec<(u32, u32)>> = FxHashMap::default();
        for (n, literal) in (0..).zip(&literals) {
            let windows = literal.len().checked_sub(SHORTEST);
            let usual = |start: &usize| {
                let pieces = *start..*start + STRIDE;
                pieces
                    .filter(|at| usual.contains(&gram(literal, *at)))
                    .count()
            };
            let Some(start) = windows.and_then(|last| (0..=last).min_by_key(usual)) else {
                continue;
            };
            for at in (0..).skip(start).take(STRIDE) {
                let gram = gram(literal, at as usize);
                let slot = slot(gram);
                table[slot / 64] |= 1 << (slot % 64);
                pieces.entry(gram).or_default().push((n, at));
            }
        }
        Self {
            table,
            pieces,
            literals,
        }
    }

    /// The literals, in the order of their numbers.
    pub(super) fn literals(&self) -> impl Iterator<Item = &[u8]> {
        self.literals.iter().map(Vec::as_slice)
    }

    /// Hands each literal found to `found`, once for every place it stands at, by place of its window.
    #[inline]
    pub(super) fn find(&self, line: &[u8], mut found: impl FnMut(u32)) {
        if line.len() < SHORTEST {
            return;
        }
        let whole = line.len() - 8;
        let mut at = 0;
        while at <= whole {
            let bytes: [u8; 8] = line[at..at + 8].try_into().expect("8 bytes");
            let gram = u64::from_le_bytes(bytes) & GRAM_MASK;
            if self.may_be(gram) {
                self.compare(line, at, gram, &mut found);
            }
            at += STRIDE;
        }
        while at + GRAM <= line.len() {
            let gram = gram(line, at);
            if self.may_be(gram) {
                self.compare(line, at, gram, &mut found);
            }
            at += STRIDE;
        }
    }

    #[inline(always)]
    fn may_be(&self, gram: u64) -> bool {
        let slot = slot(gram);
        self.table[slot / 64] >> (slot % 64) & 1 != 0
    }

    #[inline(never)]
    fn compare(&self, line: &[u8], at: usize, gram: u64, found: &mut impl FnMut(u32)) {
        for (n, offset) in self.pieces.get(&gram).into_iter().flatten() {
            let literal = &self.literals[*n as usize];
            let start = at.checked_sub(*offset as usize);
            if start.is_some_and(|start| line[start..].starts_with(literal)) {
                found(*n);
            }
        }
    }
}

const GRAM_MASK: u64 = (1 << (8 * GRAM)) - 1;

fn gram(text: &[u8], at: usize) -> u64 {
    text[at..at + GRAM]
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[inline(always)]
fn slot(gram: u64) -> usize {
    usize::try_from(gram.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - TABLE_BITS)).unwrap_or(0)
}
