//! Tests of `pack`.

#![allow(clippy::unwrap_used)]

use super::*;

fn pack() -> Pack {
    Pack::load(crate::pack::tests::files()).unwrap()
}

#[test]
fn a_cause_has_a_page() {
    let text = explain(&pack(), "receiver-oom", 72).unwrap();
    let expected = "\
NAME
    cause/receiver-oom - A receiver was killed for memory

    root cause · of a pod · begins: uncommon · heals by itself:
      sometimes

SHOWS AS
    state/peer-refusing: almost always, by the same pod, after 0 to 5 s
    thanos/receive/broad: always, and this alone all but proves it

CONFIRM
    Read why the container ended last time (would show
      thanos/receive/broad)
        kubectl -n {{namespace}} describe pod {{pod}}

STOP THE PAIN
    Raise the memory limit [disruptive]

IT IS OVER WHEN
    no restart of {{pod}} for an hour

DO NOT
    restarting it
";
    assert_eq!(text, expected);
}

#[test]
fn pages_say_what_leads_where() {
    let check = |id: &str, expected: &str| {
        let text = explain(&pack(), id, 100).unwrap();
        assert!(text.contains(expected), "{text}");
    };
    let signature = "thanos/receive/peer-backoff";
    check(
        signature,
        "COMES FROM\n    cause/receiver-oom: A receiver was killed for memory\n",
    );
    check(
        signature,
        "FOLLOWS DIRECTLY FROM\n    state/peer-refusing: almost always, said by its peers, after 0 to 30 s\n",
    );
    check(
        signature,
        "    since 0.15.0, printed at debug\n        err contains \"backing off forward",
    );
    check(signature, "IS ABOUT\n    the pod that endpoint names\n");
    check(signature, "fewer than 3 within 1 m: one dropped connection");
    check(
        "state/quorum-lost",
        "state/peer-refusing: holds of at least replication factor - quorum + 1 (almost always)",
    );
    check(
        "peer-refusing",
        "together with state/other, if Thanos since 0.30 and replication factor 3",
    );
    assert_eq!(explain(&pack(), "nothing", 80), None);
    assert_eq!(suggest(&pack(), "oom"), ["receiver-oom"]);
    assert_eq!(suggest(&pack(), "reciever-oom"), ["receiver-oom"]);
}

#[test]
fn every_link_of_the_manual_leads_to_a_page() {
    let docs = docs(&pack());
    assert_eq!(docs.len(), 1 + pack().targets().count());
    for (path, text) in &docs {
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'));
        for (link, _) in links {
            let mut folders: Vec<&str> = path.split('/').collect();
            folders.pop();
            for part in link.split('/') {
                match part {
                    ".." => drop(folders.pop()),
                    part => folders.push(part),
                }
            }
            assert!(docs.contains_key(&folders.join("/")), "{link} in {path}");
        }
    }
}

#[test]
fn lists_hold_everything() {
    let rows = list(&pack());
    assert_eq!(rows.len(), pack().targets().count());
    let grades: Vec<&str> = rows.iter().map(|row| row.grade).collect();
    assert_eq!(
        grades,
        ["warning", "error", "pod", "pod", "hashring", "root"]
    );
}

#[test]
fn skeletons_load_once_their_ids_are_filled_in() {
    let signature = skeleton("mine/part/name");
    let target =
        |(path, text): (String, String)| (path, text.replace("to: ID", "to: mine/part/name"));
    let state = target(skeleton("state/mine"));
    let cause = target(skeleton("mine"));
    assert_eq!(cause.0, "causes/mine.yaml");
    let pack = Pack::load([signature, state, cause]).unwrap();
    assert_eq!(pack.targets().count(), 3);
}

#[test]
fn the_readme_shows_what_loads() {
    let readme = include_str!("../../../patterns/README.md");
    let blocks = readme.split("```yaml\n").skip(1);
    let block = blocks
        .map(|rest| rest.split("```").next().unwrap())
        .next()
        .unwrap();
    let lines: Vec<&str> = block
        .lines()
        .map(|line| line.strip_prefix("   ").unwrap_or(""))
        .collect();
    Pack::load([(
        "signatures/thanos/receive/peer-backoff.yaml",
        lines.join("\n"),
    )])
    .unwrap();
    for table in [
        words::list(words::Q),
        words::list(words::SCOPE),
        words::list(words::RISK),
    ] {
        for word in table.split(", ") {
            assert!(readme.contains(&format!("`{word}`")), "{word}");
        }
    }
}
