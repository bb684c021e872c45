//! What other programs write around a line: kubectl, stern, kubetail, compose, the container
//! runtime, Docker, journald and syslog, `logcli`. Frames nest: a prefix, then a time, then the
//! body. What a frame says of origin and time is kept; the body is what the program itself wrote.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::{Time, Times, body};
use crate::limits;

mod envelope;
mod prefix;

pub(super) use prefix::NAME;

#[cfg(test)]
mod tests;

/// More layers than any chain of tools puts around one line.
const LAYERS: usize = 6;

/// Who speaks, by the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who<'a> {
    /// Kubernetes namespace.
    pub namespace: Option<Cow<'a, [u8]>>,
    /// Pod; for syslog and journald the host.
    pub pod: Cow<'a, [u8]>,
    /// Container; for syslog and journald the program.
    pub container: Option<Cow<'a, [u8]>>,
}

impl<'a> Who<'a> {
    fn pod(pod: &'a [u8], container: Option<&'a [u8]>) -> Self {
        Self {
            namespace: None,
            pod: Cow::Borrowed(pod),
            container: container.map(Cow::Borrowed),
        }
    }

    fn into_owned<'b>(self) -> Who<'b> {
        let own = |part: Cow<'_, [u8]>| Cow::Owned(part.into_owned());
        Who {
            namespace: self.namespace.map(own),
            pod: own(self.pod),
            container: self.container.map(own),
        }
    }
}

/// A line with its frame taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Who speaks, if the frame says so.
    pub who: Option<Who<'a>>,
    /// The frame's time; of several, the outermost.
    pub time: Option<Time>,
    /// What is left. Owned only where the frame escaped it.
    pub body: Cow<'a, [u8]>,
    /// The rest of the line comes with the next frame of the same stream.
    pub partial: bool,
    /// The frame says standard error, so that the two streams are not joined to each other.
    pub stderr: bool,
    /// The tool itself speaks (stern: `+ pod › container`); there is no body.
    pub control: bool,
}

impl<'a> Frame<'a> {
    /// A line without a frame.
    #[must_use]
    pub fn bare(line: &'a [u8]) -> Self {
        Self {
            who: None,
            time: None,
            body: Cow::Borrowed(line),
            partial: false,
            stderr: false,
            control: false,
        }
    }
}

/// What is remembered from line to line of one stream.
#[derive(Debug, Default)]
pub struct FrameState {
    /// Reads times.
    pub times: Times,
    /// `pod container ` as stern writes it, seen in front of sure records: believed in front of
    /// plain text too.
    heads: FxHashSet<Box<[u8]>>,
    /// A head was looked for and not found.
    asked_in_vain: bool,
}

impl FrameState {
    /// A state that reads times so.
    #[must_use]
    pub fn new(times: Times) -> Self {
        Self {
            times,
            heads: FxHashSet::default(),
            asked_in_vain: false,
        }
    }

    /// Heads that were seen before.
    pub(super) fn recall(&mut self, heads: Vec<Box<[u8]>>) {
        self.heads.extend(heads);
    }

    /// All heads seen.
    pub(super) fn heads(&mut self) -> Vec<Box<[u8]>> {
        self.heads.drain().collect()
    }

    /// Knowing more heads might have changed how a line was read.
    pub(super) fn asked_in_vain(&self) -> bool {
        self.asked_in_vain
    }

    fn remember(&mut self, head: &[u8]) {
        if self.heads.len() < limits::ORIGINS && !self.heads.contains(head) {
            self.heads.insert(head.into());
        }
    }
}

/// One layer taken off.
struct Layer<'a> {
    who: Option<Who<'a>>,
    time: Option<Time>,
    body: Cow<'a, [u8]>,
    partial: bool,
    stderr: bool,
    control: bool,
}

impl<'a> Layer<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self {
            who: None,
            time: None,
            body: Cow::Borrowed(body),
            partial: false,
            stderr: false,
            control: false,
        }
    }
}

/// Takes the frame off a line. The line has no line end and no colours.
pub fn split_frame<'a>(line: &'a [u8], state: &mut FrameState) -> Frame<'a> {
    state.times.frame = None;
    let mut frame = Frame::bare(line);
    if is_bare(line) {
        return frame;
    }
    for _ in 0..LAYERS {
        let framed = frame.time.is_some();
        match &frame.body {
            Cow::Borrowed(text) => {
                let Some(layer) = take_layer(text, framed, state) else {
                    break;
                };
                add(&mut frame, layer);
            }
            Cow::Owned(text) => {
                // The layer borrows from the frame: it has to be copied before it replaces it.
                let Some(layer) = take_layer(text, framed, state) else {
                    break;
                };
                let layer = Layer {
                    who: layer.who.map(Who::into_owned),
                    body: Cow::Owned(layer.body.into_owned()),
                    ..layer
                };
                add(&mut frame, layer);
            }
        }
        if frame.control {
            break;
        }
    }
    state.times.frame = frame.time;
    frame
}

/// The usual line of a bare log, told by its first bytes.
fn is_bare(line: &[u8]) -> bool {
    line.starts_with(b"ts=") || line.starts_with(b"level=") || line.starts_with(b"caller=")
}

fn add<'a>(frame: &mut Frame<'a>, layer: Layer<'a>) {
    frame.time = frame.time.or(layer.time);
    if layer.who.is_some() {
        frame.who = layer.who;
    }
    frame.partial |= layer.partial;
    frame.stderr |= layer.stderr;
    frame.control = layer.control;
    frame.body = layer.body;
}

/// The outermost layer, if there is one. `timed`: a time has been taken off already, without
/// which some layers are not believed.
fn take_layer<'a>(text: &'a [u8], timed: bool, state: &mut FrameState) -> Option<Layer<'a>> {
    match text.first()? {
        b'{' => match text.get(1)? {
            b'"' => envelope::unwrap(text, &mut state.times),
            _ if timed => prefix::labels(text),
            _ => None,
        },
        b'[' => prefix::bracketed(text),
        b'0'..=b'9' => prefix::timed(text, &mut state.times).or_else(|| word(text, timed, state)),
        b'+' | b'-' => prefix::stern_control(text),
        _ => word(text, timed, state),
    }
}

/// Layers that begin with a word.
fn word<'a>(text: &'a [u8], timed: bool, state: &mut FrameState) -> Option<Layer<'a>> {
    if body::begins(text) {
        return None;
    }
    if let Some(layer) = prefix::syslog(text, &mut state.times) {
        return Some(layer);
    }
    if let Some(layer) = prefix::host(text).filter(|_| timed) {
        return Some(layer);
    }
    if let Some(layer) = prefix::compose(text) {
        return Some(layer);
    }
    prefix::stern(text).find_map(|(head, layer)| {
        let sure = body::begins(&layer.body) || state.times.leading(&layer.body).is_some();
        if sure {
            state.remember(head);
        }
        let known = sure || state.heads.contains(head);
        state.asked_in_vain |= !known;
        known.then_some(layer)
    })
}
