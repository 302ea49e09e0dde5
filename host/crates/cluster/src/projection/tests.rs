//! The trie against a plain reading of the same path in `serde_json::Value`.

use bench_model::{ParseAs, Projection};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn projector(paths: &[(&str, ParseAs)]) -> Projector {
    let projections: Vec<_> =
        paths.iter().map(|(path, parse)| Projection { path: (*path).to_owned(), parse: *parse }).collect();
    Projector::compile(&projections).expect("paths")
}

fn clock() -> RunClock {
    RunClock::start_at(std::time::UNIX_EPOCH)
}

fn cells(projector: &Projector, object: &str) -> Vec<Cell<'static>> {
    let clock = clock();
    let row = projector.object(object.as_bytes(), &clock).expect("JSON");
    row.cells.into_iter().map(owned).collect()
}

fn owned(cell: Cell<'_>) -> Cell<'static> {
    match cell {
        Cell::Absent => Cell::Absent,
        Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
        Cell::Int(value) => Cell::Int(value),
        Cell::Float(value) => Cell::Float(value),
        Cell::Bool(value) => Cell::Bool(value),
        Cell::OwnCreate(time) => Cell::OwnCreate(time),
    }
}

fn check(path: &str, parse: ParseAs, object: &Value, expected: Cell<'static>) {
    assert_eq!(cells(&projector(&[(path, parse)]), &object.to_string()), [expected], "{path}");
}

fn text(text: &str) -> Cell<'static> {
    Cell::Text(Cow::Owned(text.to_owned()))
}

#[test]
fn a_selector_may_come_after_what_it_selects() {
    let object = json!({"status": {"conditions": [
        {"status": "False", "type": "PodScheduled"},
        {"lastTransitionTime": "1970-01-01T00:00:09Z", "status": "True", "type": "Ready"},
        {"type": "Ready", "status": "second", "lastTransitionTime": "1970-01-01T00:00:10Z"},
    ]}});
    check("status.conditions[type=Ready].status", ParseAs::Text, &object, text("True"));
    check("status.conditions[type=Ready].status", ParseAs::Boolean, &object, Cell::Bool(true));
    check(
        "status.conditions[type=Ready].lastTransitionTime",
        ParseAs::Time,
        &object,
        Cell::Int(9_000_000_000),
    );
    check("status.conditions[type=Other].status", ParseAs::Text, &object, Cell::Absent);
    check("status.conditions[*].type", ParseAs::Text, &object, text("PodScheduled,Ready,Ready"));
}

#[test]
fn several_columns_of_one_list_do_not_disturb_each_other() {
    let object = json!({"c": [{"n": "a", "p": [{"k": "x", "v": 1}, {"k": "y", "v": 2}]}, {"n": "b", "p": [{"k": "x", "v": 3}]}]});
    let paths = [
        ("c[n=b].p[k=x].v", ParseAs::Integer),
        ("c[*].p[k=x].v", ParseAs::Text),
        ("c[*].p[*].v", ParseAs::Text),
        ("c[n=a].p", ParseAs::Raw),
        ("c[n=a].p[k=y].v", ParseAs::Text),
        ("c[*].n", ParseAs::Text),
    ];
    let expected = [
        Cell::Int(3),
        text("1,3"),
        text("1,2,3"),
        text(r#"[{"k":"x","v":1},{"k":"y","v":2}]"#),
        text("2"),
        text("a,b"),
    ];
    assert_eq!(cells(&projector(&paths), &object.to_string()), expected);
}

#[test]
fn labels_with_dots_and_escapes_are_found() {
    let object = json!({"metadata": {"labels": {"bench.dev/job": "a\"b\n"}, "name": "x"}});
    check("metadata.labels['bench.dev/job']", ParseAs::Text, &object, text("a\"b\n"));
    check("metadata.name", ParseAs::Text, &object, text("x"));
}

#[test]
fn a_line_gives_its_kind_and_its_own_names() {
    let line = br#"{"object":{"metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"7"}},"type":"MODIFIED"}"#;
    let (kind, row) = projector(&[]).event(line, &clock()).expect("JSON").expect("an event");
    assert_eq!(kind, EventKind::Modified);
    assert_eq!((&*row.name, &*row.namespace, &*row.uid, &*row.resource_version), ("a", "n", "u", "7"));
    assert!(projector(&[]).event(br#"{"type":"ADDED"}"#, &clock()).expect("JSON").is_none());
    assert!(projector(&[]).event(br#"{"type":"ADDED","object":{}} x"#, &clock()).is_err());
}

#[test]
fn an_own_create_column_is_left_to_whoever_knows_the_creates() {
    let object = json!({"$create": {"dueAt": "1970-01-01T00:00:09Z"}});
    check("$create.dueAt", ParseAs::Time, &object, Cell::OwnCreate(OwnCreateTime::Due));
}

/// The meaning of a path, said in the plainest way.
fn plain(value: &Value, steps: &[Step], found: &mut Vec<Value>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(value.clone());
        return;
    };
    match (step, value) {
        (Step::Field(name), Value::Object(object)) => {
            if let Some(value) = object.get(&**name) {
                plain(value, rest, found);
            }
        }
        (Step::Each, Value::Array(elements)) => {
            elements.iter().for_each(|element| plain(element, rest, found))
        }
        (Step::Pick { key, value: wanted }, Value::Array(elements)) => {
            let is_it = |element: &&Value| {
                element.get(&**key).and_then(scalar_text).is_some_and(|text| text == **wanted)
            };
            if let Some(element) = elements.iter().find(is_it) {
                plain(element, rest, found);
            }
        }
        (Step::Field(_) | Step::Each | Step::Pick { .. }, _) => {}
    }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
    }
}

fn expected(object: &Value, projection: &Projection) -> Cell<'static> {
    let Ok(Source::Object(steps)) = path::parse(projection) else { return Cell::Absent };
    let mut found = Vec::new();
    plain(object, &steps, &mut found);
    let texts: Vec<String> = match projection.parse {
        ParseAs::Raw => found.iter().map(Value::to_string).collect(),
        _ => found.iter().filter_map(scalar_text).collect(),
    };
    if texts.is_empty() { Cell::Absent } else { Cell::Text(Cow::Owned(texts.join(","))) }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Quarters: parsing loses the last bit of others, and the plain reading is not parsed.
        (-1000_i32..1000).prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        r#"[abx]|["\\\n é]{0,4}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 80, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[abt]", inner), 0..5).prop_map(|pairs| pairs.into_iter().collect()),
        ]
    })
}

fn any_path() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        "[abt]".prop_map(|name| format!(".{name}")),
        Just("[*]".to_owned()),
        ("[abt]", "[abx]|true|1").prop_map(|(key, value)| format!("[{key}={value}]")),
    ];
    ("[abt]", prop::collection::vec(step, 0..5)).prop_map(|(first, steps)| first + &steps.concat())
}

proptest! {
    #[test]
    fn the_trie_finds_what_a_plain_reading_finds(
        object in prop::collection::vec(("[abt]", any_json()), 0..4).prop_map(|pairs| pairs.into_iter().collect::<Value>()),
        paths in prop::collection::vec((any_path(), prop_oneof![Just(ParseAs::Text), Just(ParseAs::Raw)]), 1..8),
    ) {
        let projections: Vec<_> = paths.into_iter().map(|(path, parse)| Projection { path, parse }).collect();
        let projector = Projector::compile(&projections).expect("paths");
        let wanted: Vec<_> = projections.iter().map(|projection| expected(&object, projection)).collect();
        prop_assert_eq!(cells(&projector, &object.to_string()), wanted);
    }

    #[test]
    fn space_between_words_changes_nothing(
        object in prop::collection::vec(("[abt]", any_json()), 0..4).prop_map(|pairs| pairs.into_iter().collect::<Value>()),
        paths in prop::collection::vec(any_path(), 1..8),
    ) {
        let paths: Vec<_> = paths.iter().map(|path| (path.as_str(), ParseAs::Text)).collect();
        let projector = projector(&paths);
        let spaced = format!(" {object:#}\r\n\t");
        prop_assert_eq!(cells(&projector, &spaced), cells(&projector, &object.to_string()));
    }

    #[test]
    fn nothing_in_a_line_makes_it_panic(line: Vec<u8>, tail in r#"\{"type":"ADDED","object":[\[\]{}",:a0-9e.\\-]{0,60}"#) {
        let projector = projector(&[("a[b=c].d", ParseAs::Raw), ("a[*]", ParseAs::Text)]);
        let _ = projector.event(&line, &clock());
        let _ = projector.event(tail.as_bytes(), &clock());
    }
}

#[test]
fn what_is_read_must_be_json() {
    let projector = projector(&[("a.b", ParseAs::Text), ("a.c[*]", ParseAs::Text), ("a.r", ParseAs::Raw)]);
    for wrong in [
        "",
        "{",
        r#"{"a":{}"#,
        r#"{"a":{},}"#,
        r#"{"a":{"c":[1,]}}"#,
        r#"{"a":{"c":[,1]}}"#,
        r#"{"a":{"c":[1 2]}}"#,
        r#"{"a" {}}"#,
        r#"{"a":}"#,
        r#"{"x":}"#,
        r#"{"a":{"b":01}}"#,
        r#"{"a":{"b":+1}}"#,
        r#"{"a":{"b":nul}}"#,
        r#"{"a":{"b":"\x"}}"#,
        r#"{"a":{"b":"\ud800"}}"#,
        "{\"a\":{\"b\":\"\u{1}\"}}",
        r#"{"a":{"r":{"x":[}}}}"#,
        r#"{"a":{"x":["#,
        r#"{"a":{"x":"}}"#,
        r#"{"a":{"x":"\"#,
        r#"{} {}"#,
    ] {
        assert!(projector.object(wrong.as_bytes(), &clock()).is_err(), "{wrong}");
    }
    assert!(projector.object(b"{\"a\":{\"b\":\"\xff\"}}", &clock()).is_err());
    // What nobody asked for is stepped over by its brackets and strings alone.
    assert!(projector.object(br#"{"x":{"y":nonsense},"a":{"b":"c"}}"#, &clock()).is_ok());
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let line = format!(r#"{{"type":"ADDED","object":{{"a":{}}}}}"#, "[".repeat(100_000));
    assert!(projector(&[("a[*]", ParseAs::Raw)]).event(line.as_bytes(), &clock()).is_err());
}
