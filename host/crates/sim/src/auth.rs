//! Who asks, and may they. Without users in the configuration everyone may do everything.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::config::{Rule, User};
use crate::route::ResourceTarget;
use crate::status::{Details, Status};

/// The group that may do everything.
const MASTERS: &str = "system:masters";

/// The one who asks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    /// Position in the users; `None` for the anonymous one of an open server.
    user: Option<usize>,
}

/// Knows the users.
#[derive(Debug)]
pub(crate) struct Authorizer {
    users: Vec<User>,
}

impl Authorizer {
    pub(crate) fn new(users: Vec<User>) -> Self {
        Self { users }
    }

    /// Finds the user of a request.
    ///
    /// # Errors
    /// When there are users, and the request has no token of one.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Identity, Status> {
        if self.users.is_empty() {
            let groups = vec!["system:unauthenticated".to_owned()];
            return Ok(Identity { name: "system:anonymous".to_owned(), groups, user: None });
        }
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = header.strip_prefix("Bearer ").unwrap_or_default().trim();
        let found = self.users.iter().position(|user| !token.is_empty() && user.token == token);
        let (position, user) = found
            .and_then(|position| Some((position, self.users.get(position)?)))
            .ok_or_else(Status::unauthorized)?;
        let mut groups = user.groups.clone();
        groups.push("system:authenticated".to_owned());
        Ok(Identity { name: user.name.clone(), groups, user: Some(position) })
    }

    /// Refuses what no rule allows.
    pub(crate) fn check(&self, identity: &Identity, target: &ResourceTarget) -> Result<(), Status> {
        if self.allows(identity, target) { Ok(()) } else { Err(denial(identity, target)) }
    }

    pub(crate) fn allows(&self, identity: &Identity, target: &ResourceTarget) -> bool {
        let Some(user) = identity.user.and_then(|position| self.users.get(position)) else {
            return identity.user.is_none();
        };
        // Everyone may ask what they may do.
        let is_question = target.group == "authorization.k8s.io" || target.group == "authentication.k8s.io";
        user.groups.iter().any(|group| group == MASTERS)
            || is_question
            || user.rules.iter().any(|rule| fits(rule, target))
    }
}

fn fits(rule: &Rule, target: &ResourceTarget) -> bool {
    let has = |list: &[String], word: &str| list.iter().any(|known| known == "*" || known == word);
    let resource = if target.subresource.is_empty() {
        target.plural.clone()
    } else {
        format!("{}/{}", target.plural, target.subresource)
    };
    let in_namespace = match target.namespace.as_deref().or_else(|| own_namespace(target)) {
        Some(namespace) => rule.namespaces.is_empty() || has(&rule.namespaces, namespace),
        None => rule.namespaces.is_empty(),
    };
    has(&rule.verbs, target.verb)
        && has(&rule.api_groups, &target.group)
        && has(&rule.resources, &resource)
        && in_namespace
}

/// A namespace object belongs to the namespace that it is.
fn own_namespace(target: &ResourceTarget) -> Option<&str> {
    (target.group.is_empty() && target.plural == "namespaces").then_some(target.name.as_deref())?
}

fn denial(identity: &Identity, target: &ResourceTarget) -> Status {
    let ResourceTarget { verb, group, plural, subresource, .. } = target;
    let name = target.name.as_deref().unwrap_or_default();
    let resource = if subresource.is_empty() { plural.clone() } else { format!("{plural}/{subresource}") };
    let qualified = if group.is_empty() { plural.clone() } else { format!("{plural}.{group}") };
    let object = if name.is_empty() { qualified } else { format!("{qualified} \"{name}\"") };
    let scope = match target.namespace.as_deref().or_else(|| own_namespace(target)) {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    let message = format!(
        "{object} is forbidden: User \"{}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" {scope}",
        identity.name
    );
    let details =
        Details { name: name.to_owned(), group: group.clone(), kind: plural.clone(), ..Details::default() };
    Status::forbidden_text(message, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(verb: &'static str, plural: &str, namespace: Option<&str>) -> ResourceTarget {
        ResourceTarget {
            verb,
            version: "v1".to_owned(),
            plural: plural.to_owned(),
            namespace: namespace.map(str::to_owned),
            ..ResourceTarget::default()
        }
    }

    fn check(target: &ResourceTarget, expected: Result<(), &str>) {
        let rule = Rule {
            verbs: vec!["get".to_owned(), "list".to_owned()],
            api_groups: vec![String::new()],
            resources: vec!["pods".to_owned()],
            namespaces: vec!["a".to_owned()],
        };
        let user = User { name: "x".to_owned(), token: "t".to_owned(), rules: vec![rule], ..User::default() };
        let authorizer = Authorizer::new(vec![user]);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer t".parse().expect("a header"));
        let identity = authorizer.identify(&headers).expect("a known token");
        let found = authorizer.check(&identity, target).map_err(|status| status.message);
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn a_rule_allows_what_it_names_only() {
        check(&target("list", "pods", Some("a")), Ok(()));
        check(
            &target("list", "pods", Some("b")),
            Err(
                "pods is forbidden: User \"x\" cannot list resource \"pods\" in API group \"\" in the namespace \"b\"",
            ),
        );
        check(
            &target("list", "nodes", None),
            Err(
                "nodes is forbidden: User \"x\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
            ),
        );
    }

    #[test]
    fn a_request_without_a_token_is_not_anonymous_where_there_are_users() {
        let authorizer = Authorizer::new(vec![User { token: "t".to_owned(), ..User::default() }]);
        assert_eq!(authorizer.identify(&HeaderMap::new()), Err(Status::unauthorized()));
    }
}
