//! What a server is told: options, the configuration file, the web configuration file.
//!
//! Secrets are never in these files, only the names of files or environment variables that hold them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use serde::Deserialize;

use super::look::Policy;
use super::source::Source;
use crate::pack::Version;

/// A server's settings, resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The store's folder.
    pub data_dir: PathBuf,
    /// Where bundles come from.
    pub source: Source,
    /// Where alerts may make us look.
    pub policy: Policy,
    /// How others reach the pages, without a slash at the end; for links in notifications.
    pub external_url: Option<String>,
    /// How long bundles are kept.
    pub keep_bundles: Duration,
    /// How long closed incidents are kept.
    pub keep_incidents: Duration,
    /// Most bytes of the database.
    pub store_bytes: Option<u64>,
    /// Most webhook requests a second, and how many may come at once.
    pub rate: Rate,
    /// Version of pods whose own cannot be known.
    pub thanos_version: Option<Version>,
    /// Who may ask, and how.
    pub web: Web,
    /// Whether a non-loopback address may be served to everybody.
    pub open_to_all: OpenToAll,
    /// Who is told.
    pub receivers: Vec<Receiver>,
    /// Whether credentials are taken out of all that is kept, shown or sent.
    pub redact: bool,
}

/// Whether an address that others reach may be served without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenToAll {
    /// It was said explicitly.
    Said,
    /// Refuse to start.
    Refuse,
}

/// A rate with a burst.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Per second.
    pub per_second: f64,
    /// At once.
    pub burst: f64,
}

/// Who may ask, and how.
#[derive(Clone, Debug, Default)]
pub struct Web {
    /// File of the bearer token; read at each request, so that it can be replaced.
    pub bearer_token_file: Option<PathBuf>,
    /// The web configuration file.
    pub file: WebFile,
    /// Paths in that file are relative to this folder.
    pub folder: PathBuf,
}

/// The web configuration file, in the form of Prometheus' exporter toolkit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebFile {
    /// TLS.
    pub tls_server_config: Option<TlsFile>,
    /// Headers.
    pub http_server_config: HttpFile,
    /// User to bcrypt hash.
    pub basic_auth_users: BTreeMap<String, String>,
}

/// Settings of HTTP.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpFile {
    /// Headers added to every answer.
    pub headers: BTreeMap<String, String>,
    /// Accepted for compatibility; HTTP/1.1 is all that is served.
    pub http2: Option<bool>,
}

/// Settings of TLS.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFile {
    /// Chain, PEM.
    pub cert_file: PathBuf,
    /// Key, PEM.
    pub key_file: PathBuf,
    /// Whether clients show certificates.
    #[serde(default)]
    pub client_auth_type: ClientAuth,
    /// Who signs those, PEM.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
    /// `TLS12` or `TLS13`.
    #[serde(default)]
    pub min_version: Option<String>,
}

/// Whether clients show certificates; the words are those of Go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ClientAuth {
    /// No.
    #[default]
    NoClientCert,
    /// If they have one it must be right.
    VerifyClientCertIfGiven,
    /// They must, and it must be right.
    RequireAndVerifyClientCert,
}

/// Somebody who is told.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Unique name, as in the outbox.
    pub name: String,
    /// How.
    pub way: Way,
}

/// How somebody is told.
#[derive(Clone, Debug)]
pub enum Way {
    /// Slack's incoming webhook: the address is the secret.
    SlackWebhook {
        /// The address.
        url: Secret,
    },
    /// Slack's API, with threads.
    SlackBot {
        /// The token.
        token: Secret,
        /// Channel id or name.
        channel: String,
        /// The API.
        api_url: String,
    },
    /// Any address that takes JSON.
    Webhook {
        /// The address.
        url: Secret,
        /// A token to send along.
        bearer: Option<Secret>,
    },
    /// E-mail by SMTP.
    Email(Email),
}

/// E-mail by SMTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Unique name.
    pub name: String,
    /// `host:port` of the server.
    pub smarthost: String,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: SmtpTls,
    /// Sender.
    pub from: String,
    /// Receivers.
    pub to: Vec<String>,
    /// User at the server.
    #[serde(default)]
    pub username: Option<String>,
    /// File of that user's password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Environment variable of that user's password.
    #[serde(default)]
    pub password_env: Option<String>,
}

/// How a connection to an SMTP server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// TLS after STARTTLS, or not at all.
    #[default]
    Starttls,
    /// TLS from the start.
    Wrapped,
    /// None; for a server on the same host.
    None,
}

/// Something that is in a file, in the environment, or not secret at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In a file; read at each use, so that it can be replaced.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
    /// Written down: addresses of webhooks that ask for no secret.
    Plain(String),
}

impl Secret {
    /// Its value.
    ///
    /// # Errors
    /// When the file or variable is not there; the message never holds the secret.
    pub fn read(&self) -> Result<String, String> {
        let value = match self {
            Self::File(path) => {
                fs::read_to_string(path).map_err(|e| format!("reading {}: {e}", path.display()))?
            }
            Self::Env(name) => {
                env::var(name).map_err(|_| format!("the environment has no {name}"))?
            }
            Self::Plain(value) => value.clone(),
        };
        let value = value.trim().to_owned();
        if value.is_empty() {
            Err("it is empty".to_owned())
        } else {
            Ok(value)
        }
    }
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    external_url: Option<String>,
    slack: Vec<SlackFile>,
    webhooks: Vec<WebhookFile>,
    email: Vec<Email>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlackFile {
    name: String,
    webhook_url_file: Option<PathBuf>,
    webhook_url_env: Option<String>,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
    channel: Option<String>,
    #[serde(default = "slack_api")]
    api_url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookFile {
    name: String,
    url: Option<String>,
    url_file: Option<PathBuf>,
    url_env: Option<String>,
    bearer_token_file: Option<PathBuf>,
    bearer_token_env: Option<String>,
}

fn slack_api() -> String {
    "https://slack.com/api".to_owned()
}

/// What the configuration file says.
#[derive(Clone, Debug, Default)]
pub struct FileConfig {
    /// How others reach the pages.
    pub external_url: Option<String>,
    /// Who is told.
    pub receivers: Vec<Receiver>,
}

/// Reads the configuration file.
///
/// # Errors
/// When it cannot be read or is wrong; the message names the file, the line and the reason.
pub fn read_file(path: &Path) -> Result<FileConfig, String> {
    let file: File = yaml(path)?;
    let mut receivers = Vec::new();
    for slack in file.slack {
        receivers.push(slack_receiver(slack)?);
    }
    for hook in file.webhooks {
        let missing = format!(
            "webhooks: {}: one of url, url_file, url_env is needed",
            hook.name
        );
        let url = match hook.url {
            Some(url) if hook.url_file.is_none() && hook.url_env.is_none() => Secret::Plain(url),
            Some(_) => return Err(missing),
            None => secret(hook.url_file, hook.url_env).ok_or(missing)?,
        };
        let bearer = secret(hook.bearer_token_file, hook.bearer_token_env);
        receivers.push(Receiver {
            name: hook.name,
            way: Way::Webhook { url, bearer },
        });
    }
    for email in file.email {
        if email.to.is_empty() {
            return Err(format!("email: {}: `to` is empty", email.name));
        }
        receivers.push(Receiver {
            name: email.name.clone(),
            way: Way::Email(email),
        });
    }
    let mut names: Vec<&str> = receivers.iter().map(|r| r.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("two receivers are called {:?}", twice[0]));
    }
    let external_url = file
        .external_url
        .map(|url| url.trim_end_matches('/').to_owned());
    Ok(FileConfig {
        external_url,
        receivers,
    })
}

/// Reads the web configuration file.
///
/// # Errors
/// As for [`read_file`].
pub fn read_web_file(path: &Path) -> Result<WebFile, String> {
    let file: WebFile = yaml(path)?;
    if let Some(tls) = &file.tls_server_config
        && tls.client_auth_type != ClientAuth::NoClientCert
        && tls.client_ca_file.is_none()
    {
        return Err(format!(
            "{}: client_auth_type needs client_ca_file",
            path.display()
        ));
    }
    Ok(file)
}

impl Config {
    /// Whether whoever asks must show who they are.
    #[must_use]
    pub fn asks_for_credentials(&self) -> bool {
        let tls = self.web.file.tls_server_config.as_ref();
        let certificate =
            tls.is_some_and(|tls| tls.client_auth_type == ClientAuth::RequireAndVerifyClientCert);
        certificate
            || self.web.bearer_token_file.is_some()
            || !self.web.file.basic_auth_users.is_empty()
    }

    /// Everything that is wrong and can be known without starting.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.listen.ip().is_loopback()
            && !self.asks_for_credentials()
            && self.open_to_all == OpenToAll::Refuse
        {
            found.push(format!(
                "{} can be reached by others: give --web.bearer-token-file, or --web.config.file with basic_auth_users \
                 or client certificates; or say --web.insecure",
                self.listen
            ));
        }
        if let Some(path) = &self.web.bearer_token_file
            && let Err(why) = Secret::File(path.clone()).read()
        {
            found.push(format!("--web.bearer-token-file: {why}"));
        }
        if let Source::Bundle(path) = &self.source
            && !path.exists()
        {
            found.push(format!("--source: {} is not there", path.display()));
        }
        for receiver in &self.receivers {
            for secret in receiver.way.secrets() {
                if let Err(why) = secret.read() {
                    found.push(format!("receiver {}: {why}", receiver.name));
                }
            }
        }
        if let Some(url) = &self.external_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            found.push(format!(
                "external URL {url:?} does not begin with http:// or https://"
            ));
        }
        for hash in self.web.file.basic_auth_users.values() {
            if !hash.starts_with("$2") {
                found.push("basic_auth_users: a value is no bcrypt hash".to_owned());
            }
        }
        found
    }
}

impl Way {
    /// All secrets it takes.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::SlackWebhook { url } => vec![url.clone()],
            Self::SlackBot { token, .. } => vec![token.clone()],
            Self::Webhook { url, bearer } => [url].into_iter().chain(bearer).cloned().collect(),
            Self::Email(email) => email.password().into_iter().collect(),
        }
    }

    /// One word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::SlackWebhook { .. } => "slack webhook",
            Self::SlackBot { .. } => "slack",
            Self::Webhook { .. } => "webhook",
            Self::Email(_) => "email",
        }
    }
}

impl Email {
    /// The password, if there is one.
    #[must_use]
    pub fn password(&self) -> Option<Secret> {
        secret(self.password_file.clone(), self.password_env.clone())
    }
}

fn slack_receiver(file: SlackFile) -> Result<Receiver, String> {
    let hook = secret(file.webhook_url_file, file.webhook_url_env);
    let token = secret(file.token_file, file.token_env);
    let way = match (hook, token, file.channel) {
        (Some(url), None, _) => Way::SlackWebhook { url },
        (None, Some(token), Some(channel)) => Way::SlackBot {
            token,
            channel,
            api_url: file.api_url.trim_end_matches('/').to_owned(),
        },
        _ => {
            return Err(format!(
                "slack: {}: give either webhook_url_file or webhook_url_env, or token_file or token_env with channel",
                file.name
            ));
        }
    };
    Ok(Receiver {
        name: file.name,
        way,
    })
}

fn secret(file: Option<PathBuf>, env: Option<String>) -> Option<Secret> {
    file.map(Secret::File).or(env.map(Secret::Env))
}

fn yaml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("reading {}: {e}", path.display()))?;
    serde_saphyr::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}
