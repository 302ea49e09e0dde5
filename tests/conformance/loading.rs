//! Components that are refused before they do any work.

use crate::harness::{load, load_bytes, load_error, resolved};

async fn check(guest: &str, expected: &str) {
    assert_eq!(load_error(load(guest).await).await, expected);
}

#[tokio::test]
pub async fn loops_in_manifest() {
    let error = load_error(load("loops_in_manifest").await).await;
    assert!(error.ends_with("`manifest` computed for more than 10000 ms"), "{error}");
}

#[tokio::test]
pub async fn calls_the_host_from_manifest() {
    let error = load_error(load("calls_the_host_from_manifest").await).await;
    let message = "called `run.name` from `manifest` or `config-schema`, which may not call the host";
    assert!(error.ends_with(message), "{error}");
}

#[tokio::test]
pub async fn returns_a_manifest_that_is_no_json() {
    check(
        "returns_a_manifest_that_is_no_json",
        r"`manifest` returned no valid manifest: `I am a plugin\u{1b}[31m`: expected value at line 1 column 1",
    )
    .await;
}

#[tokio::test]
pub async fn returns_a_schema_that_is_none() {
    let error = load_error(load("returns_a_schema_that_is_none").await).await;
    assert!(error.starts_with("`config-schema` returned no valid JSON Schema: "), "{error}");
}

#[tokio::test]
pub async fn claims_another_kind() {
    check(
        "claims_another_kind",
        "the manifest says workload, the component exports workload and measurement",
    )
    .await;
}

#[tokio::test]
pub async fn imports_http() {
    check(
        "imports_http",
        "imports that this host does not have: `wasi:http/client@0.2.0` (plugins have no network: use `bench:cluster` or `bench:prometheus`; in JavaScript build with `disableFeatures: ['http', 'fetch-event']`)",
    )
    .await;
}

#[tokio::test]
pub async fn imports_sockets() {
    let error = load_error(load("imports_sockets").await).await;
    assert!(error.contains("`wasi:sockets/tcp@0.2."), "{error}");
    assert!(error.contains("(plugins have no network: leave out what opens sockets"), "{error}");
}

#[tokio::test]
pub async fn imports_the_unknown() {
    let expected = "imports that this host does not have: `acme:tools/hammer@1.0.0` (unknown to this host)";
    check("imports_the_unknown", expected).await;
}

#[tokio::test]
pub async fn another_version_of_our_interfaces_is_named() {
    let other = replaced(&resolved("behaves").bytes, b"@0.1.0", b"@0.2.0");
    let error = load_error(load_bytes(other).await).await;
    let expected =
        "`bench:base/metrics@0.2.0` (this host speaks 0.1.0: rebuild with the SDK of this version)";
    assert!(error.contains(expected), "{error}");
}

#[tokio::test]
pub async fn a_core_module_is_told_from_a_component() {
    let error = load_error(load_bytes(b"\0asm\x01\0\0\0".to_vec()).await).await;
    assert!(error.starts_with("a core wasm module, not a component: build it with"), "{error}");
}

#[tokio::test]
pub async fn what_is_not_wasm_is_shown() {
    let error = load_error(load_bytes(b"<html>\n<body>".to_vec()).await).await;
    assert_eq!(error, r"not a wasm file: it starts with `<html>\n<`");
}

/// Bytes with every occurrence of a text replaced by one of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}
