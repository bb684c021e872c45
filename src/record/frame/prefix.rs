//! Frames that stand in front of the line.

use std::borrow::Cow;

use memchr::memmem;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_until, take_while_m_n, take_while1};
use nom::character::complete::{digit1, space0, space1};
use nom::combinator::{opt, peek, recognize, verify};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::{Layer, Who};
use crate::record::{Times, body};

/// Longest name of a Kubernetes object.
pub(crate) const NAME: usize = 253;

type Text<'a> = &'a [u8];

/// A name as Kubernetes allows it.
fn name(text: Text<'_>) -> IResult<Text<'_>, Text<'_>> {
    take_while_m_n(1, NAME, |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
    })
    .parse(text)
}

/// A name that looks like a pod's: those of all controllers hold a dash and a letter.
fn pod(text: Text<'_>) -> IResult<Text<'_>, Text<'_>> {
    verify(name, |name: &[u8]| {
        name.contains(&b'-')
            && name.iter().any(u8::is_ascii_lowercase)
            && name.first().is_some_and(u8::is_ascii_alphanumeric)
            && name.last().is_some_and(u8::is_ascii_alphanumeric)
    })
    .parse(text)
}

/// kubectl `[pod/NAME/CONTAINER] `, kubetail `[POD CONTAINER] ` and `[POD] `, dmesg `[ 12.345678] `.
pub(super) fn bracketed(text: Text<'_>) -> Option<Layer<'_>> {
    let end = alt((tag("] "), tag("]")));
    let kubectl = (tag("[pod/"), name, tag("/"), name, end)
        .map(|(_, pod, _, container, _)| (pod, Some(container)));
    let kubetail = (tag("["), pod, opt(preceded(tag(" "), name)), tag("] "))
        .map(|(_, pod, container, _)| (pod, container));
    let mut named = alt((kubectl, kubetail)).map(|(pod, container)| Some(Who::pod(pod, container)));
    if let Ok((rest, who)) = named.parse(text) {
        let layer = Layer::new(rest);
        return Some(Layer { who, ..layer });
    }
    kernel_time(text).ok().map(|(rest, _)| Layer::new(rest))
}

/// Seconds since the kernel started; no date can be told from them.
fn kernel_time(text: Text<'_>) -> IResult<Text<'_>, Text<'_>> {
    let seconds = recognize((digit1, tag("."), digit1));
    delimited((tag("["), space0), seconds, tag("] ")).parse(text)
}

/// kubectl `--timestamps`, and what the container runtime puts behind it: `stdout F `.
pub(super) fn timed<'a>(text: Text<'a>, times: &mut Times) -> Option<Layer<'a>> {
    let (time, len) = times
        .leading(text)
        .filter(|_| text[10] == b'T' && text[4] == b'-')?;
    let rest = match &text[len..] {
        [] => &text[len..],
        [b' ' | b'\t', rest @ ..] => rest,
        _ => return None,
    };
    let layer = Layer {
        time: Some(time),
        ..Layer::new(rest)
    };
    let Ok((body, (stream, tags))) = runtime(rest) else {
        return Some(layer);
    };
    Some(Layer {
        body: Cow::Borrowed(body),
        partial: tags[0] == b'P',
        stderr: stream == b"stderr",
        ..layer
    })
}

/// `stdout F `: the stream, and tags of which the first says whether the line is whole.
fn runtime(text: Text<'_>) -> IResult<Text<'_>, (Text<'_>, Text<'_>)> {
    let stream = terminated(alt((tag("stdout"), tag("stderr"))), tag(" "));
    let first = peek(alt((tag("F"), tag("P"))));
    let tags = preceded(first, take_while_m_n(1, 32, |byte: u8| byte != b' '));
    (stream, terminated(tags, opt(tag(" ")))).parse(text)
}

/// `logcli query`: `{namespace="x", pod="y"} line`, behind a time.
pub(super) fn labels(text: Text<'_>) -> Option<Layer<'_>> {
    let (mut rest, _) = tag::<_, _, nom::error::Error<Text<'_>>>("{")
        .parse(text)
        .ok()?;
    let (mut namespace, mut pod, mut container) = (None, None, None);
    loop {
        if let Some(body) = rest.strip_prefix(b"}") {
            let who = pod.map(|pod| Who {
                namespace: namespace.map(Cow::Borrowed),
                ..Who::pod(pod, container)
            });
            let layer = Layer::new(body.trim_ascii_start());
            return Some(Layer { who, ..layer });
        }
        let (next, (key, value)) = label(rest).ok()?;
        let value = Some(value).filter(|value| (1..=NAME).contains(&value.len()));
        match key {
            b"namespace" | b"kubernetes_namespace_name" => namespace = value,
            b"pod" | b"pod_name" | b"kubernetes_pod_name" | b"k8s_pod_name" => pod = value,
            b"container" | b"container_name" | b"kubernetes_container_name" => container = value,
            _ => {}
        }
        rest = next;
    }
}

/// `key="value", `
fn label(text: Text<'_>) -> IResult<Text<'_>, (Text<'_>, Text<'_>)> {
    let key = take_while1(|byte: u8| byte.is_ascii_alphanumeric() || byte == b'_');
    let value = delimited(tag("=\""), take_until("\""), tag("\""));
    terminated((key, value), (space0, opt(tag(",")), space0)).parse(text)
}

/// `Feb  7 09:14:38 HOST PROGRAM[12]: `
pub(super) fn syslog<'a>(text: Text<'a>, times: &mut Times) -> Option<Layer<'a>> {
    let (time, len) = times.syslog(text)?;
    let rest = text[len..].strip_prefix(b" ")?;
    let (body, (host, program)) = host_and_program(rest).ok()?;
    Some(Layer {
        who: Some(Who::pod(host, Some(program))),
        time,
        ..Layer::new(body)
    })
}

/// `HOST PROGRAM[12]: ` behind a time, as `journalctl -o short-iso` writes it. Without a process
/// number only the kernel is believed.
pub(super) fn host(text: Text<'_>) -> Option<Layer<'_>> {
    let (body, (host, program)) = host_and_program(text).ok()?;
    let head = &text[..text.len() - body.len()];
    let sure = program == b"kernel" || memmem::find(head, b"]: ").is_some();
    sure.then(|| Layer {
        who: Some(Who::pod(host, Some(program))),
        ..Layer::new(body)
    })
}

fn host_and_program(text: Text<'_>) -> IResult<Text<'_>, (Text<'_>, Text<'_>)> {
    let host = take_while_m_n(1, NAME, |byte: u8| byte.is_ascii_graphic());
    let program = take_while_m_n(1, NAME, |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'[' | b':')
    });
    let number = opt(delimited(tag("["), digit1, tag("]")));
    (
        terminated(host, space1),
        terminated(program, (number, tag(": "))),
    )
        .parse(text)
}

/// Docker compose: `name-1  | line`.
pub(super) fn compose(text: Text<'_>) -> Option<Layer<'_>> {
    // Most lines hold no bar near their beginning.
    let bar = memchr::memchr(b'|', &text[..text.len().min(NAME)])?;
    let rest = &text[bar + 1..];
    let body = rest.strip_prefix(b" ").unwrap_or(rest);
    let head = &text[..bar];
    let name = head.trim_ascii_end();
    let plain = name
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    let replica = matches!(name, [.., b'-' | b'_', b'0'..=b'9']);
    let named = plain && !name.is_empty() && name.len() < head.len();
    (named && (replica || body::begins(body))).then(|| Layer {
        who: Some(Who::pod(name, None)),
        ..Layer::new(body)
    })
}

/// stern: `namespace pod container line`, or `pod container line`. Each with its head, by which it
/// is known again.
pub(super) fn stern(text: Text<'_>) -> impl Iterator<Item = (Text<'_>, Layer<'_>)> {
    let readings = [stern_namespaced(text).ok(), stern_words(text).ok()];
    readings
        .into_iter()
        .flatten()
        .map(move |(rest, (namespace, pod, container))| {
            let who = Who {
                namespace: namespace.map(Cow::Borrowed),
                ..Who::pod(pod, Some(container))
            };
            let layer = Layer {
                who: Some(who),
                ..Layer::new(rest)
            };
            (&text[..text.len() - rest.len()], layer)
        })
}

/// Namespace, pod and container.
type Names<'a> = (Option<Text<'a>>, Text<'a>, Text<'a>);

fn stern_words(text: Text<'_>) -> IResult<Text<'_>, Names<'_>> {
    (terminated(pod, tag(" ")), terminated(name, tag(" ")))
        .map(|(pod, container)| (None, pod, container))
        .parse(text)
}

fn stern_namespaced(text: Text<'_>) -> IResult<Text<'_>, Names<'_>> {
    (terminated(name, tag(" ")), stern_words)
        .map(|(namespace, (_, pod, container))| (Some(namespace), pod, container))
        .parse(text)
}

/// stern's own `+ pod › container` and `- pod › container`.
pub(super) fn stern_control(text: Text<'_>) -> Option<Layer<'_>> {
    let rest = text[1..].strip_prefix(b" ")?;
    let arrow = memmem::find(&rest[..rest.len().min(NAME * 3)], " › ".as_bytes())?;
    let named = rest[..arrow].iter().all(u8::is_ascii_graphic) || rest[..arrow].contains(&b' ');
    named.then(|| Layer {
        control: true,
        ..Layer::new(b"")
    })
}
