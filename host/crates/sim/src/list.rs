//! `list`: selectors, versions, pages.
//!
//! A page after the first is taken from the state at the first page's version, which the store can still show as
//! long as its window of changes reaches back; after that the answer is 410, with a token that goes on anyway.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::body::{AnswerBody, ListBody};
use crate::registry::KindRef;
use crate::render::Renderer;
use crate::route::Query;
use crate::selector::Selector;
use crate::status::Status;
use crate::store::{Object, Store, key};

const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. You can start \
     a new list without the continue parameter, or use the continue token in this response to retrieve the remainder \
     of the results. Continuing with the provided token results in an inconsistent list - objects that were created, \
     modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// What a list asks for, checked.
#[derive(Debug)]
pub(crate) struct ListRequest {
    pub(crate) selector: Selector,
    limit: usize,
    at: At,
    start: Option<String>,
}

/// Which state is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Now,
    NotOlderThan(u64),
    Exactly(u64),
}

/// The content of a continue token; the same fields as upstream.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    v: String,
    rv: i64,
    start: String,
}

impl ListRequest {
    pub(crate) fn parse(kind: &KindRef, namespace: Option<&str>, query: &Query) -> Result<Self, Status> {
        let selector =
            Selector::parse(kind, namespace, query.get("labelSelector"), query.get("fieldSelector"))?;
        let limit = parse_limit(query.get("limit"))?;
        let version = query.get("resourceVersion");
        let exactness = query.get("resourceVersionMatch");
        check_match(version, exactness, query)?;
        let mut request = Self { selector, limit, at: At::Now, start: None };
        if query.get("continue").is_empty() {
            request.at = parse_at(version, exactness)?;
            if version == "0" {
                // Answered from the cache upstream, which knows no pages.
                request.limit = 0;
            }
        } else {
            request.resume(query.get("continue"), version)?;
        }
        Ok(request)
    }

    fn resume(&mut self, token: &str, version: &str) -> Result<(), Status> {
        if !version.is_empty() && version != "0" {
            return Err(Status::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let bad = |why: &str| {
            Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|error| bad(&error.to_string()))?;
        let token: Token = serde_json::from_slice(&bytes).map_err(|error| bad(&error.to_string()))?;
        if token.v != "meta.k8s.io/v1" || token.start.is_empty() {
            return Err(bad("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
        }
        self.at = u64::try_from(token.rv).map_or(At::Now, At::Exactly);
        self.start = Some(token.start);
        Ok(())
    }

    /// Answers the list.
    pub(crate) fn answer(
        self,
        store: &Store,
        namespace: Option<&str>,
        renderer: Renderer,
    ) -> Result<AnswerBody, Status> {
        let (version, objects) = self.read(store, &renderer.kind, namespace)?;
        let (page, metadata) = self.page(version, objects);
        let (head, tail) = renderer.list_frame(&metadata);
        Ok(AnswerBody::List(ListBody::new(head, page, renderer, tail)))
    }

    fn read(
        &self,
        store: &Store,
        kind: &KindRef,
        namespace: Option<&str>,
    ) -> Result<(u64, Vec<Arc<Object>>), Status> {
        if let Some(name) = self.selector.name()
            && matches!(self.at, At::Now)
            && let Some(namespace) = namespace.or((!kind.namespaced).then_some(""))
        {
            return Ok((store.version(), store.get(kind, namespace, name).into_iter().collect()));
        }
        let (current, objects) = store.snapshot(kind, namespace);
        match self.at {
            At::Now => Ok((current, objects)),
            At::NotOlderThan(wanted) | At::Exactly(wanted) if wanted > current => {
                Err(Status::too_large_version(wanted, current))
            }
            At::NotOlderThan(_) => Ok((current, objects)),
            At::Exactly(wanted) => match store.snapshot_at(kind, namespace, wanted) {
                Ok(objects) => Ok((wanted, objects)),
                Err(_) => Err(self.expired()),
            },
        }
    }

    fn expired(&self) -> Status {
        match &self.start {
            Some(start) => Status { continue_token: Some(encode(-1, start)), ..Status::expired(EXPIRED) },
            None => Status::expired("The resourceVersion for the provided list is too old."),
        }
    }

    /// Cuts the page out, and says in the list's metadata how to go on.
    fn page(&self, version: u64, objects: Vec<Arc<Object>>) -> (Vec<Arc<Object>>, Value) {
        let mut metadata = Map::new();
        metadata.insert("resourceVersion".into(), version.to_string().into());
        let begin = match &self.start {
            Some(start) => objects.partition_point(|object| place(object).as_str() < start.as_str()),
            None => 0,
        };
        let mut page = Vec::new();
        let mut rest = objects.into_iter().skip(begin);
        for object in rest.by_ref() {
            if self.selector.matches(&object) {
                page.push(object);
            }
            if self.limit > 0 && page.len() == self.limit {
                break;
            }
        }
        let everything = self.selector.is_everything();
        let remaining = rest.filter(|object| self.selector.matches(object)).count();
        if remaining > 0
            && let Some(last) = page.last()
        {
            let version = i64::try_from(version).unwrap_or(-1);
            metadata.insert("continue".into(), encode(version, &format!("{}\0", place(last))).into());
            if everything {
                metadata.insert("remainingItemCount".into(), remaining.into());
            }
        }
        (page, metadata.into())
    }
}

fn place(object: &Object) -> String {
    key(&object.namespace, &object.name).into()
}

fn encode(version: i64, start: &str) -> String {
    let token = Token { v: "meta.k8s.io/v1".to_owned(), rv: version, start: start.to_owned() };
    // A token holds a number and texts only, so that serializing cannot fail.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
}

fn parse_limit(text: &str) -> Result<usize, Status> {
    if text.is_empty() {
        return Ok(0);
    }
    let number: i64 = text
        .parse()
        .map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))?;
    Ok(usize::try_from(number).unwrap_or(0))
}

/// Reads a version as upstream: empty and `0` have their own meaning, everything else is a number.
pub(crate) fn parse_version(text: &str) -> Result<u64, Status> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| {
        Status::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing \
             {text:?}: invalid syntax"
        ))
    })
}

fn parse_at(version: &str, exactness: &str) -> Result<At, Status> {
    let number = parse_version(version)?;
    Ok(match exactness {
        "Exact" => At::Exactly(number),
        _ if number == 0 => At::Now,
        _ => At::NotOlderThan(number),
    })
}

fn check_match(version: &str, exactness: &str, query: &Query) -> Result<(), Status> {
    use crate::status::{FieldError, FieldErrorKind};
    let error = match exactness {
        _ if query.has("sendInitialEvents") => {
            FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
        }
        "" => return Ok(()),
        _ if version.is_empty() => FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        _ if !query.get("continue").is_empty() => FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden when continue is provided",
        ),
        "Exact" if version == "0" => FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        "Exact" | "NotOlderThan" => return Ok(()),
        other => FieldError {
            kind: FieldErrorKind::NotSupported(
                format!("{other:?}"),
                vec!["Exact".to_owned(), "NotOlderThan".to_owned(), String::new()],
            ),
            field: "resourceVersionMatch".to_owned(),
            detail: String::new(),
        },
    };
    Err(Status::invalid_named("ListOptions", "meta.k8s.io", "", &[error]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::registry::Registry;

    fn resume(token: &str) -> Result<ListRequest, Status> {
        let kind = Registry::with_builtin().get("", "pods").expect("pods are built in");
        ListRequest::parse(&kind, None, &Query::parse(&format!("continue={token}")))
    }

    proptest! {
        #[test]
        fn a_token_says_again_what_was_put_into_it(version in 0i64.., start in ".{1,40}") {
            let request = resume(&encode(version, &start)).expect("an own token");
            prop_assert_eq!(request.start, Some(start));
            prop_assert_eq!(request.at, At::Exactly(u64::try_from(version).expect("not negative")));
        }

        #[test]
        fn a_foreign_token_is_refused_and_never_a_panic(token in "[A-Za-z0-9_+/=%-]{1,60}") {
            if let Err(status) = resume(&token) {
                prop_assert_eq!(status.code, 400);
                prop_assert!(status.message.starts_with("invalid continue token: continue key is not valid: "));
            }
        }

        #[test]
        fn a_token_with_any_content_is_taken_or_refused(v in ".{0,16}", rv in any::<i64>(), start in ".{0,8}") {
            let token = Token { v, rv, start };
            let _ = resume(&URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).expect("plain values")));
        }
    }
}
