//! The shape of a scenario file as types, for their schema alone; doc comments become descriptions.
//!
//! Nothing is ever read into these: the readers in `validate/` keep places and report all problems at once.
#![expect(dead_code, reason = "only the schema of these types is used")]

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A type of text or number with a form of its own.
macro_rules! scalar {
    ($name:ident, $schema:tt) => {
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

scalar!(ApiVersion, { "const": "bench.dev/v1alpha1" });
scalar!(Kind, { "const": "Scenario" });
scalar!(Name, { "type": "string", "pattern": "^([a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?|.*\\$\\{.*)$" });
scalar!(Duration, {
    "anyOf": [
        { "type": "string", "pattern": "^(0|([0-9.]+(ns|us|µs|ms|s|m|h))+|.*\\$\\{.*)$" },
        { "const": 0 }
    ]
});
scalar!(Rate, { "type": "string", "pattern": "^(unlimited|[0-9.]+ ?/ ?(s|m|min|h)|.*\\$\\{.*)$" });
scalar!(Size, { "type": "string", "pattern": "^([0-9.]+([kMGT]|[KMGT]i)|.*\\$\\{.*)$" });
scalar!(Count, {
    "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^\\$\\{[^}]+\\}$" }]
});
scalar!(Seed, {
    "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^\\$\\{[^}]+\\}$" }]
});
scalar!(Share, {
    "anyOf": [{ "type": "string", "pattern": "^(0|[0-9.]+ ?%|.*\\$\\{.*)$" }, { "const": 0 }]
});
scalar!(Number, {
    "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^\\$\\{[^}]+\\}$" }]
});
scalar!(Variable, { "type": ["string", "number", "boolean"] });
scalar!(Arrival, { "enum": ["constant", "poisson"] });
scalar!(OnTooManyRequests, { "enum": ["record", "backoff"] });
scalar!(AllowWord, { "enum": ["kubernetes", "prometheus", "raw", "proxy"] });
scalar!(Verb, { "enum": ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"] });
scalar!(Scope, {
    "anyOf": [{ "enum": ["run", "all"] }, { "type": "array", "items": { "type": "string" } }]
});
scalar!(FreeForm, { "type": "object" });

/// A benchmark of a Kubernetes cluster: jobs that make load, measurements, and what must hold.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Scenario {
    /// Version of the format.
    api_version: ApiVersion,
    /// Always `Scenario`.
    kind: Kind,
    /// Name and description.
    metadata: Metadata,
    /// Every random number of the run comes from it. 1 unless written.
    seed: Option<Seed>,
    /// Run it so many times, each with namespaces and a record of its own, at most 1000; `--repeat` overrides it. 1
    /// unless written.
    repeat: Option<Count>,
    /// Values for `${name}` anywhere in the file; `--set variables.name=value` changes them. One may use those above it.
    variables: Option<BTreeMap<String, Variable>>,
    /// Which cluster. As kubectl finds it unless written.
    cluster: Option<Cluster>,
    /// Caps that hold for all plugins together. No caps unless written.
    limits: Option<Limits>,
    /// Prometheus servers that plugins may query by name.
    prometheus: Option<Vec<Prometheus>>,
    /// Plugins, by the names under which jobs and measurements use them.
    plugins: BTreeMap<String, Plugin>,
    /// Plugins that turn what the cluster does into numbers.
    measurements: Option<Vec<Measurement>>,
    /// What makes load, one after the other.
    #[schemars(length(min = 1))]
    jobs: Vec<Job>,
    /// What must hold, such as `p99(pod-latency.ready) < 5s` or `rate(create-pods.errors) == 0`. Of a job there
    /// are `response`, `service`, `lag`, `errors`, `operations`, `elapsed` and `delivered`.
    thresholds: Option<Vec<String>>,
    /// Named service level objectives. Not supported yet.
    slos: Option<Vec<String>>,
    /// Outside of these bounds the numbers of a run are not trusted: it is invalid.
    validity: Option<Validity>,
    /// The whole run must end within. 1h unless written.
    deadline: Option<Duration>,
}

/// Outside of these bounds the numbers of a run are not trusted: it is invalid.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Validity {
    /// Share of a queue's due operations that must leave. 99% unless written.
    delivered: Option<Share>,
    /// How late the load of a paced queue may leave: its p99 lag is at most the larger of both.
    lag: Option<Lag>,
    /// Gaps in which a measurement may lose observations. 0 unless written.
    lost_observations: Option<Number>,
    /// Share of a queue's operations that the server may refuse with 429, unless it has `onTooManyRequests:
    /// backoff`. 0% unless written.
    too_many_requests: Option<Share>,
}

/// How late the load may leave.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Lag {
    /// Lag that is never too much. 1ms unless written.
    time: Option<Duration>,
    /// Share of the p50 response. 5% unless written.
    response_share: Option<Share>,
}

/// Name and description of the scenario.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Metadata {
    /// Lower-case letters, digits and `-`; at most 40.
    name: Name,
    /// One sentence for lists and reports.
    description: Option<String>,
}

/// Either a simulated cluster or one of a kubeconfig.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Cluster {
    /// Settings of a cluster that is simulated for the run, such as `nodes` and `podsPerNode`.
    simulated: Option<FreeForm>,
    /// Path of a kubeconfig.
    kubeconfig: Option<String>,
    /// Context in the kubeconfig.
    context: Option<String>,
}

/// Caps that hold for all plugins together.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Limits {
    /// Objects that the run may create.
    objects: Option<Count>,
    /// Requests that may leave in a second.
    requests_per_second: Option<Count>,
    /// Namespaces that the run may create.
    namespaces: Option<Count>,
}

/// A Prometheus server.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Prometheus {
    /// How plugins name it.
    name: Name,
    /// Starts with `http://` or `https://`.
    url: String,
    /// File with a bearer token.
    bearer_token_file: Option<String>,
    /// User of basic authentication.
    username: Option<String>,
    /// File with the user's password.
    password_file: Option<String>,
    /// PEM file of a TLS client certificate.
    client_certificate_file: Option<String>,
    /// PEM file of its key.
    client_key_file: Option<String>,
    /// PEM file of the authority. The system's unless written.
    ca_file: Option<String>,
}

/// A plugin: a WASM component.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Plugin {
    /// `builtin:NAME`, `file:PATH` or a path that starts with `./`.
    from: String,
    /// What it may do, at most what it asks for. A built-in plugin may do what it asks for unless this is written.
    allow: Option<Vec<Allow>>,
    /// Caps of one instance.
    limits: Option<PluginLimits>,
}

/// A right.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Allow {
    /// Whatever the plugin asks for of this kind.
    Word(AllowWord),
    /// Only what is written here.
    Detailed(DetailedAllow),
}

/// A right in detail.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct DetailedAllow {
    /// Rules as in RBAC.
    kubernetes: Option<Vec<Rule>>,
    /// Names of proxy targets; `*` at the end matches the rest.
    proxy: Option<Vec<String>>,
}

/// A rule as in RBAC.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    /// `""` is the core group, `*` any.
    api_groups: Vec<String>,
    /// Plurals; `*` any.
    resources: Vec<String>,
    /// What may be done.
    verbs: Vec<Verb>,
    /// `run`: those that the run made (unless written); `all`; or a list of names.
    namespaces: Option<Scope>,
}

/// Caps of one instance of a plugin.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct PluginLimits {
    /// Memory. 64Mi unless written.
    memory: Option<Size>,
    /// Milliseconds of its own code in one call. 1000 unless written.
    call_millis: Option<Count>,
}

/// A measurement.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Measurement {
    /// A name under `plugins`.
    plugin: String,
    /// For thresholds and results. The plugin's name unless written.
    name: Option<Name>,
    /// Settings of the plugin.
    with: Option<FreeForm>,
}

/// A job.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Job {
    /// Unique among jobs and measurements.
    name: Name,
    /// A name under `plugins`.
    plugin: String,
    /// The queue named `main`. Either this or `queues`.
    queue: Option<Queue>,
    /// Queues by name. `setup` is always there and never paced.
    queues: Option<BTreeMap<String, Queue>>,
    /// Load before anything counts.
    warmup: Option<Duration>,
    /// Watching after the load.
    settle: Option<Duration>,
    /// Settings of the plugin.
    with: Option<FreeForm>,
}

/// How fast operations are due, and how many may be under way.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Queue {
    /// Operations due in a second (`50/s`), minute (`30/m`) or hour; `unlimited`: as fast as answers come.
    rate: Rate,
    /// Operations due at once at the start. 1 unless written.
    burst: Option<Count>,
    /// `constant` (unless written) or `poisson`.
    arrival: Option<Arrival>,
    /// Requests under way at once; for each hundred there is a connection. 64 unless written.
    in_flight: Option<Count>,
    /// `record` (unless written): a result as any other. `backoff`: wait as told and send again.
    on_too_many_requests: Option<OnTooManyRequests>,
}
