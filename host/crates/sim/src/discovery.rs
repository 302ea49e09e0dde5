//! Discovery: which groups, versions and resources there are, in the legacy and the aggregated form.

use serde_json::{Map, Value, json};

use crate::registry::{Kind, KindRef, join_version};

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const PART_VERBS: [&str; 3] = ["get", "patch", "update"];

/// A subresource: name, kind, group, version (empty: those of its resource), verbs.
struct Part {
    name: &'static str,
    kind: String,
    api: (&'static str, &'static str),
    verbs: &'static [&'static str],
}

/// The versions of a group, the preferred one first, with their kinds.
fn versions(kinds: &[KindRef], group: &str) -> Vec<(String, Vec<KindRef>)> {
    let mut versions: Vec<(String, Vec<KindRef>)> = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.group == group) {
        for version in kind.served_versions() {
            match versions.iter_mut().find(|(known, _)| *known == version) {
                Some((_, list)) => list.push(kind.clone()),
                None => versions.push((version, vec![kind.clone()])),
            }
        }
    }
    versions
}

/// Groups in the order of the registry, without the core group.
fn groups(kinds: &[KindRef]) -> Vec<String> {
    let mut groups: Vec<String> = ["authentication.k8s.io", "authorization.k8s.io"].map(str::to_owned).into();
    for kind in kinds.iter().filter(|kind| !kind.group.is_empty()) {
        if !groups.contains(&kind.group) {
            groups.push(kind.group.clone());
        }
    }
    groups
}

/// `/api`.
pub(crate) fn core_versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    })
}

/// `/apis`.
pub(crate) fn group_list(kinds: &[KindRef]) -> Value {
    let groups: Vec<Value> = groups(kinds).iter().filter_map(|group| self::group(kinds, group)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn group(kinds: &[KindRef], group: &str) -> Option<Value> {
    let mut names: Vec<String> = versions(kinds, group).into_iter().map(|(version, _)| version).collect();
    if is_review_group(group) {
        names.push("v1".to_owned());
    }
    let versions: Vec<Value> = names
        .iter()
        .map(|version| json!({"groupVersion": join_version(group, version), "version": version}))
        .collect();
    let preferred = versions.first()?.clone();
    Some(json!({"name": group, "versions": versions, "preferredVersion": preferred}))
}

fn is_review_group(group: &str) -> bool {
    matches!(group, "authentication.k8s.io" | "authorization.k8s.io")
}

/// `/apis/GROUP`.
pub(crate) fn one_group(kinds: &[KindRef], name: &str) -> Option<Value> {
    let mut group = group(kinds, name)?;
    let map = group.as_object_mut()?;
    map.insert("kind".into(), "APIGroup".into());
    map.insert("apiVersion".into(), "v1".into());
    Some(group)
}

/// `/api/v1` and `/apis/GROUP/VERSION`.
pub(crate) fn resource_list(kinds: &[KindRef], group: &str, version: &str) -> Option<Value> {
    let mut resources = Vec::new();
    if is_review_group(group) && version == "v1" {
        resources.extend(reviews(group).map(|(plural, kind)| {
            json!({"name": plural, "singularName": kind.to_ascii_lowercase(), "namespaced": false, "kind": kind,
                   "verbs": ["create"]})
        }));
    }
    let kinds = versions(kinds, group).into_iter().find(|(known, _)| known == version);
    for kind in kinds.map(|(_, kinds)| kinds).unwrap_or_default() {
        resources.push(legacy_resource(&kind));
        resources.extend(parts(&kind).iter().map(|part| legacy_part(&kind, part)));
    }
    if resources.is_empty() {
        return None;
    }
    Some(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": join_version(group, version),
        "resources": resources,
    }))
}

/// The aggregated form of `/api` (`core`) or `/apis`.
pub(crate) fn aggregated(kinds: &[KindRef], core: bool) -> Value {
    let names = if core { vec![String::new()] } else { groups(kinds) };
    let items: Vec<Value> = names.iter().map(|group| aggregated_group(kinds, group)).collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn aggregated_group(kinds: &[KindRef], group: &str) -> Value {
    let mut list: Vec<Value> = versions(kinds, group)
        .into_iter()
        .map(|(version, kinds)| {
            let resources: Vec<Value> =
                kinds.iter().map(|kind| aggregated_resource(kind, &version)).collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    if is_review_group(group) {
        let resources: Vec<Value> = reviews(group)
            .map(|(plural, kind)| {
                json!({"resource": plural, "responseKind": {"group": group, "version": "v1", "kind": kind},
                       "scope": "Cluster", "singularResource": kind.to_ascii_lowercase(), "verbs": ["create"]})
            })
            .collect();
        list.push(json!({"version": "v1", "resources": resources, "freshness": "Current"}));
    }
    let mut metadata = json!({});
    if !group.is_empty() {
        metadata = json!({"name": group});
    }
    json!({"metadata": metadata, "versions": list})
}

fn reviews(group: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let list: &[(&str, &str)] = if group == "authentication.k8s.io" {
        &[("selfsubjectreviews", "SelfSubjectReview")]
    } else {
        &[("selfsubjectaccessreviews", "SelfSubjectAccessReview")]
    };
    list.iter().copied()
}

fn aggregated_resource(kind: &Kind, version: &str) -> Value {
    let mut resource = json!({
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": version, "kind": kind.kind},
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular,
        "verbs": verbs(kind),
    });
    let parts: Vec<Value> = parts(kind)
        .iter()
        .map(|part| {
            let (group, version) = part_api(kind, part, version);
            json!({
                "subresource": part.name,
                "responseKind": {"group": group, "version": version, "kind": part.kind},
                "verbs": part.verbs,
            })
        })
        .collect();
    if let Some(map) = resource.as_object_mut() {
        optional(map, kind);
        if !parts.is_empty() {
            map.insert("subresources".into(), parts.into());
        }
    }
    resource
}

fn part_api(kind: &Kind, part: &Part, version: &str) -> (String, String) {
    if part.api.1.is_empty() {
        return (kind.group.clone(), version.to_owned());
    }
    (part.api.0.to_owned(), part.api.1.to_owned())
}

fn legacy_resource(kind: &Kind) -> Value {
    let mut resource = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": verbs(kind),
    });
    if let Some(map) = resource.as_object_mut() {
        optional(map, kind);
    }
    resource
}

fn optional(map: &mut Map<String, Value>, kind: &Kind) {
    if !kind.short_names.is_empty() {
        map.insert("shortNames".into(), kind.short_names.clone().into());
    }
    if !kind.categories.is_empty() {
        map.insert("categories".into(), kind.categories.clone().into());
    }
}

fn legacy_part(kind: &Kind, part: &Part) -> Value {
    let mut resource = json!({
        "name": format!("{}/{}", kind.plural, part.name), "singularName": "", "namespaced": kind.namespaced,
        "kind": part.kind, "verbs": part.verbs,
    });
    if let Some(map) = resource.as_object_mut()
        && !part.api.1.is_empty()
    {
        map.insert("group".into(), part.api.0.into());
        map.insert("version".into(), part.api.1.into());
    }
    resource
}

fn verbs(kind: &Kind) -> Vec<&'static str> {
    let all = VERBS.into_iter();
    // The collection of namespaces cannot be deleted.
    all.filter(|verb| *verb != "deletecollection" || !kind.is("", "namespaces")).collect()
}

fn parts(kind: &Kind) -> Vec<Part> {
    const CREATE: &[&str] = &["create"];
    let own = ("", "");
    let part = |name, kind: &str, api, verbs| Part { name, kind: kind.to_owned(), api, verbs };
    let mut parts = Vec::new();
    if kind.is("", "pods") {
        parts.push(part("binding", "Binding", own, CREATE));
        parts.push(part("eviction", "Eviction", ("policy", "v1"), CREATE));
        parts.push(part("log", "Pod", own, &["get"]));
        parts.push(part("exec", "PodExecOptions", own, &["create", "get"]));
    }
    if kind.is("", "namespaces") {
        parts.push(part("finalize", "Namespace", own, &["update"]));
    }
    if kind.is("", "serviceaccounts") {
        parts.push(part("token", "TokenRequest", ("authentication.k8s.io", "v1"), CREATE));
    }
    if kind.scale.is_some() {
        parts.push(part("scale", "Scale", ("autoscaling", "v1"), &PART_VERBS));
    }
    if kind.has_status {
        parts.push(Part { name: "status", kind: kind.kind.clone(), api: own, verbs: &PART_VERBS });
    }
    parts
}
