//! The real `kubectl`, as people use it.

use std::path::PathBuf;

use crate::target::{Namespace, Target, kubectl, kubectl_with};

conformance! {
    get_prints_the_servers_columns,
    get_gives_yaml_and_json_paths,
    create_refuses_what_exists,
    apply_creates_configures_and_leaves_unchanged,
    apply_on_the_server_says_so,
    a_typo_in_a_manifest_is_refused,
    a_deployment_is_rolled_out_scaled_and_deleted,
    wait_ends_when_a_condition_is_met,
    describe_shows_events,
    delete_waits_until_a_namespace_is_gone,
    labels_and_annotations_are_set,
    unknown_resources_are_named,
    api_resources_lists_short_names,
}

/// Runs `kubectl` in a namespace.
async fn run(namespace: &Namespace<'_>, arguments: &[&str]) -> Result<String, String> {
    let mut all = vec!["--namespace", &namespace.name];
    all.extend(arguments);
    kubectl(namespace.server, &all).await
}

/// Runs `kubectl` in a namespace with a manifest on stdin.
async fn run_with(namespace: &Namespace<'_>, arguments: &[&str], manifest: &str) -> Result<String, String> {
    let path: PathBuf = namespace.server.scratch.path().join("manifest.yaml");
    std::fs::write(&path, manifest).unwrap();
    let mut all = vec!["--namespace", &namespace.name];
    all.extend(arguments);
    kubectl_with(namespace.server, &all, &path).await
}

/// The words of each line.
fn words(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

fn said(text: &str) -> Result<String, String> {
    Ok(format!("{text}\n"))
}

async fn get_prints_the_servers_columns(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    namespace.pod("p").await;
    namespace.ready_pod("p").await;
    let text = run(&namespace, &["get", "configmaps"]).await.unwrap();
    let lines = words(&text);
    assert_eq!(lines[0], ["NAME", "DATA", "AGE"]);
    assert_eq!(lines[1][..2], ["a", "1"]);
    let text = run(&namespace, &["get", "pods", "--output=wide"]).await.unwrap();
    let lines = words(&text);
    assert_eq!(lines[0][..7], ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]);
    assert_eq!(lines[1][..4], ["p", "1/1", "Running", "0"]);
    let nothing = run(&namespace, &["get", "secrets"]).await;
    assert_eq!(nothing, Ok(String::new()));
}

async fn get_gives_yaml_and_json_paths(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[("app", "x")]).await;
    let yaml = run(&namespace, &["get", "configmap", "a", "--output=yaml"]).await.unwrap();
    assert!(yaml.starts_with("apiVersion: v1\ndata:\n  key: value\nkind: ConfigMap\nmetadata:\n"), "{yaml}");
    let value = run(&namespace, &["get", "cm/a", "--output=jsonpath={.data.key}"]).await;
    assert_eq!(value, Ok("value".to_owned()));
    let selected = run(&namespace, &["get", "cm", "--selector=app=x", "--output=name"]).await;
    assert_eq!(selected, said("configmap/a"));
    let absent = run(&namespace, &["get", "configmap", "nope"]).await;
    assert_eq!(absent, Err("Error from server (NotFound): configmaps \"nope\" not found\n".to_owned()));
}

async fn create_refuses_what_exists(server: &Target) {
    let namespace = server.namespace().await;
    let create = ["create", "configmap", "a", "--from-literal=k=v"];
    assert_eq!(run(&namespace, &create).await, said("configmap/a created"));
    let again = run(&namespace, &create).await;
    assert_eq!(again, Err("error: failed to create configmap: configmaps \"a\" already exists\n".to_owned()));
}

fn manifest(value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: \"{value}\"\n")
}

async fn apply_creates_configures_and_leaves_unchanged(server: &Target) {
    let namespace = server.namespace().await;
    for (value, expected) in [("1", "created"), ("1", "unchanged"), ("2", "configured")] {
        let text = run_with(&namespace, &["apply", "--filename=-"], &manifest(value)).await;
        assert_eq!(text, said(&format!("configmap/a {expected}")));
    }
    let object = server.get(&namespace.core("configmaps/a")).await.expect(200).json();
    assert_eq!(object["data"]["key"], "2");
    let dry = run_with(&namespace, &["apply", "--dry-run=server", "--filename=-"], &manifest("3")).await;
    assert_eq!(dry, said("configmap/a configured (server dry run)"));
}

async fn apply_on_the_server_says_so(server: &Target) {
    let namespace = server.namespace().await;
    for value in ["1", "1", "2"] {
        let text = run_with(&namespace, &["apply", "--server-side", "--filename=-"], &manifest(value)).await;
        assert_eq!(text, said("configmap/a serverside-applied"));
    }
}

async fn a_typo_in_a_manifest_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let typo = manifest("1").replace("data:", "dada:");
    let text = run_with(&namespace, &["create", "--filename=-"], &typo).await.unwrap_err();
    assert!(text.contains("strict decoding error: unknown field \"dada\""), "{text}");
}

async fn a_deployment_is_rolled_out_scaled_and_deleted(server: &Target) {
    let namespace = server.namespace().await;
    let create = ["create", "deployment", "web", "--image=example.invalid/web:1", "--replicas=2"];
    assert_eq!(run(&namespace, &create).await, said("deployment.apps/web created"));
    let status = run(&namespace, &["rollout", "status", "deployment/web", "--timeout=60s"]).await.unwrap();
    assert!(status.ends_with("deployment \"web\" successfully rolled out\n"), "{status}");
    let scale = run(&namespace, &["scale", "deployment/web", "--replicas=3"]).await;
    assert_eq!(scale, said("deployment.apps/web scaled"));
    let status = run(&namespace, &["rollout", "status", "deployment/web", "--timeout=60s"]).await.unwrap();
    assert!(status.ends_with("deployment \"web\" successfully rolled out\n"), "{status}");
    let text = run(&namespace, &["get", "deployment", "web"]).await.unwrap();
    assert_eq!(words(&text)[0], ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]);
    assert_eq!(words(&text)[1][..4], ["web", "3/3", "3", "3"]);
    let delete = ["delete", "deployment", "web", "--cascade=foreground", "--timeout=60s"];
    run(&namespace, &delete).await.unwrap();
    assert_eq!(run(&namespace, &["get", "all", "--output=name"]).await, Ok(String::new()));
}

async fn wait_ends_when_a_condition_is_met(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    let ready = run(&namespace, &["wait", "--for=condition=Ready", "pod/p", "--timeout=60s"]).await;
    assert_eq!(ready, said("pod/p condition met"));
    let phase =
        run(&namespace, &["wait", "--for=jsonpath={.status.phase}=Running", "pod/p", "--timeout=60s"]).await;
    assert_eq!(phase, said("pod/p condition met"));
    run(&namespace, &["delete", "pod", "p", "--wait=false"]).await.unwrap();
    run(&namespace, &["wait", "--for=delete", "pod/p", "--timeout=60s"]).await.unwrap();
}

async fn describe_shows_events(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    namespace.ready_pod("p").await;
    server
        .eventually("describe shows the event", async || {
            let text = run(&namespace, &["describe", "pod", "p"]).await.unwrap();
            let line = format!("Successfully assigned {}/p to ", namespace.name);
            (text.contains(&line)
                && text.contains("Status:")
                && text.contains("Ready                       True"))
            .then_some(())
        })
        .await;
}

async fn delete_waits_until_a_namespace_is_gone(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    let text = kubectl(server, &["delete", "namespace", &namespace.name, "--timeout=60s"]).await;
    assert_eq!(text, said(&format!("namespace \"{}\" deleted", namespace.name)));
    server.get(&namespace.path()).await.expect(404);
}

async fn labels_and_annotations_are_set(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    assert_eq!(run(&namespace, &["label", "configmap", "a", "x=y"]).await, said("configmap/a labeled"));
    assert_eq!(run(&namespace, &["annotate", "configmap", "a", "x=y"]).await, said("configmap/a annotated"));
    let patch = ["patch", "configmap", "a", "--patch={\"data\":{\"n\":\"1\"}}"];
    assert_eq!(run(&namespace, &patch).await, said("configmap/a patched"));
    let object = server.get(&namespace.core("configmaps/a")).await.expect(200).json();
    assert_eq!((&object["metadata"]["labels"]["x"], &object["data"]["n"]), (&"y".into(), &"1".into()));
}

async fn unknown_resources_are_named(server: &Target) {
    let namespace = server.namespace().await;
    let text = run(&namespace, &["get", "foo"]).await;
    assert_eq!(text, Err("error: the server doesn't have a resource type \"foo\"\n".to_owned()));
}

async fn api_resources_lists_short_names(server: &Target) {
    let text = kubectl(server, &["api-resources", "--no-headers"]).await.unwrap();
    let lines = words(&text);
    for expected in [
        ["configmaps", "cm", "v1", "true", "ConfigMap"],
        ["deployments", "deploy", "apps/v1", "true", "Deployment"],
        ["namespaces", "ns", "v1", "false", "Namespace"],
    ] {
        assert!(lines.iter().any(|line| line[..] == expected), "{expected:?} in {text}");
    }
}
