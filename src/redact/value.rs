//! Is a value a secret, or does it stand where one would?

/// Words that stand in place of a value.
const NO_VALUE: &[&str] = &[
    "null",
    "nil",
    "none",
    "true",
    "false",
    "yes",
    "no",
    "unset",
    "empty",
    "undefined",
    "redacted",
    "masked",
    "hidden",
    "secret",
    "<nil>",
    "n/a",
    "string",
    "enabled",
    "disabled",
];

/// What follows a colon in prose.
const PROSE: &[&str] = &[
    "required",
    "missing",
    "invalid",
    "incorrect",
    "expired",
    "not",
    "is",
    "was",
    "must",
    "cannot",
    "unknown",
    "unauthorized",
    "denied",
    "failed",
    "too",
    "the",
    "a",
    "an",
    "for",
    "in",
    "to",
    "and",
    "or",
    "flag",
    "option",
    "field",
    "file",
    "should",
    "has",
    "may",
    "with",
    "no",
    "wrong",
    "if",
    "needs",
    "requires",
    "authentication",
    "unexpected",
    "context",
    "error",
    "read",
    "open",
];

/// Folders that files with secrets are mounted in: such a value names a file.
const FOLDERS: &[&str] = &[
    "/etc/",
    "/var/",
    "/run/",
    "/tmp/",
    "/home/",
    "/usr/",
    "/opt/",
    "/secrets/",
    "/mnt/",
    "/data/",
    "/root/",
    "/srv/",
    "/vault/",
    "/conf/",
    "/config/",
    "./",
    "../",
    "~/",
    "file://",
    "s3://",
];

/// Nothing, a placeholder, a reference to a variable or a file, or what was masked before.
pub(super) fn stands_in(value: &str) -> bool {
    let value = value.trim();
    if value.is_empty() || value.starts_with("[REDACTED") {
        return true;
    }
    let masked = |c: char| matches!(c, '*' | 'x' | 'X' | '.' | '#' | '-' | '_' | '•' | '?');
    if value.chars().all(masked) {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    NO_VALUE.contains(&lower.as_str())
        || NO_VALUE.contains(&bare) && bare.len() + 2 >= lower.len()
        || ["$", "%", "{{", "<", "&{", "{", "(", "0x", "map["]
            .iter()
            .any(|p| lower.starts_with(p))
            && !looks_random(value)
            && !(value.starts_with(['$', '%', '(']) && value.len() > 2 && !is_reference(value))
        || is_file(value)
}

/// `$NAME`, `${NAME}`, `$(NAME)`, `%s`, `%(name)s`, `(sensitive value)`.
fn is_reference(value: &str) -> bool {
    let rest = value.trim_start_matches(['$', '%', '(']);
    let inner = rest.trim_matches(['{', '}', '(', ')']);
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | ' ');
    inner.chars().all(name)
        && (value.starts_with("${") || value.starts_with("$(") || value.ends_with(')') || {
            // `$NAME` in capitals is a variable; `$Ecret1` is a password.
            inner.chars().all(|c| c.is_ascii_uppercase() || c == '_')
                || value.starts_with('%') && inner.len() <= 2
        })
}

/// The path of a file.
fn is_file(value: &str) -> bool {
    FOLDERS.iter().any(|f| value.starts_with(f))
}

/// Could it be a word of a sentence?
pub(super) fn is_prose(value: &str) -> bool {
    let word = value
        .split(|c: char| c.is_whitespace())
        .next()
        .unwrap_or_default();
    let word = word
        .trim_matches(|c: char| !c.is_alphanumeric())
        .to_ascii_lowercase();
    PROSE.contains(&word.as_str())
}

/// No word of a language: digits or signs among the letters.
pub(super) fn is_odd(value: &str) -> bool {
    let word = value.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    word.len() >= 4
        && word
            .chars()
            .any(|c| c.is_ascii_digit() || "!@#$%^&*+=?~".contains(c))
        && word.chars().any(char::is_alphabetic)
}

/// Characters as a generator picks them, not as people name things: a token, key or hash.
pub(super) fn looks_random(value: &str) -> bool {
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || b"+/=_~.%-:".contains(&b);
    if value.len() < 8 || !value.bytes().all(alphabet) {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let upper = value.bytes().filter(u8::is_ascii_uppercase).count();
    let lower = value.bytes().filter(u8::is_ascii_lowercase).count();
    if is_uuid(value) {
        return true;
    }
    // Names are words joined by signs, with numbers of their own: `thanos-receive-0`, `v1.2.3`.
    let pieces = value.split(|c: char| !c.is_ascii_alphanumeric());
    let mixed = pieces.clone().any(|p| {
        let d = p.bytes().filter(u8::is_ascii_digit).count();
        let (u, l) = (
            p.bytes().any(|b| b.is_ascii_uppercase()),
            p.bytes().any(|b| b.is_ascii_lowercase()),
        );
        let switches = p
            .as_bytes()
            .windows(2)
            .filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit())
            .count();
        p.len() >= 8 && d > 0 && (u && l && switches >= 1 || switches >= 3 && p.len() >= 10)
    });
    let long = pieces
        .clone()
        .any(|p| p.len() >= 20 && p.bytes().any(|b| b.is_ascii_digit()));
    let cased = upper >= 3 && lower >= 3 && value.len() >= 20 && switches_case(value) >= 6;
    digits > 0 && (mixed || long) || cased
}

fn switches_case(value: &str) -> usize {
    value
        .as_bytes()
        .windows(2)
        .filter(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase())
        .count()
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Base64 of `user:password`, as basic authentication sends it.
pub(super) fn is_basic(value: &str) -> bool {
    let body = value.trim_end_matches('=');
    if body.len() < 4 {
        return false;
    }
    let mut colon = false;
    let (mut bits, mut have) = (0u32, 0);
    for byte in body.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return false,
        };
        bits = (bits << 6 | u32::from(six)) & 0xffff;
        have += 6;
        if have >= 8 {
            have -= 8;
            let decoded = (bits >> have) as u8;
            if decoded < b' ' || decoded == 0x7f {
                return false;
            }
            colon |= decoded == b':';
        }
    }
    colon
}
