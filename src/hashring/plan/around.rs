//! What goes with the steps: expected noise, when to stop, the way back.

use super::steps::quote;
use super::{Draft, Step, bytes};

impl Draft<'_> {
    pub(super) fn noise(&mut self) {
        let mut lines = Vec::new();
        if self.diff.is_some() {
            lines.extend([
                "\"Set up hashring for the given hashring config.\" once a member; \
                 thanos_receive_config_hash differs between members for up to 7 min"
                    .to_owned(),
                "head series, WAL and CPU jump on members that gain series; out-of-order and \
                 duplicate samples (409) while requests that failed half way are repeated"
                    .to_owned(),
                "tenants close to an active-series limit may be answered 429 for up to 3 h, since \
                 moved series count twice"
                    .to_owned(),
                "the alert ThanosReceiveConfigInconsistent or HashringInconsistent, if it waits \
                 less than 10 min"
                    .to_owned(),
            ]);
        }
        if self.request.memory.is_some() || self.target.after() < self.target.before() {
            lines.push(
                "forwards to the pod that is stopping fail (connection refused, back-off) until it \
                 is gone from the ring or ready again"
                    .to_owned(),
            );
        }
        self.plan.noise = lines;
    }

    pub(super) fn stops(&mut self) {
        let mut lines = vec![
            "more than one member not ready at the same time".to_owned(),
            "5xx on more than 0.1 % of the write requests for more than 5 min".to_owned(),
        ];
        let most = self
            .plan
            .members
            .iter()
            .filter_map(|member| member.extra_bytes);
        let most = most.fold(0.0, f64::max);
        lines.push(if most > 0.0 {
            format!(
                "a member above 90 % of its memory limit; beforehand: one that gains series has \
                 less than the table's figure free (at most {})",
                bytes(most)
            )
        } else {
            "a member above 90 % of its memory limit, or of its disk".to_owned()
        });
        lines.push("uploads fail, or a member exits or restarts".to_owned());
        self.plan.stop = lines;
    }

    pub(super) fn rollback(&mut self) {
        let kubectl = self.kubectl();
        let (configmap, key) = (&self.request.configmap, quote(&self.request.key));
        let mut steps = Vec::new();
        if self.target.after() < self.target.before() {
            steps.push(Step {
                title: "Start the members again, if they were stopped".into(),
                run: self
                    .target
                    .sets
                    .iter()
                    .map(|set| {
                        format!(
                            "{kubectl} scale statefulset/{} --replicas={}",
                            set.name, set.before
                        )
                    })
                    .collect(),
                expect: "all ready before the old ring is put back".into(),
                ..Step::default()
            });
        }
        if self.diff.is_some() {
            steps.push(Step {
                title: "Put the saved ring back".into(),
                run: vec![format!(
                    "{kubectl} create configmap {configmap} --from-file={key}=hashrings.before.json \
                     --dry-run=client -o json | {kubectl} patch configmap {configmap} \
                     --type=merge --patch-file=/dev/stdin"
                )],
                expect: "the series move back; new members keep what they got until it is uploaded, \
                         so stop them as in a scale-in, not at once"
                    .into(),
                ..Step::default()
            });
        }
        if self.request.memory.is_some() || self.request.cpu.is_some() {
            steps.push(Step {
                title: "Undo the resources".into(),
                run: self
                    .target
                    .sets
                    .iter()
                    .map(|set| format!("{kubectl} rollout undo statefulset/{}", set.name))
                    .collect(),
                expect: "pods go back one by one".into(),
                ..Step::default()
            });
        }
        self.plan.rollback = steps;
    }
}
