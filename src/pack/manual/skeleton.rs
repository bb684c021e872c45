//! A file to start from.

/// A skeleton for a new file with this id (`thanos/receive/x`, `state/x` or a bare cause), and the
/// path it belongs to below the pack's folder.
pub(super) fn of(id: &str) -> (String, String) {
    match id.split_once('/') {
        Some(("state", name)) => (format!("states/{name}.yaml"), STATE.to_owned()),
        Some(("cause", name)) => (format!("causes/{name}.yaml"), CAUSE.to_owned()),
        Some(_) => (format!("signatures/{id}.yaml"), SIGNATURE.to_owned()),
        None => (format!("causes/{id}.yaml"), CAUSE.to_owned()),
    }
}

const SIGNATURE: &str = r#"title: What is seen, in one line
severity: warning          # critical, error, warning, info
leak: rare                 # how often it shows though nothing is wrong: never, rare, sometimes
provenance: upstream       # upstream, runbook, kubernetes, sender, fork
summary: >
  What the operator would notice, in a paragraph.

variants:                  # any of them; within one, all of `where`
  - since: 0.34            # inclusive; leave out what is open
    min_level: warn        # the level at which the line is printed
    where:
      msg: the message as it is printed
      err: {contains: a part of it of eight bytes or more}

extract:
  tenant: tenant           # name: field, or name: {from: field, regex: …}
about: tenant              # what it is about; by default whoever wrote the line

examples:
  matches:
    - origin: where this line comes from
      line: >-
        ts=2024-05-14T09:21:33.518204771Z caller=file.go:1 level=warn component=receive
        tenant=default-tenant msg="the message as it is printed"
        err="x: a part of it of eight bytes or more"
  rejects:
    - because: why this one is another matter
      line: >-
        ts=2024-05-14T09:21:33.518204771Z caller=file.go:1 level=warn component=receive
        msg="the message as it is printed" err="something else"

references:
  - https://example.org/where-this-is-described
"#;

const STATE: &str = "title: What is so though no line says it
summary: >
  What that means, in a paragraph.
scope: pod                 # pod, node, tenant, bucket, volume, statefulset, hashring, sender, global
leak: rare                 # how often it is so with no known cause
links:                     # what follows: a signature, state/… or cause/…
  - {to: ID, q: usually, delay: 0s..30s, bind: same, source: why we believe it}
";

const CAUSE: &str = "title: What is wrong, in one line
role: root                 # root, proximate, benign
scope: pod                 # pod, node, tenant, bucket, volume, statefulset, hashring, sender, global
prior: rare                # how often it begins: common, uncommon, rare, very_rare, or per day
heals_itself: never        # never, sometimes, usually
summary: >
  What happens, in a paragraph.

links:                     # what follows: a signature, state/… or cause/…
  - {to: ID, q: usually, delay: 0s..30s, bind: same}

confirm:                   # read-only
  - do: Look at what would settle it
    run: kubectl -n {{namespace}} describe pod {{pod}}
    yields: []             # signatures it would show
    minutes: 1

mitigate:                  # stop the pain
  - do: What helps at once
    risk: safe             # safe, disruptive, destructive

fix:                       # remove the cause
  - do: What helps for good
    risk: safe

verify: how to know that it is over
avoid: []

references:
  - https://example.org/where-this-is-described
";
