//! Names of the job's namespaces, and the manifest that makes them.

use std::collections::BTreeMap;

use bench_sdk::serde_json;

/// Digits of the run id in a name.
const RUN_DIGITS: usize = 10;

/// Makes the names `<prefix>-<last 10 digits of the run id>-<n>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    stem: String,
}

impl Names {
    /// `run_id` is a UUID; its last digits are random, its first ones are a time.
    pub fn new(prefix: &str, run_id: &str) -> Self {
        let digits: Vec<char> = run_id.chars().filter(char::is_ascii_hexdigit).collect();
        let short: String = digits.iter().skip(digits.len().saturating_sub(RUN_DIGITS)).collect();
        Self { stem: format!("{prefix}-{short}") }
    }

    /// Name of namespace `n`.
    pub fn of(&self, n: u32) -> String {
        format!("{}-{n}", self.stem)
    }
}

/// Where the objects of each iteration go.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Of the namespaces.
    pub names: &'a Names,
    /// Without, all iterations share one.
    pub iterations_per_namespace: Option<u32>,
}

impl Places<'_> {
    /// Number of an iteration's namespace.
    pub fn number(&self, iteration: u32) -> u32 {
        self.iterations_per_namespace.map_or(0, |n| iteration / n.max(1))
    }

    /// Names of the namespaces of so many iterations, in order.
    pub fn all(&self, iterations: u32) -> Vec<String> {
        let Some(last) = iterations.checked_sub(1) else { return Vec::new() };
        (0..=self.number(last)).map(|number| self.names.of(number)).collect()
    }

    /// Its name.
    pub fn name(&self, iteration: u32) -> String {
        self.names.of(self.number(iteration))
    }
}

/// A template of a namespace with the parameter `name`. JSON is YAML, and the schema keeps braces out of labels.
pub fn manifest(labels: &BTreeMap<String, String>) -> String {
    let metadata = serde_json::json!({ "name": "{{ name }}", "labels": labels });
    serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_in_the_random_part_of_the_run_and_a_number() {
        let names = Names::new("churn", "0198c2f0-7a3b-7cde-8f01-23456789abcd");
        assert_eq!(names.of(12), "churn-456789abcd-12");
        let run = bench_model::RunId::new("0198c2f0-7a3b-7cde-8f01-23456789abcd".parse().expect("a UUID"));
        assert_eq!(names.of(0), format!("churn-{}-0", run.short()));
    }

    #[test]
    fn the_longest_names_fit_a_namespace() {
        let names = Names::new(&"p".repeat(40), "0198c2f0-7a3b-7cde-8f01-23456789abcd");
        assert!(names.of(9_999_999).len() <= 63);
    }

    #[test]
    fn iterations_need_the_namespaces_that_they_go_to() {
        let names = Names::new("p", "0123456789");
        let all = |iterations, iterations_per_namespace| {
            Places { names: &names, iterations_per_namespace }.all(iterations)
        };
        assert_eq!((all(0, Some(2)), all(0, None)), (vec![], vec![]));
        assert_eq!((all(9, None).len(), all(4, Some(2)).len(), all(5, Some(2)).len()), (1, 2, 3));
        let places = Places { names: &names, iterations_per_namespace: Some(2) };
        assert_eq!(all(5, Some(2)).last(), Some(&places.name(4)));
    }

    #[test]
    fn labels_are_quoted() {
        let manifest = manifest(&[("a/b".to_owned(), "restricted".to_owned())].into());
        assert!(
            manifest.contains(r#""labels":{"a/b":"restricted"}"#) && manifest.contains(r#""{{ name }}""#),
            "{manifest}"
        );
    }
}
