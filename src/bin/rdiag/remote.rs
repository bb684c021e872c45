//! `s3://BUCKET/PREFIX` and `file:///FOLDER`: archives of logs, and summaries, in an object store.
//!
//! Credentials, region and endpoint come from the environment, as for other programs that speak S3:
//! `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`, `AWS_ALLOW_HTTP`, a web
//! identity, or the instance's role.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::client::{HttpClient, HttpConnector, ReqwestConnector};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ClientConfigKey, ClientOptions, ObjectStore, ObjectStoreExt as _};

use crate::diagnose::chain;
use crate::output::Failure;
use rdiag::bundle::Part;
use rdiag::collect::web;
use rdiag::limits;

/// How objects are asked for: as the library does it, and where the system trusts nobody by our own client.
#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        ReqwestConnector::default().connect(options).or_else(|_| {
            let plain = options.get_config_value(&ClientConfigKey::AllowHttp);
            let own = web::client(|| {
                reqwest::Client::builder()
                    .https_only(plain.as_deref() != Some("true"))
                    .connect_timeout(Duration::from_secs(5))
                    .timeout(Duration::from_secs(30))
            });
            own.map(HttpClient::new)
                .map_err(|source| object_store::Error::Generic {
                    store: "S3",
                    source: source.into(),
                })
        })
    }
}

/// A place in an object store.
pub(crate) struct Remote {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    url: String,
}

/// Whether `path` names a place in an object store.
pub(crate) fn is_remote(path: &Path) -> bool {
    let text = path.to_string_lossy();
    ["s3://", "file://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

impl Remote {
    /// The place that `url` names.
    pub(crate) fn open(url: &Path) -> Result<Self, Failure> {
        let url = url.to_string_lossy().into_owned();
        let wrong = |e: &dyn std::error::Error| Failure::Usage(format!("{url}: {}", chain(e)));
        if let Some(folder) = url.strip_prefix("file://") {
            let store = LocalFileSystem::new().with_automatic_cleanup(false);
            return Ok(Self {
                store: Arc::new(store),
                prefix: Key::from_absolute_path(folder).map_err(|e| wrong(&e))?,
                url,
            });
        }
        let rest = url.strip_prefix("s3://").unwrap_or(&url);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Failure::Usage(format!(
                "{url} names no bucket; write s3://BUCKET/PREFIX"
            )));
        }
        let store = AmazonS3Builder::from_env()
            .with_http_connector(Connector)
            .with_bucket_name(bucket)
            .build()
            .map_err(|e| wrong(&e))?;
        Ok(Self {
            store: Arc::new(store),
            prefix: Key::parse(prefix.trim_matches('/')).map_err(|e| wrong(&e))?,
            url,
        })
    }

    /// Objects below the place, by their keys below it, sorted; the object itself under its own name.
    async fn list(&self) -> Result<Vec<(String, Key, u64)>, Failure> {
        let mut found = Vec::new();
        let mut listing = self.store.list(Some(&self.prefix));
        while let Some(object) = listing.next().await {
            let object = object.map_err(|e| self.failed("list", &e))?;
            let below = object.location.prefix_match(&self.prefix);
            let parts: Vec<String> = below.map_or_else(Vec::new, |parts| {
                parts.map(|p| p.as_ref().to_owned()).collect()
            });
            if parts.iter().any(|part| part.starts_with('.')) {
                continue;
            }
            if found.len() >= limits::BUNDLE_FILES {
                let text = format!(
                    "{} holds more than {} objects",
                    self.url,
                    limits::BUNDLE_FILES
                );
                return Err(Failure::Job(text));
            }
            found.push((parts.join("/"), object.location, object.size));
        }
        if found.is_empty()
            && let Ok(object) = self.store.head(&self.prefix).await
        {
            let name = self.prefix.filename().unwrap_or("object").to_owned();
            found.push((name, object.location, object.size));
        }
        found.sort();
        Ok(found)
    }

    /// Copies the objects whose turn it is into `folder`, under their keys. Returns how many and how many
    /// bytes.
    pub(crate) async fn copy_to(&self, folder: &Path, part: Part) -> Result<(usize, u64), Failure> {
        let mine: Vec<_> = self
            .list()
            .await?
            .into_iter()
            .filter(|(name, _, _)| part.takes(name))
            .collect();
        let bytes: u64 = mine.iter().map(|(_, _, size)| size).sum();
        if bytes > limits::ARCHIVE_BYTES {
            return Err(Failure::Job(format!(
                "{bytes} bytes of {} are too many for one scan: deal them out to more (--part)",
                self.url
            )));
        }
        let count = mine.len();
        for (name, key, _) in mine {
            let place = folder.join(&name);
            self.download(&key, &place).await?;
        }
        Ok((count, bytes))
    }

    async fn download(&self, key: &Key, place: &Path) -> Result<(), Failure> {
        let local = |e: std::io::Error| Failure::Job(format!("writing {}: {e}", place.display()));
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder).map_err(local)?;
        }
        let mut file = File::create(place).map_err(local)?;
        let got = self
            .store
            .get(key)
            .await
            .map_err(|e| self.failed("read", &e))?;
        let mut chunks = got.into_stream();
        while let Some(chunk) = chunks
            .try_next()
            .await
            .map_err(|e| self.failed("read", &e))?
        {
            file.write_all(&chunk).map_err(local)?;
        }
        file.flush().map_err(local)
    }

    /// Puts an object at the place itself. It is there whole or not at all.
    pub(crate) async fn put(&self, bytes: Vec<u8>) -> Result<(), Failure> {
        let put = self.store.put(&self.prefix, bytes.into()).await;
        put.map(|_| ()).map_err(|e| self.failed("write to", &e))
    }

    /// Waits until there are `expected` summaries, for at most `wait`, and copies them into `folder`.
    pub(crate) async fn summaries(
        &self,
        folder: &Path,
        expected: usize,
        wait: Duration,
    ) -> Result<Vec<PathBuf>, Failure> {
        const PAUSE: Duration = Duration::from_secs(2);
        let mut waited = Duration::ZERO;
        let is_one = |name: &str| Path::new(name).extension().is_some_and(|e| e == "rdiag");
        let found = loop {
            let mut found = self.list().await?;
            found.retain(|(name, _, _)| is_one(name));
            if found.len() >= expected {
                break found;
            }
            if waited >= wait {
                return Err(Failure::Job(format!(
                    "{} of {expected} summaries are in {} after {} s",
                    found.len(),
                    self.url,
                    wait.as_secs()
                )));
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        };
        let mut places = Vec::new();
        for (n, (_, key, _)) in found.into_iter().enumerate() {
            let place = folder.join(format!("{n}.rdiag"));
            self.download(&key, &place).await?;
            places.push(place);
        }
        Ok(places)
    }

    fn failed(&self, attempt: &str, error: &object_store::Error) -> Failure {
        Failure::Job(format!(
            "could not {attempt} {}: {}",
            self.url,
            chain(error)
        ))
    }
}
