//! Paths that are no resources: health, version, discovery, OpenAPI, metrics.

use http::request::Parts;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::{Api, Reply};
use crate::status::Status;
use crate::{discovery, openapi};

/// The version of Kubernetes that is simulated.
pub(crate) const VERSION: &str = "v1.36.3";

/// The answer to a path that nobody knows, as `http.NotFound` writes it.
pub(super) fn not_found() -> Reply {
    Reply::text(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn ok(value: &Value) -> Reply {
    Reply::json(StatusCode::OK, value.to_string())
}

fn or_not_found(value: Option<Value>) -> Reply {
    value.map_or_else(not_found, |value| ok(&value))
}

impl Api {
    pub(super) fn fixed(&self, path: &str, parts: &Parts) -> Result<Reply, Status> {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(Status::method_not_allowed());
        }
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let accept = accept.unwrap_or_default();
        let names: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let kinds = self.store.kinds();
        Ok(match names.as_slice() {
            [] => ok(&self.index()),
            ["healthz" | "livez" | "readyz", ..] => health(parts),
            ["version"] => ok(&version()),
            ["metrics"] => self.metrics_text(),
            ["api"] if wants_aggregated(accept) => aggregated(&discovery::aggregated(&kinds, true)),
            ["api"] => ok(&discovery::core_versions("127.0.0.1")),
            ["apis"] if wants_aggregated(accept) => aggregated(&discovery::aggregated(&kinds, false)),
            ["apis"] => ok(&discovery::group_list(&kinds)),
            ["api", version] => or_not_found(discovery::resource_list(&kinds, "", version)),
            ["apis", group] => or_not_found(discovery::one_group(&kinds, group)),
            ["apis", group, version] => or_not_found(discovery::resource_list(&kinds, group, version)),
            ["openapi", "v2"] => swagger(accept, &openapi::swagger(&kinds))?,
            ["openapi", "v3"] => ok(&openapi::index(&kinds)),
            ["openapi", "v3", rest @ ..] => or_not_found(openapi::document(&kinds, &rest.join("/"))),
            _ => not_found(),
        })
    }

    fn index(&self) -> Value {
        let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
        for kind in self.store.kinds().iter().filter(|kind| !kind.group.is_empty()) {
            for path in [format!("/apis/{}", kind.group), format!("/apis/{}", kind.api_version())] {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        paths.extend(
            ["/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
                .map(str::to_owned),
        );
        json!({"paths": paths})
    }

    fn metrics_text(&self) -> Reply {
        let kinds = self.store.kinds();
        let counts: Vec<(String, usize)> =
            kinds.iter().map(|kind| (kind.resource(), self.store.count(kind))).collect();
        let start = self.started.as_duration().as_secs_f64();
        let text = self.metrics.text(&counts, start);
        Reply {
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            ..Reply::text(StatusCode::OK, text)
        }
    }
}

fn health(parts: &Parts) -> Reply {
    let verbose =
        parts.uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("verbose")));
    let path = parts.uri.path().trim_matches('/').split('/').next().unwrap_or_default();
    if verbose {
        return Reply::text(StatusCode::OK, format!("[+]ping ok\n[+]log ok\n{path} check passed\n"));
    }
    Reply::text(StatusCode::OK, "ok")
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc", "platform": "linux/amd64",
    })
}

fn wants_aggregated(accept: &str) -> bool {
    accept.split(',').any(|clause| {
        clause.contains("g=apidiscovery.k8s.io")
            && clause.contains("v=v2;")
            && clause.contains("application/json")
    })
}

fn aggregated(value: &Value) -> Reply {
    const TYPE: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    Reply { content_type: TYPE, ..ok(value) }
}

/// The old document exists as JSON only; clients that insist on protobuf are told so.
fn swagger(accept: &str, document: &Value) -> Result<Reply, Status> {
    let json = accept.is_empty() || accept.contains("application/json") || accept.contains("*/*");
    if json { Ok(ok(document)) } else { Err(Status::not_acceptable(&["application/json"])) }
}
