//! Refusals for lack of rights.

use http::Method;
use serde_json::json;

use crate::request::{Answer, send};
use crate::target::Target;

conformance! {
    a_list_is_refused_for_a_namespace_and_for_all,
    one_object_is_refused_by_name,
    a_group_and_a_subresource_are_named,
    a_create_is_refused_before_it_is_read,
    what_is_absent_is_refused_all_the_same,
}

async fn as_nobody(server: &Target, method: Method, path: &str) -> Answer {
    send(&server.nobody, method, path, &[], "{}".to_owned()).await
}

async fn a_list_is_refused_for_a_namespace_and_for_all(server: &Target) {
    as_nobody(server, Method::GET, "/api/v1/namespaces/default/secrets")
        .await
        .expect_failure(
            403,
            "Forbidden",
            "secrets is forbidden: User \"nobody\" cannot list resource \"secrets\" in API group \"\" in the namespace \
             \"default\"",
        )
        .expect_details(&json!({ "kind": "secrets" }));
    as_nobody(server, Method::GET, "/api/v1/pods").await.expect_failure(
        403,
        "Forbidden",
        "pods is forbidden: User \"nobody\" cannot list resource \"pods\" in API group \"\" at the cluster scope",
    );
}

async fn one_object_is_refused_by_name(server: &Target) {
    as_nobody(server, Method::GET, "/api/v1/namespaces/default/configmaps/x")
        .await
        .expect_failure(
            403,
            "Forbidden",
            "configmaps \"x\" is forbidden: User \"nobody\" cannot get resource \"configmaps\" in API group \"\" in the \
             namespace \"default\"",
        )
        .expect_details(&json!({ "name": "x", "kind": "configmaps" }));
}

async fn a_group_and_a_subresource_are_named(server: &Target) {
    let path = "/apis/apps/v1/namespaces/default/deployments/web";
    as_nobody(server, Method::DELETE, path)
        .await
        .expect_failure(
            403,
            "Forbidden",
            "deployments.apps \"web\" is forbidden: User \"nobody\" cannot delete resource \"deployments\" in API group \
             \"apps\" in the namespace \"default\"",
        )
        .expect_details(&json!({ "name": "web", "group": "apps", "kind": "deployments" }));
    as_nobody(server, Method::GET, &format!("{path}/scale")).await.expect_failure(
        403,
        "Forbidden",
        "deployments.apps \"web\" is forbidden: User \"nobody\" cannot get resource \"deployments/scale\" in API group \
         \"apps\" in the namespace \"default\"",
    );
}

async fn a_create_is_refused_before_it_is_read(server: &Target) {
    send(&server.nobody, Method::POST, "/api/v1/namespaces", &[], "{bad".to_owned()).await.expect_failure(
        403,
        "Forbidden",
        "namespaces is forbidden: User \"nobody\" cannot create resource \"namespaces\" in API group \"\" at the cluster \
         scope",
    );
}

async fn what_is_absent_is_refused_all_the_same(server: &Target) {
    as_nobody(server, Method::GET, "/api/v1/namespaces/nowhere/configmaps").await.expect_failure(
        403,
        "Forbidden",
        "configmaps is forbidden: User \"nobody\" cannot list resource \"configmaps\" in API group \"\" in the namespace \
         \"nowhere\"",
    );
}
