use proptest::prelude::*;
use serde_json::json;

use super::*;

fn check(text: &str, expected: serde_json::Value) {
    let parsed = parse(text).expect(text);
    assert_eq!(parsed.mistakes, []);
    assert_eq!(parsed.root.to_json(), expected);
}

fn check_err(text: &str, expected: YamlMistake, found: &str) {
    let error = match parse(text) {
        Ok(parsed) => parsed.mistakes.into_iter().next().expect("a mistake"),
        Err(error) => error,
    };
    assert_eq!(error.mistake, expected);
    assert_eq!(text.get(error.span), Some(found));
}

#[test]
fn scalars_resolve_as_kubectl_resolves_them() {
    check("[1, -2, 0644, 0x1f, 1.5, 1e3]", json!([1, -2, 420, 31, 1.5, 1000.0]));
    check(
        "[yes, on, 1.2.3, 5m, 50/s, .inf, 1_000, -x]",
        json!(["yes", "on", "1.2.3", "5m", "50/s", ".inf", "1_000", "-x"]),
    );
    check("[true, False, null, ~, '', '5', !!str 5]", json!([true, false, null, null, "", "5", "5"]));
    check("{1: a, true: b}", json!({"1": "a", "true": "b"}));
    check("[18446744073709551615, -9223372036854775808]", json!([u64::MAX, i64::MIN]));
}

#[test]
fn every_node_has_its_place() {
    let text = "a:\n  - b: ä1\n    c: 'd e'\n  - x\nf: 1\n";
    let root = parse(text).expect("YAML").root;
    let at = |pointer: &str| {
        let (key, node) = root.at(pointer).expect(pointer);
        (key.and_then(|key| text.get(key.span.clone())), text.get(node.span.clone()))
    };
    assert_eq!(at("/a/0/b"), (Some("b"), Some("ä1")));
    assert_eq!(at("/a/0/c"), (Some("c"), Some("'d e'")));
    assert_eq!(at("/a/1"), (None, Some("x")));
    assert_eq!(at("/a/0"), (None, Some("b: ä1\n    c: 'd e'")));
    assert_eq!(at("/f"), (Some("f"), Some("1")));
    assert_eq!(root.at("/a/2"), None);
}

#[test]
fn aliases_repeat_and_are_bounded() {
    check("a: &x [1]\nb: *x", json!({"a": [1], "b": [1]}));
    check_err("a: &x [*x]", YamlMistake::SelfAlias, "*x");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", ")));
    }
    assert_eq!(parse(&bomb).expect_err("a bomb").mistake, YamlMistake::TooManyNodes);
}

#[test]
fn limits_hold() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(parse(&deep).expect_err("deep").mistake, YamlMistake::TooDeep);
    let long = "a".repeat(MAX_BYTES + 1);
    assert_eq!(parse(&long).expect_err("long").mistake, YamlMistake::TooLong { bytes: MAX_BYTES + 1 });
    let mut wide = String::new();
    (0..MAX_NODES).for_each(|_| wide.push_str("- \n"));
    assert_eq!(parse(&wide).expect_err("wide").mistake, YamlMistake::TooManyNodes);
}

#[test]
fn mistakes_have_their_place() {
    check_err("", YamlMistake::Empty, "");
    check_err("# nothing\n---\n", YamlMistake::Empty, "");
    check_err("a: 1\nb: 2\na: 3", YamlMistake::DuplicateKey { key: "a".to_owned(), first: 0..1 }, "a");
    check_err("a: 1\n---\nb: 1", YamlMistake::SeveralDocuments, "---");
    check_err("a: !secret x", YamlMistake::Tag { tag: "!secret".to_owned() }, "x");
    check_err("? [a]\n: b", YamlMistake::KeyNotText, "[a]");
    check_err("<<: {a: b}", YamlMistake::MergeKey, "<<");
}

proptest! {
    #[test]
    fn nothing_makes_the_parser_panic_or_leave_the_text(text in "[ -~äé\n\t]{0,80}") {
        match parse(&text) {
            Ok(parsed) => {
                prop_assert!(text.get(parsed.root.span).is_some());
                for error in parsed.mistakes {
                    prop_assert!(text.get(error.span).is_some());
                }
            }
            Err(error) => prop_assert!(text.get(error.span).is_some()),
        }
    }

    #[test]
    fn json_is_yaml(numbers in proptest::collection::vec(any::<i64>(), 0..5), text in "[^\u{7f}-\u{9f}\u{feff}\u{fffe}\u{ffff}]{0,20}") {
        let value = json!({"numbers": numbers, "text": text});
        let parsed = parse(&value.to_string()).expect("JSON is YAML");
        prop_assert_eq!(parsed.root.to_json(), value);
    }
}
