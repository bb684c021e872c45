//! What must hold of every diagnosis, whatever the pack knows: shown with a small pack of its own,
//! so that no change to `patterns/` makes these true or false.

use std::collections::BTreeSet;
use std::io::{self, Read};

use proptest::prelude::*;
use rdiag::diagnosis::{Diagnosis, Incident, Member, MemberRole, Scope, Verdict, diagnose};
use rdiag::evidence::{Ledger, Resolver};
use rdiag::matcher::Matcher;
use rdiag::pack::{Pack, Role, Version};
use rdiag::record::{Level, Options, Origin, Reader, Record, Time};

/// Files of the small pack. A pod `down` is refused by its peers and a bad copy; two bad copies of
/// three lose the quorum, and then writes fail.
const PACK: &[(&str, &str)] = &[
    (
        "signatures/test/ring/refused.yaml",
        "title: A peer refuses\nseverity: error\nvariants: [{where: {err: {contains: connection refused by}}}]\nextract: {endpoint: {from: err, regex: 'refused by (?<endpoint>\\S+)'}}\nabout: endpoint\n",
    ),
    (
        "signatures/test/ring/killed.yaml",
        "title: Killed for memory\nseverity: error\nleak: never\nvariants: [{where: {err: {contains: killed for want of memory}}}]\n",
    ),
    (
        "signatures/test/ring/no-space.yaml",
        "title: No space\nseverity: error\nimpact: true\nvariants: [{where: {err: {contains: no space left on device}}}]\n",
    ),
    (
        "signatures/test/ring/failing.yaml",
        "title: Writes fail\nseverity: error\nimpact: true\nvariants: [{where: {err: {contains: quorum was not reached}}}]\n",
    ),
    (
        "signatures/test/ring/slow.yaml",
        "title: Too slow\nseverity: warning\nvariants: [{min_level: debug, where: {err: {contains: waited for the processor}}}]\n",
    ),
    (
        "signatures/test/ring/late.yaml",
        "title: Late\nseverity: error\nvariants: [{where: {err: {contains: answered much too late}}}]\n",
    ),
    (
        "signatures/test/ring/stopping.yaml",
        "title: Stops in order\nseverity: info\nvariants: [{where: {err: {contains: stopping in good order}}}]\n",
    ),
    (
        "signatures/test/ring/odd.yaml",
        "title: Odd\nseverity: error\nvariants: [{where: {err: {contains: nobody knows this line}}}]\n",
    ),
    (
        "states/down.yaml",
        "title: Away\nscope: pod\nlinks:\n- {to: test/ring/refused, q: almost_always, bind: peer}\n- {to: state/bad-replica, q: always, bind: same-pod}\n",
    ),
    (
        "states/bad-replica.yaml",
        "title: A bad copy\nscope: pod\nlinks: []\n",
    ),
    (
        "states/quorum-lost.yaml",
        "title: Too few copies\nscope: hashring\ngate: {at_least: rf-quorum+1, of: state/bad-replica, q: almost_always}\nlinks:\n- {to: test/ring/failing, q: almost_always, bind: any-pod}\n",
    ),
    (
        "causes/out-of-memory.yaml",
        "title: Out of memory\nrole: root\nscope: pod\nprior: uncommon\nlinks:\n- {to: state/down, q: almost_always, bind: same-pod}\n- {to: test/ring/killed, q: always, defining: true}\n",
    ),
    (
        "causes/cut-off.yaml",
        "title: Cut off\nrole: root\nscope: pod\nprior: rare\nlinks:\n- {to: state/down, q: almost_always, bind: same-pod}\n",
    ),
    (
        "causes/disk-full.yaml",
        "title: Disk full\nrole: root\nscope: pod\nprior: uncommon\nlinks:\n- {to: test/ring/no-space, q: always, defining: true}\n",
    ),
    (
        "causes/overload.yaml",
        "title: Overload\nrole: root\nscope: pod\nprior: uncommon\nlinks:\n- {to: test/ring/late, q: always}\n- {to: test/ring/slow, q: always}\n",
    ),
    (
        "causes/defect.yaml",
        "title: Defect\nrole: root\nscope: pod\nprior: uncommon\nlinks:\n- {to: test/ring/late, q: always}\n",
    ),
    (
        "causes/rollout.yaml",
        "title: Rollout\nrole: benign\nscope: statefulset\nprior: common\nlinks:\n- {to: test/ring/stopping, q: usually, bind: any-pod}\n- {to: state/down, q: often, bind: any-pod}\n",
    ),
];

/// A ring under test.
struct Ring {
    pack: Pack,
    matcher: Matcher,
    scope: Scope,
    /// Writer and line.
    lines: Vec<(String, String)>,
}

impl Ring {
    /// `n` receivers of one workload with three copies of everything.
    fn of(n: usize) -> Self {
        let pack = match Pack::load(PACK.iter().copied()) {
            Ok(pack) => pack,
            Err(problems) => panic!("{problems:#?}"),
        };
        let member = |i: usize| Member {
            name: format!("receive-{i}"),
            role: MemberRole::Receiver,
            workload: Some("receive".to_owned()),
            version: Version::parse("0.41.0"),
            level: Some(Level::Info),
            log: true,
            in_ring: true,
            ..Member::default()
        };
        let mut members: Vec<Member> = (0..n).map(member).collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let mut scope = Scope {
            members,
            replication_factor: Some(3),
            ..Scope::default()
        };
        scope.collected.logs = true;
        Self {
            matcher: Matcher::new(&pack),
            pack,
            scope,
            lines: Vec::new(),
        }
    }

    fn level(mut self, level: Level) -> Self {
        self.scope
            .members
            .iter_mut()
            .for_each(|m| m.level = Some(level));
        self
    }

    /// `pod` writes `err` at `second`.
    fn says(mut self, pod: usize, second: u32, err: &str) -> Self {
        let line = format!(
            "ts=2026-01-01T00:{:02}:{:02}Z level=error err=\"{err}\"",
            second / 60,
            second % 60
        );
        self.lines.push((format!("receive-{pod}"), line));
        self
    }

    /// All others complain of `pod`.
    fn complained_of(mut self, pod: usize) -> Self {
        for other in (0..self.scope.members.len()).filter(|o| *o != pod) {
            self = self.says(
                other,
                10,
                &format!("connection refused by receive-{pod}:10901"),
            );
        }
        self
    }

    fn ledger(&self, lines: &[(String, String)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (pod, line) in lines {
            self.take(
                &mut ledger,
                &Record::log(&Origin::pod(pod), line.as_bytes()),
            );
        }
        ledger
    }

    fn take(&self, ledger: &mut Ledger, record: &Record<'_>) {
        ledger.coverage.add(record);
        self.matcher.scan(&self.pack, record, |hit| {
            ledger.add(hit, record, &Resolver::default())
        });
    }

    fn diagnosis(&self) -> Diagnosis {
        self.diagnosis_of(&self.ledger(&self.lines))
    }

    fn diagnosis_of(&self, ledger: &Ledger) -> Diagnosis {
        let times: Vec<Time> = ledger
            .coverage
            .iter()
            .flat_map(|(_, _, s)| [s.from, s.until])
            .flatten()
            .collect();
        let mut scope = self.scope.clone();
        scope.from = times.iter().min().copied();
        scope.until = times.iter().max().copied();
        diagnose(ledger, &self.pack, &scope)
    }

    /// P of a cause in the first incident; 0 where it is not named.
    fn probability(&self, diagnosis: &Diagnosis, cause: &str) -> f64 {
        let found = diagnosis
            .incidents
            .iter()
            .flat_map(|i| &i.hypotheses)
            .find(|h| self.pack[h.cause].id == cause);
        found.map_or(0.0, |h| h.probability)
    }

    /// The first hypothesis of an incident, with its subjects.
    fn first(&self, incident: &Incident) -> (String, Vec<String>) {
        let blamed = incident
            .hypotheses
            .iter()
            .find(|h| h.role != Role::Benign)
            .or(incident.hypotheses.first());
        let top = blamed.expect("an incident has a hypothesis");
        (
            self.pack[top.cause].id.clone(),
            top.subjects.iter().map(|s| s.name.to_string()).collect(),
        )
    }
}

fn raised(diagnosis: &Diagnosis) -> Vec<&Incident> {
    diagnosis
        .incidents
        .iter()
        .filter(|i| i.verdict != Verdict::Benign)
        .collect()
}

/// Two faults and some noise, for the tests of order.
fn busy() -> Ring {
    Ring::of(4)
        .complained_of(2)
        .says(2, 5, "killed for want of memory")
        .says(0, 40, "no space left on device")
        .says(1, 41, "quorum was not reached")
        .says(3, 42, "stopping in good order")
        .says(1, 43, "nothing of interest")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn order_and_sharding_do_not_matter(order in Just((0..10_usize).collect::<Vec<_>>()).prop_shuffle(), cut in 0..10_usize) {
        let ring = busy();
        let mut lines: Vec<_> = order.iter().filter_map(|i| ring.lines.get(*i)).cloned().collect();
        prop_assume!(lines.len() == ring.lines.len());
        let rest = lines.split_off(cut.min(lines.len()));
        let (one, other) = (ring.ledger(&lines), ring.ledger(&rest));
        let (mut ab, mut ba) = (one.clone(), other.clone());
        ab.merge(other);
        ba.merge(one);
        let expected = format!("{:?}", ring.diagnosis());
        prop_assert_eq!(&format!("{:?}", ring.diagnosis_of(&ab)), &expected);
        prop_assert_eq!(&format!("{:?}", ring.diagnosis_of(&ba)), &expected);
    }

    #[test]
    fn chunking_does_not_matter(sizes in prop::collection::vec(1..200_usize, 1..60)) {
        let ring = busy();
        let mut ledger = Ledger::default();
        for pod in ring.scope.members.iter().map(|m| &m.name) {
            let log: String =
                ring.lines.iter().filter(|(p, _)| p == pod).map(|(_, line)| format!("{line}\n")).collect();
            let pieces = Pieces { bytes: log.into_bytes(), at: 0, sizes: sizes.clone(), turn: 0 };
            let mut reader = Reader::new(pieces, Origin::pod(pod), Options::default());
            while let Some(record) = reader.next().unwrap() {
                ring.take(&mut ledger, &record);
            }
        }
        prop_assert_eq!(format!("{:?}", ring.diagnosis_of(&ledger)), format!("{:?}", ring.diagnosis()));
    }
}

/// Bytes that come in pieces of given sizes.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()]
            .min(buffer.len())
            .min(self.bytes.len() - self.at);
        buffer[..size].copy_from_slice(&self.bytes[self.at..self.at + size]);
        self.at += size;
        self.turn += 1;
        Ok(size)
    }
}

#[test]
fn twelve_witnesses_of_one_fact_count_as_one_fact() {
    let one = Ring::of(13).says(0, 10, "connection refused by receive-2:10901");
    let twelve = Ring::of(13).complained_of(2);
    for cause in ["out-of-memory", "cut-off"] {
        let [p, q] = [&one, &twelve].map(|ring| ring.probability(&ring.diagnosis(), cause));
        assert!(
            (p - q).abs() < 0.02,
            "{cause}: {p} by one witness, {q} by twelve"
        );
    }
}

#[test]
fn silence_counts_only_where_it_would_have_been_audible() {
    let ring = |level| {
        Ring::of(3)
            .level(level)
            .says(1, 10, "answered much too late")
    };
    let at = |level| ring(level).probability(&ring(level).diagnosis(), "overload");
    let (unheard, heard) = (at(Level::Info), at(Level::Debug));
    let rival = ring(Level::Info).probability(&ring(Level::Info).diagnosis(), "defect");
    assert!(
        (unheard - rival).abs() < 0.02,
        "a line that is not printed at info speaks for nobody: {unheard}, {rival}"
    );
    assert!(
        heard < unheard / 2.0,
        "its silence at debug speaks against: {heard} against {unheard}"
    );
}

#[test]
fn a_rollout_explains_its_own_noise_and_nothing_more() {
    let mut noise = Ring::of(4);
    for pod in 0..4 {
        noise = noise.says(
            pod,
            10 + 60 * u32::try_from(pod).unwrap(),
            "stopping in good order",
        );
    }
    let noise = noise.complained_of(1);
    let diagnosis = noise.diagnosis();
    assert!(raised(&diagnosis).is_empty(), "{:?}", raised(&diagnosis));
    let worse = noise.says(2, 20, "no space left on device");
    let diagnosis = worse.diagnosis();
    let found = raised(&diagnosis);
    assert_eq!(
        found.iter().map(|i| worse.first(i)).collect::<Vec<_>>(),
        [("disk-full".to_owned(), vec!["receive-2".to_owned()])]
    );
}

#[test]
fn what_nothing_explains_ends_as_unknown() {
    let ring = Ring::of(3).says(1, 10, "nobody knows this line");
    let diagnosis = ring.diagnosis();
    let found = raised(&diagnosis);
    assert_eq!(
        found.len(),
        1,
        "a severe symptom is an incident even if nothing explains it"
    );
    assert!(
        found[0].unknown_probability > 0.9,
        "{}",
        found[0].unknown_probability
    );
    assert!(
        found[0].hypotheses.iter().all(|h| h.probability < 0.3),
        "{:?}",
        found[0].hypotheses
    );
}

#[test]
fn two_faults_at_once_are_found_as_two() {
    let ring = Ring::of(4)
        .complained_of(2)
        .says(2, 5, "killed for want of memory")
        .says(0, 12, "no space left on device");
    let diagnosis = ring.diagnosis();
    for cause in ["out-of-memory", "disk-full"] {
        let p = ring.probability(&diagnosis, cause);
        assert!(p > 0.8, "{cause}: {p}");
    }
}

#[test]
fn the_pod_at_fault_is_told_from_those_that_complain() {
    let ring = Ring::of(4).complained_of(2);
    let diagnosis = ring.diagnosis();
    let subjects: BTreeSet<String> = raised(&diagnosis)
        .iter()
        .flat_map(|i| ring.first(i).1)
        .collect();
    assert_eq!(subjects, BTreeSet::from(["receive-2".to_owned()]));
}

/// One of three copies away does not fail writes; two do, and then it is both of them.
#[test]
fn quorum_is_a_gate() {
    let bad = |ring: Ring, pod: usize| {
        ring.complained_of(pod)
            .says(pod, 5, "killed for want of memory")
    };
    let one = bad(Ring::of(3), 2).says(0, 20, "quorum was not reached");
    let two = bad(bad(Ring::of(3), 2), 1).says(0, 20, "quorum was not reached");
    for (ring, members, expected) in [(&one, 1, false), (&two, 2, true)] {
        let diagnosis = ring.diagnosis();
        let explained = diagnosis
            .incidents
            .iter()
            .flat_map(|i| &i.hypotheses)
            .flat_map(|h| &h.explains)
            .any(|e| ring.pack[e.signature].id == "test/ring/failing");
        assert_eq!(explained, expected, "{members} of three are away");
        let open = diagnosis
            .incidents
            .iter()
            .flat_map(|i| &i.unexplained)
            .any(|(ix, _)| ring.pack[*ix].id == "test/ring/failing");
        assert_eq!(open, !expected, "{members} of three are away");
    }
}
