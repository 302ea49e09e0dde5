//! Parameters of a template: where each value comes from, and its column for a call.
//!
//! Counters cross to the host as a start and a step, never as lists; `name` is a list of texts, and so is `namespace` where
//! a call goes into several.

use std::collections::BTreeMap;

use bench_sdk::load::ParamColumn;

use crate::{config::Variable, namespaces::Places, order::Rows};

/// Parameters that every template may use.
const KNOWN: [&str; 6] = ["iteration", "replica", "name", "namespace", "runId", "job"];

/// Where a parameter's values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Counted from 0.
    Iteration,
    /// Counted from 1 in each iteration.
    Replica,
    /// Unique in the job.
    Name,
    /// Where the object goes.
    Namespace,
    /// The same everywhere.
    Text(String),
    /// The same everywhere.
    Int(i64),
}

/// What is the same for all objects of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The run's UUID.
    pub run_id: String,
    /// The job's name.
    pub job: String,
}

/// Finds a source for each parameter of the template of `create.objects[position]`.
///
/// # Errors
/// When a parameter is neither known nor a variable, or a variable has the name of a known one.
pub fn sources(
    params: &[String],
    variables: &BTreeMap<String, Variable>,
    facts: &Facts,
    position: usize,
) -> Result<Vec<Source>, String> {
    if let Some(name) = variables.keys().find(|name| KNOWN.contains(&name.as_str())) {
        return Err(format!(
            "create.objects[{position}]: variable `{name}` has the name of a parameter that is always there"
        ));
    }
    params.iter().map(|param| source(param, variables, facts, position)).collect()
}

fn source(
    param: &str,
    variables: &BTreeMap<String, Variable>,
    facts: &Facts,
    position: usize,
) -> Result<Source, String> {
    Ok(match param {
        "iteration" => Source::Iteration,
        "replica" => Source::Replica,
        "name" => Source::Name,
        "namespace" => Source::Namespace,
        "runId" => Source::Text(facts.run_id.clone()),
        "job" => Source::Text(facts.job.clone()),
        _ => match variables.get(param) {
            Some(Variable::Text(text)) => Source::Text(text.clone()),
            Some(Variable::Int(int)) => Source::Int(*int),
            None => return Err(unknown(param, variables, position)),
        },
    })
}

fn unknown(param: &str, variables: &BTreeMap<String, Variable>, position: usize) -> String {
    let known: Vec<String> = KNOWN
        .iter()
        .copied()
        .chain(variables.keys().map(String::as_str))
        .map(|name| format!("`{name}`"))
        .collect();
    format!(
        "create.objects[{position}]: the template uses `{{{{ {param} }}}}`, which is no parameter and not among its variables; known: {}",
        known.join(", ")
    )
}

/// Variables that the template does not use.
pub fn unused<'a>(params: &[String], variables: &'a BTreeMap<String, Variable>) -> Vec<&'a str> {
    variables.keys().map(String::as_str).filter(|name| !params.iter().any(|param| param == name)).collect()
}

/// Start of the names of an object: its job, and its position when there are several.
pub fn name_prefix(job: &str, position: usize, objects: usize) -> String {
    if objects > 1 { format!("{job}-{position}") } else { job.to_owned() }
}

/// The columns of a call, in the order of the sources.
pub fn columns(sources: &[Source], rows: &Rows, places: Places<'_>, name_prefix: &str) -> Vec<ParamColumn> {
    let column = |source: &Source| match source {
        Source::Iteration => iterations(rows),
        Source::Replica => replicas(rows),
        Source::Name => ParamColumn::Texts(names(rows, name_prefix)),
        Source::Namespace => namespaces(rows, places),
        Source::Text(text) => ParamColumn::Constant(text.clone()),
        // A cycle of length 1 is a constant number.
        Source::Int(int) => ParamColumn::Cycle((*int, 1)),
    };
    sources.iter().map(column).collect()
}

fn iterations(rows: &Rows) -> ParamColumn {
    match rows {
        Rows::All { iterations, replicas: 1 } => ParamColumn::Sequence(i64::from(iterations.start)),
        Rows::All { iterations, replicas } => ParamColumn::Repeated((i64::from(iterations.start), *replicas)),
        Rows::Some { rows, .. } => ParamColumn::Ints(rows.iter().map(|row| i64::from(row.0)).collect()),
    }
}

fn replicas(rows: &Rows) -> ParamColumn {
    match rows {
        Rows::All { replicas, .. } => ParamColumn::Cycle((1, *replicas)),
        Rows::Some { rows, .. } => ParamColumn::Ints(rows.iter().map(|row| i64::from(row.1)).collect()),
    }
}

fn namespaces(rows: &Rows, places: Places<'_>) -> ParamColumn {
    let (first, last) = match rows {
        Rows::All { iterations, .. } => (iterations.start, iterations.end.saturating_sub(1)),
        Rows::Some { rows, .. } => (rows.first().map_or(0, |row| row.0), rows.last().map_or(0, |row| row.0)),
    };
    if places.number(first) == places.number(last) {
        return ParamColumn::Constant(places.name(first));
    }
    ParamColumn::Texts(match rows {
        Rows::All { iterations, replicas } => {
            let of = |iteration| std::iter::repeat_n(places.name(iteration), *replicas as usize);
            iterations.clone().flat_map(of).collect()
        }
        Rows::Some { rows, .. } => rows.iter().map(|row| places.name(row.0)).collect(),
    })
}

/// `<prefix>-<n>`, n counting the objects of one template through all iterations from 0.
fn names(rows: &Rows, prefix: &str) -> Vec<String> {
    let name = |number: u64| format!("{prefix}-{number}");
    match rows {
        Rows::All { iterations, replicas } => {
            let replicas = u64::from(*replicas);
            (u64::from(iterations.start) * replicas..u64::from(iterations.end) * replicas).map(name).collect()
        }
        Rows::Some { rows, replicas } => {
            let number = |&(iteration, replica): &(u32, u32)| {
                u64::from(iteration) * u64::from(*replicas) + u64::from(replica) - 1
            };
            rows.iter().map(|row| name(number(row))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::namespaces::Names;

    const RUN: &str = "0198c2f0-7a3b-7cde-8f01-23456789abcd";

    fn facts() -> Facts {
        Facts { run_id: "0198".to_owned(), job: "make".to_owned() }
    }

    fn variables() -> BTreeMap<String, Variable> {
        [("image".to_owned(), Variable::Text("pause".to_owned())), ("cpu".to_owned(), Variable::Int(3))]
            .into()
    }

    fn all(iterations: std::ops::Range<u32>, replicas: u32) -> Rows {
        Rows::All { iterations, replicas }
    }

    fn check(params: &[&str], rows: Rows, expected: &[ParamColumn]) {
        let params: Vec<String> = params.iter().map(|&param| param.to_owned()).collect();
        let sources = sources(&params, &variables(), &facts(), 0).expect("all are known");
        let names = Names::new("churn", RUN);
        let places = Places { names: &names, iterations_per_namespace: Some(10) };
        assert_eq!(columns(&sources, &rows, places, "make"), expected);
    }

    #[test]
    fn counters_cross_as_a_start_and_a_step() {
        check(
            &["iteration", "replica"],
            all(10..20, 1),
            &[ParamColumn::Sequence(10), ParamColumn::Cycle((1, 1))],
        );
        check(
            &["replica", "iteration"],
            all(10..20, 3),
            &[ParamColumn::Cycle((1, 3)), ParamColumn::Repeated((10, 3))],
        );
        let some = Rows::Some { rows: vec![(3, 2), (4, 1)], replicas: 2 };
        let names = ["make-7", "make-8"].map(str::to_owned).to_vec();
        let columns =
            [ParamColumn::Ints(vec![3, 4]), ParamColumn::Ints(vec![2, 1]), ParamColumn::Texts(names)];
        check(&["iteration", "replica", "name"], some, &columns);
    }

    #[test]
    fn whole_numbers_stay_numbers_and_texts_texts() {
        let constant = |text: &str| ParamColumn::Constant(text.to_owned());
        check(
            &["cpu", "image", "namespace", "runId", "job"],
            all(10..20, 1),
            &[
                ParamColumn::Cycle((3, 1)),
                constant("pause"),
                constant("churn-456789abcd-1"),
                constant("0198"),
                constant("make"),
            ],
        );
    }

    #[test]
    fn a_call_may_go_into_several_namespaces() {
        let texts = |numbers: &[u32]| {
            ParamColumn::Texts(numbers.iter().map(|n| format!("churn-456789abcd-{n}")).collect())
        };
        check(&["namespace"], all(9..11, 2), &[texts(&[0, 0, 1, 1])]);
        check(&["namespace"], Rows::Some { rows: vec![(9, 1), (30, 2)], replicas: 2 }, &[texts(&[0, 3])]);
    }

    #[test]
    fn names_go_on_where_the_call_before_ended() {
        let names = ["make-4", "make-5", "make-6", "make-7"].map(str::to_owned).to_vec();
        check(&["name"], all(2..4, 2), &[ParamColumn::Texts(names)]);
        assert_eq!(name_prefix("make", 1, 2), "make-1");
    }

    #[test]
    fn a_parameter_without_a_value_is_refused_with_those_that_have_one() {
        let error = sources(&["imgae".to_owned()], &variables(), &facts(), 2).expect_err("unknown");
        assert_eq!(
            error,
            "create.objects[2]: the template uses `{{ imgae }}`, which is no parameter and not among its variables; \
             known: `iteration`, `replica`, `name`, `namespace`, `runId`, `job`, `cpu`, `image`"
        );
    }

    #[test]
    fn a_variable_may_not_hide_a_parameter() {
        let hiding = [("replica".to_owned(), Variable::Int(1))].into();
        let error = sources(&[], &hiding, &facts(), 0).expect_err("hidden");
        assert!(error.contains("variable `replica`"), "{error}");
    }

    #[test]
    fn a_variable_that_no_template_uses_is_found() {
        assert_eq!(unused(&["cpu".to_owned()], &variables()), ["image"]);
    }
}
