//! Requests to a store: credentials, tenants, attempts, bounded answers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::{Kind, Store, StoreError};
use crate::collect::api::escape;
use crate::collect::connect::root;
use crate::collect::web;
use crate::limits;

/// How long one query may take: stores cut their own off after one to five minutes.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Credentials for a store. What is in files is read when it is first used.
#[derive(Clone, Default)]
pub struct Login {
    /// A file that holds a bearer token.
    pub token_file: Option<PathBuf>,
    /// A bearer token.
    pub token: Option<String>,
    /// Name for basic authentication.
    pub user: Option<String>,
    /// A file that holds its password.
    pub password_file: Option<PathBuf>,
    /// Its password.
    pub password: Option<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

impl Login {
    fn header(&self) -> Result<Option<HeaderValue>, StoreError> {
        let read = |file: &PathBuf| {
            let attempt = |e| StoreError::Login(format!("could not read {}: {e}", file.display()));
            let text = std::fs::read_to_string(file).map_err(attempt)?;
            Ok::<_, StoreError>(text.trim().to_owned())
        };
        let text = if let Some(file) = &self.token_file {
            format!("Bearer {}", read(file)?)
        } else if let Some(token) = &self.token {
            format!("Bearer {token}")
        } else if let Some(user) = &self.user {
            let password = match (&self.password_file, &self.password) {
                (Some(file), _) => read(file)?,
                (None, Some(password)) => password.clone(),
                (None, None) => String::new(),
            };
            format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
        } else {
            return Ok(None);
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| StoreError::Login("the credentials hold odd characters".to_owned()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// A client of one store.
pub(super) struct Client {
    inner: reqwest::Client,
    url: String,
    requests: AtomicU64,
}

/// An answer that is not an error of the network.
pub(super) enum Answer {
    /// All of it.
    Body(Vec<u8>),
    /// It is larger than any that is read.
    TooLarge,
}

impl Client {
    pub(super) fn new(store: &Store) -> Result<Self, StoreError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = store.login.header()? {
            headers.insert(AUTHORIZATION, value);
        }
        for (name, value) in tenant(store)? {
            headers.insert(HeaderName::from_static(name), value);
        }
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        let builder = || {
            reqwest::Client::builder()
                .default_headers(headers.clone())
                .connect_timeout(Duration::from_secs(10))
                .timeout(TIMEOUT)
        };
        let inner = web::client(builder)
            .map_err(|e| StoreError::Login(format!("no client can be made: {}", root(&e))))?;
        Ok(Self {
            inner,
            url: store.url.trim_end_matches('/').to_owned(),
            requests: AtomicU64::new(0),
        })
    }

    /// Requests made so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Posts a form, as often as the store puts it off. Queries are longer than an address may be.
    pub(super) async fn ask(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Answer, StoreError> {
        let pairs: Vec<String> = form
            .iter()
            .map(|(key, value)| format!("{key}={}", escape(value)))
            .collect();
        let body = pairs.join("&");
        let mut attempt = 1;
        loop {
            let error = match self.once(path, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let passing = match &error {
                StoreError::Unreachable { .. } => true,
                StoreError::Refused { code, .. } => matches!(code, 429 | 500 | 502..=504),
                _ => false,
            };
            if !passing || attempt >= limits::COLLECT_ATTEMPTS {
                return Err(error);
            }
            let pause = Duration::from_millis(500) * 2_u32.pow(attempt);
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn once(&self, path: &str, body: String) -> Result<Answer, StoreError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let url = || shown(&self.url);
        let lost = |error: reqwest::Error| StoreError::Unreachable {
            url: url(),
            why: root(&error.without_url()),
        };
        let address = format!("{}{path}", self.url);
        let sent = self.inner.post(address).body(body).send().await;
        let mut response = sent.map_err(lost)?;
        let code = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > limits::STORE_ANSWER_BYTES {
                return Ok(Answer::TooLarge);
            }
        }
        if code.is_success() {
            return Ok(Answer::Body(bytes));
        }
        let said = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
        Err(StoreError::Refused {
            url: url(),
            code: code.as_u16(),
            why: said.trim().to_owned(),
        })
    }

    /// An answer that is small; one that is not is odd.
    pub(super) async fn small(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Vec<u8>, StoreError> {
        match self.ask(path, form).await? {
            Answer::Body(bytes) => Ok(bytes),
            Answer::TooLarge => Err(self.odd("it is too large")),
        }
    }

    pub(super) fn odd(&self, why: impl Into<String>) -> StoreError {
        StoreError::Odd {
            url: shown(&self.url),
            why: why.into(),
        }
    }
}

/// Headers that name the tenant.
fn tenant(store: &Store) -> Result<Vec<(&'static str, HeaderValue)>, StoreError> {
    let Some(tenant) = &store.tenant else {
        return Ok(Vec::new());
    };
    let odd = || StoreError::Login(format!("{tenant:?} cannot be the name of a tenant"));
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| odd());
    match store.kind {
        Kind::Loki => Ok(vec![("x-scope-orgid", value(tenant)?)]),
        Kind::VictoriaLogs => {
            let (account, project) = tenant.split_once(':').unwrap_or((tenant, "0"));
            let is_number = |text: &str| text.parse::<u32>().is_ok();
            if !is_number(account) || !is_number(project) {
                return Err(odd());
            }
            Ok(vec![
                ("accountid", value(account)?),
                ("projectid", value(project)?),
            ])
        }
    }
}

/// An address without the credentials it may hold.
pub(super) fn shown(url: &str) -> String {
    crate::collect::query::shown(url)
}

/// Base64 with padding (RFC 4648), for `Authorization: Basic`.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let three = [
            chunk[0],
            *chunk.get(1).unwrap_or(&0),
            *chunk.get(2).unwrap_or(&0),
        ];
        let word = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for n in 0..4 {
            let digit = (word >> (18 - 6 * n)) & 63;
            let is_there = n <= chunk.len();
            out.push(if is_there {
                char::from(DIGITS[digit as usize])
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("user:pass?>", "dXNlcjpwYXNzPz4="),
        ] {
            assert_eq!(base64(text.as_bytes()), expected, "{text}");
        }
    }
}
