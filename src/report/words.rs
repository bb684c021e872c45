//! What things are called in the report's JSON.

use crate::pack::{Heals, Risk, Role, Severity, SubjectKind};
use crate::record::{Level, Source};

pub(super) fn source_name(source: Source) -> &'static str {
    match source {
        Source::Log => "log",
        Source::Event => "event",
        Source::Status => "status",
        Source::Metric => "metric",
        Source::Alert => "alert",
        Source::Config => "config",
    }
}

pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error | Level::Fatal => "error",
    }
}

pub(super) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    }
}

pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Root => "root",
        Role::Proximate => "proximate",
        Role::Benign => "benign",
    }
}

pub(super) fn heals_name(heals: Heals) -> &'static str {
    match heals {
        Heals::Never => "never",
        Heals::Sometimes => "sometimes",
        Heals::Usually => "usually",
    }
}

pub(super) fn risk_name(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Disruptive => "disruptive",
        Risk::Destructive => "destructive",
    }
}

pub(super) fn kind_name(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Pod => "pod",
        SubjectKind::Node => "node",
        SubjectKind::Tenant => "tenant",
        SubjectKind::Bucket => "bucket",
        SubjectKind::Volume => "volume",
        SubjectKind::Statefulset => "statefulset",
        SubjectKind::Hashring => "hashring",
        SubjectKind::Sender => "sender",
        SubjectKind::Global => "global",
    }
}
