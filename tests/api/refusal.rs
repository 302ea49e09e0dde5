//! Requests that are refused before anything is looked up.

use http::Method;
use serde_json::json;

use crate::target::Target;

conformance! {
    an_unknown_resource_of_a_known_group_is_not_found,
    an_unknown_group_or_path_is_a_plain_page,
    a_method_that_a_path_does_not_have_is_refused,
    broken_json_is_explained,
    a_field_of_the_wrong_type_is_explained,
    another_kind_is_refused,
    an_unknown_version_is_refused,
    an_unknown_kind_is_refused,
    a_body_that_is_no_object_is_explained,
    an_unknown_content_type_is_refused,
    yaml_is_taken,
    an_unknown_field_is_refused_only_when_asked_to,
}

const NOT_FOUND: &str = "the server could not find the requested resource";

async fn an_unknown_resource_of_a_known_group_is_not_found(server: &Target) {
    for path in ["/api/v1/foos", "/api/v1/namespaces/default/foos/x", "/apis/apps/v1/namespaces/default/foos"]
    {
        server.get(path).await.expect_failure(404, "NotFound", NOT_FOUND).expect_details(&json!({}));
    }
}

async fn an_unknown_group_or_path_is_a_plain_page(server: &Target) {
    for path in ["/apis/nothing.example/v1/bars", "/nothing"] {
        let answer = server.get(path).await.expect(404);
        assert_eq!(answer.body, "404 page not found\n", "{path}");
        assert!(answer.content_type.starts_with("text/plain"), "{}", answer.content_type);
    }
}

async fn a_method_that_a_path_does_not_have_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let message = "the server does not allow this method on the requested resource";
    for answer in [
        server.put(&namespace.core("configmaps"), &json!({})).await,
        server.post(&namespace.core("configmaps/a"), &json!({})).await,
        // The one collection that cannot be deleted as a whole.
        server.delete("/api/v1/namespaces?labelSelector=no-such-label").await,
    ] {
        answer.expect_failure(405, "MethodNotAllowed", message).expect_details(&json!({}));
    }
}

async fn broken_json_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let path = namespace.core("configmaps");
    let answer = server.send(Method::POST, &path, &[], "{bad".to_owned()).await.expect(400).json();
    assert_eq!(answer["reason"], "BadRequest");
    // What follows are the words of Go's JSON parser.
    let start = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse \
                 error: ";
    assert!(answer["message"].as_str().unwrap().starts_with(start), "{answer}");
}

async fn a_field_of_the_wrong_type_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "metadata": { "name": "c" }, "data": 5 });
    server.post(&namespace.core("configmaps"), &object).await.expect_failure(
        400,
        "BadRequest",
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field \
         ConfigMap.data of type map[string]string",
    );
}

async fn another_kind_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "b" } });
    server.post(&namespace.core("configmaps"), &object).await.expect_failure(
        400,
        "BadRequest",
        "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown \
         conversion",
    );
}

async fn an_unknown_version_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "apiVersion": "v2", "kind": "ConfigMap", "metadata": { "name": "b" } });
    let answer = server.post(&namespace.core("configmaps"), &object).await.expect(400).json();
    assert_eq!(answer["reason"], "BadRequest");
    let message = answer["message"].as_str().unwrap();
    let start = "ConfigMap in version \"v2\" cannot be handled as a ConfigMap: no kind \"ConfigMap\" is registered for \
                 version \"v2\" in scheme ";
    assert!(message.starts_with(start), "{message}");
}

async fn an_unknown_kind_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "apiVersion": "v1", "kind": "Foo", "metadata": { "name": "b" } });
    let answer = server.post(&namespace.core("configmaps"), &object).await.expect(400).json();
    let message = answer["message"].as_str().unwrap();
    let start = "Foo in version \"v1\" cannot be handled as a ConfigMap: no kind \"Foo\" is registered for version \"v1\" \
                 in scheme ";
    assert!(message.starts_with(start), "{message}");
}

async fn a_body_that_is_no_object_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    for body in ["[]", "\"text\"", "5", "null", ""] {
        let path = namespace.core("configmaps");
        let answer = server.send(Method::POST, &path, &[], body.to_owned()).await;
        assert!(matches!(answer.status, 400 | 422), "{body}: {}", answer.body);
    }
}

async fn an_unknown_content_type_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let headers = [("content-type", "text/plain")];
    let body = json!({ "metadata": { "name": "c" } }).to_string();
    server.send(Method::POST, &namespace.core("configmaps"), &headers, body).await.expect_failure(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: application/json, \
         application/yaml, application/vnd.kubernetes.protobuf",
    );
}

async fn yaml_is_taken(server: &Target) {
    let namespace = server.namespace().await;
    let headers = [("content-type", "application/yaml")];
    let body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-yaml\ndata:\n  a: b\n".to_owned();
    let created =
        server.send(Method::POST, &namespace.core("configmaps"), &headers, body).await.expect(201).json();
    assert_eq!(created["data"], json!({ "a": "b" }));
}

async fn an_unknown_field_is_refused_only_when_asked_to(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "metadata": { "name": "s" }, "foo": 1 });
    server.post(&namespace.core("configmaps?fieldValidation=Strict"), &object).await.expect_failure(
        400,
        "BadRequest",
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"foo\"",
    );
    let created =
        server.post(&namespace.core("configmaps?fieldValidation=Ignore"), &object).await.expect(201).json();
    assert!(created.get("foo").is_none());
}
