//! Credentials that end while requests go on.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use bench_cluster::{Cluster, Request};
use bench_model::Verb;
use bytes::Bytes;
use tempfile::TempDir;

use crate::server::{Answer, Server, pods, soon};

/// A credential plugin that says the content of `token` and not when it ends.
const PLUGIN: &str = r#"#!/bin/sh
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat "$1")"
"#;

async fn get(cluster: &Cluster) -> u16 {
    let target = pods("ns");
    let request = Request {
        verb: Verb::Get,
        target: &target,
        name: "a",
        query: "",
        content_type: "",
        body: Bytes::new(),
        keep_body: false,
    };
    soon(cluster.send(&request, None)).await.http_status
}

/// `user` is YAML with `TOKEN` for the file of the token and `PLUGIN` for the credential plugin.
async fn check_renewed(user: &str) {
    let folder = TempDir::new().expect("a folder");
    let [token, plugin] = ["token", "plugin"].map(|name| folder.path().join(name));
    fs::write(&token, "one").expect("written");
    fs::write(&plugin, PLUGIN).expect("written");
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).expect("executable");
    let user = user.replace("TOKEN", token.to_str().expect("UTF-8"));
    let user = user.replace("PLUGIN", plugin.to_str().expect("UTF-8"));

    let server = Server::start(|_, _| Answer::Json(200, "{}".to_owned())).await;
    server.accept("one");
    let cluster = server.connect_as(&user).await;
    assert_eq!(get(&cluster).await, 200);
    fs::write(&token, "two").expect("written");
    server.accept("two");
    // What was refused stays refused; it is what comes later that is let in again.
    assert_eq!(get(&cluster).await, 401);
    let renewed = async {
        while get(&cluster).await != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(renewed).await;
}

#[tokio::test]
async fn a_refused_token_has_its_file_read_again() {
    check_renewed("{tokenFile: TOKEN}").await;
}

#[tokio::test]
async fn a_refused_token_has_its_plugin_run_again() {
    let exec = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: PLUGIN, args: [TOKEN], interactiveMode: Never}}";
    check_renewed(exec).await;
}
