//! Where the simulated cluster is known to differ from a real API server.
//!
//! Each of these tests fails on `sim` today. They run all the same: one that passes must be taken off the
//! list, so that the list only ever says what is true. Nothing may be added without a word on why.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Tests that `sim` fails: mostly the wording of refusals (of preconditions, selectors, broken bodies), and
/// three of behaviour: finalizers of new objects are not checked, a foreground deletion answers with another
/// status, a watch from a version that a custom resource no longer has waits instead of answering 410.
const KNOWN: &[&str] = &[
    "conflict::sim::a_delete_with_a_wrong_uid_is_a_conflict",
    "conflict::sim::a_delete_with_an_old_version_is_a_conflict",
    "crd::sim::an_update_needs_a_version",
    "deletion::sim::a_finalizer_without_a_domain_is_refused",
    "deletion::sim::a_pod_without_a_node_is_gone_at_once",
    "deletion::sim::an_unknown_propagation_policy_is_refused",
    "deletion::sim::no_finalizer_may_be_added_to_an_object_that_is_going",
    "objects::sim::a_namespace_name_may_not_have_dots",
    "ownership::sim::an_owner_deleted_in_the_foreground_goes_last",
    "paging::sim::a_broken_continue_token_is_explained",
    "patch::sim::a_patch_of_the_wrong_shape_is_explained",
    "refusal::sim::an_unknown_version_is_refused",
    "refusal::sim::another_kind_is_refused",
    "refusal::sim::broken_json_is_explained",
    "selector::sim::a_broken_label_selector_is_explained",
    "selector::sim::an_unknown_field_is_refused",
    "storage::sim::a_claim_without_class_waits_and_says_so",
    "table::sim::config_maps_show_their_number_of_entries",
    "watch::sim::a_watch_from_a_version_that_is_gone_says_so",
    "workload::sim::a_deployment_that_is_deleted_takes_its_pods_along",
];

/// Runs a test on `sim`: it must pass, or fail when it is known to.
#[track_caller]
pub fn expecting(path: &str, test: impl FnOnce()) {
    let name = path.strip_prefix("api::").unwrap_or(path);
    let result = catch_unwind(AssertUnwindSafe(test));
    match (KNOWN.contains(&name), result) {
        (false, Ok(())) | (true, Err(_)) => {}
        (false, Err(panic)) => resume_unwind(panic),
        (true, Ok(())) => panic!("`{name}` no longer differs: take it off the list of known differences"),
    }
}
