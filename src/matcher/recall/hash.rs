//! Folding bytes into a hash, the same in every run.

pub(super) const SEED: u64 = 0x243f_6a88_85a3_08d3;

/// Folds a word into a hash.
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
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    if rest.is_empty() {
        return hash;
    }
    // The last bytes, and with them some that were folded in already, where there are any.
    match bytes.last_chunk::<8>() {
        Some(word) => mix(hash, u64::from_le_bytes(*word)),
        None => mix(
            hash,
            rest.iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
        ),
    }
}
