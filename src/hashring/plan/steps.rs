//! The steps themselves, with their commands.

use super::{Draft, Step, percent};
use crate::hashring::{Algorithm, at_least};

impl Draft<'_> {
    pub(super) fn steps(&mut self) {
        let (before, after) = (self.target.before(), self.target.after());
        let mut steps = vec![self.look(), self.save()];
        if self.request.memory.is_some() || self.request.cpu.is_some() {
            steps.extend(self.resources());
        }
        if after > before {
            steps.push(self.add_pods());
            steps.extend(self.new_ring());
            steps.push(self.watch());
        } else if after < before {
            steps.extend(self.new_ring());
            steps.extend(self.remove_pods());
            steps.push(self.watch());
        }
        self.plan.steps = steps;
        self.noise();
        self.stops();
        self.rollback();
    }

    pub(super) fn kubectl(&self) -> String {
        format!("kubectl -n {}", self.target.namespace)
    }

    fn new_file(&self) -> String {
        let stem = self
            .request
            .file_name
            .strip_suffix(".json")
            .unwrap_or(&self.request.file_name);
        quote(&format!("{stem}.new.json"))
    }

    /// Flags of this setup that other subcommands need.
    fn flags(&self) -> String {
        let algorithm = self.setup.algorithm.unwrap_or(Algorithm::Ketama);
        let copies = self.setup.replication_factor();
        let mut flags = format!("--algorithm {algorithm} --replication-factor {copies}");
        if let Some(version) = self.setup.version {
            let patch = version
                .patch
                .map_or_else(String::new, |patch| format!(".{patch}"));
            flags.push_str(&format!(
                " --thanos-version {}.{}{patch}",
                version.major, version.minor
            ));
        }
        flags
    }

    fn look(&self) -> Step {
        let kubectl = self.kubectl();
        let mut run: Vec<String> = self
            .target
            .sets
            .iter()
            .map(|set| {
                format!(
                    "{kubectl} rollout status statefulset/{} --timeout=30s",
                    set.name
                )
            })
            .collect();
        run.push(format!("{kubectl} top pods {}", "--containers"));
        run.push(format!("rdiag cluster -n {}", self.target.namespace));
        Step {
            title: "See that the ring is healthy".into(),
            why: "A member that is already missing leaves no room for the change.".into(),
            run,
            expect: "all members ready, no rollout under way, no incident, uploads current".into(),
            stop_if: "anything is not; mend it first".into(),
        }
    }

    fn save(&self) -> Step {
        let (kubectl, configmap) = (self.kubectl(), &self.request.configmap);
        let key = self.request.key.replace('.', "\\.");
        Step {
            title: "Save the ring that is in force".into(),
            why: "It is the way back, and this plan holds for this ring only.".into(),
            run: vec![
                format!(
                    "{kubectl} get configmap {configmap} -o jsonpath={} > hashrings.before.json",
                    quote(&format!("{{.data.{key}}}"))
                ),
                format!(
                    "rdiag hashring diff {} {} hashrings.before.json",
                    self.flags(),
                    quote(&self.request.file_name)
                ),
            ],
            expect: "no difference".into(),
            stop_if: "there is one: make this plan again from hashrings.before.json".into(),
        }
    }

    fn resources(&self) -> Vec<Step> {
        let kubectl = self.kubectl();
        let mut requests = Vec::new();
        let mut limits = Vec::new();
        if let Some(memory) = &self.request.memory {
            requests.push(format!("memory={}", quote(memory)));
            limits.push(format!("memory={}", quote(memory)));
        }
        if let Some(cpu) = &self.request.cpu {
            requests.push(format!("cpu={}", quote(cpu)));
        }
        let limits = if limits.is_empty() {
            String::new()
        } else {
            format!(" --limits={}", limits.join(","))
        };
        let risk = if self.now.one_lost.worst_share > 0.0 {
            format!(
                "Each restart fails writes of up to {} of the series: the senders must be able to \
                 buffer for as long as a WAL replay takes, times the number of members.",
                percent(self.now.one_lost.worst_share)
            )
        } else {
            "The StatefulSet restarts its pods one by one, from the highest number; quorum holds \
             as long as only one is away."
                .to_owned()
        };
        self.target
            .sets
            .iter()
            .map(|set| Step {
                title: format!("Raise the resources of {}", set.name),
                why: risk.clone(),
                run: vec![
                    format!("{kubectl} get statefulset {} -o jsonpath='{{.spec.updateStrategy.type}} {{.spec.template.spec.terminationGracePeriodSeconds}}{{\"\\n\"}}'", set.name),
                    format!(
                        "{kubectl} set resources statefulset/{} -c {} --requests={}{limits}",
                        set.name,
                        self.request.container,
                        requests.join(",")
                    ),
                    format!("{kubectl} rollout status statefulset/{} --timeout=2h", set.name),
                ],
                expect: "RollingUpdate and a grace period of 900 or more; then each pod ready \
                         before the next one stops, the replay of the WAL included"
                    .into(),
                stop_if: "OnDelete (delete the pods one by one instead), or a pod stays unready \
                          or Pending: kubectl rollout undo, and no further StatefulSet"
                    .into(),
            })
            .collect()
    }

    fn add_pods(&self) -> Step {
        let kubectl = self.kubectl();
        let mut run = Vec::new();
        for set in self.target.sets.iter().filter(|set| set.after > set.before) {
            run.push(format!(
                "{kubectl} scale statefulset/{} --replicas={}",
                set.name, set.after
            ));
        }
        for set in self.target.sets.iter().filter(|set| set.after > set.before) {
            run.push(format!(
                "{kubectl} rollout status statefulset/{} --timeout=30m",
                set.name
            ));
            if !set.service.is_empty() {
                run.push(format!(
                    "{kubectl} get endpointslices -l kubernetes.io/service-name={}",
                    set.service
                ));
            }
        }
        Step {
            title: format!("Start {}", self.target.moving().join(", ")),
            why:
                "They must be ready before the ring lists them: a listed member that is not there \
                  counts as lost. With the old ring they get no series yet."
                    .into(),
            run,
            expect: "all pods ready; the Service lists the new ones".into(),
            stop_if: "a new pod stays Pending (nodes, volumes, quota) or restarts: scale back, \
                      nothing was lost"
                .into(),
        }
    }

    fn new_ring(&self) -> Vec<Step> {
        let (kubectl, new) = (self.kubectl(), self.new_file());
        let (flags, file) = (self.flags(), quote(&self.request.file_name));
        let moved = self.diff.as_ref().map_or(0.0, |diff| diff.overall.moved);
        let write = Step {
            title: "Write the new ring and check it".into(),
            why: "An impossible ring ends every member that loads it, all at once.".into(),
            run: vec![
                self.command(&new),
                format!("rdiag hashring validate {flags} {new}"),
                format!("rdiag hashring diff {flags} {file} {new}"),
            ],
            expect: format!(
                "no error; diff ends with exit code 1 and says {}",
                percent(moved)
            ),
            stop_if: "validate prints an error".into(),
        };
        let reload = match self.setup.algorithm {
            Some(Algorithm::Hashmod) => {
                "With hashmod every member flushes and reopens its TSDBs on a reload and is not \
                 ready meanwhile: all of them within minutes. Senders must buffer; do it when \
                 load is low."
            }
            _ => {
                "The file is reloaded without a restart. (Where ketama is set only inside the file \
                 and not by --receive.hashrings-algorithm, members flush their TSDBs and are not \
                 ready meanwhile: set the flag first. A ring given inline needs a restart.)"
            }
        };
        let (configmap, key) = (&self.request.configmap, &self.request.key);
        let apply = Step {
            title: "Put it in force".into(),
            why: reload.into(),
            run: vec![format!(
                "{kubectl} create configmap {configmap} --from-file={}={new} --dry-run=client -o \
                 json | {kubectl} patch configmap {configmap} --type=merge \
                 --patch-file=/dev/stdin",
                quote(key)
            )],
            expect: "patched; members follow one by one, within about 2 min for the volume and 5 \
                     min for the refresh"
                .into(),
            stop_if: "the patch is refused".into(),
        };
        vec![write, apply, self.verify()]
    }

    /// This very command, writing the new file.
    fn command(&self, new: &str) -> String {
        let request = self.request;
        let mut words = vec![format!("rdiag hashring plan {}", quote(&request.file_name))];
        if let Some(to) = request.to {
            words.push(format!("--to {to}"));
        }
        words.extend(
            request
                .statefulsets
                .iter()
                .map(|set| format!("--statefulset {}", quote(set))),
        );
        words.extend(
            request
                .hashring
                .iter()
                .map(|name| format!("--hashring {}", quote(name))),
        );
        words.push(self.flags());
        words.push(format!(
            "-n {} --write {new} > plan.txt",
            self.target.namespace
        ));
        words.join(" ")
    }

    fn verify(&self) -> Step {
        let namespace = &self.target.namespace;
        let hash = self
            .plan
            .config_hash
            .map_or_else(String::new, |[md5, sha256]| match self.setup.version {
                Some(version) => {
                    format!(
                        "{}",
                        if at_least(Some(version), 41) {
                            sha256
                        } else {
                            md5
                        }
                    )
                }
                None => format!("{sha256} (v0.41 and later) or {md5} (before)"),
            });
        let pods = self.target.pods().join(" ");
        Step {
            title: "Wait until every member has loaded it".into(),
            why:
                "Until then members place series by two rings. No write is lost, but do not start \
                  the next step."
                    .into(),
            run: vec![format!(
                "for pod in {pods}; do echo $pod $(kubectl get --raw \
                 /api/v1/namespaces/{namespace}/pods/$pod:10902/proxy/metrics | grep -E \
                 '^thanos_receive_(config_hash|hashring_nodes)'); done"
            )],
            expect: format!(
                "thanos_receive_config_hash {hash} and {} nodes on each; 1.23e+14 is the same \
                 number, rounded",
                self.target.after()
            ),
            stop_if: "a member still shows the old one after 10 min (subPath mount? inline ring? \
                      \"failed to load configuration file\" in its log?), or a member exits"
                .into(),
        }
    }

    fn remove_pods(&self) -> Vec<Step> {
        let kubectl = self.kubectl();
        let leaving = self.target.moving();
        let pattern = leaving.join("|");
        let namespace = &self.target.namespace;
        let drained = Step {
            title: format!("See that {} take no more writes", leaving.join(", ")),
            why: "Once nothing arrives, what they hold is what must reach the bucket.".into(),
            run: vec![format!(
                "# PromQL: sum by (pod) (rate(prometheus_tsdb_head_samples_appended_total\
                 {{namespace=\"{namespace}\",pod=~\"{pattern}\"}}[5m]))"
            )],
            expect: "0 for each of them".into(),
            stop_if: "not 0 after 10 min: some member or router still has the old ring".into(),
        };
        let mut run: Vec<String> = Vec::new();
        for set in self.target.sets.iter().filter(|set| set.after < set.before) {
            run.push(format!(
                "{kubectl} get statefulset {0} -o jsonpath='{{.spec.template.spec.\
                 terminationGracePeriodSeconds}} {{.spec.\
                 persistentVolumeClaimRetentionPolicy.whenScaled}}{{\"\\n\"}}'",
                set.name
            ));
            run.push(format!(
                "{kubectl} scale statefulset/{} --replicas={}",
                set.name, set.after
            ));
        }
        let no_upload = self.setup.version.is_some_and(|version| {
            version.minor == 42 && version.patch.is_none_or(|patch| patch <= 2)
        });
        let why = if no_upload {
            "A stopping member flushes its heads, but v0.42.0 to v0.42.2 do not upload what was \
             flushed: keep the volumes, and start the pod once more if its last blocks are missing."
        } else {
            "A stopping member flushes its heads and uploads the blocks; Kubernetes takes the \
             highest numbers first. Without an object store this loses the only copy of what is \
             not held elsewhere: then wait for the retention time."
        };
        let stop = Step {
            title: format!("Stop {}", leaving.join(", ")),
            why: why.into(),
            run,
            expect: "a grace period of 900 s or more, Retain (or nothing) for the volumes, then a \
                     clean end of each pod with its blocks uploaded"
                .into(),
            stop_if: "the grace period is 30 s (raise it first: a killed flush leaves the data on \
                      the volume only) or the volumes are set to Delete"
                .into(),
        };
        let volumes = Step {
            title: "Keep the volumes until the bucket has everything".into(),
            why: "They are the last copy of what was not uploaded.".into(),
            run: leaving
                .iter()
                .map(|pod| format!("{kubectl} get pvc -o name | grep -e '-{pod}$'"))
                .collect(),
            expect: "the last block of every tenant of these pods is in the bucket and queries \
                     over the last hours have no gap; delete the volumes a day later"
                .into(),
            stop_if: "a block is missing: scale out again to upload it".into(),
        };
        vec![drained, stop, volumes]
    }

    fn watch(&self) -> Step {
        let namespace = &self.target.namespace;
        let names: Vec<String> = self
            .target
            .sets
            .iter()
            .map(|set| format!("{}-.*", set.name))
            .collect();
        let pods = format!("namespace=\"{namespace}\",pod=~\"{}\"", names.join("|"));
        Step {
            title: "Watch for half an hour, and look again after three hours".into(),
            why: "Memory rises at once on members that gain series; it falls on the others only \
                  when their heads are cut."
                .into(),
            run: vec![
                format!("# PromQL: sum by (pod) (prometheus_tsdb_head_series{{{pods}}})"),
                format!(
                    "# PromQL: sum by (pod) (container_memory_working_set_bytes{{{pods},container=\"{}\"}})",
                    self.request.container
                ),
                format!(
                    "# PromQL: sum by (code) (rate(http_requests_total{{{pods},handler=\"receive\"}}[5m]))"
                ),
                format!("rdiag cluster -n {namespace}"),
            ],
            expect:
                "head series settle at the shares of the table; no 5xx beyond the first minutes"
                    .into(),
            stop_if: "see \"When to stop\"".into(),
        }
    }
}

/// A word for a POSIX shell.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
