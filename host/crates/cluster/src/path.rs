//! URLs of API requests.
//!
//! Names and namespaces come from templates and plugins. They are percent-encoded, and what a server could
//! take for another path or for a whole collection is refused before anything is sent.

use bench_model::{ResourceRef, Verb};
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};

/// Why no URL can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// A request for one object without a name would be one for all of them.
    #[error("`{verb}` needs a name")]
    NoName { verb: Verb },
    /// A deletecollection that names nothing would delete everything.
    #[error("`deletecollection` needs a label selector")]
    NoSelector,
    /// `.` and `..` are steps in a path, and nothing at all is another path.
    #[error("`{part}` cannot be part of a URL")]
    Part { part: String },
    /// Longer than a URL may be, or with characters that a query may not have.
    #[error("the URL of the request would not be valid")]
    Url,
}

/// The part of URLs that is the server's.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    scheme: Scheme,
    authority: Authority,
    /// Path of the server URL without a slash at its end; empty in nearly all clusters.
    prefix: String,
}

impl Base {
    /// Splits a server URL; `None` when it has no scheme or host.
    pub(crate) fn new(server: &Uri) -> Option<Self> {
        let scheme = server.scheme()?.clone();
        // User and password of a URL have no place in messages, and kubectl ignores them as well.
        let authority = server.authority()?;
        let authority = match authority.as_str().rsplit_once('@') {
            Some((_, host)) => host.parse().ok()?,
            None => authority.clone(),
        };
        Some(Self { scheme, authority, prefix: server.path().trim_end_matches('/').to_owned() })
    }

    /// Scheme, host, port and path prefix, as shown to people.
    pub(crate) fn shown(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.prefix)
    }

    /// Host without port or brackets.
    pub(crate) fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The URL of a path that is already encoded and starts with a slash.
    pub(crate) fn uri(&self, path: String) -> Result<Uri, PathError> {
        let path = if self.prefix.is_empty() { path } else { format!("{}{path}", self.prefix) };
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        let path = PathAndQuery::from_maybe_shared(Bytes::from(path)).map_err(|_| PathError::Url)?;
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|_| PathError::Url)
    }
}

/// Path and query of a request: one allocation.
pub(crate) fn path(verb: Verb, target: &ResourceRef, name: &str, query: &str) -> Result<String, PathError> {
    let one_object = matches!(verb, Verb::Get | Verb::Update | Verb::Patch | Verb::Delete);
    if one_object && name.is_empty() {
        return Err(PathError::NoName { verb });
    }
    if verb == Verb::DeleteCollection && !query.split('&').any(has_selector) {
        return Err(PathError::NoSelector);
    }
    let mut path = String::with_capacity(96 + target.namespace.len() + name.len() + query.len());
    push_collection(&mut path, target)?;
    let (plural, subresource) = target.plural.split_once('/').unwrap_or((&target.plural, ""));
    push_part(&mut path, plural)?;
    // The subresource of a create is below an object as well: `pods/NAME/binding`.
    if one_object || (verb == Verb::Create && !subresource.is_empty()) {
        push_part(&mut path, name)?;
    }
    if !subresource.is_empty() {
        push_part(&mut path, subresource)?;
    }
    if !query.is_empty() {
        path.push('?');
        path.push_str(query);
    }
    Ok(path)
}

fn has_selector(pair: &str) -> bool {
    pair.strip_prefix("labelSelector=").is_some_and(|selector| !selector.is_empty())
}

fn push_collection(path: &mut String, target: &ResourceRef) -> Result<(), PathError> {
    if target.group.is_empty() {
        path.push_str("/api");
    } else {
        path.push_str("/apis");
        push_part(path, &target.group)?;
    }
    push_part(path, &target.version)?;
    if !target.namespace.is_empty() {
        path.push_str("/namespaces");
        push_part(path, &target.namespace)?;
    }
    Ok(())
}

/// Appends a slash and one part of a path, encoded.
pub(crate) fn push_part(path: &mut String, part: &str) -> Result<(), PathError> {
    if matches!(part, "" | "." | "..") {
        return Err(PathError::Part { part: part.to_owned() });
    }
    path.push('/');
    push_encoded(path, part);
    Ok(())
}

/// Appends percent-encoded text; what is left as it is has no meaning in paths and queries.
fn push_encoded(to: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| HEX.get(usize::from(value)).map_or('0', |&c| char::from(c));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            to.push(char::from(byte));
        } else {
            to.push('%');
            to.push(digit(byte >> 4));
            to.push(digit(byte & 15));
        }
    }
}

/// Writes a query from names and values; pairs with an empty value are left out.
///
/// `query(&[("labelSelector", "app=x"), ("limit", "500")])` is `labelSelector=app%3Dx&limit=500`.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        if !query.is_empty() {
            query.push('&');
        }
        push_encoded(&mut query, name);
        query.push('=');
        push_encoded(&mut query, value);
    }
    query
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(group: &str, plural: &str, namespace: &str) -> ResourceRef {
        ResourceRef {
            group: group.to_owned(),
            version: "v1".to_owned(),
            plural: plural.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    fn check(verb: Verb, target: &ResourceRef, name: &str, query: &str, expected: &str) {
        assert_eq!(path(verb, target, name, query).as_deref(), Ok(expected));
    }

    #[test]
    fn every_verb_has_its_url() {
        let pods = target("", "pods", "ns");
        check(Verb::Create, &pods, "ignored", "", "/api/v1/namespaces/ns/pods");
        check(Verb::Get, &pods, "a", "", "/api/v1/namespaces/ns/pods/a");
        check(Verb::List, &pods, "", "limit=5", "/api/v1/namespaces/ns/pods?limit=5");
        check(Verb::Patch, &target("", "pods/status", "ns"), "a", "", "/api/v1/namespaces/ns/pods/a/status");
        check(
            Verb::Create,
            &target("", "pods/binding", "ns"),
            "a",
            "",
            "/api/v1/namespaces/ns/pods/a/binding",
        );
        check(Verb::List, &target("apps", "deployments", ""), "", "", "/apis/apps/v1/deployments");
        check(Verb::Delete, &target("", "namespaces", ""), "x", "", "/api/v1/namespaces/x");
    }

    #[test]
    fn what_would_be_another_request_is_refused() {
        let pods = target("", "pods", "ns");
        assert_eq!(path(Verb::Delete, &pods, "", ""), Err(PathError::NoName { verb: Verb::Delete }));
        assert_eq!(path(Verb::DeleteCollection, &pods, "", ""), Err(PathError::NoSelector));
        assert_eq!(path(Verb::DeleteCollection, &pods, "", "labelSelector="), Err(PathError::NoSelector));
        assert_eq!(path(Verb::Get, &pods, "..", ""), Err(PathError::Part { part: "..".to_owned() }));
        check(Verb::Get, &pods, "a/../b?x", "", "/api/v1/namespaces/ns/pods/a%2F..%2Fb%3Fx");
    }

    #[test]
    fn the_password_of_a_server_url_is_left_out() {
        let base = Base::new(&"https://user:secret@host:6443/k8s/".parse().expect("a URL")).expect("a base");
        assert_eq!(base.shown(), "https://host:6443/k8s");
        assert_eq!(base.uri("/api".to_owned()).expect("a URL"), "https://host:6443/k8s/api");
    }

    #[test]
    fn queries_are_encoded() {
        let pairs = [("labelSelector", "a in (b,c)"), ("fieldSelector", ""), ("limit", "5")];
        assert_eq!(query(&pairs), "labelSelector=a%20in%20%28b%2Cc%29&limit=5");
    }

    proptest! {
        #[test]
        fn a_name_never_changes_the_shape_of_a_path(name in ".{1,30}") {
            if let Ok(path) = path(Verb::Get, &target("", "pods", "ns"), &name, "") {
                prop_assert_eq!(path.matches('/').count(), 6);
                prop_assert!(path.parse::<Uri>().is_ok_and(|uri| uri.query().is_none()));
            }
        }
    }
}
