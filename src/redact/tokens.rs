//! Secrets known by what they look like: keys with a prefix, JWTs, credentials in URLs, e-mail.

use std::sync::OnceLock;

use regex::Regex;

use super::{Span, value};

/// One kind of token. The group `s` is what is secret.
struct Rule {
    kind: &'static str,
    /// The text holds one of these, in this case, wherever the rule could match.
    anchors: &'static [&'static str],
    regex: &'static str,
    /// Further doubts about the match and the text around it.
    accept: fn(secret: &str, before: &str, after: &str) -> bool,
}

/// Nothing more to doubt.
fn always(_: &str, _: &str, _: &str) -> bool {
    true
}

const RULES: &[Rule] = &[
    Rule {
        kind: "jwt",
        anchors: &["eyJ"],
        regex: r"(?-u:\b)(?P<s>eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3})",
        accept: always,
    },
    // A header of a JWT that was cut.
    Rule {
        kind: "jwt",
        anchors: &["eyJ"],
        regex: r"(?-u:\b)(?P<s>eyJ(?:hbGciOi|0eXAiOi|raWQiOi|jdHkiOi)[A-Za-z0-9_-]*)",
        accept: always,
    },
    Rule {
        kind: "url-credentials",
        anchors: &["://"],
        regex: r#"[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s/"'@:<>?#]*):(?P<s>[^\s/"'<>\\]+)@"#,
        accept: |secret, _, _| !value::stands_in(secret) && secret != "xxxxx",
    },
    Rule {
        kind: "url-credentials",
        anchors: &["://"],
        regex: r#"[A-Za-z][A-Za-z0-9+.-]*://(?P<s>[^\s/"'@:<>\\]{16,})@"#,
        accept: |secret, _, _| value::looks_random(secret),
    },
    // `user:password@tcp(host:3306)/name`, as Go's MySQL driver takes it.
    Rule {
        kind: "url-credentials",
        anchors: &["@tcp(", "@unix(", "@udp("],
        regex: r#"[^\s:@/"'=]+:(?P<s>[^\s@/"']+)@(?:tcp|unix|udp)\("#,
        accept: |secret, _, _| !value::stands_in(secret),
    },
    Rule {
        kind: "authorization",
        anchors: &["earer ", "EARER ", "earer%20", "earer+"],
        regex: r#"(?i)(?-u:\b)bearer(?:\s+|%20|\+)\\?["']?(?P<s>[A-Za-z0-9._~+/=-]{6,})"#,
        accept: |secret, _, _| {
            !secret.contains("realm=")
                && !value::stands_in(secret)
                && (secret.len() >= 24 && !secret.contains("authenti")
                    || value::is_odd(secret) && secret.len() >= 8)
        },
    },
    Rule {
        kind: "authorization",
        anchors: &["asic ", "ASIC "],
        regex: r"(?i)(?-u:\b)basic\s+(?P<s>[A-Za-z0-9+/_-]{4,}={0,2})",
        accept: |secret, _, _| value::is_basic(secret),
    },
    Rule {
        kind: "aws-key",
        anchors: &["AKIA", "ASIA", "ABIA", "ACCA"],
        regex: r"(?-u:\b)(?P<s>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})(?-u:\b)",
        accept: always,
    },
    Rule {
        kind: "gcp-key",
        anchors: &["AIza"],
        regex: r"(?-u:\b)(?P<s>AIza[0-9A-Za-z_-]{30,40})",
        accept: always,
    },
    Rule {
        kind: "gcp-key",
        anchors: &["ya29."],
        regex: r"(?-u:\b)(?P<s>ya29\.[0-9A-Za-z_.-]{10,})",
        accept: always,
    },
    Rule {
        kind: "gcp-key",
        anchors: &["GOCSPX-", "GOOG"],
        regex: r"(?-u:\b)(?P<s>GOCSPX-[0-9A-Za-z_-]{20,}|GOOG1?[A-Z0-9]{16,})(?-u:\b)",
        accept: |s, _, _| s.bytes().any(|b| b.is_ascii_digit()),
    },
    Rule {
        kind: "azure-key",
        anchors: &["=="],
        regex: r"(?:^|[^A-Za-z0-9+/])(?P<s>[A-Za-z0-9+/]{86}==)",
        accept: |s, _, _| value::looks_random(s),
    },
    Rule {
        kind: "token",
        anchors: &["gh", "github_pat_"],
        regex: r"(?-u:\b)(?P<s>gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})",
        accept: always,
    },
    Rule {
        kind: "token",
        anchors: &["glpat-", "glsa_", "glc_", "gldt-"],
        regex: r"(?-u:\b)(?P<s>glpat-[A-Za-z0-9_-]{16,}|gldt-[A-Za-z0-9_-]{16,}|glsa_[A-Za-z0-9_]{24,}|glc_[A-Za-z0-9+/=]{24,})",
        accept: always,
    },
    Rule {
        kind: "token",
        anchors: &["xox", "xapp-"],
        regex: r"(?-u:\b)(?P<s>xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})",
        accept: always,
    },
    Rule {
        kind: "webhook",
        anchors: &["hooks.slack.com/", "discord"],
        regex: r"(?:hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/)(?P<s>[A-Za-z0-9_/-]{10,})",
        accept: always,
    },
    Rule {
        kind: "webhook",
        anchors: &["webhook.office.com/"],
        regex: r"webhook\.office\.com/(?P<s>[A-Za-z0-9_/@-]{20,})",
        accept: always,
    },
    Rule {
        kind: "token",
        anchors: &["sk_", "rk_", "sk-"],
        regex: r"(?-u:\b)(?P<s>[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{32,})",
        accept: |s, _, _| value::looks_random(s),
    },
    Rule {
        kind: "token",
        anchors: &["SG."],
        regex: r"(?-u:\b)(?P<s>SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})",
        accept: always,
    },
    Rule {
        kind: "token",
        anchors: &["hvs.", "hvb.", "hvr.", "s."],
        regex: r"(?-u:\b)(?P<s>hv[sbr]\.[A-Za-z0-9_-]{20,}|s\.[A-Za-z0-9]{24})(?-u:\b)",
        accept: |s, _, _| {
            s.bytes().any(|b| b.is_ascii_digit()) && s.bytes().any(|b| b.is_ascii_uppercase())
        },
    },
    Rule {
        kind: "token",
        anchors: &["sha256~"],
        regex: r"(?-u:\b)(?P<s>sha256~[A-Za-z0-9_-]{30,})",
        accept: always,
    },
    Rule {
        kind: "token",
        anchors: &["npm_", "pypi-", "dop_v1_", "dckr_pat_"],
        regex: r"(?-u:\b)(?P<s>npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|dop_v1_[a-f0-9]{40,}|dckr_pat_[A-Za-z0-9_-]{20,})",
        accept: always,
    },
    Rule {
        kind: "token",
        anchors: &[":AA"],
        regex: r"(?-u:\b)(?P<s>[0-9]{8,10}:AA[A-Za-z0-9_-]{30,})",
        accept: always,
    },
    Rule {
        kind: "signature",
        anchors: &["sig=", "Signature="],
        regex: r"(?:[?&;]sig|Signature)=(?P<s>[A-Za-z0-9%+/=_-]{20,})",
        accept: always,
    },
    Rule {
        kind: "key",
        anchors: &[
            "AccessKeyId>",
            "SignatureProvided>",
            "SecretAccessKey>",
            "SessionToken>",
            "assword>",
            "oken>",
            "ecret>",
        ],
        regex: r"<(?:AWSAccessKeyId|AccessKeyId|SignatureProvided|SecretAccessKey|SessionToken|[A-Za-z]*[pP]assword|[A-Za-z]*[tT]oken|[A-Za-z]*[sS]ecret)>(?P<s>[^<\s]{4,})<",
        accept: |secret, _, _| !value::stands_in(secret),
    },
    // curl -u user:password
    Rule {
        kind: "password",
        anchors: &["-u ", "-user ", "-user=", "-U "],
        regex: r#"(?:^|[\s"'])(?:-u|-U|--user|--proxy-user)[ =]["']?[A-Za-z0-9_.@-]+:(?P<s>[^\s"']+)"#,
        accept: |secret, _, _| {
            !value::stands_in(secret) && !secret.bytes().all(|b| b.is_ascii_digit())
        },
    },
    Rule {
        kind: "email",
        anchors: &["@"],
        regex: r"(?P<s>[A-Za-z0-9][A-Za-z0-9._%+-]*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,})",
        accept: is_email,
    },
];

/// Ends of names that look like an address and are units, files or versions.
const NOT_MAIL: &[&str] = &[
    "service", "socket", "slice", "scope", "timer", "mount", "target", "png", "jpg", "svg", "js",
    "css", "go", "py", "so",
];

fn is_email(secret: &str, before: &str, after: &str) -> bool {
    let last = secret.rsplit('.').next().unwrap_or_default();
    // `git@host:path` and `scheme://user@host` name a place.
    let place = after.starts_with(':') && secret.starts_with("git@") || before.ends_with("://");
    let near = &before[before.ceil_char_boundary(before.len().saturating_sub(256))..];
    let in_userinfo = near.rsplit([' ', '"', '\'']).next().is_some_and(|word| {
        word.contains("://") && !word.contains('?') && word.matches('/').count() == 2
    });
    !NOT_MAIL.contains(&last)
        && !place
        && !in_userinfo
        && !before.ends_with(['/', '@'])
        && !after.starts_with('/')
}

/// Adds the secrets of `text` that are known by themselves.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    static COMPILED: [OnceLock<Option<Regex>>; RULES.len()] =
        [const { OnceLock::new() }; RULES.len()];
    for (rule, compiled) in RULES.iter().zip(&COMPILED) {
        if !rule
            .anchors
            .iter()
            .any(|a| memchr::memmem::find(text.as_bytes(), a.as_bytes()).is_some())
        {
            continue;
        }
        let Some(regex) = compiled.get_or_init(|| Regex::new(rule.regex).ok()) else {
            continue;
        };
        for found in regex.captures_iter(text) {
            let Some(secret) = found.name("s") else {
                continue;
            };
            if (rule.accept)(
                secret.as_str(),
                &text[..secret.start()],
                &text[secret.end()..],
            ) {
                spans.push((secret.range(), rule.kind));
            }
        }
    }
}

/// Where a private key begins.
pub(super) fn key_begin(text: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&text.as_bytes()[at..], b"-----BEGIN ") {
        let begin = at + found;
        let head = &text.as_bytes()[begin..];
        let head = &head[..head.len().min(64)];
        if memchr::memmem::find(head, b"PRIVATE KEY").is_some() {
            return Some(begin);
        }
        at = begin + 11;
    }
    None
}

/// Where the first private key of the text ends.
pub(super) fn key_end(text: &str) -> Option<usize> {
    let end = memchr::memmem::find(text.as_bytes(), b"-----END ")?;
    let rest = &text[end + 9..];
    let dashes = memchr::memmem::find(rest.as_bytes(), b"-----")?;
    Some(end + 9 + dashes + 5)
}

/// A line as a private key is made of.
pub(super) fn is_key_body(text: &str) -> bool {
    let text = text.trim();
    let header = text.starts_with("Proc-Type:") || text.starts_with("DEK-Info:");
    text.is_empty()
        || header
        || text.len() >= 4
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
}

#[cfg(test)]
pub(super) fn every_rule_compiles() -> bool {
    RULES.iter().all(|rule| Regex::new(rule.regex).is_ok())
}
