#![allow(clippy::unwrap_used)]

mod samples;

use super::{Format, Style, render};

#[test]
fn snapshots() {
    for (name, report) in samples::all() {
        for format in Format::ALL {
            if matches!(format, Format::Json | Format::Yaml) {
                continue;
            }
            let text = render(&report, format, Style::default());
            insta::assert_snapshot!(format!("{name}.{}", format.name()), text);
        }
        let style = Style {
            verbose: 1,
            ..Style::default()
        };
        insta::assert_snapshot!(
            format!("{name}.verbose"),
            render(&report, Format::Text, style)
        );
    }
}
