//! Label and field selectors in lists.

use crate::target::{Target, names};

conformance! {
    labels_select_by_equality_set_and_presence,
    fields_select_by_name_and_namespace,
    pods_are_selected_by_phase_and_node,
    a_broken_label_selector_is_explained,
    an_unknown_field_is_refused,
    a_broken_field_selector_is_explained,
}

/// Percent-encodes what selectors need.
fn encode(selector: &str) -> String {
    selector
        .replace('%', "%25")
        .replace(' ', "%20")
        .replace('=', "%3D")
        .replace('>', "%3E")
        .replace('<', "%3C")
}

async fn labels_select_by_equality_set_and_presence(server: &Target) {
    let namespace = server.namespace().await;
    for number in 1..=5 {
        let (name, odd) = (format!("m{number}"), (number % 2).to_string());
        namespace.config_map(&name, &[("n", &number.to_string()), ("odd", &odd)]).await;
    }
    let cases: [(&str, &[&str]); 12] = [
        ("odd=1", &["m1", "m3", "m5"]),
        ("odd==1", &["m1", "m3", "m5"]),
        ("odd!=1", &["kube-root-ca.crt", "m2", "m4"]),
        ("odd", &["m1", "m2", "m3", "m4", "m5"]),
        ("!odd", &["kube-root-ca.crt"]),
        ("odd in (1),n!=1", &["m3", "m5"]),
        ("n in (1, 2,9)", &["m1", "m2"]),
        ("n notin (1,2,3)", &["kube-root-ca.crt", "m4", "m5"]),
        ("n>3", &["m4", "m5"]),
        ("n<2", &["m1"]),
        ("odd=1,n=2", &[]),
        ("", &["kube-root-ca.crt", "m1", "m2", "m3", "m4", "m5"]),
    ];
    for (selector, expected) in cases {
        let path = namespace.core(&format!("configmaps?labelSelector={}", encode(selector)));
        assert_eq!(names(&server.get(&path).await.expect(200).json()), expected, "{selector}");
    }
}

async fn fields_select_by_name_and_namespace(server: &Target) {
    let namespace = server.namespace().await;
    for name in ["m1", "m2", "m3"] {
        namespace.config_map(name, &[("mine", &namespace.name)]).await;
    }
    let cases: [(&str, &[&str]); 3] = [
        ("metadata.name=m2", &["m2"]),
        ("metadata.name!=m2", &["kube-root-ca.crt", "m1", "m3"]),
        ("metadata.name=absent", &[]),
    ];
    for (selector, expected) in cases {
        let path = namespace.core(&format!("configmaps?fieldSelector={}", encode(selector)));
        assert_eq!(names(&server.get(&path).await.expect(200).json()), expected, "{selector}");
    }
    let everywhere = format!(
        "/api/v1/configmaps?fieldSelector={}&labelSelector=mine",
        encode(&format!("metadata.namespace={}", namespace.name))
    );
    assert_eq!(names(&server.get(&everywhere).await.expect(200).json()), ["m1", "m2", "m3"]);
}

async fn pods_are_selected_by_phase_and_node(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    let pod = namespace.ready_pod("p").await;
    let node = pod["spec"]["nodeName"].as_str().unwrap();
    let on_node = format!("spec.nodeName={node}");
    let cases: [(&str, &[&str]); 6] = [
        ("status.phase=Running", &["p"]),
        ("status.phase!=Running", &[]),
        (&on_node, &["p"]),
        ("spec.nodeName=", &[]),
        ("spec.nodeName!=,status.phase=Running", &["p"]),
        ("spec.restartPolicy=Never", &[]),
    ];
    for (selector, expected) in cases {
        let path = namespace.core(&format!("pods?fieldSelector={}", encode(selector)));
        assert_eq!(names(&server.get(&path).await.expect(200).json()), expected, "{selector}");
    }
}

async fn a_broken_label_selector_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let cases = [
        ("a b c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("odd=1=2", "found '=', expected: ',' or 'end of string'"),
    ];
    for (selector, message) in cases {
        let path = namespace.core(&format!("configmaps?labelSelector={}", encode(selector)));
        server.get(&path).await.expect_failure(400, "BadRequest", message);
    }
}

async fn an_unknown_field_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    server.get(&namespace.core("configmaps?fieldSelector=spec.foo%3D1")).await.expect_failure(
        400,
        "BadRequest",
        "\"spec.foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
    );
    server.get(&namespace.core("pods?fieldSelector=spec.foo%3D1")).await.expect_failure(
        400,
        "BadRequest",
        "field label not supported: spec.foo",
    );
}

async fn a_broken_field_selector_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    server.get(&namespace.core("configmaps?fieldSelector=bad")).await.expect_failure(
        400,
        "BadRequest",
        "invalid selector: 'bad'; can't understand 'bad'",
    );
}
