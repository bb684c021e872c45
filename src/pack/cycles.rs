//! Links run from cause to effect and never back: a circle has no beginning to find.

use super::raw::FileKind;
use super::{CauseIx, Link, Pack, StateIx, Target};

/// The first circle found from each state or cause that lies on one: kind, id and message.
pub(super) fn find(pack: &Pack) -> impl Iterator<Item = (FileKind, String, String)> {
    let causes = pack.causes.len();
    let mut marks = vec![Mark::New; causes + pack.states.len()];
    let mut path = Vec::new();
    let mut found = Vec::new();
    for start in 0..marks.len() {
        visit(pack, start, &mut marks, &mut path, &mut found);
    }
    found.into_iter().map(move |circle: Vec<usize>| {
        let names: Vec<String> = circle.iter().map(|node| name(pack, *node)).collect();
        let (first, kind) = match circle.first() {
            Some(&node) if node < causes => (node, FileKind::Cause),
            first => (first.copied().unwrap_or(causes), FileKind::State),
        };
        let id = match kind {
            FileKind::Cause => pack.causes[first].id.clone(),
            _ => pack.states[first - causes].id.clone(),
        };
        let message = format!("links run in a circle: {}", names.join(" → "));
        (kind, id, message)
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    OnPath,
    Done,
}

/// Depth first; recursion is at most as deep as there are states and causes.
fn visit(
    pack: &Pack,
    node: usize,
    marks: &mut [Mark],
    path: &mut Vec<usize>,
    found: &mut Vec<Vec<usize>>,
) {
    match marks[node] {
        Mark::Done => return,
        Mark::OnPath => {
            let from = path.iter().position(|n| *n == node).unwrap_or(0);
            let mut circle = path[from..].to_vec();
            circle.push(node);
            found.push(circle);
            return;
        }
        Mark::New => {}
    }
    marks[node] = Mark::OnPath;
    path.push(node);
    for next in effects(pack, node) {
        visit(pack, next, marks, path, found);
    }
    path.pop();
    marks[node] = Mark::Done;
}

/// States and causes that follow from one.
fn effects(pack: &Pack, node: usize) -> Vec<usize> {
    let causes = pack.causes.len();
    let index = |target: &Target| match target {
        Target::Signature(_) => None,
        Target::Cause(CauseIx(ix)) => Some(*ix as usize),
        Target::State(StateIx(ix)) => Some(*ix as usize + causes),
    };
    let mut all: Vec<usize> = links(pack, node)
        .iter()
        .filter_map(|l| index(&l.to))
        .collect();
    // A member of an AND term or of a gate brings the effect about as much as the file's owner.
    for (other, links) in all_links(pack) {
        let joint = |l: &&Link| l.with.iter().any(|t| index(t) == Some(node)) && other != node;
        all.extend(links.iter().filter(joint).filter_map(|l| index(&l.to)));
    }
    let gated = pack.states.iter().enumerate().filter(|(_, state)| {
        state
            .gate
            .as_ref()
            .is_some_and(|gate| gate.of.0 as usize + causes == node)
    });
    all.extend(gated.map(|(ix, _)| ix + causes));
    all.sort_unstable();
    all.dedup();
    all
}

fn links(pack: &Pack, node: usize) -> &[Link] {
    match node.checked_sub(pack.causes.len()) {
        None => &pack.causes[node].links,
        Some(state) => &pack.states[state].links,
    }
}

fn all_links(pack: &Pack) -> impl Iterator<Item = (usize, &[Link])> {
    let nodes = pack.causes.len() + pack.states.len();
    (0..nodes).map(|node| (node, links(pack, node)))
}

fn name(pack: &Pack, node: usize) -> String {
    match node.checked_sub(pack.causes.len()) {
        None => format!("cause/{}", pack.causes[node].id),
        Some(state) => format!("state/{}", pack.states[state].id),
    }
}
