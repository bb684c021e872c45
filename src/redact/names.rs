//! Pseudonyms for addresses and hosts, the same for as long as the table lives.
//!
//! They are numbered in the order of appearance rather than hashed: there are so few addresses that
//! any hash of them can be undone by trying all.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use regex::Regex;

use crate::limits;

/// Ends of names of hosts. A word with dots that ends otherwise is a file or a field.
const HOST: &str = r"(?-u:\b)(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:svc(?:\.[a-z0-9.-]*[a-z0-9])?|local|internal|lan|corp|intra|intranet|home|com|net|org|io|dev|cloud|app|co|eu|de|uk|fr|nl|us|ch|at|jp|cn|ru|br|in|au|ca|se|no|pl|it|es)(?-u:\b)";

/// Four or more groups of hexadecimal digits, or `::` among some.
const ADDRESS: &str = r"(?-u:\b)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?-u:\b)|\[?(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}\]?";

/// Public places that say nothing about whose system this is.
const PUBLIC: &[&str] = &[
    "kubernetes.io",
    "k8s.io",
    "github.com",
    "thanos.io",
    "prometheus.io",
    "golang.org",
    "go.dev",
    "quay.io",
    "docker.io",
    "gcr.io",
    "ghcr.io",
    "w3.org",
    "example.org",
];

/// The table.
#[derive(Debug, Default)]
pub(super) struct Pseudonyms {
    known: BTreeMap<String, String>,
    nodes: Vec<String>,
    counts: [usize; 3],
}

impl Pseudonyms {
    /// A node has this name.
    pub(super) fn learn_node(&mut self, name: &str) {
        if !name.is_empty()
            && !self.nodes.iter().any(|n| n == name)
            && self.nodes.len() < limits::PSEUDONYMS
        {
            self.nodes.push(name.to_owned());
        }
    }

    /// The text with pseudonyms; `None` if it names nothing.
    pub(super) fn replace(&mut self, text: &str) -> Option<String> {
        static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
        let pattern = PATTERN
            .get_or_init(|| Regex::new(&format!("{ADDRESS}|{HOST}")).ok())
            .as_ref()?;
        let mut out = String::new();
        let mut done = 0;
        for found in pattern.find_iter(text) {
            let name = found.as_str();
            let Some(pseudonym) = self.of(name) else {
                continue;
            };
            out.push_str(&text[done..found.start()]);
            out.push_str(&pseudonym);
            done = found.end();
        }
        let replaced = done > 0;
        out.push_str(&text[done..]);
        let with_nodes = self.nodes_of(&out);
        match with_nodes {
            Some(text) => Some(text),
            None => replaced.then_some(out),
        }
    }

    fn of(&mut self, name: &str) -> Option<String> {
        if name.contains(':') || name.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            let bare = name.trim_matches(['[', ']']);
            let address: IpAddr = bare.parse().ok()?;
            // Nobody is told by these.
            let plain = match address {
                IpAddr::V4(a) => a == Ipv4Addr::LOCALHOST || a == Ipv4Addr::UNSPECIFIED,
                IpAddr::V6(a) => a == Ipv6Addr::LOCALHOST || a == Ipv6Addr::UNSPECIFIED,
            };
            return (!plain).then(|| self.numbered(bare, "ip", 0));
        }
        let lower = name.to_ascii_lowercase();
        let public = PUBLIC.iter().any(|p| {
            lower == *p
                || lower
                    .strip_suffix(p)
                    .is_some_and(|rest| rest.ends_with('.'))
        });
        (!public).then(|| self.numbered(&lower, "host", 1))
    }

    fn nodes_of(&mut self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        let mut changed = false;
        for node in self.nodes.clone() {
            let part =
                |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '.');
            let mut from = 0;
            while let Some(found) = text[from..].find(&node) {
                let at = from + found;
                let end = at + node.len();
                if part(text[..at].chars().next_back()) || part(text[end..].chars().next()) {
                    from = end;
                    continue;
                }
                let pseudonym = self.numbered(&node, "node", 2);
                text.replace_range(at..end, &pseudonym);
                from = at + pseudonym.len();
                changed = true;
            }
        }
        changed.then_some(text)
    }

    /// Beyond the bound all share one name.
    fn numbered(&mut self, name: &str, kind: &str, count: usize) -> String {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        if self.known.len() >= limits::PSEUDONYMS {
            return format!("{kind}-other");
        }
        self.counts[count] += 1;
        let pseudonym = format!("{kind}-{}", self.counts[count]);
        self.known.insert(name.to_owned(), pseudonym.clone());
        pseudonym
    }
}
