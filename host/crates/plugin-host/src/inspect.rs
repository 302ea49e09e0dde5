//! What a component is, before anything of it runs: its kinds, and whether the host has what it imports.
//!
//! The import list is a first, free statement of what a plugin needs. What no plugin ever gets is refused
//! here with the way to rebuild, instead of with a linker's message.

use std::fmt;

use bench_model::PluginKind;
use semver::Version;
use wasmtime::{Engine, component::Component};

/// The version of our WIT packages that this host speaks; patch versions do not matter.
const SPOKEN: Version = Version::new(0, 1, 0);
/// Interfaces that a guest may import from us.
const OURS: &[&str] = &[
    "bench:base/log",
    "bench:base/metrics",
    "bench:base/run",
    "bench:base/types",
    "bench:cluster/proxy",
    "bench:cluster/read",
    "bench:cluster/targets",
    "bench:cluster/wait",
    "bench:cluster/write",
    "bench:plugin/events",
    "bench:prometheus/query",
    "bench:prometheus/scrape",
];
/// WASI packages that are linked, with nothing behind them.
const EMPTY_WASI: &[&str] = &["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random"];

/// What a component imports and exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interfaces {
    /// Names with versions, sorted.
    pub imports: Vec<String>,
    /// Names with versions, sorted.
    pub exports: Vec<String>,
    /// What it can be used for, by its exports.
    pub kinds: Vec<PluginKind>,
}

/// Why bytes are no plugin for this host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// Something else.
    #[error("not a wasm file: it starts with `{start}`")]
    NotWasm {
        /// Its first bytes, escaped.
        start: String,
    },
    /// The older kind of wasm file.
    #[error(
        "a core wasm module, not a component: build it with `--target wasm32-wasip2`, or convert it with `wasm-tools component new`"
    )]
    CoreModule,
    /// Wasm of another age.
    #[error("wasm in binary version {version:#x}, which this host does not know")]
    UnknownVersion {
        /// Version and layer as found.
        version: u32,
    },
    /// It asks for interfaces that this host does not have.
    #[error("imports that this host does not have: {}", list(.imports))]
    Imports {
        /// Each with its reason.
        imports: Vec<UnknownImport>,
    },
    /// It does not say what it is.
    #[error("exports no `bench:plugin/plugin@{SPOKEN}`{}", found(.exports))]
    NoPlugin {
        /// What it exports.
        exports: Vec<String>,
    },
    /// Neither makes load nor measures.
    #[error("exports neither `bench:plugin/workload@{SPOKEN}` nor `bench:plugin/measurement@{SPOKEN}`{}", found(.exports))]
    NoKind {
        /// What it exports.
        exports: Vec<String>,
    },
}

/// An import that this host does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownImport {
    /// As the component names it.
    pub name: String,
    /// Why not.
    pub reason: ImportReason,
}

/// Why this host does not have an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportReason {
    /// Ours, in a version that this host does not speak.
    OurVersion,
    /// No such interface in our packages.
    OurInterface,
    /// The network: never granted.
    Http,
    /// The network: never granted.
    Sockets,
    /// WASI in another version.
    WasiVersion,
    /// Some other part of WASI: never granted.
    Wasi,
    /// Nobody's.
    Foreign,
}

impl fmt::Display for UnknownImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.name.escape_debug())?;
        match self.reason {
            ImportReason::OurVersion => write!(f, "(this host speaks {SPOKEN}: rebuild with the SDK of this version)"),
            ImportReason::OurInterface => write!(f, "(no such interface in version {SPOKEN})"),
            ImportReason::Http => f.write_str(
                "(plugins have no network: use `bench:cluster` or `bench:prometheus`; in JavaScript build with `disableFeatures: ['http', 'fetch-event']`)",
            ),
            ImportReason::Sockets => f.write_str(
                "(plugins have no network: leave out what opens sockets; in Python build with `--stub-wasi`)",
            ),
            ImportReason::WasiVersion => f.write_str("(this host has WASI 0.2: build for `wasm32-wasip2`)"),
            ImportReason::Wasi => f.write_str("(plugins never get this part of WASI)"),
            ImportReason::Foreign => f.write_str("(unknown to this host)"),
        }
    }
}

fn list(imports: &[UnknownImport]) -> String {
    imports.iter().map(UnknownImport::to_string).collect::<Vec<_>>().join("; ")
}

fn found(exports: &[String]) -> String {
    let ours: Vec<&str> =
        exports.iter().map(String::as_str).filter(|name| name.starts_with("bench:")).collect();
    if ours.is_empty() { String::new() } else { format!(", but `{}`", ours.join("`, `")) }
}

/// Tells a component from everything else by its first eight bytes.
///
/// # Errors
/// When it is no component.
pub fn check_header(bytes: &[u8]) -> Result<(), InspectError> {
    let Some((header, _)) = bytes.split_first_chunk::<8>() else {
        return Err(InspectError::NotWasm { start: bytes.escape_ascii().to_string() });
    };
    let [b'\0', b'a', b's', b'm', version @ ..] = *header else {
        return Err(InspectError::NotWasm { start: header.escape_ascii().to_string() });
    };
    match u32::from_le_bytes(version) {
        0x1_000d => Ok(()),
        1 => Err(InspectError::CoreModule),
        version => Err(InspectError::UnknownVersion { version }),
    }
}

/// Reads what a component imports and exports, and refuses what this host cannot serve.
pub(crate) fn inspect(engine: &Engine, component: &Component) -> Result<Interfaces, InspectError> {
    let ty = component.component_type();
    let mut imports: Vec<String> = ty.imports(engine).map(|(name, _)| name.to_owned()).collect();
    let mut exports: Vec<String> = ty.exports(engine).map(|(name, _)| name.to_owned()).collect();
    imports.sort();
    exports.sort();
    check(imports, exports)
}

fn check(imports: Vec<String>, exports: Vec<String>) -> Result<Interfaces, InspectError> {
    let unknown: Vec<UnknownImport> = imports
        .iter()
        .filter_map(|name| Some(UnknownImport { name: name.clone(), reason: check_import(name)? }))
        .collect();
    if !unknown.is_empty() {
        return Err(InspectError::Imports { imports: unknown });
    }
    let has = |interface: &str| exports.iter().any(|name| is_ours(name, interface));
    if !has("bench:plugin/plugin") {
        return Err(InspectError::NoPlugin { exports });
    }
    let mut kinds = Vec::new();
    if has("bench:plugin/workload") {
        kinds.push(PluginKind::Workload);
    }
    if has("bench:plugin/measurement") {
        kinds.push(PluginKind::Measurement);
    }
    if kinds.is_empty() {
        return Err(InspectError::NoKind { exports });
    }
    Ok(Interfaces { imports, exports, kinds })
}

fn is_ours(name: &str, interface: &str) -> bool {
    let (path, version) = split(name);
    path == interface && version.is_some_and(|version| is_spoken(&version))
}

fn is_spoken(version: &Version) -> bool {
    (version.major, version.minor) == (SPOKEN.major, SPOKEN.minor) && version.pre.is_empty()
}

/// `None`: the host has it.
fn check_import(name: &str) -> Option<ImportReason> {
    let (path, version) = split(name);
    let package = path.split('/').next().unwrap_or(path);
    let is_wasi_02 = version.as_ref().is_some_and(|version| (version.major, version.minor) == (0, 2));
    match package {
        _ if OURS.contains(&path) => {
            (!version.as_ref().is_some_and(is_spoken)).then_some(ImportReason::OurVersion)
        }
        _ if package.starts_with("bench:") => Some(ImportReason::OurInterface),
        "wasi:http" => Some(ImportReason::Http),
        "wasi:sockets" => Some(ImportReason::Sockets),
        _ if EMPTY_WASI.contains(&package) => (!is_wasi_02).then_some(ImportReason::WasiVersion),
        _ if package.starts_with("wasi:") => Some(ImportReason::Wasi),
        _ => Some(ImportReason::Foreign),
    }
}

fn split(name: &str) -> (&str, Option<Version>) {
    match name.split_once('@') {
        Some((path, version)) => (path, Version::parse(version).ok()),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn check_text(imports: &[&str], exports: &[&str], expected: &str) {
        let text = match check(names(imports), names(exports)) {
            Ok(interfaces) => format!("{:?}", interfaces.kinds),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expected);
    }

    const PLUGIN: &str = "bench:plugin/plugin@0.1.0";
    const WORKLOAD: &str = "bench:plugin/workload@0.1.0";

    #[test]
    fn kinds_are_read_from_exports() {
        check_text(&["bench:base/run@0.1.0", "wasi:io/streams@0.2.12"], &[PLUGIN, WORKLOAD], "[Workload]");
        check_text(&[], &[PLUGIN, WORKLOAD, "bench:plugin/measurement@0.1.7"], "[Workload, Measurement]");
        check_text(
            &[],
            &[WORKLOAD],
            "exports no `bench:plugin/plugin@0.1.0`, but `bench:plugin/workload@0.1.0`",
        );
        check_text(
            &[],
            &[PLUGIN, "bench:plugin/workload@0.2.0"],
            "exports neither `bench:plugin/workload@0.1.0` nor `bench:plugin/measurement@0.1.0`, but `bench:plugin/plugin@0.1.0`, `bench:plugin/workload@0.2.0`",
        );
    }

    #[test]
    fn imports_that_nobody_gets_are_named_with_the_way_out() {
        check_text(
            &["wasi:http/types@0.2.10", "wasi:sockets/tcp@0.2.0"],
            &[PLUGIN, WORKLOAD],
            "imports that this host does not have: `wasi:http/types@0.2.10` (plugins have no network: use `bench:cluster` or `bench:prometheus`; in JavaScript build with `disableFeatures: ['http', 'fetch-event']`); `wasi:sockets/tcp@0.2.0` (plugins have no network: leave out what opens sockets; in Python build with `--stub-wasi`)",
        );
        let reasons = [
            ("bench:base/run@0.2.0", Some(ImportReason::OurVersion)),
            ("bench:base/run", Some(ImportReason::OurVersion)),
            ("bench:base/runs@0.1.0", Some(ImportReason::OurInterface)),
            ("wasi:clocks/monotonic-clock@0.3.0", Some(ImportReason::WasiVersion)),
            ("wasi:keyvalue/store@0.2.0", Some(ImportReason::Wasi)),
            ("acme:tools/hammer@1.0.0", Some(ImportReason::Foreign)),
            ("hammer", Some(ImportReason::Foreign)),
            ("wasi:random/random@0.2.9", None),
        ];
        for (name, reason) in reasons {
            assert_eq!(check_import(name), reason, "{name}");
        }
    }

    #[test]
    fn bytes_that_are_no_component_are_told_apart() {
        assert_eq!(check_header(b"\0asm\x0d\0\x01\0rest"), Ok(()));
        assert_eq!(check_header(b"\0asm\x01\0\0\0rest"), Err(InspectError::CoreModule));
        assert_eq!(check_header(b"\0asm\x02\0\0\0"), Err(InspectError::UnknownVersion { version: 2 }));
        assert_eq!(check_header(b"#!/bin/sh\n"), Err(InspectError::NotWasm { start: "#!/bin/s".to_owned() }));
        assert_eq!(check_header(b""), Err(InspectError::NotWasm { start: String::new() }));
    }

    proptest! {
        #[test]
        fn nothing_makes_inspection_panic(name in ".{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let _ = check_import(&name).map(|reason| UnknownImport { name, reason }.to_string());
            let _ = check_header(&bytes).map_err(|error| error.to_string());
        }
    }
}
