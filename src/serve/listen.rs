//! Takes connections: limits and deadlines for each, TLS where it is asked for.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::config::{ClientAuth, TlsFile};
use super::http::Peer;
use crate::limits;

/// Why TLS cannot be had as asked for.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of certificates or the key cannot be read.
    #[error("could not read {}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// The parts do not fit together.
    #[error("could not use the certificates")]
    Rustls(#[from] rustls::Error),
    /// The certificates of clients cannot be checked.
    #[error("could not use the certificates that sign those of clients")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// Unknown version.
    #[error("min_version {0:?} is not TLS12 or TLS13")]
    Version(String),
}

/// Who does not send the head of a request in this time is cut off.
const HEAD: Duration = Duration::from_secs(10);
/// Time that requests in hand have when the server stops.
const LAST: Duration = Duration::from_secs(5);

/// Serves until `stop`, then lets requests in hand finish.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            _ = stop.changed() => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        // Those that have ended are let go.
        while open.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                let (tls, router, stop) = (tls.clone(), router.clone(), stop.clone());
                open.spawn(async move {
                    connection(stream, peer, tls, router, stop).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: those that end make room.
                tracing::warn!(err = %error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let _ = timeout(LAST, async { while open.join_next().await.is_some() {} }).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    // Answers are small and awaited.
    let _ = stream.set_nodelay(true);
    match tls {
        None => http(stream, peer, router, stop).await,
        Some(tls) => match timeout(HEAD, tls.accept(stream)).await {
            Ok(Ok(stream)) => http(stream, peer, router, stop).await,
            Ok(Err(error)) => tracing::debug!(peer = %peer, err = %error, "TLS was not agreed on"),
            Err(_) => tracing::debug!(peer = %peer, "TLS took too long"),
        },
    }
}

async fn http<S>(stream: S, peer: SocketAddr, router: Router, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request
            .extensions_mut()
            .insert(Peer(peer.ip().to_canonical()));
        router.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(limits::HEAD_BYTES);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %peer, err = %error, "a connection ended early");
    }
}

/// Binds the address.
pub(super) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// TLS as the web configuration file asks for; its paths are relative to `folder`.
pub(super) fn acceptor(file: &TlsFile, folder: &Path) -> Result<TlsAcceptor, TlsError> {
    let versions: &[&rustls::SupportedProtocolVersion] = match file.min_version.as_deref() {
        None | Some("TLS12") => &[&rustls::version::TLS13, &rustls::version::TLS12],
        Some("TLS13") => &[&rustls::version::TLS13],
        Some(other) => return Err(TlsError::Version(other.to_owned())),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions)?;
    let builder = match (&file.client_ca_file, file.client_auth_type) {
        (
            Some(path),
            ClientAuth::RequireAndVerifyClientCert | ClientAuth::VerifyClientCertIfGiven,
        ) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(&folder.join(path))? {
                roots.add(certificate)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match file.client_auth_type {
                ClientAuth::VerifyClientCertIfGiven => verifier.allow_unauthenticated(),
                _ => verifier,
            };
            builder.with_client_cert_verifier(verifier.build()?)
        }
        _ => builder.with_no_client_auth(),
    };
    let chain = certificates(&folder.join(&file.cert_file))?;
    let path = folder.join(&file.key_file);
    let key =
        PrivateKeyDer::from_pem_file(&path).map_err(|source| TlsError::Pem { path, source })?;
    Ok(TlsAcceptor::from(Arc::new(
        builder.with_single_cert(chain, key)?,
    )))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::Pem {
        path: path.to_owned(),
        source,
    };
    CertificateDer::pem_file_iter(path)
        .map_err(failed)?
        .collect::<Result<_, _>>()
        .map_err(failed)
}
