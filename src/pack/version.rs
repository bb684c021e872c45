//! Versions and ranges of them.

use std::cmp::Ordering;
use std::fmt;

use super::{Version, VersionRange};

/// What `main` is called until it is released.
const MAIN: Version = Version {
    major: 0,
    minor: 43,
    patch: None,
};

impl Version {
    /// Parses `0.34`, `0.34.1`, `v0.34.1`, `0.43.0-dev` or `main`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Version> {
        if text == "main" {
            return Some(MAIN);
        }
        let text = text.strip_prefix('v').unwrap_or(text);
        let release = text.split(['-', '+']).next()?;
        let mut parts = release.split('.');
        let major = number(parts.next()?)?;
        let minor = number(parts.next()?)?;
        let patch = match parts.next() {
            Some(patch) => Some(number(patch)?),
            None => None,
        };
        parts.next().is_none().then_some(Version {
            major,
            minor,
            patch,
        })
    }

    /// The version an image names: `quay.io/thanos/thanos:v0.35.1`, `0.35.1-debian-11-r0`,
    /// `main-2024-05-01-0123abc`. `None` for digests and other tags.
    #[must_use]
    pub fn from_image(image: &str) -> Option<Version> {
        let name = image.split('@').next()?;
        let last = name.rsplit('/').next()?;
        let tag = match last.rsplit_once(':') {
            Some((_, tag)) => tag,
            // A bare name is no tag.
            None if name.contains('/') => return None,
            None => last,
        };
        if tag == "main" || tag.starts_with("main-") {
            return Some(MAIN);
        }
        Version::parse(tag)
    }

    /// Compares where `None` as patch stands for every patch.
    fn compare(self, other: Version) -> Ordering {
        let minor = (self.major, self.minor).cmp(&(other.major, other.minor));
        minor.then(match (self.patch, other.patch) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => Ordering::Equal,
        })
    }
}

fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

impl VersionRange {
    /// Whether `version` lies within; `until: 0.34` includes all 0.34.x, and a version whose patch
    /// is not known lies within if any patch would.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        let after = self
            .since
            .is_none_or(|since| version.compare(since).is_ge());
        let before = self
            .until
            .is_none_or(|until| version.compare(until).is_le());
        after && before
    }

    /// True when no version lies within.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (self.since, self.until) {
            (Some(since), Some(until)) => since.compare(until).is_gt(),
            _ => false,
        }
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (self.since, self.until) {
            (None, None) => f.write_str("all versions"),
            (Some(since), None) => write!(f, "since {since}"),
            (None, Some(until)) => write!(f, "until {until}"),
            (Some(since), Some(until)) if since == until => write!(f, "{since} only"),
            (Some(since), Some(until)) => write!(f, "{since} to {until}"),
        }
    }
}
