//! What rdiag asks of a cluster, right by right: what each is for and what is lost without it.

use super::api::Refusal;
use super::connect::Cluster;
use super::{CollectError, pods};

/// A right that rdiag makes use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `get` or `list`.
    pub verb: &'static str,
    /// API group, empty for the core.
    pub group: &'static str,
    /// Plural of the kind.
    pub resource: &'static str,
    /// Such as `log`, or empty.
    pub subresource: &'static str,
    /// Whether it is granted per namespace or for the cluster.
    pub scope: RightScope,
    /// How much depends on it.
    pub need: Need,
    /// What is lost without it.
    pub cost: &'static str,
}

/// Where a right is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightScope {
    /// By a Role.
    Namespace,
    /// By a ClusterRole.
    Cluster,
}

/// How much depends on a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Nothing can be said without it.
    Required,
    /// In the Role that rdiag is shipped with.
    Standard,
    /// Not in that Role: wider than a namespace, or than reading.
    Optional,
}

impl Right {
    /// `list statefulsets.apps`, `get pods/log`.
    #[must_use]
    pub fn name(&self) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        format!("{} {}{dot}{}{slash}{}", self.verb, self.resource, self.group, self.subresource)
    }
}

const fn right(
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    need: Need,
    cost: &'static str,
) -> Right {
    Right { verb, group, resource, subresource, scope: RightScope::Namespace, need, cost }
}

pub(super) const PODS: Right = right("list", "", "pods", "", Need::Required, "no receiver can be found: nothing can be said");
pub(super) const LOGS: Right = right(
    "get",
    "",
    "pods",
    "log",
    Need::Required,
    "no log is read: what receivers and senders say of each other is missing, and most causes cannot be told apart",
);
pub(super) const EVENTS: Right = right(
    "list",
    "",
    "events",
    "",
    Need::Standard,
    "probe failures, evictions, scheduling and image pulls are known from the pods' states only",
);
pub(super) const CONFIGMAPS: Right = right(
    "get",
    "",
    "configmaps",
    "",
    Need::Standard,
    "the hashring cannot be compared with the pods, nor the limits with what was refused",
);
pub(super) const CLAIMS: Right = right(
    "list",
    "",
    "persistentvolumeclaims",
    "",
    Need::Standard,
    "sizes and states of the volumes are unknown",
);
pub(super) const STATEFULSETS: Right = right(
    "list",
    "apps",
    "statefulsets",
    "",
    Need::Standard,
    "a rollout or a scale-out cannot be told from a fault",
);
pub(super) const DEPLOYMENTS: Right =
    right("list", "apps", "deployments", "", Need::Standard, "a rollout of the routers cannot be told from a fault");
pub(super) const REVISIONS: Right = right(
    "list",
    "apps",
    "controllerrevisions",
    "",
    Need::Standard,
    "what the last rollout changed is unknown",
);
pub(super) const ENDPOINTSLICES: Right = right(
    "list",
    "discovery.k8s.io",
    "endpointslices",
    "",
    Need::Standard,
    "addresses in logs are told apart by the pods' present addresses only",
);
pub(super) const POD_PROXY: Right = right(
    "get",
    "",
    "pods",
    "proxy",
    Need::Optional,
    "from outside of the cluster no metrics, readiness and TSDB status are read (a pod of rdiag reads them at the pods' addresses)",
);
pub(super) const NODES: Right = Right {
    scope: RightScope::Cluster,
    ..right("list", "", "nodes", "", Need::Optional, "pressure, taints and loss of nodes are known from events only")
};
pub(super) const NODE_EVENTS: Right = Right {
    scope: RightScope::Cluster,
    ..right("list", "", "events", "", Need::Optional, "kernel OOM kills and reboots that nodes report are not seen")
};
pub(super) const NODE_PROXY: Right = Right {
    scope: RightScope::Cluster,
    ..right(
        "get",
        "",
        "nodes",
        "proxy",
        Need::Optional,
        "how full volumes are is not read from the kubelets (a Prometheus tells as well; this right is a wide one)",
    )
};

/// Everything rdiag makes use of, most needed first.
pub const RIGHTS: [Right; 13] = [
    PODS,
    LOGS,
    EVENTS,
    CONFIGMAPS,
    CLAIMS,
    STATEFULSETS,
    DEPLOYMENTS,
    REVISIONS,
    ENDPOINTSLICES,
    POD_PROXY,
    NODES,
    NODE_EVENTS,
    NODE_PROXY,
];

/// Rights that rdiag must not have: it reads no Secrets and changes nothing.
const TOO_MUCH: [Right; 5] = [
    right("get", "", "secrets", "", Need::Optional, "it can read Secrets"),
    right("list", "", "secrets", "", Need::Optional, "it can list Secrets"),
    right("delete", "", "pods", "", Need::Optional, "it can delete pods"),
    right("create", "", "pods", "exec", Need::Optional, "it can run programs in pods"),
    right("patch", "apps", "statefulsets", "", Need::Optional, "it can change StatefulSets"),
];

/// What an identity may do in one namespace.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The namespace; `None` for all of them.
    pub namespace: Option<String>,
    /// Each of [`RIGHTS`], and whether it is granted.
    pub rights: Vec<(Right, bool)>,
    /// What it may do beyond what rdiag needs.
    pub too_much: Vec<Right>,
}

impl Audit {
    /// A right of the shipped Role is missing.
    #[must_use]
    pub fn lacks(&self) -> bool {
        self.rights.iter().any(|(right, granted)| !granted && right.need != Need::Optional)
    }
}

/// Asks the API server what this identity may do in the namespaces of `target`.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn audit(cluster: &Cluster, target: &super::Target) -> Result<Vec<Audit>, CollectError> {
    let mut audits = Vec::new();
    for place in pods::places(cluster, &target.namespaces) {
        let mut audit = Audit { namespace: place.clone(), rights: Vec::new(), too_much: Vec::new() };
        for right in RIGHTS {
            let granted = ask(cluster, &right, place.as_deref()).await?;
            audit.rights.push((right, granted));
        }
        for right in TOO_MUCH {
            if ask(cluster, &right, place.as_deref()).await? {
                audit.too_much.push(right);
            }
        }
        audits.push(audit);
    }
    Ok(audits)
}

/// Who this identity is, as the API server names it.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn whoami(cluster: &Cluster) -> Result<String, CollectError> {
    cluster.who().await.map_err(|refusal| refusal.fatal(cluster, "ask who this identity is"))
}

/// How many containers the pods of `target` have: so many streams `kubectl logs -l` would open.
///
/// # Errors
/// When the pods cannot be listed, or when there are none.
pub async fn containers(cluster: &Cluster, target: &super::Target) -> Result<usize, CollectError> {
    let pods = pods::receivers(cluster, target).await?;
    Ok(pods.iter().map(|pod| pod.containers().len()).sum())
}

async fn ask(cluster: &Cluster, right: &Right, place: Option<&str>) -> Result<bool, CollectError> {
    // Events of nodes lie in the namespace `default`.
    let place = match right.scope {
        RightScope::Namespace => place,
        RightScope::Cluster if right.resource == "events" => Some("default"),
        RightScope::Cluster => None,
    };
    let attempt = format!("ask whether it is allowed to {}", right.name());
    cluster.may(right, place).await.map_err(|refusal: Refusal| refusal.fatal(cluster, &attempt))
}

/// Name and namespace of the Role that [`role`] prints.
const ROLE_NAME: &str = "rdiag";

/// The Role to apply, with a binding for `subject` (`kind`, `name`, `namespace`), as YAML.
#[must_use]
pub fn role(namespace: &str, subject: &Subject) -> String {
    let mut rules = String::new();
    let rule = |groups: &str, resources: &str, verbs: &str| {
        format!("  - apiGroups: [{groups}]\n    resources: [{resources}]\n    verbs: [{verbs}]\n")
    };
    rules += &rule("\"\"", "pods", "get, list, watch");
    rules += &rule("\"\"", "pods/log", "get");
    rules += &rule("\"\"", "events, persistentvolumeclaims", "list");
    rules += &rule("\"\"", "configmaps", "get");
    rules += &rule("apps", "statefulsets, deployments, controllerrevisions", "list");
    rules += &rule("discovery.k8s.io", "endpointslices", "list");
    let who = subject.yaml();
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: {ROLE_NAME}\n  namespace: {namespace}\nrules:\n{rules}---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata:\n  name: {ROLE_NAME}\n  namespace: {namespace}\n\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: {ROLE_NAME}\nsubjects:\n{who}"
    )
}

/// Whom a Role is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A service account.
    ServiceAccount {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
    /// A user, as the API server names it.
    User(String),
}

impl Subject {
    /// From the name that the API server gives an identity.
    #[must_use]
    pub fn of(user: &str) -> Self {
        match user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
            Some((namespace, name)) => {
                Self::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
            }
            None => Self::User(user.to_owned()),
        }
    }

    fn yaml(&self) -> String {
        match self {
            Self::ServiceAccount { namespace, name } => {
                format!("  - kind: ServiceAccount\n    name: {name}\n    namespace: {namespace}\n")
            }
            Self::User(name) => {
                let name = serde_json::Value::from(name.as_str());
                format!("  - apiGroup: rbac.authorization.k8s.io\n    kind: User\n    name: {name}\n")
            }
        }
    }
}
