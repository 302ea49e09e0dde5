//! Who is let in, and whom the client trusts.

use std::path::PathBuf;

use bench_lab::{Door, PASSWORD, USER};
use bench_prometheus::{Auth, QueryError};

use super::server::{block_on, client, server};

fn file(server: &bench_lab::Prometheus, name: &str, text: &str) -> PathBuf {
    let path = server.folder().join(name);
    std::fs::write(&path, text).expect("written");
    path
}

#[test]
fn a_password_lets_in_and_a_wrong_one_does_not() {
    block_on(async {
        let server = server(Door::Password);
        let with = |name: &str, password: &str| Auth::Basic {
            username: USER.to_owned(),
            password_file: file(server, name, password),
        };
        let (right, clock) = client(Door::Password, with("right", PASSWORD), true);
        assert_eq!(right.instant("vector(1)", clock.now()).await.expect("let in").len(), 1);
        for auth in [with("wrong", "guess"), Auth::None] {
            let (wrong, clock) = client(Door::Password, auth, true);
            let error = wrong.instant("vector(1)", clock.now()).await.expect_err("not let in");
            assert_eq!(error.http_status(), 401, "{error}");
        }
    });
}

#[test]
fn a_certificate_lets_in_and_none_does_not() {
    block_on(async {
        let (certificate_file, key_file) = server(Door::Certificate).client_certificate();
        let auth = Auth::ClientCertificate { certificate_file, key_file };
        let (right, clock) = client(Door::Certificate, auth, true);
        assert_eq!(right.instant("vector(1)", clock.now()).await.expect("let in").len(), 1);
        let (none, clock) = client(Door::Certificate, Auth::None, true);
        let error = none.instant("vector(1)", clock.now()).await.expect_err("not let in");
        assert!(matches!(error, QueryError::Unreachable { .. }), "{error:?}");
    });
}

#[test]
fn a_server_whose_authority_is_not_known_is_not_trusted() {
    block_on(async {
        let (client, clock) = client(Door::Password, Auth::None, false);
        let error = client.instant("vector(1)", clock.now()).await.expect_err("not trusted");
        assert!(matches!(error, QueryError::Unreachable { .. }), "{error:?}");
    });
}
