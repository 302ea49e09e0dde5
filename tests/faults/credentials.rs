//! Credentials that end in the middle of a run, and such that are renewed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bench_lab::ControlPlane;
use serde_json::{Value, json};

use crate::bench::{Bench, eventually};
use crate::lab::{Account, kubeconfig, lab, left, nothing_is_left};
use crate::run::Running;

/// Longer than an API server believes a token that it has seen before: ten seconds.
const LONG: &str = "variables.pods=100";

/// A kubeconfig in the folder of `bench`, for `user`.
fn write(lab: &ControlPlane, bench: &Bench, user: Value) -> String {
    bench.write("user.kubeconfig", &kubeconfig(lab, |config| config["users"][0]["user"] = user))
}

#[test]
fn a_revoked_token_is_401_in_the_errors_and_good_credentials_remove_what_is_left() {
    let lab = lab();
    let account = Account::new(&lab, "revoked");
    let bench = Bench::new();
    let user = write(&lab, &bench, json!({ "token": account.token }));
    let running = Running::start_as(&lab, bench, &user, &[LONG]);
    account.revoke();
    let ended = running.ended_with(&[10, 13]);

    let failed = ended.count("failed");
    assert!(failed > 0 && failed == ended.errors(401), "{}", ended.job());
    assert_eq!(ended.count("operations"), 100);
    assert_eq!(ended.rows().len() as u64, 100 - failed);
    assert!(ended.text.contains("401"), "{}", ended.text);

    let cleanup = &ended.summary["cleanup"];
    assert!(cleanup["remaining"].to_string().contains("namespace fault"), "{cleanup}");
    assert!(cleanup["errors"].to_string().contains("401"), "{cleanup}");
    let run = ended.summary["run"]["id"].as_str().expect("an id");
    let command = format!("bench cleanup {run}");
    assert!(ended.text.contains(&command) && ended.stderr.contains(&command), "{}", ended.stderr);
    assert_ne!(left(&lab).trim(), "");
    let admin = lab.kubeconfig();
    ended.bench.run(&["cleanup", run, "--kubeconfig", admin.to_str().expect("UTF-8")]).ended_with(0);
    nothing_is_left(&lab);
}

/// A credential plugin: notes that it was called, and says the content of a file, to be good for two seconds.
const PLUGIN: &str = r#"#!/bin/sh
echo called >> "$1/calls"
end=$(date -u -d "@$(($(date +%s) + 2))" +%Y-%m-%dT%H:%M:%SZ)
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
printf '"status":{"token":"%s","expirationTimestamp":"%s"}}' "$(cat "$1/token")" "$end"
"#;

fn calls(folder: &Path) -> usize {
    fs::read_to_string(folder.join("calls")).unwrap_or_default().lines().count()
}

#[test]
fn a_credential_plugin_is_run_again_before_its_token_ends() {
    let lab = lab();
    let [old, new] = ["plugin-old", "plugin-new"].map(|name| Account::new(&lab, name));
    let bench = Bench::new();
    let folder = bench.folder.path().to_owned();
    let plugin = folder.join("plugin");
    bench.write("plugin", PLUGIN);
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).expect("executable");
    bench.write("token", &old.token);
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": plugin,
        "args": [folder],
        "interactiveMode": "Never",
    });
    let user = write(&lab, &bench, json!({ "exec": exec }));
    let mut running = Running::start_as(&lab, bench, &user, &[LONG]);

    running.bench.write("token", &new.token);
    let before = calls(&folder);
    // The second call has begun after the file was written.
    eventually("two calls of the plugin", || (calls(&folder) >= before + 2).then_some(()));
    old.revoke();
    eventually("the end of the old token", || (!old.is_known()).then_some(()));
    running.assert_goes_on();
    let ended = running.ended_with(&[0, 13]);
    assert_eq!((ended.count("operations"), ended.count("failed")), (100, 0), "{}", ended.job());
    nothing_is_left(&lab);
}

#[test]
fn a_token_file_is_read_again_when_its_token_was_refused() {
    let lab = lab();
    let [old, new] = ["file-old", "file-new"].map(|name| Account::new(&lab, name));
    let bench = Bench::new();
    bench.write("token", &old.token);
    let user = write(&lab, &bench, json!({ "tokenFile": bench.folder.path().join("token") }));
    let running = Running::start_as(&lab, bench, &user, &[LONG]);

    running.bench.write("token", &new.token);
    old.revoke();
    let ended = running.ended_with(&[0, 10, 13]);
    let failed = ended.count("failed");
    // One that met the old token's end, and such as were on their way while the file was read.
    assert!(failed <= 3 && failed == ended.errors(401), "{}", ended.job());
    assert_eq!(ended.rows().len() as u64, 100 - failed);
    nothing_is_left(&lab);
}
