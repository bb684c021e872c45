//! Tests of `report`.

use proptest::prelude::*;

use crate::report::escape::*;

#[test]
fn visible_shows_what_terminals_obey() {
    let cases = [
        ("plain text\nsecond line", "plain text\nsecond line"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("over\rwrite\x07\x08", r"over\x0dwrite\x07\x08"),
        ("\u{9b}2J", r"\u{9b}2J"),
        ("tab\there", "tab    here"),
        ("safe\u{202e}txt.exe", r"safe\u{202e}txt.exe"),
        (
            "a\u{200b}b\u{feff}c\u{2028}d",
            r"a\u{200b}b\u{feff}c\u{2028}d",
        ),
        ("tag\u{e0041}", r"tag\u{e0041}"),
        ("Grüße, 世界 ✖", "Grüße, 世界 ✖"),
    ];
    for (input, expected) in cases {
        assert_eq!(visible(input), expected);
    }
    assert_eq!(
        visible_bytes(b"ok \xff\xfe \xc3\xa4\x00"),
        r"ok \xff\xfe ä\x00"
    );
    assert_eq!(terminal("two\nlines"), "two lines");
}

#[test]
fn prose_shows_code() {
    let cases = [
        ("set `a<b` now", "set <code>a&#60;b</code> now"),
        ("`x` and `y`", "<code>x</code> and <code>y</code>"),
        ("one ` alone <b>", "one ` alone &#60;b&#62;"),
        ("`a` and ` alone", "<code>a</code> and ` alone"),
        ("``", "``"),
        ("", ""),
    ];
    for (input, expected) in cases {
        assert_eq!(html_prose(input), expected, "{input}");
    }
}

#[test]
fn markdown_has_no_markup_left() {
    let cases = [
        ("a_b*c*", r"a\_b\*c\*"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("[x](http://y)", r"\[x\](http:<!-- -->//y)"),
        (
            "ask @admin, see #12",
            r"ask \@<!-- -->admin, see \#<!-- -->12",
        ),
        ("v0.35.1 at 01:41:07", "v0.35.1 at 01:41:07"),
    ];
    for (input, expected) in cases {
        assert_eq!(markdown(input), expected);
    }
    assert_eq!(markdown_code("a`b"), "``a`b``");
    assert_eq!(markdown_code("`b`"), "`` `b` ``");
    assert_eq!(markdown_code(" \n "), "");
    assert_eq!(
        markdown_block("x\n```\ny", "sh", " "),
        " ````sh\n x\n ```\n y\n ````\n"
    );
}

#[test]
fn slack_escapes_three_characters_and_defuses_the_rest() {
    assert_eq!(
        slack("<!channel> & *bold*"),
        "&lt;!channel&gt; &amp; ∗bold∗"
    );
    assert_eq!(slack_code("a `b` <c>"), "a ʼbʼ &lt;c&gt;");
}

#[test]
fn shell_words() {
    let cases = [
        ("thanos-receive-0", "thanos-receive-0"),
        ("a/b:c@d%e+f=g.h_i", "a/b:c@d%e+f=g.h_i"),
        ("", "''"),
        ("two words", "'two words'"),
        ("$(reboot)", "'$(reboot)'"),
        ("it's", r"'it'\''s'"),
        ("a;b", "'a;b'"),
        ("ü", "'ü'"),
        ("~root", "'~root'"),
    ];
    for (input, expected) in cases {
        assert_eq!(shell_word(input), expected);
        assert_eq!(read_word(expected), input);
    }
}

/// A POSIX shell's reading of one word made of plain characters, `'…'` and `\c`.
pub(super) fn read_word(word: &str) -> String {
    let mut out = String::new();
    let mut chars = word.chars();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('\'', _) => quoted = !quoted,
            ('\\', false) => out.extend(chars.next()),
            (c, true) => out.push(c),
            (c, false) => {
                assert!(
                    c.is_ascii_alphanumeric() || "._/:@%+=-".contains(c),
                    "{c:?} is bare in {word:?}"
                );
                out.push(c);
            }
        }
    }
    assert!(!quoted, "a quote is left open in {word:?}");
    out
}

proptest! {
    #[test]
    fn terminals_get_no_control(text in any::<String>()) {
        prop_assert!(!visible(&text).chars().any(|c| c != '\n' && (c.is_control() || is_hidden(c))));
        prop_assert!(!terminal(&text).contains('\n'));
        // Escaping twice changes nothing more.
        let once = visible(&text);
        prop_assert_eq!(&visible(&once), &once);
    }

    #[test]
    fn bytes_get_no_control(bytes in any::<Vec<u8>>()) {
        prop_assert!(!visible_bytes(&bytes).chars().any(|c| c != '\n' && c.is_control()));
    }

    #[test]
    fn html_has_no_markup(text in any::<String>()) {
        let out = html(&text);
        prop_assert!(!out.contains(['<', '>', '"', '\'']));
        prop_assert!(entities_are_whole(&out, &["&#38;", "&#60;", "&#62;", "&#34;", "&#39;"]));
    }

    #[test]
    fn markdown_has_no_html(text in any::<String>()) {
        let out = markdown(&text).replace("<!-- -->", "");
        prop_assert!(!out.contains(['<', '>', '\n']));
        prop_assert!(entities_are_whole(&out, &["&amp;", "&lt;", "&gt;"]));
    }

    #[test]
    fn code_spans_end_where_they_should(text in "[`ab \\n]{0,12}") {
        let out = markdown_code(&text);
        let fence = out.chars().take_while(|c| *c == '`').count();
        if fence > 0 {
            let inner = &out[fence..out.len() - fence];
            let runs = inner.split(|c| c != '`').map(str::len);
            prop_assert!(runs.into_iter().all(|run| run < fence));
            prop_assert!(!inner.starts_with('`') && !inner.ends_with('`'));
        }
    }

    #[test]
    fn slack_has_no_controls(text in any::<String>()) {
        let out = slack(&text);
        prop_assert!(!out.contains(['<', '>', '`', '*', '~']));
        prop_assert!(entities_are_whole(&out, &["&amp;", "&lt;", "&gt;"]));
    }

    #[test]
    fn shells_read_words_back(text in any::<String>()) {
        prop_assert_eq!(read_word(&shell_word(&text)), text);
    }
}

fn entities_are_whole(text: &str, known: &[&str]) -> bool {
    text.match_indices('&')
        .all(|(at, _)| known.iter().any(|entity| text[at..].starts_with(entity)))
}
