//! Tests of `report`.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::escape::read_word;
use crate::report::remedy::{MissingName, fill, fill_prose};

fn names(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn missing(name: &str) -> Result<String, MissingName> {
    Err(MissingName {
        name: name.to_owned(),
    })
}

#[test]
fn fills_and_quotes() {
    let values = names(&[
        ("namespace", "monitoring"),
        ("pod", "thanos-receive-1"),
        ("tenant", "team a's"),
        ("evil", "x; rm -rf /"),
        ("flag", "--all"),
    ]);
    let check = |template: &str, expected: Result<String, MissingName>| {
        assert_eq!(fill(template, &values), expected, "{template}");
    };
    let ok = |text: &str| Ok(text.to_owned());
    check(
        "kubectl -n {{namespace}} describe pod {{ pod }}",
        ok("kubectl -n monitoring describe pod thanos-receive-1"),
    );
    check("delete pod {{evil}}", ok("delete pod 'x; rm -rf /'"));
    check("no names", ok("no names"));
    check("{{pod}}{{pod}}", ok("thanos-receive-1thanos-receive-1"));
    check("get {{node}}", missing("node"));
    // An option cannot be smuggled in, but may end a word that has begun.
    check("delete pod {{flag}}", missing("flag"));
    check("pod/{{flag}}", ok("pod/--all"));
    // Inside quotes of the template.
    check(
        "promtool query instant URL 'up{tenant=\"{{tenant}}\"}'",
        ok("promtool query instant URL 'up{tenant=\"team a'\\''s\"}'"),
    );
    check(
        "echo \"for {{tenant}}\" \"{{pod}}\"",
        ok("echo \"for \"'team a'\\''s'\"\" \"thanos-receive-1\""),
    );
    // Not names.
    check("jq '{{\"a\": 1}}'", ok("jq '{{\"a\": 1}}'"));
    check("open {{ and no end", ok("open {{ and no end"));
    check("{{{pod}}}", ok("{thanos-receive-1}"));
    check("{{}}", ok("{{}}"));
}

#[test]
fn prose_is_not_quoted() {
    let values = names(&[("tenant", "team a's")]);
    assert_eq!(
        fill_prose("limit {{tenant}}", &values),
        Ok("limit team a's".to_owned())
    );
    assert_eq!(fill_prose("{{pod}}", &values), missing("pod"));
}

proptest! {
    #[test]
    fn a_value_stays_one_word(value in any::<String>()) {
        let values = names(&[("v", &value)]);
        match fill("{{v}}", &values) {
            Ok(text) => prop_assert_eq!(&read_word(&text), &value),
            Err(_) => prop_assert!(value.starts_with('-')),
        }
        let single = fill("'{{v}}'", &values).unwrap();
        prop_assert_eq!(read_word(&single), value);
    }

    #[test]
    fn any_template_is_read(template in any::<String>()) {
        let _ = fill(&template, &BTreeMap::new());
    }
}
