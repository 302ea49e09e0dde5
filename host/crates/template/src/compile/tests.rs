use expect_test::{Expect, expect};

use super::*;

const STAMP: Stamp<'static> = Stamp { run_id: "run-1", job: "create", template: "" };

fn check(source: &str, params: &[&str]) {
    let template = Template::compile(source, "ns-1", &STAMP).expect(source);
    assert_eq!(template.params(), params);
    for param in template.param_places() {
        let found = source.get(param.span.clone()).expect("a place in the text");
        assert!(found.contains(&param.name), "`{found}` is not `{}`", param.name);
    }
}

fn check_err(source: &str, expected: Expect) {
    let error = Template::compile(source, "ns-1", &STAMP).expect_err(source);
    let found = source.get(error.span.clone()).expect("a place in the text");
    let help = error.mistake.help().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    expected.assert_eq(&format!("{error}\nat `{found}`{help}"));
}

#[test]
fn parameters_come_in_the_order_of_the_file() {
    check(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: 'b-{{ b }}-{{ a }}'}\nspec: {x: '{{ b }}'}",
        &["b", "a"],
    );
    check("apiVersion: v1\nkind: Pod\nmetadata: {name: 'x{{ b | upper }}{{ a }}'}", &["b", "a"]);
    check("apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  labels: {'a-{{ n }}': y}", &["n"]);
    check("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n# only {{ here }}\n", &[]);
}

#[test]
fn a_loop_variable_is_no_parameter() {
    check(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n{% for i in range(n) %}\n  k{{ i }}: 1\n{% endfor %}\n",
        &["n"],
    );
}

#[test]
fn kind_and_api_version_are_fixed() {
    check_err(
        "apiVersion: v1\nkind: {{ kind }}\nmetadata: {name: x}",
        expect![[r#"
        `kind` must be fixed text, not depend on a parameter (line 2, column 7)
        at `{{ kind }}`
        help: permissions are checked by `kind` before any object is made: use one template for each"#]],
    );
    check_err(
        "{% if x %}\nkind: Pod\n{% endif %}\nmetadata: {name: x}",
        expect![[r#"
        the manifest has no `apiVersion` (line 1, column 1)
        at `{% if x %}`
        help: add `apiVersion: …` at the top level"#]],
    );
}

#[test]
fn go_templates_are_recognized() {
    check_err(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-{{.Iteration}}",
        expect![[r#"
        `{{.Iteration}}` is a Go template expression (line 4, column 13)
        at `{{.Iteration}}`
        help: write `{{ iteration }}`"#]],
    );
    check_err(
        "apiVersion: v1\nkind: Pod\n{{ if .x }}",
        expect![[r#"
        `{{ if .x }}` is a Go template expression (line 3, column 1)
        at `{{ if .x }}`
        help: write `{% if … %} … {% endif %}`"#]],
    );
}

#[test]
fn mistakes_have_their_place() {
    check_err(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n   y: z",
        expect![[r#"
        this is not YAML: mapping values are not allowed in this context (line 5, column 5)
        at `:`"#]],
    );
    check_err(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ x",
        expect![[r#"
        `{{` is never closed (line 4, column 9)
        at `{{`
        help: close it with `}}`"#]],
    );
    check_err(
        "apiVersion: v1\nkind: Pod",
        expect![[r#"
            the object has no name (line 1, column 1)
            at `apiVersion`
            help: add `metadata.name`, for example `name: pod-{{ iteration }}`"#]],
    );
    check_err(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: 5}",
        expect![[r#"
        `metadata.name` must be text (line 3, column 18)
        at `5`"#]],
    );
    check_err(
        "[1, 2]",
        expect![[r#"
        a manifest is a mapping, this is a list (line 1, column 1)
        at `[1, 2]`"#]],
    );
    check_err(
        "",
        expect![[r#"
        the file is empty (line 1, column 1)
        at ``"#]],
    );
    check_err(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nkind: Pod",
        expect![[r#"
        key `kind` is written twice (line 4, column 1)
        at `kind`
        help: remove one of the two"#]],
    );
    check_err(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n---\nkind: Pod",
        expect![[r#"
        the file has more than one YAML document (line 4, column 1)
        at `---`
        help: keep one document a file and remove the rest from `---` on"#]],
    );
    check_err(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: '{{ x | nope }}'}",
        expect![[r#"
        the template has a mistake: filter nope is unknown (line 3, column 26)
        at `nope`"#]],
    );
    check_err(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: '{{ x + }}'}",
        expect![[r#"
        the template has a mistake: unexpected end of variable block (line 3, column 26)
        at `}}`"#]],
    );
}

#[test]
fn labels_of_the_run_must_have_a_place() {
    check_err(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  labels: app",
        expect![[r#"
            `metadata.labels` must be a mapping, this is text (line 5, column 11)
            at `app`
            help: the labels of the run go there: write a mapping, or leave it out"#]],
    );
    check_err(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec:\n  template: {metadata: [a], spec: {containers: []}}",
        expect![[r#"
            `metadata` must be a mapping, this is a list (line 5, column 24)
            at `[a]`
            help: the labels of the run go there: write a mapping, or leave it out"#]],
    );
    check_err(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\nspec:\n  volumeClaimTemplates: [data]",
        expect![[r#"
            `volumeClaimTemplates[]` must be a mapping, this is text (line 5, column 26)
            at `data`
            help: the labels of the run go there: write a mapping, or leave it out"#]],
    );
    check("apiVersion: v1\nkind: Pod\nmetadata:\n  name: '{{ n }}'\n  labels:\n", &["n"]);
}
