//! Single calls from any runtime, beside the load: for plugins' decisions and for our own.

use bench_model::{ResourceRef, TimeNs, Verb};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Cluster, Reply, Request, RequestError, path, transport::Lane};

/// Which objects a list is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListQuery<'a> {
    /// As `kubectl -l`; empty for all.
    pub label_selector: &'a str,
    /// As `kubectl --field-selector`; empty for all.
    pub field_selector: &'a str,
    /// Objects a page; 0 leaves it to the server.
    pub limit: u32,
    /// Of the page before; empty for the first.
    pub token: &'a str,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T = String> {
    /// Each object as JSON.
    pub items: Vec<T>,
    /// Asks for the next page; empty after the last.
    pub token: String,
    /// Version of the list, to watch from.
    pub resource_version: String,
    /// When its last byte was read.
    pub at: TimeNs,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(default)]
    metadata: ListMetadata,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ListMetadata {
    resource_version: Option<String>,
    r#continue: Option<String>,
}

impl Cluster {
    /// Sends a request that is no load, from any runtime, on a connection that the load does not use.
    ///
    /// # Errors
    /// When the server refused, or no answer came.
    pub async fn call(&self, request: Request<'_>) -> Result<Reply, RequestError> {
        let cluster = self.clone();
        let Request { verb, target, name, query, content_type, body, keep_body } = request;
        let (target, name) = (target.clone(), name.to_owned());
        let (query, content_type) = (query.to_owned(), content_type.to_owned());
        let call = async move {
            let (target, name, query, content_type) = (&target, &name, &query, &content_type);
            let request = Request { verb, target, name, query, content_type, body, keep_body };
            cluster.send_in(Some(Lane::Calls), &request, None).await
        };
        self.on_load_runtime(call).await?.into_result()
    }

    /// Reads one object as JSON.
    ///
    /// # Errors
    /// When it is not there, may not be read, or no answer came.
    pub async fn get(&self, target: &ResourceRef, name: &str) -> Result<Bytes, RequestError> {
        let request = Request {
            verb: Verb::Get,
            target,
            name,
            query: "",
            content_type: "",
            body: Bytes::new(),
            keep_body: true,
        };
        Ok(self.call(request).await?.body)
    }

    /// Reads one page of objects.
    ///
    /// # Errors
    /// When they may not be listed, the token has expired (HTTP 410), or no answer came.
    pub async fn list_page(&self, target: &ResourceRef, list: ListQuery<'_>) -> Result<Page, RequestError> {
        self.list_items(target, list, |_, item| item.to_owned()).await
    }

    /// Reads one page of objects, of which `keep` gets the whole page and its own part of it.
    pub(crate) async fn list_items<T>(
        &self,
        target: &ResourceRef,
        list: ListQuery<'_>,
        keep: impl Fn(&Bytes, &str) -> T,
    ) -> Result<Page<T>, RequestError> {
        let Reply { body, done, .. } = self.list_reply(target, list).await?;
        let malformed = |_| RequestError::Malformed { what: format!("the list of {target}") };
        let list: List<'_> = serde_json::from_slice(&body).map_err(malformed)?;
        Ok(Page {
            items: list.items.unwrap_or_default().into_iter().map(|item| keep(&body, item.get())).collect(),
            token: list.metadata.r#continue.unwrap_or_default(),
            resource_version: list.metadata.resource_version.unwrap_or_default(),
            at: done,
        })
    }

    /// Reads all objects, page by page, and of each only what `keep` makes of its JSON; no further page once there are
    /// `most`.
    ///
    /// # Errors
    /// As [`Self::list_page`].
    pub async fn list_all<T>(
        &self,
        target: &ResourceRef,
        list: ListQuery<'_>,
        most: usize,
        keep: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, RequestError> {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let page =
                self.list_items(target, ListQuery { token: &token, ..list }, |_, item| keep(item)).await?;
            found.extend(page.items.into_iter().flatten());
            token = page.token;
            if token.is_empty() || found.len() >= most {
                return Ok(found);
            }
        }
    }

    /// Deletes one object. `options` is a `DeleteOptions` as JSON; empty for the server's defaults.
    ///
    /// # Errors
    /// When it is not there, may not be deleted, or no answer came.
    pub async fn delete(&self, target: &ResourceRef, name: &str, options: &str) -> Result<(), RequestError> {
        let request = Request {
            verb: Verb::Delete,
            target,
            name,
            query: "",
            content_type: if options.is_empty() { "" } else { "application/json" },
            body: Bytes::copy_from_slice(options.as_bytes()),
            keep_body: false,
        };
        self.call(request).await.map(|_| ())
    }

    pub(crate) async fn list_reply(
        &self,
        target: &ResourceRef,
        list: ListQuery<'_>,
    ) -> Result<Reply, RequestError> {
        let limit = if list.limit == 0 { String::new() } else { list.limit.to_string() };
        let query = path::query(&[
            ("labelSelector", list.label_selector),
            ("fieldSelector", list.field_selector),
            ("limit", &limit),
            ("continue", list.token),
        ]);
        let request = Request {
            verb: Verb::List,
            target,
            name: "",
            query: &query,
            content_type: "",
            body: Bytes::new(),
            keep_body: true,
        };
        self.call(request).await
    }
}
