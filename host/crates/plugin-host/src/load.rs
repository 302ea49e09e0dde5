//! From bytes to a plugin that can be instantiated: compile, look at it, ask it what it is.

use std::{path::PathBuf, sync::Arc};

use bench_model::{Digest, Manifest, PluginKind, PluginName};
use wasmtime::component::{Component, InstancePre, Linker};

use crate::{
    CacheError, CallError, EngineError, GuestLimits, HostError, InspectError, InstanceContext, Interfaces,
    ManifestError, Measurement, PluginReference, ResolvedPlugin, Workload,
    bindings::exports::bench::plugin::{measurement, plugin, workload},
    cache::Cache,
    check_header,
    compile::{self, Ticker},
    host::HostState,
    inspect::inspect,
    instantiate::{CallLimit, Guest, Identity, linker},
    manifest::{parse_manifest, parse_schema},
};

/// Memory and time for a plugin that only says what it is; an interpreter needs tens of MiB to start.
fn inspection_limits() -> GuestLimits {
    GuestLimits { memory_bytes: 256 << 20, ..GuestLimits::default() }
}

/// What the plugin host is made with.
#[derive(Debug, Clone, Default)]
pub struct HostSettings {
    /// Where compiled plugins are kept; made with mode 0700. None: compile each time.
    pub cache_dir: Option<PathBuf>,
}

/// Loads plugins. Clones share the engine.
#[derive(Clone)]
pub struct PluginHost {
    ticker: Arc<Ticker>,
    linker: Arc<Linker<HostState>>,
    cache: Option<Cache>,
}

/// Why there is no plugin host.
#[derive(Debug, thiserror::Error)]
pub enum PluginHostError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Two host functions of the same name.
    #[error("failed to link the host functions: {message}")]
    Link {
        /// Wasmtime's text.
        message: String,
    },
}

/// Why a component is no plugin.
#[derive(Debug, thiserror::Error)]
#[error("failed to load plugin `{reference}` ({digest})")]
pub struct LoadError {
    /// Where it came from.
    pub reference: PluginReference,
    /// Of its bytes.
    pub digest: Digest,
    /// Why.
    #[source]
    pub cause: LoadCause,
}

/// What was wrong with a component.
#[derive(Debug, thiserror::Error)]
pub enum LoadCause {
    /// Its form, its imports or its exports.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// It is not valid wasm.
    #[error("not a valid component: {message}")]
    Compile {
        /// Wasmtime's text.
        message: String,
    },
    /// An interface has the right name and another shape.
    #[error("built against other interfaces than this host has: {message}")]
    Link {
        /// Wasmtime's text.
        message: String,
    },
    /// It broke when it was asked what it is.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What it says about itself.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// A plugin that can be instantiated; clones share the code.
#[derive(Clone)]
pub struct LoadedPlugin {
    /// The plugin's own name.
    pub name: String,
    /// Of its bytes.
    pub digest: Digest,
    /// What it says about itself.
    pub manifest: Arc<Manifest>,
    /// JSON Schema of its block in a scenario.
    pub schema: Arc<serde_json::Value>,
    /// What it imports and exports.
    pub interfaces: Arc<Interfaces>,
    code: Arc<Code>,
}

/// What instances are made of.
struct Code {
    ticker: Arc<Ticker>,
    pre: InstancePre<HostState>,
    workload: Option<workload::GuestIndices>,
    measurement: Option<measurement::GuestIndices>,
}

impl std::fmt::Debug for LoadedPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedPlugin")
            .field("name", &self.name)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl PluginHost {
    /// Starts an engine.
    ///
    /// # Errors
    /// When this machine cannot run wasmtime, or the cache directory is not private to the user.
    pub fn new(settings: HostSettings) -> Result<Self, PluginHostError> {
        let ticker = compile::engine()?;
        let linker = linker(&ticker.engine)
            .map_err(|error| PluginHostError::Link { message: format!("{error:#}") })?;
        let cache = settings.cache_dir.as_deref().map(Cache::open).transpose()?;
        Ok(Self { ticker, linker: Arc::new(linker), cache })
    }

    /// Compiles a component, or takes it from the cache, and asks it for its manifest and schema.
    ///
    /// Nothing is granted meanwhile; it gets 256 MiB and 10 s of processor time. Compiling takes place on a
    /// thread for blocking work.
    ///
    /// # Errors
    /// When it is no component, imports what this host does not have, breaks, or lies about itself.
    pub async fn load(&self, resolved: &ResolvedPlugin) -> Result<LoadedPlugin, LoadError> {
        let loaded = self.try_load(resolved).await;
        loaded.map_err(|cause| LoadError {
            reference: resolved.reference.clone(),
            digest: resolved.digest.clone(),
            cause,
        })
    }

    async fn try_load(&self, resolved: &ResolvedPlugin) -> Result<LoadedPlugin, LoadCause> {
        check_header(&resolved.bytes)?;
        let component = self.component(resolved).await?;
        let interfaces = inspect(&self.ticker.engine, &component)?;
        let code = self
            .link(&component, &interfaces)
            .map_err(|error| LoadCause::Link { message: format!("{error:#}") })?;
        let (manifest, schema) = self.interview(resolved, &code).await?;
        let manifest = parse_manifest(&manifest, &interfaces.kinds)?;
        let schema = parse_schema(&schema)?;
        Ok(LoadedPlugin {
            name: manifest.name.clone(),
            digest: resolved.digest.clone(),
            manifest: Arc::new(manifest),
            schema: Arc::new(schema),
            interfaces: Arc::new(interfaces),
            code: Arc::new(code),
        })
    }

    async fn component(&self, resolved: &ResolvedPlugin) -> Result<Component, LoadCause> {
        let (engine, cache, resolved) = (self.ticker.engine.clone(), self.cache.clone(), resolved.clone());
        let compile = move || -> wasmtime::Result<Component> {
            let cached = cache.as_ref().and_then(|cache| cache.load(&engine, &resolved.digest));
            if let Some(component) = cached {
                return Ok(component);
            }
            let component = Component::from_binary(&engine, &resolved.bytes)?;
            if let Some(cache) = &cache {
                cache.store(&engine, &resolved.digest, &component);
            }
            Ok(component)
        };
        match tokio::task::spawn_blocking(compile).await {
            Ok(Ok(component)) => Ok(component),
            Ok(Err(error)) => Err(LoadCause::Compile { message: format!("{error:#}") }),
            Err(error) => Err(LoadCause::Compile { message: error.to_string() }),
        }
    }

    fn link(&self, component: &Component, interfaces: &Interfaces) -> wasmtime::Result<Code> {
        let pre = self.linker.instantiate_pre(component)?;
        let exports = |kind| interfaces.kinds.contains(&kind);
        // Both are checked now, so that a wrong shape is an error of loading and not of the run.
        let workload =
            exports(PluginKind::Workload).then(|| workload::GuestIndices::new(&pre)).transpose()?;
        let measurement =
            exports(PluginKind::Measurement).then(|| measurement::GuestIndices::new(&pre)).transpose()?;
        plugin::GuestIndices::new(&pre)?;
        Ok(Code { ticker: Arc::clone(&self.ticker), pre, workload, measurement })
    }

    /// Asks an instance without any grant what it is; the instance is thrown away.
    async fn interview(&self, resolved: &ResolvedPlugin, code: &Code) -> Result<(String, String), CallError> {
        let limits = inspection_limits();
        let identity = Identity {
            plugin: provisional_name(&resolved.reference),
            digest: resolved.digest.clone(),
            user: "inspection".to_owned(),
        };
        let state = HostState::inspected(&limits, Arc::new(no_manifest()), Arc::clone(&code.ticker));
        let mut guest = Guest::start(&code.pre, state, identity).await?;
        let exports = guest.exports("plugin", |store, instance| {
            plugin::GuestIndices::new(&code.pre)?.load(store, instance)
        })?;
        let limit = CallLimit { time: limits.setup, renews: false };
        let manifest = {
            let exports = exports.clone();
            guest
                .call("manifest", limit, |store| Box::pin(async move { exports.call_manifest(store).await }))
                .await?
        };
        let call = guest.call("config-schema", limit, |store| {
            Box::pin(async move { exports.call_config_schema(store).await })
        });
        Ok((manifest, call.await?))
    }
}

/// A name for a plugin that has not said its own.
#[expect(clippy::expect_used, reason = "a constant that is a valid name")]
fn provisional_name(reference: &PluginReference) -> PluginName {
    let name = match reference {
        PluginReference::Builtin(name) => PluginName::parse(name),
        PluginReference::File(path) => {
            PluginName::parse(&path.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-"))
        }
    };
    name.unwrap_or_else(|_| PluginName::parse("unnamed").expect("an RFC 1123 label"))
}

fn no_manifest() -> Manifest {
    Manifest {
        name: String::new(),
        version: String::new(),
        description: String::new(),
        kinds: Vec::new(),
        permissions: bench_model::Permissions::default(),
        metrics: Vec::new(),
        tables: Vec::new(),
    }
}

impl LoadedPlugin {
    /// Makes an instance that serves as a workload.
    ///
    /// # Errors
    /// A fault when it breaks at its start; [`HostError::WrongKind`] when it is no workload.
    pub async fn workload(&self, context: InstanceContext) -> Result<Workload, CallError> {
        let limits = context.limits.clone();
        let indices = self.code.workload.as_ref().ok_or_else(|| self.wrong_kind("workload"))?;
        let mut guest = self.start(context).await?;
        let exports = guest.exports("workload", |store, instance| indices.load(store, instance))?;
        Ok(Workload::new(guest, exports, limits))
    }

    /// Makes an instance that serves as a measurement.
    ///
    /// # Errors
    /// A fault when it breaks at its start; [`HostError::WrongKind`] when it is no measurement.
    pub async fn measurement(&self, context: InstanceContext) -> Result<Measurement, CallError> {
        let (limits, grants) = (context.limits.clone(), context.grants.clone());
        let indices = self.code.measurement.as_ref().ok_or_else(|| self.wrong_kind("measurement"))?;
        let mut guest = self.start(context).await?;
        let exports = guest.exports("measurement", |store, instance| indices.load(store, instance))?;
        Ok(Measurement::new(guest, exports, limits, grants))
    }

    async fn start(&self, context: InstanceContext) -> Result<Guest, CallError> {
        let identity = Identity {
            plugin: context.plugin.clone(),
            digest: self.digest.clone(),
            user: context.user.clone(),
        };
        let state = HostState::serving(context, Arc::clone(&self.manifest), Arc::clone(&self.code.ticker));
        Guest::start(&self.code.pre, state, identity).await
    }

    fn wrong_kind(&self, kind: &'static str) -> CallError {
        CallError::Host(HostError::WrongKind { plugin: self.name.clone(), kind })
    }
}
