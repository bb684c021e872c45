//! Who may ask: users, certificates; and what is said before anything starts.

use std::process::{Command, Stdio};

use rdiag::serve::config::{read_file, read_web_file};
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::*;

/// A certificate authority with a server's and a client's certificate, in files.
struct Authority {
    roots: rustls::RootCertStore,
    client: (
        Vec<rustls::pki_types::CertificateDer<'static>>,
        rustls::pki_types::PrivateKeyDer<'static>,
    ),
}

fn authority(folder: &Path) -> Authority {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut about = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = about.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(about, key);
    let signed = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let about = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        (about.signed_by(&key, &issuer).unwrap(), key)
    };
    let (server, server_key) = signed("localhost");
    let (client, client_key) = signed("prometheus");
    fs::write(folder.join("ca.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), server_key.serialize_pem()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(client_key.serialize_der()).unwrap();
    Authority {
        roots,
        client: (vec![client.der().clone()], key),
    }
}

/// The status of a request over TLS; 0 when there is no answer.
async fn ask_tls(
    at: SocketAddr,
    authority: &Authority,
    with_certificate: bool,
    headers: &str,
) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.roots.clone());
    let tls = if with_certificate {
        builder
            .with_client_auth_cert(authority.client.0.clone(), authority.client.1.clone_key())
            .unwrap()
    } else {
        builder.with_no_client_auth()
    };
    let stream = TcpStream::connect(at).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let Ok(mut stream) = TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await
    else {
        return 0;
    };
    let request = format!(
        "GET /api/v1/incidents HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
    );
    if stream.write_all(request.as_bytes()).await.is_err() {
        return 0;
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    text.split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

#[tokio::test]
async fn certificates_and_users_of_a_web_configuration() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    let hash = bcrypt::hash("s3cret", 4).unwrap();
    for (tls, users, with_certificate, headers, expected) in [
        (
            "client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem",
            "",
            true,
            "",
            200,
        ),
        (
            "client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem",
            "",
            false,
            "",
            0,
        ),
        (
            "client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem",
            "",
            false,
            "",
            200,
        ),
        ("min_version: TLS13", "alice", false, "", 401),
        // alice:s3cret, twice: bcrypt, then what is remembered.
        (
            "min_version: TLS13",
            "alice",
            false,
            "authorization: Basic YWxpY2U6czNjcmV0\r\n",
            200,
        ),
        (
            "min_version: TLS13",
            "alice",
            false,
            "authorization: Basic YWxpY2U6d3Jvbmc=\r\n",
            401,
        ),
    ] {
        let file = folder.path().join("web.yaml");
        let mut text = format!(
            "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  {tls}\n"
        );
        if !users.is_empty() {
            text.push_str(&format!("basic_auth_users:\n  {users}: {hash}\nhttp_server_config:\n  headers:\n    X-Extra: yes\n"));
        }
        fs::write(&file, text).unwrap();
        let mut closed = config(folder.path());
        closed.web = Web {
            file: read_web_file(&file).unwrap(),
            folder: folder.path().to_owned(),
            ..Web::default()
        };
        assert!(rdiag::serve::check(&closed).is_empty());
        let server = Server::start(closed, PACK.clone()).await.unwrap();
        for _ in 0..2 {
            let got = ask_tls(server.address(), &authority, with_certificate, headers).await;
            assert_eq!(got, expected, "{tls} {users} {headers}");
        }
        // Without TLS there is no answer.
        assert_ne!(ask(server.address(), "GET /", b"").await.0, 200);
        server.stop().await;
    }
}

#[test]
fn settings_are_checked_before_anything_starts() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("good.yaml"), format!("external_url: http://rdiag.test/\nwebhooks: [{{name: a, url: http://b.test/}}]\nslack: [{{name: s, webhook_url_file: {}}}]\n", at("url").display())).unwrap();
    fs::write(at("url"), "https://hooks.slack.test/x\n").unwrap();
    fs::write(at("web.yaml"), "basic_auth_users: {alice: plain}\n").unwrap();
    fs::write(
        at("twice.yaml"),
        "webhooks: [{name: a, url: http://b.test/}, {name: a, url: http://c.test/}]\n",
    )
    .unwrap();
    fs::write(at("odd.yaml"), "receivers: []\n").unwrap();
    fs::write(
        at("inline.yaml"),
        "slack: [{name: s, webhook_url: https://x}]\n",
    )
    .unwrap();
    assert_eq!(read_file(&at("good.yaml")).unwrap().receivers.len(), 2);
    let bundle = super::bundle(folder.path());
    let check = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_rdiag"))
            .args(["serve", "--check-config", "--data-dir"])
            .arg(at("data"))
            .arg(format!("--source=bundle:{}", bundle.display()))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), said)
    };
    let path = |name: &str| at(name).display().to_string();
    for (arguments, code, words) in [
        (
            vec!["--config.file".to_owned(), path("good.yaml")],
            0,
            "2 receivers",
        ),
        (
            vec!["--config.file".to_owned(), path("twice.yaml")],
            2,
            "two receivers are called",
        ),
        (
            vec!["--config.file".to_owned(), path("odd.yaml")],
            2,
            "receivers",
        ),
        // Secrets are not written into the file.
        (
            vec!["--config.file".to_owned(), path("inline.yaml")],
            2,
            "webhook_url",
        ),
        (
            vec!["--config.file".to_owned(), path("none.yaml")],
            2,
            "none.yaml",
        ),
        (
            vec!["--web.config.file".to_owned(), path("web.yaml")],
            2,
            "bcrypt",
        ),
        (
            vec!["--listen".to_owned(), "0.0.0.0:9099".to_owned()],
            2,
            "can be reached by others",
        ),
        (
            vec![
                "--listen".to_owned(),
                "0.0.0.0:9099".to_owned(),
                "--web.insecure".to_owned(),
            ],
            0,
            "can work",
        ),
        (
            vec!["--web.bearer-token-file".to_owned(), path("none")],
            2,
            "none",
        ),
        (
            vec!["--external-url".to_owned(), "ftp://x".to_owned()],
            2,
            "external URL",
        ),
        (
            vec!["--source".to_owned(), "bundle:/nowhere".to_owned()],
            2,
            "cannot be used multiple times",
        ),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (got, said) = check(&arguments);
        assert_eq!(got, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    assert!(!at("data").exists(), "checking leaves nothing behind");
}
