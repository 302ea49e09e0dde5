//! Turns a row of a batch into the request that will be sent for it.

use std::sync::Arc;

use bench_model::{ResourceId, ResourceRef, Verb};
use bench_plugin_host::{Failures, ParamColumn, WriteAction};
use bench_template::Renderer;
use bytes::Bytes;

use super::{QueueServices, Shared};

/// Content type of everything that is no patch.
const JSON: &str = "application/json";

/// What an operation does, and to what.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) verb: Verb,
    pub(super) target: Arc<ResourceRef>,
    pub(super) resource: ResourceId,
    /// Told when it ends without success.
    pub(super) failures: Option<Failures>,
}

/// A request that waits for its due time.
pub(super) struct Prepared {
    pub(super) subject: Subject,
    pub(super) name: String,
    pub(super) query: Arc<str>,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

/// Why a row is not sent: a reason for the record and a sentence for people.
pub(super) struct Refusal {
    pub(super) subject: Subject,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// The rows of one batch.
pub(super) struct Rows {
    action: Action,
    /// The target of the previous row: rows of one namespace follow each other.
    target: Arc<ResourceRef>,
    resource: ResourceId,
    /// Whether the grants allow this on the target.
    is_granted: bool,
    query: Arc<str>,
    failures: Option<Failures>,
    /// The last namespace for which the journal says that this kind comes; `""` stands for all of the run's own.
    announced: Option<String>,
}

enum Action {
    Create { renderer: Renderer, namespaced: bool, params: Vec<ParamColumn> },
    CreateRaw { bodies: Vec<Bytes> },
    Patch { names: Vec<String>, content_type: &'static str, renderer: Renderer, params: Vec<ParamColumn> },
    Delete { names: Vec<String>, body: Bytes },
    Read { verb: Verb, names: Vec<String> },
}

impl Rows {
    /// Takes a batch, and announces its kind when it is new to the run.
    pub(super) async fn new(action: WriteAction, services: &QueueServices) -> Self {
        let (mut rows_query, mut template_failures) = (String::new(), None);
        let (action, target) = match action {
            WriteAction::Create { template, target, namespaced, params, failures } => {
                template_failures = Some(failures);
                (Action::Create { renderer: template.renderer(), namespaced, params }, target)
            }
            WriteAction::CreateRaw { target, bodies } => (Action::CreateRaw { bodies }, target),
            WriteAction::Patch { target, names, how, template, params } => {
                if how == bench_plugin_host::PatchType::Apply {
                    rows_query.push_str("fieldManager=bench&force=true");
                }
                let content_type = how.content_type();
                (Action::Patch { names, content_type, renderer: template.renderer(), params }, target)
            }
            WriteAction::Delete { target, names, body } => (Action::Delete { names, body }, target),
            WriteAction::Read { target, verb, names, query } => {
                rows_query = query;
                (Action::Read { verb, names }, target)
            }
        };
        let (resource, new_resource) = services.ledger.resource(&target);
        if let Some(event) = new_resource {
            // A closed channel means that the recorder failed; the run is stopped by whoever owns it.
            let _ = services.events.send(event).await;
        }
        Self {
            action,
            target: Arc::new(target),
            resource,
            is_granted: false,
            query: rows_query.into(),
            failures: template_failures,
            announced: None,
        }
    }

    /// What the next operation is about: until a row is rendered, that of the one before it.
    pub(super) fn subject(&self) -> Subject {
        let Self { resource, target, failures, .. } = self;
        Subject { verb: self.verb(), target: target.clone(), resource: *resource, failures: failures.clone() }
    }

    fn verb(&self) -> Verb {
        match &self.action {
            Action::Create { .. } | Action::CreateRaw { .. } => Verb::Create,
            Action::Patch { .. } => Verb::Patch,
            Action::Delete { .. } => Verb::Delete,
            Action::Read { verb, .. } => *verb,
        }
    }

    /// Renders a row and checks what only a row can tell: namespace, caps, whose object it is.
    pub(super) async fn prepare(&mut self, row: u64, shared: &Shared) -> Result<Prepared, Refusal> {
        let (name, content_type, body) = self.render(row).map_err(|m| self.refuse("Invalid", m))?;
        let verb = self.verb();
        let services = &shared.services;
        if !self.is_granted(shared) {
            let place = if self.target.namespace.is_empty() { "the cluster" } else { &self.target.namespace };
            return Err(self.refuse("Denied", format!("{verb} {} is not granted in {place}", self.target)));
        }
        if verb == Verb::Delete && !self.is_ours(&name, shared) {
            return Err(self.refuse("Denied", format!("{} `{name}` was not made by this run", self.target)));
        }
        if verb == Verb::Create {
            let is_namespace = self.target.is_namespaces();
            services
                .ledger
                .take_object(is_namespace)
                .map_err(|e| self.refuse("LimitExceeded", e.to_string()))?;
            self.announce(is_namespace, &name, shared).await.map_err(|m| self.refuse("JournalFailed", m))?;
        }
        Ok(Prepared { subject: self.subject(), name, query: self.query.clone(), content_type, body })
    }

    /// Says in the journal what comes, before it leaves.
    ///
    /// Namespaces of the run have entries of their own, so that for all of them together it is enough to say the kind
    /// once: a burst into a hundred new namespaces does not wait for the disk a hundred times.
    async fn announce(&mut self, is_namespace: bool, name: &str, shared: &Shared) -> Result<(), String> {
        let Shared { services, .. } = shared;
        if is_namespace {
            let entry = bench_model::JournalEntry::WillCreateNamespace { name: name.to_owned() };
            return services.journal.write(entry).await.map_err(|e| e.to_string());
        }
        let namespace = self.target.namespace.as_str();
        let place = if services.namespaces.contains(namespace) { "" } else { namespace };
        if self.announced.as_deref() != Some(place) {
            let target = self.target.in_namespace(place);
            services.journal.will_create(&target).await.map_err(|e| e.to_string())?;
            self.announced = Some(place.to_owned());
        }
        Ok(())
    }

    /// Asked once for rows of one namespace: the grants of a run do not change, and its namespaces only become more.
    fn is_granted(&mut self, shared: &Shared) -> bool {
        let (grants, own) = (&shared.settings.grants, &shared.services.namespaces);
        self.is_granted =
            self.is_granted || grants.allows(self.verb(), &self.target, &self.target.namespace, own);
        self.is_granted
    }

    fn is_ours(&self, name: &str, shared: &Shared) -> bool {
        let namespaces = &shared.services.namespaces;
        if self.target.is_namespaces() {
            return namespaces.contains(name);
        }
        let in_own_namespace =
            !self.target.namespace.is_empty() && namespaces.contains(&self.target.namespace);
        in_own_namespace || shared.services.ledger.has_made(&self.target, name)
    }

    fn refuse(&self, reason: &'static str, message: String) -> Refusal {
        Refusal { subject: self.subject(), reason, message }
    }

    /// Name, content type and body of a row; moves `target` to the row's namespace.
    fn render(&mut self, row: u64) -> Result<(String, &'static str, Bytes), String> {
        let at = usize::try_from(row).unwrap_or(usize::MAX);
        let missing = || format!("row {row} has no value");
        match &mut self.action {
            Action::Create { renderer, namespaced, params } => {
                let values: Vec<_> = params.iter().map(|column| column.value(row)).collect();
                let rendered = renderer.render(&values).map_err(|e| e.to_string())?;
                if *namespaced && rendered.namespace != self.target.namespace {
                    self.target = Arc::new(self.target.in_namespace(rendered.namespace));
                    self.is_granted = false;
                }
                Ok((rendered.name.to_owned(), JSON, Bytes::copy_from_slice(rendered.body)))
            }
            Action::CreateRaw { bodies } => {
                let body = bodies.get(at).ok_or_else(missing)?.clone();
                Ok((name_in(&body), JSON, body))
            }
            Action::Patch { names, content_type, renderer, params } => {
                let values: Vec<_> = params.iter().map(|column| column.value(row)).collect();
                let rendered = renderer.render(&values).map_err(|e| e.to_string())?;
                let name = names.get(at).ok_or_else(missing)?.clone();
                Ok((name, content_type, Bytes::copy_from_slice(rendered.body)))
            }
            Action::Delete { names, body } => {
                Ok((names.get(at).ok_or_else(missing)?.clone(), JSON, body.clone()))
            }
            Action::Read { names, .. } => {
                Ok((names.get(at).cloned().unwrap_or_default(), JSON, Bytes::new()))
            }
        }
    }
}

/// `metadata.name` of a whole object; empty when the API server makes it.
fn name_in(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Object {
        metadata: Metadata,
    }
    #[derive(serde::Deserialize)]
    struct Metadata {
        #[serde(default)]
        name: String,
    }
    serde_json::from_slice::<Object>(body).map(|object| object.metadata.name).unwrap_or_default()
}
