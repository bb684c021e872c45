//! The two hashes that decide everything: of a series, and of the file.

use md5::{Digest, Md5};
use sha2::Sha256;
use xxhash_rust::xxh64::xxh64;

use crate::pack::Version;

/// Stands behind the tenant, every label name and every label value, so that no two different
/// series run together into the same bytes.
const SEPARATOR: u8 = 0xff;

/// Hash of a series as Thanos computes it to choose its members.
///
/// `labels` are taken in the order given: since v0.20 Thanos trusts the sender to have sorted them.
#[must_use]
pub fn series_hash<'a>(tenant: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> u64 {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(tenant.as_bytes());
    bytes.push(SEPARATOR);
    for (name, value) in labels {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(SEPARATOR);
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(SEPARATOR);
    }
    xxh64(&bytes, 0)
}

/// What `thanos_receive_config_hash` shows once a member has loaded exactly these bytes: the first
/// 48 bits of a digest, lowest byte first. Below 2^53, so a metric's float holds it exactly.
///
/// The digest is MD5 up to v0.40 and SHA-256 from v0.41; an unknown version counts as new. Who does
/// not know the version compares with [`config_hashes`].
#[must_use]
pub fn config_hash(file: &[u8], version: Option<Version>) -> u64 {
    let [md5, sha256] = config_hashes(file);
    if super::at_least(version, 41) {
        sha256
    } else {
        md5
    }
}

/// Both values that `thanos_receive_config_hash` can show for these bytes: up to v0.40, from v0.41.
#[must_use]
pub fn config_hashes(file: &[u8]) -> [u64; 2] {
    [
        first_48_bits(&Md5::digest(file)),
        first_48_bits(&Sha256::digest(file)),
    ]
}

/// Seed of the generator that picks a tenant's members in one zone. An empty zone is left out
/// together with its separator.
pub(super) fn shard_seed(tenant: &str, zone: &str) -> i64 {
    let mut digest = Md5::new();
    digest.update(tenant.as_bytes());
    if !zone.is_empty() {
        digest.update([0]);
        digest.update(zone.as_bytes());
    }
    let sum = digest.finalize();
    sum.iter()
        .take(8)
        .fold(0u64, |seed, &byte| seed << 8 | u64::from(byte))
        .cast_signed()
}

fn first_48_bits(digest: &[u8]) -> u64 {
    digest
        .iter()
        .take(6)
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}
