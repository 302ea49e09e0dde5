//! Parameters of a template: where each value comes from, and its column for a call.
//!
//! Counters cross to the host as a start and a step, never as lists; only `name` is a list of texts.

use std::collections::BTreeMap;

use bench_sdk::load::ParamColumn;

use crate::{config::Variable, order::Call};

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
pub fn columns(
    sources: &[Source],
    call: &Call,
    replicas: u32,
    namespace: &str,
    name_prefix: &str,
) -> Vec<ParamColumn> {
    let first = i64::from(call.iterations.start);
    let column = |source: &Source| match source {
        Source::Iteration if replicas == 1 => ParamColumn::Sequence(first),
        Source::Iteration => ParamColumn::Repeated((first, replicas)),
        Source::Replica => ParamColumn::Cycle((1, replicas)),
        Source::Name => ParamColumn::Texts(names(call, replicas, name_prefix)),
        Source::Namespace => ParamColumn::Constant(namespace.to_owned()),
        Source::Text(text) => ParamColumn::Constant(text.clone()),
        // A cycle of length 1 is a constant number.
        Source::Int(int) => ParamColumn::Cycle((*int, 1)),
    };
    sources.iter().map(column).collect()
}

/// `<prefix>-<n>`, n counting the objects of one template through all iterations from 0.
fn names(call: &Call, replicas: u32, prefix: &str) -> Vec<String> {
    let replicas = u64::from(replicas);
    let numbers = u64::from(call.iterations.start) * replicas..u64::from(call.iterations.end) * replicas;
    numbers.map(|number| format!("{prefix}-{number}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts { run_id: "0198".to_owned(), job: "make".to_owned() }
    }

    fn variables() -> BTreeMap<String, Variable> {
        [("image".to_owned(), Variable::Text("pause".to_owned())), ("cpu".to_owned(), Variable::Int(3))]
            .into()
    }

    fn check(params: &[&str], call: Call, replicas: u32, expected: &[ParamColumn]) {
        let params: Vec<String> = params.iter().map(|&param| param.to_owned()).collect();
        let sources = sources(&params, &variables(), &facts(), 0).expect("all are known");
        assert_eq!(columns(&sources, &call, replicas, "churn-1", "make"), expected);
    }

    #[test]
    fn counters_cross_as_a_start_and_a_step() {
        let call = Call { object: 0, namespace: 1, iterations: 10..20 };
        check(
            &["iteration", "replica"],
            call.clone(),
            1,
            &[ParamColumn::Sequence(10), ParamColumn::Cycle((1, 1))],
        );
        check(
            &["replica", "iteration"],
            call,
            3,
            &[ParamColumn::Cycle((1, 3)), ParamColumn::Repeated((10, 3))],
        );
    }

    #[test]
    fn whole_numbers_stay_numbers_and_texts_texts() {
        let call = Call { object: 0, namespace: 1, iterations: 0..1 };
        let constant = |text: &str| ParamColumn::Constant(text.to_owned());
        check(
            &["cpu", "image", "namespace", "runId", "job"],
            call,
            1,
            &[
                ParamColumn::Cycle((3, 1)),
                constant("pause"),
                constant("churn-1"),
                constant("0198"),
                constant("make"),
            ],
        );
    }

    #[test]
    fn names_go_on_where_the_call_before_ended() {
        let call = Call { object: 0, namespace: 0, iterations: 2..4 };
        let names = ["make-4", "make-5", "make-6", "make-7"].map(str::to_owned).to_vec();
        check(&["name"], call, 2, &[ParamColumn::Texts(names)]);
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
