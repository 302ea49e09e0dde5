//! JSON Schema of the scenario file, for editors and `bench schema`.
//!
//! Made from the types of `schema/shape.rs`, which say the same as the readers in `validate/`; a test holds
//! both against the same files. Deterministic: the copy in `scenarios/` is compared with it.

mod shape;

use schemars::SchemaGenerator;
use serde_json::{Map, Value};

/// The JSON Schema (2020-12) of a scenario file.
///
/// Looser than [`crate::validate`] where `${variable}` may stand for a number, and where one value
/// depends on another. What stands under `with` is described by the schemas of the plugins.
pub fn schema() -> Value {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<shape::Scenario>().to_value();
    without_null(&mut schema);
    schema
}

/// An optional key may be left out; written, it may not be null.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|word| word != "null");
                if let [single] = types.as_slice() {
                    let single = single.clone();
                    object.insert("type".to_owned(), single);
                }
            }
            if let Some(Value::Array(words)) = object.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            merge_single_any_of(object);
            object.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn merge_single_any_of(object: &mut Map<String, Value>) {
    let Some(Value::Array(forms)) = object.get_mut("anyOf") else { return };
    forms.retain(|form| form.get("type").is_none_or(|word| word != "null"));
    if let [Value::Object(single)] = forms.as_slice() {
        let single = single.clone();
        object.remove("anyOf");
        object.extend(single);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use expect_test::expect_file;
    use jsonschema::Validator;

    use super::*;

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
    }

    fn validator() -> Validator {
        jsonschema::validator_for(&schema()).expect("a schema")
    }

    /// The file as it is written, before variables are put in.
    fn read(path: &Path) -> Option<Value> {
        let text = std::fs::read_to_string(path).expect("a file");
        bench_template::yaml::parse(&text).ok().map(|parsed| parsed.root.to_json())
    }

    fn files(folder: &str, extension: &str) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(root().join(folder)).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.to_string_lossy().ends_with(extension)).collect()
    }

    #[test]
    fn the_copy_beside_the_scenarios_is_up_to_date() {
        let text = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
        expect_file![root().join("scenarios/scenario.schema.json")].assert_eq(&text);
    }

    #[test]
    fn what_the_readers_take_the_schema_takes() {
        let validator = validator();
        let goldens = files("tests/scenarios", ".scenario.json");
        let taken = goldens.iter().map(|golden| golden.with_extension("").with_extension("yaml"));
        let shipped =
            files("scenarios", ".yaml").into_iter().chain(files("scenarios/kube-burner-lab", ".yaml"));
        for path in taken.chain(shipped) {
            let json = read(&path).expect("YAML");
            let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        }
    }

    #[test]
    fn what_is_of_the_wrong_shape_the_schema_refuses_too() {
        let validator = validator();
        for name in [
            "unknown-keys",
            "wrong-types",
            "missing-keys",
            "bad-values",
            "missing-units",
            "no-jobs",
            "validity",
            "validity-types",
        ] {
            let json = read(&root().join(format!("tests/scenarios/{name}.yaml"))).expect("YAML");
            assert!(!validator.is_valid(&json), "{name}");
        }
    }

    /// The file that uses every key: one that the schema has and the readers do not would be missing in it.
    #[test]
    fn the_schema_has_no_key_that_no_scenario_uses() {
        let text: String = ["everything", "kubeconfig", "smallest", "every-key-of-the-rest"]
            .iter()
            .filter_map(|name| {
                std::fs::read_to_string(root().join(format!("tests/scenarios/{name}.yaml"))).ok()
            })
            .collect();
        for key in keys(&schema()).iter().filter(|key| *key != "slos") {
            assert!(text.contains(&format!("{key}:")), "`{key}` is in the schema only");
        }
    }

    fn keys(schema: &Value) -> Vec<String> {
        match schema {
            Value::Object(object) => {
                let own = object
                    .get("properties")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flat_map(Map::keys)
                    .cloned();
                own.chain(object.values().flat_map(keys)).collect()
            }
            Value::Array(items) => items.iter().flat_map(keys).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        }
    }
}
