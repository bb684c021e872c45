//! Writes a bundle: a folder or an archive that is there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::{BundleError, Gap, Manifest, SCHEMA, Unread};

/// A bundle being written. Nothing is at its place before [`Writer::finish`]; a writer that is
/// dropped leaves nothing behind. Methods take `&self`, so that pods can be collected side by side.
#[derive(Debug)]
pub struct Writer {
    target: PathBuf,
    form: Form,
    staging: tempfile::TempDir,
    gaps: Mutex<Vec<Gap>>,
    pass: Option<Pass>,
    unread: Mutex<Vec<Unread>>,
}

/// What each file goes through before the bundle is put in its place: from one path to another. The
/// number is what it changed, which the bundle's maker may want to know.
pub type Pass = fn(&Path, &Path) -> io::Result<u64>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Folder,
    Tar,
    TarGz,
    TarZst,
}

impl Writer {
    /// Starts a bundle at `target`: an archive if it ends in `.tar`, `.tar.gz`, `.tgz`, `.tar.zst`
    /// or `.tzst`, otherwise a folder. Only its owner may read it.
    ///
    /// # Errors
    /// When the folder around it cannot be written to, or a folder of that name is not empty.
    pub fn create(target: &Path) -> Result<Self, BundleError> {
        let around = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let form = form(target);
        if form == Form::Folder && fs::read_dir(target).is_ok_and(|mut d| d.next().is_some()) {
            let source = io::Error::from(io::ErrorKind::DirectoryNotEmpty);
            return Err(failed(target)(source));
        }
        fs::create_dir_all(around).map_err(failed(around))?;
        let staging = tempfile::Builder::new()
            .prefix(".rdiag-")
            .tempdir_in(around)
            .map_err(failed(around))?;
        Ok(Self {
            target: target.to_owned(),
            form,
            staging,
            gaps: Mutex::default(),
            pass: None,
            unread: Mutex::default(),
        })
    }

    /// Sends every file through `pass` before the bundle is put in its place.
    #[must_use]
    pub fn through(mut self, pass: Pass) -> Self {
        self.pass = Some(pass);
        self
    }

    /// A container's log, to be written to. It is complete once the writer is flushed or dropped.
    ///
    /// # Errors
    /// When the names do not fit or the file cannot be made.
    pub fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
    ) -> Result<BufWriter<File>, BundleError> {
        let mark = if previous { ".previous" } else { "" };
        self.file(&["logs", namespace, pod, &format!("{container}{mark}.log")])
    }

    /// A list of objects as `kubectl get KIND -o json` prints it. `namespace` is `None` for kinds
    /// outside of namespaces, such as nodes.
    ///
    /// # Errors
    /// For secrets, and when the file cannot be written.
    pub fn object(
        &self,
        namespace: Option<&str>,
        kind_plural: &str,
        list: &Value,
    ) -> Result<(), BundleError> {
        if kind_plural.starts_with("secret") || holds_secret(list) {
            return Err(BundleError::Secret);
        }
        let name = format!("{kind_plural}.json");
        let bytes = serde_json::to_vec_pretty(list).expect("a JSON value has string keys");
        match namespace {
            Some(namespace) => self.put(&["kubernetes", namespace, &name], &bytes),
            None => self.put(&["kubernetes", &name], &bytes),
        }
    }

    /// A scrape at `unix` seconds since the epoch.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn metrics(
        &self,
        namespace: &str,
        pod: &str,
        unix: i64,
        text: &[u8],
    ) -> Result<(), BundleError> {
        self.put(&["metrics", namespace, pod, &format!("{unix}.prom")], text)
    }

    /// Answers of the Prometheus query API at `unix` seconds since the epoch.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn query(&self, unix: i64, answer: &[u8]) -> Result<(), BundleError> {
        self.put(&["metrics", "queries", &format!("{unix}.json")], answer)
    }

    /// The body of an HTTP endpoint of a pod; `path` without query, as in `/api/v1/status/tsdb`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn http(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
        path: &str,
        body: &[u8],
    ) -> Result<(), BundleError> {
        let port = port.to_string();
        let mut parts = vec!["http", namespace, pod, &port];
        parts.extend(path.split('/').filter(|part| !part.is_empty()));
        self.put(&parts, body)
    }

    /// A configuration file as mounted, such as `hashrings.json`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn config(&self, namespace: &str, file: &str, text: &[u8]) -> Result<(), BundleError> {
        self.put(&["config", namespace, file], text)
    }

    /// An Alertmanager webhook payload.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn alerts(&self, payload: &[u8]) -> Result<(), BundleError> {
        self.put(&["alerts.json"], payload)
    }

    /// Something that could not be collected.
    pub fn gap(&self, what: impl Into<String>, why: impl Into<String>) {
        let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        gaps.push(Gap {
            what: what.into(),
            why: why.into(),
        });
    }

    /// Lines that were counted where they are kept, and not read.
    pub fn unread(&self, unread: Unread) {
        let mut all = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(unread);
    }

    /// Writes the manifest and puts the bundle in its place; `collected_at` is RFC 3339.
    ///
    /// # Errors
    /// When something cannot be written or the place is taken.
    pub fn finish(self, collected_at: &str, namespace: Option<&str>) -> Result<(), BundleError> {
        let mut gaps = self
            .gaps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        gaps.sort();
        gaps.dedup();
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            collected_at: Some(collected_at.to_owned()),
            namespace: namespace.map(str::to_owned),
            gaps,
            unread: self
                .unread
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        };
        let bytes = serde_json::to_vec_pretty(&manifest).expect("a manifest has string keys");
        self.put(&["manifest.json"], &bytes)?;
        self.pass_all().map_err(failed(&self.target))?;
        match self.form {
            Form::Folder => self.move_folder(),
            _ => self.pack(),
        }
    }

    fn pass_all(&self) -> io::Result<()> {
        let Some(pass) = self.pass else { return Ok(()) };
        let mut files = Vec::new();
        gather(self.staging.path(), &mut files)?;
        for file in files {
            // Beside it and with its ending, which tells what it is; then it is the file.
            let passed = file.with_file_name(".passed");
            pass(&file, &passed)?;
            fs::rename(&passed, &file)?;
        }
        Ok(())
    }

    fn move_folder(self) -> Result<(), BundleError> {
        if self.target.is_dir() {
            fs::remove_dir(&self.target).map_err(failed(&self.target))?;
        }
        let staged = self.staging.keep();
        let moved = fs::rename(&staged, &self.target);
        if moved.is_err() {
            // What went wrong with the rename matters more than this.
            let _ = fs::remove_dir_all(&staged);
        }
        moved.map_err(failed(&self.target))
    }

    fn pack(&self) -> Result<(), BundleError> {
        let around = self.staging.path().parent().unwrap_or(Path::new("."));
        let packed = tempfile::NamedTempFile::new_in(around).map_err(failed(around))?;
        let file = BufWriter::new(packed.as_file());
        self.pack_into(file).map_err(failed(&self.target))?;
        packed
            .persist(&self.target)
            .map_err(|error| failed(&self.target)(error.error))?;
        Ok(())
    }

    fn pack_into(&self, file: impl Write) -> io::Result<()> {
        match self.form {
            Form::Folder | Form::Tar => self.tar(file)?.flush(),
            Form::TarGz => {
                let level = flate2::Compression::default();
                let packer = flate2::write::GzEncoder::new(file, level);
                self.tar(packer)?.finish()?.flush()
            }
            Form::TarZst => {
                let packer = zstd::stream::write::Encoder::new(file, 0)?;
                self.tar(packer)?.finish()?.flush()
            }
        }
    }

    /// All files in order of their names, without owners and times: the same bundle gives the same
    /// bytes.
    fn tar<W: Write>(&self, out: W) -> io::Result<W> {
        let mut builder = tar::Builder::new(out);
        builder.mode(tar::HeaderMode::Deterministic);
        let mut files = Vec::new();
        gather(self.staging.path(), &mut files)?;
        files.sort();
        for file in files {
            let name = file.strip_prefix(self.staging.path()).unwrap_or(&file);
            builder.append_path_with_name(&file, name)?;
        }
        builder.into_inner()
    }

    fn put(&self, parts: &[&str], bytes: &[u8]) -> Result<(), BundleError> {
        let mut file = self.file(parts)?;
        let path = self.staging.path().join(parts.join("/"));
        file.write_all(bytes)
            .and_then(|()| file.flush())
            .map_err(failed(&path))
    }

    fn file(&self, parts: &[&str]) -> Result<BufWriter<File>, BundleError> {
        let mut path = self.staging.path().to_owned();
        for part in parts {
            let odd = part.is_empty() || part.starts_with('.') || part.contains(['/', '\\', '\0']);
            if odd {
                let name = (*part).to_owned();
                return Err(BundleError::Name { name });
            }
            path.push(part);
        }
        let folder = path.parent().unwrap_or(self.staging.path());
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let file = File::create(&path).map_err(failed(&path))?;
        Ok(BufWriter::new(file))
    }
}

fn form(target: &Path) -> Form {
    let name = target.to_string_lossy();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|s| name.ends_with(s));
    if ends(&[".tar.zst", ".tzst"]) {
        Form::TarZst
    } else if ends(&[".tar.gz", ".tgz"]) {
        Form::TarGz
    } else if ends(&[".tar"]) {
        Form::Tar
    } else {
        Form::Folder
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> BundleError {
    let path = path.to_owned();
    move |source| BundleError::Write { path, source }
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn holds_secret(list: &Value) -> bool {
    let is_secret = |v: &Value| {
        let kind = v.get("kind").and_then(Value::as_str);
        matches!(kind, Some("Secret" | "SecretList"))
    };
    let items = list.get("items").and_then(Value::as_array);
    is_secret(list) || items.is_some_and(|items| items.iter().any(is_secret))
}
