//! What a stream without a name is called in reports for people: `stdin`, not `?1`.

use super::model::Report;

/// The same report with every anonymous stream called what the shell calls it. Machines get the name
/// that no pod can have.
pub(super) fn named(mut report: Report) -> Report {
    let scope = &mut report.scope.thanos;
    scope.iter_mut().for_each(|pod| name(&mut pod.pod));
    report.members.iter_mut().for_each(|m| name(&mut m.pod));
    let sources = report.coverage.sources.iter_mut();
    sources.filter_map(|s| s.pod.as_mut()).for_each(name);
    for gap in &mut report.coverage.gaps {
        // `log of ?1`
        if let Some((head, tail)) = gap.what.rsplit_once(' ')
            && let Some(plain) = called(tail)
        {
            gap.what = format!("{head} {plain}");
        }
    }
    report
        .novel
        .iter_mut()
        .flat_map(|n| &mut n.pods)
        .for_each(name);
    for incident in &mut report.incidents {
        incident
            .timeline
            .rows
            .iter_mut()
            .for_each(|r| name(&mut r.pod));
        let unexplained = incident.unexplained.iter_mut();
        unexplained.for_each(|u| name(&mut u.subject.name));
        for hypothesis in &mut incident.hypotheses {
            hypothesis
                .subjects
                .iter_mut()
                .for_each(|s| name(&mut s.name));
            let explained = hypothesis.explains.iter_mut();
            explained.for_each(|e| name(&mut e.subject.name));
            let evidence = hypothesis.pro.iter_mut().chain(&mut hypothesis.contra);
            evidence.for_each(|e| name(&mut e.subject.name));
        }
    }
    report
}

fn name(text: &mut String) {
    if let Some(plain) = called(text) {
        *text = plain;
    }
}

/// `stdin` for `?1`, `stdin 2` for `?2`; nothing for names of pods.
fn called(text: &str) -> Option<String> {
    match text.strip_prefix('?')?.parse::<usize>().ok()? {
        1 => Some("stdin".to_owned()),
        number => Some(format!("stdin {number}")),
    }
}
