//! Expressions that are compiled when they are first used: most never are.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

/// Largest compiled expression, in bytes. The pack's own stay far below; the bound keeps a user's
/// `\w{1000}{1000}` from eating the memory.
const COMPILED_BYTES: usize = 1 << 20;

/// A linear-time expression over bytes. Proven to compile when the pack was loaded from YAML.
pub struct LazyRegex {
    source: String,
    compiled: OnceLock<Regex>,
}

/// Whether it was compiled is nobody's business.
impl std::fmt::Debug for LazyRegex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LazyRegex").field(&self.source).finish()
    }
}

impl LazyRegex {
    /// Takes an expression without looking at it.
    #[must_use]
    pub fn new(source: impl Into<String>) -> Self {
        LazyRegex {
            source: source.into(),
            compiled: OnceLock::new(),
        }
    }

    /// Compiles `source` to see whether it does.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the author.
    pub fn check(source: &str) -> Result<(), String> {
        match build(source) {
            Ok(_) => Ok(()),
            Err(regex::Error::CompiledTooBig(most)) => {
                Err(format!("larger than {most} bytes when compiled"))
            }
            Err(error) => Err(last_line(&error.to_string())),
        }
    }

    /// The expression; compiled on first use. One that does not compile finds nothing.
    pub fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            build(&self.source)
                .or_else(|_| build(NOTHING))
                .expect("an empty class compiles")
        })
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it finds anything.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex().is_match(text)
    }
}

/// Matches nothing.
const NOTHING: &str = r"[a&&b]";

fn build(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .size_limit(COMPILED_BYTES)
        .dfa_size_limit(COMPILED_BYTES)
        .build()
}

/// The parser draws a picture of several lines; the last one says what is wrong.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or(message).trim();
    line.trim_start_matches("error: ").to_owned()
}
