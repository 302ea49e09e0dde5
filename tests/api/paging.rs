//! `limit` and `continue`, and lists of a given resource version.

use serde_json::json;

use crate::target::{Target, names};

conformance! {
    pages_cover_everything_once_at_one_version,
    a_page_with_a_selector_does_not_count_the_rest,
    objects_made_between_pages_do_not_appear,
    a_broken_continue_token_is_explained,
    a_version_beside_a_continue_token_is_refused,
    a_limit_that_is_no_number_is_explained,
    a_version_that_is_no_number_is_explained,
    a_version_from_the_future_times_out,
    a_match_without_a_version_is_refused,
    a_list_at_an_exact_version_shows_the_past,
    a_list_of_version_zero_is_complete,
}

async fn pages_cover_everything_once_at_one_version(server: &Target) {
    let namespace = server.namespace().await;
    for name in ["m1", "m2", "m3", "m4"] {
        namespace.config_map(name, &[]).await;
    }
    let first = server.get(&namespace.core("configmaps?limit=2")).await.expect(200).json();
    assert_eq!(names(&first), ["kube-root-ca.crt", "m1"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second =
        server.get(&namespace.core(&format!("configmaps?limit=2&continue={token}"))).await.expect(200).json();
    assert_eq!(names(&second), ["m2", "m3"]);
    assert_eq!(second["metadata"]["remainingItemCount"], 1);
    let token = second["metadata"]["continue"].as_str().unwrap();
    let third =
        server.get(&namespace.core(&format!("configmaps?limit=2&continue={token}"))).await.expect(200).json();
    assert_eq!(names(&third), ["m4"]);
    assert!(third["metadata"].get("continue").is_none());
    assert!(third["metadata"].get("remainingItemCount").is_none());
    assert_eq!(first["metadata"]["resourceVersion"], third["metadata"]["resourceVersion"]);
}

async fn a_page_with_a_selector_does_not_count_the_rest(server: &Target) {
    let namespace = server.namespace().await;
    for name in ["m1", "m2", "m3"] {
        namespace.config_map(name, &[("app", "x")]).await;
    }
    let page = server.get(&namespace.core("configmaps?limit=2&labelSelector=app")).await.expect(200).json();
    assert_eq!(names(&page), ["m1", "m2"]);
    assert!(page["metadata"]["continue"].is_string());
    assert!(page["metadata"].get("remainingItemCount").is_none());
}

async fn objects_made_between_pages_do_not_appear(server: &Target) {
    let namespace = server.namespace().await;
    for name in ["m1", "m2"] {
        namespace.config_map(name, &[]).await;
    }
    let page = server.get(&namespace.core("configmaps?limit=1")).await.expect(200).json();
    namespace.config_map("m3", &[]).await;
    server.delete(&namespace.core("configmaps/m2")).await.expect(200);
    let token = page["metadata"]["continue"].as_str().unwrap();
    let rest = server.get(&namespace.core(&format!("configmaps?continue={token}"))).await.expect(200).json();
    assert_eq!(names(&rest), ["m1", "m2"]);
}

async fn a_broken_continue_token_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let answer = server.get(&namespace.core("configmaps?continue=abc")).await.expect(400).json();
    assert_eq!(answer["reason"], "BadRequest");
    let message = answer["message"].as_str().unwrap();
    assert!(message.starts_with("invalid continue token: continue key is not valid: "), "{message}");
}

async fn a_version_beside_a_continue_token_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("m1", &[]).await;
    let page = server.get(&namespace.core("configmaps?limit=1")).await.expect(200).json();
    let (token, version) = (&page["metadata"]["continue"], &page["metadata"]["resourceVersion"]);
    let query = format!(
        "configmaps?continue={}&resourceVersion={}",
        token.as_str().unwrap(),
        version.as_str().unwrap()
    );
    server.get(&namespace.core(&query)).await.expect_failure(
        400,
        "BadRequest",
        "specifying resource version is not allowed when using continue",
    );
}

async fn a_limit_that_is_no_number_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    server.get(&namespace.core("configmaps?limit=abc")).await.expect_failure(
        400,
        "BadRequest",
        "strconv.ParseInt: parsing \"abc\": invalid syntax",
    );
}

async fn a_version_that_is_no_number_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    server.get(&namespace.core("configmaps?resourceVersion=abc")).await.expect_failure(
        400,
        "BadRequest",
        "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid \
         syntax",
    );
}

async fn a_version_from_the_future_times_out(server: &Target) {
    let namespace = server.namespace().await;
    let answer = server.get(&namespace.core("configmaps?resourceVersion=99999999")).await.expect(504).json();
    assert_eq!(answer["reason"], "Timeout");
    let message = answer["message"].as_str().unwrap();
    assert!(message.starts_with("Timeout: Too large resource version: 99999999, current: "), "{message}");
    assert_eq!(
        answer["details"],
        json!({
            "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
            "retryAfterSeconds": 1,
        })
    );
}

async fn a_match_without_a_version_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    server.get(&namespace.core("configmaps?resourceVersionMatch=Exact")).await.expect_failure(
        422,
        "Invalid",
        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden \
         unless resourceVersion is provided",
    );
}

async fn a_list_at_an_exact_version_shows_the_past(server: &Target) {
    let namespace = server.namespace().await;
    let version = namespace.config_map("m1", &[]).await.version();
    namespace.config_map("m2", &[]).await;
    let query = format!("configmaps?resourceVersion={version}&resourceVersionMatch=Exact");
    let list = server.get(&namespace.core(&query)).await.expect(200).json();
    assert_eq!(names(&list), ["kube-root-ca.crt", "m1"]);
    assert_eq!(list["metadata"]["resourceVersion"], json!(version));
}

async fn a_list_of_version_zero_is_complete(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("m1", &[]).await;
    // From the cache, which may be a moment behind.
    let path = namespace.core("configmaps?resourceVersion=0&limit=1");
    let list = server.eventually_is(&path, |list| names(list).len() == 2).await;
    // The cache knows no pages: the limit is ignored.
    assert!(list["metadata"].get("continue").is_none());
}
