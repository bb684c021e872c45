//! Labels written as in PromQL: `up{job="node"}`, `{__name__="up", job='node'}`.

/// Label names with their values, sorted by name in byte order, each name once.
pub type Labels = Vec<(String, String)>;

/// Why a text is not the labels of one series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}, at character {column} of the series")]
pub struct SeriesError {
    /// What is wrong.
    pub reason: String,
    /// Where, from 1.
    pub column: usize,
}

/// Reads the labels of one series.
///
/// The metric name may stand in front of the braces, or quoted as the first item inside them. Only
/// `=` makes sense, since one series is asked for. Labels with an empty value are dropped, as they
/// are the same as no label.
///
/// # Errors
/// [`SeriesError`] when the text is not a set of labels, a label repeats, or nothing is left.
pub fn parse_series(text: &str) -> Result<Labels, SeriesError> {
    let mut reader = Reader { text, at: 0 };
    let mut labels = reader.all()?;
    labels.sort();
    if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(reader.error(format!("label {} is given twice", pair[0].0)));
    }
    labels.retain(|(_, value)| !value.is_empty());
    if labels.is_empty() {
        return Err(reader.error("a series needs at least one label"));
    }
    Ok(labels)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn all(&mut self) -> Result<Labels, SeriesError> {
        let mut labels = Vec::new();
        self.space();
        if let Some(name) = self.word(true) {
            labels.push(("__name__".to_owned(), name));
            self.space();
            if self.peek().is_none() {
                return Ok(labels);
            }
        }
        self.expect('{')?;
        loop {
            self.space();
            if self.eat('}') {
                break;
            }
            labels.push(self.pair()?);
            self.space();
            if !self.eat(',') && self.peek() != Some('}') {
                return Err(self.error("expected , or }"));
            }
        }
        self.space();
        match self.peek() {
            None => Ok(labels),
            Some(_) => Err(self.error("nothing may follow the closing brace")),
        }
    }

    fn pair(&mut self) -> Result<(String, String), SeriesError> {
        let quoted = matches!(self.peek(), Some('"' | '\'' | '`'));
        let name = if quoted {
            self.quoted()?
        } else {
            self.word(false)
                .ok_or_else(|| self.error("expected a label name"))?
        };
        self.space();
        if quoted && matches!(self.peek(), Some(',' | '}')) {
            return Ok(("__name__".to_owned(), name));
        }
        if self.text[self.at..].starts_with("!=")
            || self.text[self.at..].starts_with("!~")
            || self.text[self.at..].starts_with("=~")
        {
            return Err(self.error("one series is asked for: only = can be used"));
        }
        self.expect('=')?;
        self.space();
        Ok((name, self.quoted()?))
    }

    fn word(&mut self, metric: bool) -> Option<String> {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || metric && c == ':'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.at += end;
        Some(word.to_owned())
    }

    fn quoted(&mut self) -> Result<String, SeriesError> {
        let quote = match self.peek() {
            Some(quote @ ('"' | '\'' | '`')) => quote,
            _ => return Err(self.error("expected a quoted value")),
        };
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let Some(c) = self.peek() else {
                return Err(self.error("the quote is not closed"));
            };
            self.at += c.len_utf8();
            if c == quote {
                break;
            }
            if c == '\\' && quote != '`' {
                self.escape(&mut bytes)?;
            } else {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        String::from_utf8(bytes).map_err(|_| self.error("the value is not UTF-8"))
    }

    /// What follows a backslash, with Go's rules: one letter, three octal digits, or x, u, U with
    /// two, four, eight hexadecimal ones.
    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), SeriesError> {
        let c = self
            .peek()
            .ok_or_else(|| self.error("the quote is not closed"))?;
        self.at += c.len_utf8();
        let byte = match c {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '\'' | '"' => c as u8,
            '0'..='7' => {
                self.at -= 1;
                let value = self.digits(3, 8)?;
                u8::try_from(value).map_err(|_| self.error("\\ooo is above 377"))?
            }
            'x' => u8::try_from(self.digits(2, 16)?).expect("two hexadecimal digits"),
            'u' | 'U' => {
                let value = self.digits(if c == 'u' { 4 } else { 8 }, 16)?;
                let c =
                    char::from_u32(value).ok_or_else(|| self.error("no such Unicode character"))?;
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.error("unknown escape")),
        };
        bytes.push(byte);
        Ok(())
    }

    fn digits(&mut self, count: usize, radix: u32) -> Result<u32, SeriesError> {
        let digits = self.text.get(self.at..self.at + count).unwrap_or_default();
        if !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(radix))
            && let Ok(value) = u32::from_str_radix(digits, radix)
        {
            self.at += count;
            return Ok(value);
        }
        Err(self.error(format!("expected {count} digits")))
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), SeriesError> {
        if self.eat(wanted) {
            Ok(())
        } else {
            Err(self.error(format!("expected {wanted}")))
        }
    }

    fn error(&self, reason: impl Into<String>) -> SeriesError {
        let column = self.text[..self.at].chars().count() + 1;
        SeriesError {
            reason: reason.into(),
            column,
        }
    }
}
