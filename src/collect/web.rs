//! Clients for what others serve over HTTP.

use reqwest::{Certificate, Client, ClientBuilder, Error};

/// The client that `builder` describes. It trusts whom the system trusts; where there is no system, as in an image
/// that holds the program alone, those whom Mozilla does.
///
/// # Errors
/// When no client can be made.
pub fn client(builder: impl Fn() -> ClientBuilder) -> Result<Client, Error> {
    // A second call finds it installed; that is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Without a single authority the system's verifier cannot be made, not even for plain HTTP.
    builder().build().or_else(|_| {
        let built_in = built_in_roots().filter_map(|der| Certificate::from_der(der).ok());
        builder().tls_certs_only(built_in).build()
    })
}

/// Whether the system trusts anybody.
#[must_use]
pub fn system_has_roots() -> bool {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().build().is_ok()
}

/// The certificates of those whom Mozilla trusts, DER.
pub fn built_in_roots() -> impl Iterator<Item = &'static [u8]> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| der.as_ref())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_built_in_roots_make_a_client() {
        assert!(built_in_roots().count() > 50);
        let all = built_in_roots().map(|der| Certificate::from_der(der).unwrap());
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder().tls_certs_only(all).build().unwrap();
        client(Client::builder).unwrap();
    }
}
