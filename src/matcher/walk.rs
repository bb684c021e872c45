//! The pairs of a plain logfmt line, by their places, without decoding anything.
//!
//! Bytes that matter (blanks, quotes, `=`) are found 64 at a time as bits of a word, and only those
//! bits are walked. A line that is in any way unusual (a word without `=`, a tab, an open quote) is
//! not taken: the tokeniser of `record` reads it instead, so both always agree on where pairs lie.

/// Most pairs of a line that is walked; more is unusual.
pub(super) const PAIRS: usize = 40;

/// Bytes looked at together.
const BLOCK: usize = 64;

/// One pair, by its place in the text walked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair {
    /// Start of the key.
    key: u32,
    /// End of the key: the place of the `=`.
    equals: u32,
    /// End of the value, its quotes included.
    end: u32,
}

/// The pairs of the line walked last.
#[derive(Debug)]
pub(super) struct Walk {
    pairs: [Pair; PAIRS],
    len: usize,
    /// Hash of all keys, and of the values of those that say what kind of line it is.
    pub(super) shape: u64,
    /// Length of the line.
    pub(super) end: usize,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            pairs: [Pair::default(); PAIRS],
            len: 0,
            shape: 0,
            end: 0,
        }
    }
}

/// Bits of one block.
#[derive(Clone, Copy, Default)]
struct Masks {
    /// `=`, blank, quote or control byte: what may end a key.
    key: u64,
    /// Blank or control byte: what may end a bare value.
    bare: u64,
    /// Quote, backslash or control byte: what may end a quoted value.
    quoted: u64,
}

/// A cursor over the bits of a text.
struct Bits<'t> {
    text: &'t [u8],
    block: usize,
    masks: Masks,
}

impl<'t> Bits<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            block: 0,
            masks: masks_at(text, 0),
        }
    }

    /// The first place from `at` on whose bit is set in the mask chosen. Past the end of the text all
    /// bits are set.
    #[inline(always)]
    fn next(&mut self, mut at: usize, mask: impl Fn(&Masks) -> u64) -> usize {
        loop {
            let block = at / BLOCK;
            if block != self.block {
                self.block = block;
                self.masks = masks_at(self.text, block * BLOCK);
            }
            let rest = mask(&self.masks) >> (at % BLOCK);
            if rest != 0 {
                return at + rest.trailing_zeros() as usize;
            }
            at = (block + 1) * BLOCK;
        }
    }
}

impl Walk {
    /// Walks the line at the start of `text`, up to a line end or the end of the text. False when the
    /// line is unusual; nothing may be asked of it then.
    pub(super) fn line(&mut self, text: &[u8]) -> bool {
        self.len = 0;
        let mut bits = Bits::new(text);
        let mut shape = SEED;
        let mut at = 0;
        loop {
            let equals = bits.next(at, |m| m.key);
            if equals == at || text.get(equals) != Some(&b'=') || self.len == PAIRS {
                return false;
            }
            let value = equals + 1;
            let (end, last) = if text.get(value) == Some(&b'"') {
                let Some(end) = quoted_end(&mut bits, value + 1) else {
                    return false;
                };
                match text.get(end) {
                    Some(b' ') => (end, false),
                    Some(b'\n') | None => (end, true),
                    Some(_) => return false,
                }
            } else {
                let end = bits.next(value, |m| m.bare);
                match text.get(end) {
                    Some(b' ') => (end, false),
                    Some(b'\n') => (end, true),
                    Some(_) => return false,
                    None => (text.len(), true),
                }
            };
            let key = head(text, at, equals - at);
            shape = mix(shape, key ^ (equals - at) as u64);
            if equals - at > 8 {
                shape = mix_bytes(shape, &text[at + 8..equals]);
            } else if matches!(key, MSG | LEVEL | LVL | SEVERITY) {
                shape = mix_bytes(shape, &text[value..end]);
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a line is at most limits::LINE_BYTES"
            )]
            {
                self.pairs[self.len] = Pair {
                    key: at as u32,
                    equals: equals as u32,
                    end: end as u32,
                };
            }
            self.len += 1;
            if last {
                self.shape = shape;
                self.end = end;
                return end <= crate::limits::LINE_BYTES;
            }
            at = end + 1;
        }
    }

    /// How many pairs there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Key of a pair.
    pub(super) fn key<'t>(&self, text: &'t [u8], pair: usize) -> &'t [u8] {
        let pair = self.pairs[pair];
        &text[pair.key as usize..pair.equals as usize]
    }

    /// Value of a pair as it is written, quotes and escapes included.
    pub(super) fn raw<'t>(&self, text: &'t [u8], pair: usize) -> &'t [u8] {
        let pair = self.pairs[pair];
        &text[pair.equals as usize + 1..pair.end as usize]
    }
}

/// The place behind the closing quote.
#[inline(always)]
fn quoted_end(bits: &mut Bits<'_>, mut at: usize) -> Option<usize> {
    loop {
        at = bits.next(at, |m| m.quoted);
        match bits.text.get(at) {
            Some(b'"') => return Some(at + 1),
            // Whatever is escaped cannot end the value, unless the line ends there.
            Some(b'\\') if bits.text.get(at + 1).is_some_and(|b| *b > 0x1f) => at += 2,
            _ => return None,
        }
    }
}

const SEED: u64 = 0x243f_6a88_85a3_08d3;
const MSG: u64 = word(b"msg");
const LEVEL: u64 = word(b"level");
const LVL: u64 = word(b"lvl");
const SEVERITY: u64 = word(b"severity");

/// Up to eight bytes as a little-endian number.
const fn word(text: &[u8]) -> u64 {
    let (mut word, mut at) = (0, 0);
    while at < text.len() {
        word |= (text[at] as u64) << (8 * at);
        at += 1;
    }
    word
}

/// The first up to eight of the `len` bytes at a place.
#[inline(always)]
fn head(text: &[u8], at: usize, len: usize) -> u64 {
    match text.get(at..at + 8) {
        Some(bytes) if len >= 8 => u64::from_le_bytes(bytes.try_into().expect("8 bytes")),
        Some(bytes) => {
            let word = u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
            word & ((1 << (8 * len)) - 1)
        }
        None => word(&text[at..at + len.min(8)]),
    }
}

/// Folds a word into a hash. Fixed, so that nothing differs between runs.
#[inline(always)]
pub(super) fn mix(hash: u64, word: u64) -> u64 {
    let wide = u128::from(hash ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are folded")]
    let folded = (wide as u64) ^ ((wide >> 64) as u64);
    folded.wrapping_add(SEED)
}

/// Folds bytes and their number into a hash.
#[inline(always)]
pub(super) fn mix_bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    hash = mix(hash, bytes.len() as u64);
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        hash = mix(hash, u64::from_le_bytes(chunk.try_into().expect("8 bytes")));
    }
    let rest = chunks.remainder();
    if rest.is_empty() {
        hash
    } else {
        mix(hash, word(rest))
    }
}

/// Bits of the block at a place; bytes past the end of the text count as line ends.
#[inline(always)]
fn masks_at(text: &[u8], at: usize) -> Masks {
    match text.get(at..at + BLOCK) {
        Some(block) => masks(block.try_into().expect("one block")),
        None => {
            let mut block = [b'\n'; BLOCK];
            let rest = text.get(at..).unwrap_or_default();
            block[..rest.len()].copy_from_slice(rest);
            masks(&block)
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(
    unsafe_code,
    reason = "the standard library offers no other way to these instructions"
)]
fn masks(block: &[u8; BLOCK]) -> Masks {
    // SAFETY: SSE2 is part of x86-64; no processor of that architecture is without it. The function
    // takes no pointers.
    unsafe { masks_sse2(block) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn masks_sse2(block: &[u8; BLOCK]) -> Masks {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8,
    };
    let lane = |n: usize| -> __m128i {
        let word = |at: usize| i64::from_le_bytes(block[at..at + 8].try_into().expect("8 bytes"));
        _mm_set_epi64x(word(n * 16 + 8), word(n * 16))
    };
    let is = |v: __m128i, byte: u8| _mm_cmpeq_epi8(v, _mm_set1_epi8(byte.cast_signed()));
    let bits = |v: __m128i| u64::from(_mm_movemask_epi8(v).cast_unsigned());
    let mut all = Masks::default();
    for n in 0..4 {
        let v = lane(n);
        let control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
        let bare = _mm_or_si128(is(v, b' '), control);
        let quote = is(v, b'"');
        let key = _mm_or_si128(_mm_or_si128(bare, quote), is(v, b'='));
        let quoted = _mm_or_si128(_mm_or_si128(control, quote), is(v, b'\\'));
        all.key |= bits(key) << (16 * n);
        all.bare |= bits(bare) << (16 * n);
        all.quoted |= bits(quoted) << (16 * n);
    }
    all
}

#[cfg(not(target_arch = "x86_64"))]
fn masks(block: &[u8; BLOCK]) -> Masks {
    let mut all = Masks::default();
    for (n, byte) in block.iter().enumerate() {
        let control = *byte <= 0x1f;
        let bare = control || *byte == b' ';
        let quote = *byte == b'"';
        all.key |= u64::from(bare || quote || *byte == b'=') << n;
        all.bare |= u64::from(bare) << n;
        all.quoted |= u64::from(control || quote || *byte == b'\\') << n;
    }
    all
}
