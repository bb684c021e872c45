//! Go's `math/rand` source, bit for bit, because shuffle sharding draws from it.
//!
//! The generator is an additive lagged Fibonacci one: each output is the sum, modulo 2^64, of the
//! outputs 607 and 273 places before it. A seed does not set its state alone; it is mixed with a
//! fixed table of 607 words, which is the state of the same generator, seeded with 1, after
//! 7.8 · 10^12 steps. Instead of carrying the table, it is computed on first use: the recurrence is
//! linear, so the word n places ahead is a fixed combination of the first 607, whose coefficients
//! are those of t^n modulo the recurrence's polynomial. Squaring gets there in 43 rounds.

use std::sync::LazyLock;

/// The long lag, which is also the number of words of state.
const LONG: usize = 607;
/// The short lag.
const SHORT: usize = 273;
/// Exponent of the middle term of the polynomial t^607 = t^334 + 1.
const MIDDLE: usize = LONG - SHORT;
/// Steps between the generator seeded with 1 and the table.
const WARM_UP: u64 = 7_800_000_000_000;
/// Modulus of the small generator that expands a seed.
const SEED_MODULUS: i64 = (1 << 31) - 1;

/// The table that every seed is mixed with.
static TABLE: LazyLock<Box<[u64; LONG]>> = LazyLock::new(table);

/// A source of the same numbers as Go's `rand.New(rand.NewSource(seed))`.
pub(super) struct Source {
    words: Box<[u64; LONG]>,
    tap: usize,
    feed: usize,
}

impl Source {
    /// The source that Go would make from `seed`.
    pub(super) fn new(seed: i64) -> Self {
        let mut words = expand(seed, 40, 20);
        for (word, fixed) in words.iter_mut().zip(TABLE.iter()) {
            *word ^= fixed;
        }
        Self {
            words,
            tap: 0,
            feed: MIDDLE,
        }
    }

    /// The next 64 bits.
    pub(super) fn next_u64(&mut self) -> u64 {
        self.tap = self.tap.checked_sub(1).unwrap_or(LONG - 1);
        self.feed = self.feed.checked_sub(1).unwrap_or(LONG - 1);
        let sum = self.words[self.feed].wrapping_add(self.words[self.tap]);
        self.words[self.feed] = sum;
        sum
    }
}

impl Source {
    /// Puts `items` into the order of Go's `rand.Shuffle`: from the last place down, each is
    /// exchanged with a random one at or before it.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = u32::try_from(last + 1).expect("rings are far smaller than 2^32");
            items.swap(last, self.below(bound) as usize);
        }
    }

    /// A random number below `bound`: the high half of a product, whose low half must not fall into
    /// the part that would make some numbers likelier.
    fn below(&mut self, bound: u32) -> u32 {
        let uneven = u64::from(bound.wrapping_neg() % bound);
        loop {
            // The upper 32 of the 63 bits that Go's Int63 gives.
            let draw = (self.next_u64() & (u64::MAX >> 1)) >> 31;
            let product = draw * u64::from(bound);
            if product & u64::from(u32::MAX) >= uneven {
                return u32::try_from(product >> 32).expect("below bound");
            }
        }
    }
}

/// 607 words from a seed, each of three draws of a small generator, the first two shifted.
fn expand(seed: i64, first_shift: u32, second_shift: u32) -> Box<[u64; LONG]> {
    /// Draws thrown away before the first word.
    const SKIPPED: usize = 20;
    let mut x = seed.rem_euclid(SEED_MODULUS);
    if x == 0 {
        x = 89_482_311;
    }
    let mut draw = || {
        x = x * 48_271 % SEED_MODULUS;
        x.cast_unsigned()
    };
    for _ in 0..SKIPPED {
        draw();
    }
    let mut words = Box::new([0; LONG]);
    for word in words.iter_mut() {
        *word = draw() << first_shift ^ draw() << second_shift ^ draw();
    }
    words
}

/// The state after [`WARM_UP`] steps from seed 1.
fn table() -> Box<[u64; LONG]> {
    // Output k is written to the word at 334 − k (mod 607); before the first step that word holds
    // "output" k for k in −606..=0. In order of k these are the sequence the polynomial acts on.
    let start = expand(1, 20, 10);
    let sequence: Vec<u64> = (0..LONG).map(|i| start[place_of(i as u64 + 1)]).collect();

    let mut coefficients = power(WARM_UP);
    let mut words = Box::new([0; LONG]);
    for i in 0..LONG as u64 {
        words[place_of(WARM_UP + i + 1)] = coefficients
            .iter()
            .zip(&sequence)
            .fold(0u64, |sum, (c, s)| sum.wrapping_add(c.wrapping_mul(*s)));
        times_t(&mut coefficients);
    }
    words
}

/// Index of the word that output `k` − 607 is written to; outputs 607 apart share a word.
fn place_of(k: u64) -> usize {
    let lag = LONG as u64;
    usize::try_from((MIDDLE as u64 + lag - k % lag) % lag).expect("a remainder of 607")
}

/// Coefficients of t^n modulo the polynomial, modulo 2^64.
fn power(n: u64) -> Vec<u64> {
    let mut result = vec![0; LONG];
    result[0] = 1;
    for bit in (0..u64::BITS - n.leading_zeros()).rev() {
        result = square(&result);
        if n >> bit & 1 == 1 {
            times_t(&mut result);
        }
    }
    result
}

fn times_t(coefficients: &mut [u64]) {
    coefficients.rotate_right(1);
    // What was the highest is now t^607 = t^334 + 1; its "1" is already in place.
    coefficients[MIDDLE] = coefficients[MIDDLE].wrapping_add(coefficients[0]);
}

fn square(a: &[u64]) -> Vec<u64> {
    let mut wide = vec![0u64; 2 * LONG - 1];
    for (i, &x) in a.iter().enumerate() {
        if x != 0 {
            for (sum, &y) in wide[i..].iter_mut().zip(a) {
                *sum = sum.wrapping_add(x.wrapping_mul(y));
            }
        }
    }
    // From the top, because a term folded down can land above t^606 once more.
    for i in (LONG..wide.len()).rev() {
        let top = wide[i];
        wide[i - LONG] = wide[i - LONG].wrapping_add(top);
        wide[i - LONG + MIDDLE] = wide[i - LONG + MIDDLE].wrapping_add(top);
    }
    wide.truncate(LONG);
    wide
}
