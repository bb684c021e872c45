//! Who may ask.
//!
//! A bearer token, users with bcrypt hashes, or client certificates (checked where TLS is). Browsers
//! cannot send a bearer token, so it is also taken as the password of any user.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::rates::ByAddress;
use super::{Peer, Web};
use crate::serve::clock;
use crate::serve::config::{Config, OpenToAll, Rate, Secret};

/// Wrong credentials an address may show before it has to wait.
const TRIES: Rate = Rate {
    per_second: 0.2,
    burst: 10.0,
};
/// Pages and API: what a person or a dashboard asks for, and then some.
const ASKING: Rate = Rate {
    per_second: 50.0,
    burst: 200.0,
};
/// Credentials that were found right, since bcrypt is slow on purpose.
const REMEMBERED: usize = 64;

/// What is asked of whoever asks.
#[derive(Debug)]
pub(in crate::serve) struct Guard {
    /// Nobody is asked for anything, and only this host can reach us: then a page of a stranger in a
    /// browser here must not reach us under a name of its own.
    local_only: bool,
    asks: bool,
    right: Mutex<BTreeSet<[u8; 32]>>,
    tries: Mutex<ByAddress>,
    asking: Mutex<ByAddress>,
}

impl Guard {
    pub(in crate::serve) fn new(config: &Config) -> Self {
        let tokens = config.web.bearer_token_file.is_some();
        let asks = tokens || !config.web.file.basic_auth_users.is_empty();
        let open = config.open_to_all == OpenToAll::Said;
        Self {
            local_only: !config.asks_for_credentials() && config.listen.ip().is_loopback() && !open,
            asks,
            right: Mutex::default(),
            tries: Mutex::new(ByAddress::new(TRIES)),
            asking: Mutex::new(ByAddress::new(ASKING)),
        }
    }

    async fn knows(&self, web: &Web, headers: &HeaderMap) -> bool {
        let Some(given) = headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
        else {
            return false;
        };
        let config = &web.app.config.web;
        let basic = given.strip_prefix("Basic ").and_then(decode_basic);
        if let Some(path) = &config.bearer_token_file
            && let Ok(token) = Secret::File(path.clone()).read()
        {
            let bearer = given.strip_prefix("Bearer ");
            let shown = bearer.or(basic.as_ref().map(|(_, password)| password.as_str()));
            if shown.is_some_and(|shown| same(shown.trim(), &token)) {
                return true;
            }
        }
        let Some((user, password)) = basic else {
            return false;
        };
        let Some(hash) = config.file.basic_auth_users.get(&user).cloned() else {
            return false;
        };
        let mut digest = Sha256::new();
        for part in [hash.as_bytes(), user.as_bytes(), password.as_bytes()] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let digest: [u8; 32] = digest.finalize().into();
        if self
            .right
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&digest)
        {
            return true;
        }
        let verified = web
            .app
            .blocking(move |_| bcrypt::verify(password, &hash).unwrap_or(false))
            .await;
        if verified {
            let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
            if right.len() >= REMEMBERED {
                right.clear();
            }
            right.insert(digest);
        }
        verified
    }
}

/// Lets a request through, or not.
pub(super) async fn check(State(web): State<Web>, request: Request<Body>, next: Next) -> Response {
    let guard: Arc<Guard> = web.guard.clone();
    let path = request.uri().path();
    // Probes of a kubelet have no credentials, and these say nothing.
    if path.starts_with("/-/") {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    if guard.local_only && !is_local(request.headers()) {
        return (StatusCode::FORBIDDEN, "rdiag listens for this host only\n").into_response();
    }
    let within = |rates: &Mutex<ByAddress>| {
        peer.is_none_or(|peer| {
            rates
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(peer, clock::instant())
        })
    };
    if guard.asks && !guard.knows(&web, request.headers()).await {
        web.app.metrics.unauthorized();
        let code = if within(&guard.tries) {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::TOO_MANY_REQUESTS
        };
        let mut response = (code, "who are you?\n").into_response();
        let ask = HeaderValue::from_static("Basic realm=\"rdiag\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
        return response;
    }
    // The webhook has its own limit, which answers what Alertmanager retries.
    if path != "/webhook" && !within(&guard.asking) {
        web.app.metrics.limited();
        return (StatusCode::TOO_MANY_REQUESTS, "too many requests\n").into_response();
    }
    if request.method() == Method::POST && path != "/webhook" && is_cross_site(request.headers()) {
        return (StatusCode::FORBIDDEN, "not from another site\n").into_response();
    }
    next.run(request).await
}

fn same(a: &str, b: &str) -> bool {
    let (a, b) = (Sha256::digest(a.as_bytes()), Sha256::digest(b.as_bytes()));
    a.as_slice().ct_eq(b.as_slice()).into()
}

/// Whether the name by which we were reached is one of this host.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// A form of another site, as its browser tells.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return !["same-origin", "none"].contains(&site);
    }
    let (Some(origin), Some(host)) = (text("origin"), text("host")) else {
        return false;
    };
    origin.split_once("://").map(|(_, host)| host) != Some(host)
}

/// User and password of `Basic` credentials.
fn decode_basic(text: &str) -> Option<(String, String)> {
    let bytes = decode_base64(text.trim())?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut have) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have & 0xff) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn credentials_of_browsers() {
        assert_eq!(
            decode_basic("YWxpY2U6czNjcmV0Ong="),
            Some(("alice".into(), "s3cret:x".into()))
        );
        assert_eq!(decode_basic("!!"), None);
        assert_eq!(decode_basic("YWxpY2U="), None);
    }

    #[test]
    fn names_of_this_host() {
        for (host, local) in [
            ("localhost:9099", true),
            ("127.0.0.1", true),
            ("[::1]:9099", true),
            ("rebound.example:9099", false),
            ("10.0.0.1", false),
        ] {
            let headers: HeaderMap = [(header::HOST, host.parse().unwrap())]
                .into_iter()
                .collect();
            assert_eq!(is_local(&headers), local, "{host}");
        }
    }

    #[test]
    fn forms_of_other_sites() {
        for (pairs, cross) in [
            (&[("host", "a:1"), ("origin", "http://a:1")][..], false),
            (&[("host", "a:1"), ("origin", "http://b")], true),
            (&[("host", "a:1"), ("origin", "null")], true),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("host", "a:1")], false),
        ] {
            assert_eq!(is_cross_site(&headers(pairs)), cross, "{pairs:?}");
        }
    }
}
