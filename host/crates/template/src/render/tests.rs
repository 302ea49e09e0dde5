use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::{Stamp, Template};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-{{ iteration }}\nspec:\n  containers:\n    - image: {{ image }}\n      replicas: {{ iteration }}\n";

fn compile(source: &str) -> Template {
    Template::compile(source, "ns-1", &Stamp { run_id: "r", job: "j", template: "" }).expect(source)
}

fn body(source: &str, values: &[ParamValue<'_>]) -> serde_json::Value {
    let mut renderer = compile(source).renderer();
    serde_json::from_slice(renderer.render(values).expect("an object").body).expect("JSON")
}

fn check(source: &str, values: &[ParamValue<'_>], expected: Expect) {
    let mut renderer = compile(source).renderer();
    let rendered = renderer.render(values).expect("an object");
    let body = std::str::from_utf8(rendered.body).expect("UTF-8");
    expected.assert_eq(&format!("{body}\n{}/{}", rendered.namespace, rendered.name));
}

fn check_err(source: &str, values: &[ParamValue<'_>], expected: Expect) {
    let error = compile(source).renderer().render(values).map(|_| ()).expect_err(source);
    expected.assert_eq(&error.to_string());
}

#[test]
fn an_object_is_rendered_with_labels_and_namespace() {
    check(
        POD,
        &[ParamValue::Int(7), ParamValue::Text("x:1.10")],
        expect![[r#"
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-7","labels":{"bench.dev/run-id":"r","bench.dev/job":"j"},"namespace":"ns-1"},"spec":{"containers":[{"image":"x:1.10","replicas":7}]}}
        ns-1/pod-7"#]],
    );
}

/// Renders with the namespace as a parameter, which `value` is; the other parameters are 7.
fn check_namespace(source: &str, value: &str, fixed: Option<&str>, expected: &str) {
    let stamp = Stamp { run_id: "r", job: "j", template: "" };
    let template = Template::compile(source, crate::NAMESPACE_PARAM, &stamp).expect(source);
    assert_eq!(template.fixed_namespace().as_deref(), fixed, "{source}");
    let value_of = |name: &String| match name.as_str() {
        "namespace" => ParamValue::Text(value),
        _ => ParamValue::Int(7),
    };
    let values: Vec<_> = template.params().iter().map(value_of).collect();
    let mut renderer = template.renderer();
    let rendered = renderer.render(&values).expect("an object");
    assert_eq!(rendered.namespace, expected, "{source}");
    let body: serde_json::Value = serde_json::from_slice(rendered.body).expect("JSON");
    assert_eq!(body["metadata"]["namespace"], expected);
}

#[test]
fn a_namespace_that_is_a_parameter_stands_where_the_manifest_names_none() {
    let none = "apiVersion: v1\nkind: Pod\nmetadata: {name: 'a-{{ n }}'}\nspec: {x: '{{ n }}'}";
    check_namespace(none, "ns-4", None, "ns-4");
    let itself = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: '{{ namespace }}'}";
    check_namespace(itself, "ns-4", None, "ns-4");
    let fixed = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: mine}";
    check_namespace(fixed, "ns-4", Some("mine"), "mine");
    let jinja = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a{% if n %}b{% endif %}\n";
    check_namespace(jinja, "ns-4", None, "ns-4");
    let hostile = "a\", \"x\": {}";
    check_namespace(none, hostile, None, hostile);
    check_namespace(jinja, hostile, None, hostile);
}

#[test]
fn the_label_of_a_template_is_on_its_objects_and_not_on_what_is_made_of_them() {
    let source = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template: {spec: {containers: []}}";
    let stamp = Stamp { run_id: "r", job: "j", template: "3" };
    let mut renderer = Template::compile(source, "", &stamp).expect(source).renderer();
    let body: serde_json::Value =
        serde_json::from_slice(renderer.render(&[]).expect("an object").body).expect("JSON");
    assert_eq!(body["metadata"]["labels"][crate::TEMPLATE_LABEL], "3");
    let pod = &body["spec"]["template"]["metadata"]["labels"];
    assert_eq!((pod.get(crate::TEMPLATE_LABEL), &pod[crate::JOB_LABEL]), (None, &"j".into()));
    let json = serde_json::from_str(r#"{"kind":"X","n":1.5,"spec":{"template":{"spec":{"containers":[]}}}}"#);
    let stamped =
        Stamp { run_id: "r", job: "j", template: "" }.apply_to_json(json.expect("JSON")).expect("stamped");
    assert_eq!(
        (&stamped["n"], &stamped["spec"]["template"]["metadata"]["labels"][crate::RUN_ID_LABEL]),
        (&1.5.into(), &"r".into())
    );
}

#[test]
fn an_integer_is_a_number_only_where_it_is_a_whole_unquoted_scalar() {
    let source = "apiVersion: v1\nkind: X\nmetadata: {name: x}\na: {{ n }}\nb: '{{ n }}'\nc: x{{ n }}\nd: \"{{ n }}\"\n";
    let found = body(source, &[ParamValue::Int(3)]);
    assert_eq!(
        (&found["a"], &found["b"], &found["c"], &found["d"]),
        (&3.into(), &"3".into(), &"x3".into(), &"3".into())
    );
}

#[test]
fn text_is_never_a_number_and_labels_are_always_text() {
    let source =
        "apiVersion: v1\nkind: X\nmetadata:\n  name: {{ n }}\n  labels: {i: '', n: {{ n }}}\na: {{ t }}\n";
    let source = source.replace("{i: '', n: {{ n }}}", "\n    n: {{ n }}");
    let found = body(&source, &[ParamValue::Int(3), ParamValue::Text("1.10")]);
    assert_eq!(found["metadata"]["name"], "3");
    assert_eq!(found["metadata"]["labels"]["n"], "3");
    assert_eq!(found["a"], "1.10");
}

#[test]
fn nested_templates_carry_the_labels() {
    let source = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec: {containers: []}\n";
    let found = body(source, &[]);
    let labels = serde_json::json!({"bench.dev/run-id": "r", "bench.dev/job": "j"});
    assert_eq!(found["metadata"]["labels"], labels);
    assert_eq!(found["spec"]["jobTemplate"]["metadata"]["labels"], labels);
    assert_eq!(found["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"], labels);
    let source = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x, labels: {bench.dev/run-id: stolen, a: b}}\nspec:\n  volumeClaimTemplates: [{metadata: {name: v}}]\n";
    let found = body(source, &[]);
    assert_eq!(found["metadata"]["labels"]["bench.dev/run-id"], "r");
    assert_eq!(found["metadata"]["labels"]["a"], "b");
    assert_eq!(found["spec"]["volumeClaimTemplates"][0]["metadata"]["labels"], labels);
}

#[test]
fn a_manifest_with_its_own_namespace_keeps_it() {
    check(
        "apiVersion: v1\nkind: X\nmetadata: {name: x, namespace: 'n-{{ i }}'}",
        &[ParamValue::Int(1)],
        expect![[r#"
            {"apiVersion":"v1","kind":"X","metadata":{"name":"x","namespace":"n-1","labels":{"bench.dev/run-id":"r","bench.dev/job":"j"}}}
            n-1/x"#]],
    );
    check(
        "apiVersion: v1\nkind: X\nmetadata: {generateName: x-}",
        &[],
        expect![[r#"
        {"apiVersion":"v1","kind":"X","metadata":{"generateName":"x-","labels":{"bench.dev/run-id":"r","bench.dev/job":"j"},"namespace":"ns-1"}}
        ns-1/"#]],
    );
}

#[test]
fn statements_and_filters_are_rendered() {
    let source = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c-{{ i }}\ndata:\n{% for k in range(i) %}\n  k{{ k }}: {{ text | upper }}\n{% endfor %}\nn: {{ i + 1 }}\n";
    check(
        source,
        &[ParamValue::Int(2), ParamValue::Text("a: b\n#\"")],
        expect![[r#"
        {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c-2","labels":{"bench.dev/run-id":"r","bench.dev/job":"j"},"namespace":"ns-1"},"data":{"k0":"A: B\n#\"","k1":"A: B\n#\""},"n":3}
        ns-1/c-2"#]],
    );
}

#[test]
fn what_a_statement_does_is_still_checked() {
    let head = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n";
    check_err(
        &format!("{head}{{% if n %}}\nkind: Secret\n{{% endif %}}\n"),
        &[ParamValue::Int(1)],
        expect!["the rendered manifest is wrong at `kind: Secret`: key `kind` is written twice"],
    );
    check_err(
        &format!("{head}a: {{{{ n / 0 }}}}\n"),
        &[ParamValue::Int(1)],
        expect!["failed to render the template"],
    );
    check_err(POD, &[], expect!["the template has 2 parameters, got 0 values"]);
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    check_err(&format!("{head}{nested}"), &[], expect!["failed to render the template"]);
}

proptest! {
    #[test]
    fn no_value_changes_the_structure(image in ".{0,40}", iteration in any::<i64>()) {
        let jinja = format!("{POD}{{# a comment makes it the slow form #}}\n");
        for source in [POD, jinja.as_str()] {
            let found = body(source, &[ParamValue::Int(iteration), ParamValue::Text(&image)]);
            // Private-use characters are kept by slots and decoded by the other form.
            prop_assume!(!image.contains(|c| ('\u{E000}'..='\u{E1FF}').contains(&c)));
            prop_assert_eq!(&found["spec"]["containers"][0]["image"], image.as_str());
            prop_assert_eq!(&found["spec"]["containers"][0]["replicas"], iteration);
            prop_assert_eq!(&found["metadata"]["name"], &format!("pod-{iteration}"));
            prop_assert_eq!(&found["kind"], "Pod");
        }
    }
}

#[test]
fn what_a_loop_makes_of_labels_is_refused_when_it_cannot_carry_the_run() {
    let source = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: {% if text %}x{% else %}{a: b}{% endif %}\n";
    let mut renderer = compile(source).renderer();
    renderer.render(&[ParamValue::Int(0)]).expect("a map of labels");
    let error = renderer.render(&[ParamValue::Int(1)]).expect_err("text for labels");
    assert_eq!(
        error.to_string(),
        "the rendered manifest is wrong: `metadata.labels` must be a mapping, this is text"
    );
}
