//! Every scenario that we ship is valid, also against the schemas of our own plugins.
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests may stop with a panic")]

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use bench_scenario::{PluginSource, Scenario, check_config, parse, validate};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn scenarios() -> Vec<PathBuf> {
    let folders = ["scenarios", "scenarios/kube-burner-lab"].map(|folder| root().join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    paths.sort();
    paths
}

fn load(path: &Path) -> Scenario {
    let text = fs::read_to_string(path).expect("a scenario");
    let file =
        parse(&text, &path.display().to_string(), &[]).unwrap_or_else(|problems| panic!("{problems:?}"));
    validate(file).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Schemas of the built-in plugins by their names.
fn builtin_schemas() -> BTreeMap<String, serde_json::Value> {
    let files = [("objects", "workloads"), ("pod-latency", "measurements")];
    let read = |(name, folder): (&str, &str)| {
        let path = root().join("plugins").join(folder).join(name).join("config-schema.json");
        let text = fs::read_to_string(path).expect("a schema");
        (name.to_owned(), serde_json::from_str(&text).expect("JSON"))
    };
    files.map(read).into()
}

#[test]
fn every_scenario_of_the_catalogue_is_valid_with_its_plugins() {
    let schemas = builtin_schemas();
    for path in scenarios() {
        let scenario = load(&path);
        let folder = path.parent().expect("a folder");
        let read = |file: &Path| -> io::Result<String> { fs::read_to_string(folder.join(file)) };
        let jobs = scenario.jobs.iter().map(|job| (&job.plugin, &job.config));
        let measurements =
            scenario.measurements.iter().map(|measurement| (&measurement.plugin, &measurement.config));
        for (plugin, config) in jobs.chain(measurements) {
            let PluginSource::Builtin(name) = &scenario.plugins[plugin].from else {
                panic!("a built-in plugin")
            };
            check_config(config, &schemas[name], &read).unwrap_or_else(|problems| panic!("{problems:?}"));
        }
    }
}

#[test]
fn every_scenario_is_named_as_its_file_and_listed_in_the_readme() {
    let readme = fs::read_to_string(root().join("scenarios/README.md")).expect("a README");
    for path in scenarios() {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        assert_eq!(load(&path).name, stem);
        assert!(readme.contains(&format!("`{stem}.yaml`")), "{stem} is not in the README");
    }
}
