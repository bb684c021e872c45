//! `journalctl -o export`: one entry in many lines, each a field.

use std::borrow::Cow;

use memchr::memchr;

use crate::record::frame::NAME;
use crate::record::{Time, Times, Who};

/// One entry so far.
#[derive(Debug, Default)]
pub(super) struct Export {
    pub(super) message: Option<Vec<u8>>,
    pub(super) time: Option<Time>,
    pub(super) who: Option<Who<'static>>,
}

/// What a line was.
pub(super) enum Seen {
    Field,
    /// The name of a field whose value follows with its size in front.
    Binary(Vec<u8>),
    End,
    /// Not of this format.
    Foreign,
}

/// No field that matters has a longer name.
const LONGEST_KEY: usize = 64;

impl Export {
    /// An entry begins: its first field is always the cursor.
    pub(super) fn starts(line: &[u8]) -> bool {
        line.starts_with(b"__CURSOR=")
    }

    pub(super) fn line(&mut self, line: &[u8], times: &mut Times) -> Seen {
        if line.is_empty() {
            return Seen::End;
        }
        let head = &line[..line.len().min(LONGEST_KEY)];
        let equals = memchr(b'=', head);
        let key = &line[..equals.unwrap_or(line.len())];
        let name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        if key.is_empty() || key.len() > LONGEST_KEY || !key.iter().all(name) {
            return Seen::Foreign;
        }
        match equals {
            Some(at) => {
                self.field(key, &line[at + 1..], times);
                Seen::Field
            }
            None => Seen::Binary(key.to_vec()),
        }
    }

    pub(super) fn field(&mut self, key: &[u8], value: &[u8], times: &mut Times) {
        let mut who = |pod: bool| {
            let who = self.who.get_or_insert(Who {
                namespace: None,
                pod: Cow::Borrowed(b""),
                container: None,
            });
            let value = Cow::Owned(value[..value.len().min(NAME)].to_vec());
            if pod {
                who.pod = value;
            } else {
                who.container = Some(value);
            }
        };
        match key {
            b"MESSAGE" => self.message = Some(value.trim_ascii_end().to_vec()),
            b"__REALTIME_TIMESTAMP" => self.time = times.value(value),
            b"_HOSTNAME" => who(true),
            b"SYSLOG_IDENTIFIER" | b"CONTAINER_NAME" => who(false),
            _ => {}
        }
    }
}
