//! Puts the stages in order: everything that was collected → one report.

mod facts;
mod idle;
mod lives;
mod scan;
mod status;
mod system;
mod vanished;

use std::sync::Arc;

use crate::bundle::{BundleError, Input};
use crate::diagnosis::{self, Diagnosis, Scope};
use crate::evidence::{Ledger, Resolver};
use crate::matcher::Matcher;
use crate::pack::{Pack, Version};
use crate::report::{self, model::Report};

pub use status::status;

/// The pack, ready to run.
#[derive(Debug)]
pub struct Engine {
    pack: Arc<Pack>,
    matcher: Matcher,
}

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Threads; 0 means one per core.
    pub threads: usize,
    /// Version of pods whose own cannot be known.
    pub thanos_version: Option<Version>,
}

/// Everything the engine found out.
#[derive(Debug)]
pub struct Analysis {
    /// All evidence.
    pub ledger: Ledger,
    /// The system it is about.
    pub scope: Scope,
    /// What is wrong.
    pub diagnosis: Diagnosis,
    /// The same, for people and machines.
    pub report: Report,
}

impl Engine {
    /// Compiles the pack.
    #[must_use]
    pub fn new(pack: Arc<Pack>) -> Self {
        Self {
            matcher: Matcher::new(&pack),
            pack,
        }
    }

    /// The pack it runs with.
    #[must_use]
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// Reads all of `input` and says what is wrong.
    ///
    /// # Errors
    /// When a log that was found can no longer be opened. Anything else that cannot be read is a
    /// gap in the report.
    pub fn run(&self, input: &Input, options: &Options) -> Result<Analysis, BundleError> {
        let ledger = self.scan(input, options)?;
        Ok(self.infer(input, ledger, options))
    }

    /// Reads the logs of `input`, which may be one part of several, and matches them. What pods are
    /// called is settled by [`Engine::infer`].
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn scan(&self, input: &Input, options: &Options) -> Result<Ledger, BundleError> {
        scan::streams(self, input, &Resolver::default(), options.threads)
    }

    /// Says what is wrong, given what [`Engine::scan`] found in the logs of `input`.
    #[must_use]
    pub fn infer(&self, input: &Input, scanned: Ledger, options: &Options) -> Analysis {
        let resolver = system::resolver(input);
        let mut ledger = scanned.settle(&|alias| input.name_of(alias), &resolver);
        ledger.date_ends(&|ix| lives::of_runtime(&self.pack[ix]));
        scan::unread(input, &mut ledger);
        scan::objects(self, input, &resolver, &mut ledger);
        let samples = scan::scrapes(self, input, &resolver, &mut ledger);
        let mut scope = system::scope(self, input, &resolver, &ledger, &samples, options);
        facts::add(self, input, &resolver, &scope, &samples, &mut ledger);
        let without_chance = system::settle(self, &mut scope, &ledger);
        let mut facts = status(&input.objects.topology, &samples, scope.until);
        scope
            .members
            .iter_mut()
            .for_each(|m| m.facts = facts.remove(&m.name).unwrap_or_default());
        let left_out = without_chance + system::bound(&mut scope, &ledger);
        if left_out > 0 {
            input.add_gap(
                "pods beyond the bound",
                format!("{left_out} pods that the least is said of were not weighed"),
            );
        }
        let diagnosis = diagnosis::diagnose(&ledger, &self.pack, &scope);
        if diagnosis.left_out > 0 {
            let many = diagnosis.left_out;
            let why = format!("{many} causes at the last pods were not weighed");
            input.add_gap("causes beyond the bound", why);
        }
        let gaps = input.gaps().into_iter().map(|g| (g.what, g.why)).collect();
        let extra = report::Extra {
            gaps,
            topology_names: system::names(input, &scope),
            pod_names: system::names_by_pod(input),
        };
        let report = report::compose(&diagnosis, &ledger, &scope, &self.pack, &extra);
        Analysis {
            ledger,
            scope,
            diagnosis,
            report,
        }
    }

    /// Whether any signature or comparison asks for the metric of that name.
    pub fn wants_metric(&self) -> impl Fn(&str) -> bool + use<> {
        let names = scan::wanted(self);
        move |name| names.binary_search_by(|n| n.as_str().cmp(name)).is_ok()
    }
}
