//! From a request line to what is meant: path, verb and query (`apiserver/pkg/endpoints/request/requestinfo.go`).

use http::{Method, Uri};

/// What a request is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// An object or a collection.
    Resource(ResourceTarget),
    /// Anything else, by its path.
    Path(String),
}

/// A request for an object or a collection.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ResourceTarget {
    pub(crate) verb: &'static str,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) subresource: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
}

/// Query parameters in the order of the request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(key, value)| (decode(key, true), decode(value, true)))
                .collect(),
        )
    }

    /// The first value, empty when absent.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, _)| known == key)
    }

    /// All values of a key.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Present and neither `0` nor `false`, as `runtime.Convert_Slice_string_To_bool`.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.has(key) && !matches!(self.get(key).to_ascii_lowercase().as_str(), "0" | "false")
    }
}

/// Undoes percent encoding; malformed parts stay as they are.
fn decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' if plus_is_space => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digits = (ahead.next().and_then(hex), ahead.next().and_then(hex));
                if let (Some(high), Some(low)) = digits {
                    bytes.push(high * 16 + low);
                    rest = ahead;
                } else {
                    bytes.push(b'%');
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Finds out what a request means. `None` for methods that no resource knows.
pub(crate) fn parse(method: &Method, uri: &Uri, query: &Query) -> Target {
    let path = uri.path();
    let mut parts: Vec<String> =
        path.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect();
    let other = || Target::Path(path.trim_end_matches('/').to_owned());
    let prefix = match parts.first().map(String::as_str) {
        Some("api") if parts.len() > 2 => 2,
        Some("apis") if parts.len() > 3 => 3,
        _ => return other(),
    };
    let mut rest = parts.split_off(prefix).into_iter().peekable();
    let mut head = parts.into_iter().skip(1);
    let group = if prefix == 3 { head.next().unwrap_or_default() } else { String::new() };
    let version = head.next().unwrap_or_default();
    let mut watch = query.flag("watch");
    if rest.peek().is_some_and(|part| part == "watch") {
        watch = true;
        rest.next();
    }
    let rest: Vec<String> = rest.collect();
    let mut target = ResourceTarget { group, version, ..ResourceTarget::default() };
    if !place(&mut target, rest) {
        return other();
    }
    let Some(verb) = verb(method, target.name.is_some(), watch) else { return other() };
    target.verb = verb;
    Target::Resource(target)
}

/// Reads namespace, resource, name and subresource. False when there are too many parts.
fn place(target: &mut ResourceTarget, rest: Vec<String>) -> bool {
    let is_own = |part: &str| matches!(part, "status" | "finalize");
    let mut rest = match rest.as_slice() {
        [first, namespace, third, ..] if first == "namespaces" && !is_own(third) => {
            target.namespace = Some(namespace.clone());
            rest.get(2..).unwrap_or_default().to_vec().into_iter()
        }
        _ => rest.into_iter(),
    };
    target.plural = rest.next().unwrap_or_default();
    target.name = rest.next();
    target.subresource = rest.next().unwrap_or_default();
    // `pods/x/proxy/some/path` is the only form with more parts.
    let more = rest.next().is_some();
    !target.plural.is_empty() && (!more || target.subresource == "proxy")
}

fn verb(method: &Method, named: bool, watch: bool) -> Option<&'static str> {
    Some(match *method {
        Method::GET | Method::HEAD if watch => "watch",
        Method::GET | Method::HEAD if named => "get",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if named => "delete",
        Method::DELETE => "deletecollection",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(method: Method, text: &str, expected: &str) {
        let uri: Uri = text.parse().expect("a valid URI");
        let found = match parse(&method, &uri, &Query::parse(uri.query().unwrap_or_default())) {
            Target::Path(path) => path,
            Target::Resource(t) => format!(
                "{} {}/{} {} ns={} name={} sub={}",
                t.verb,
                t.group,
                t.version,
                t.plural,
                t.namespace.unwrap_or_default(),
                t.name.unwrap_or_default(),
                t.subresource
            ),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_are_understood_as_upstream() {
        check(Method::GET, "/api/v1/pods", "list /v1 pods ns= name= sub=");
        check(Method::GET, "/api/v1/namespaces/a/pods?watch=1", "watch /v1 pods ns=a name= sub=");
        check(Method::GET, "/api/v1/watch/namespaces/a/pods", "watch /v1 pods ns=a name= sub=");
        check(Method::PUT, "/api/v1/namespaces/a/status", "update /v1 namespaces ns= name=a sub=status");
        check(Method::GET, "/api/v1/namespaces/a", "get /v1 namespaces ns= name=a sub=");
        check(
            Method::PATCH,
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            "patch apps/v1 deployments ns=a name=d sub=scale",
        );
        check(
            Method::DELETE,
            "/apis/apps/v1/deployments",
            "deletecollection apps/v1 deployments ns= name= sub=",
        );
        check(Method::GET, "/apis/apps/v1", "/apis/apps/v1");
        check(Method::GET, "/healthz/", "/healthz");
    }

    proptest! {
        #[test]
        fn no_query_makes_the_parser_panic(text in ".{0,60}") {
            let query = Query::parse(&text);
            let _ = query.flag("watch");
        }
    }
}
