//! Before the load: templates are compiled and checked, queues opened, namespaces made.
//!
//! Nothing is created before everything that can be checked without the cluster has been.

use bench_sdk::{
    cluster::ResourceRef,
    load::{CompletionBatch, ParamColumn, Queue, Template},
    run, warn,
};

use crate::{
    Objects, Prepared,
    config::{Config, Object},
    namespaces::{self, Names},
    params::{self, Facts},
};

/// As a namespace: a parameter of the template, wherever its manifest names none.
const NAMESPACE_PARAM: &str = "{{ namespace }}";

/// Prepares a job.
///
/// # Errors
/// When a template cannot be compiled or lacks a parameter, a queue does not exist, or a namespace could not be
/// made. A run that is stopping is no error.
pub fn setup(config: Config) -> Result<Objects, String> {
    let facts = Facts { run_id: run::run_id(), job: run::name() };
    let instance = run::instance();
    let prefix = config.create.namespaces.prefix.as_deref().unwrap_or(&facts.job);
    let names = Names::new(prefix, &facts.run_id);
    let objects = config.create.objects.iter().enumerate();
    let count = config.create.objects.len();
    let prepared: Vec<Prepared> = objects
        .map(|(position, object)| prepare(object, position, count, &facts))
        .collect::<Result<_, _>>()?;
    let queues = open_queues(&config)?;
    if prepared.iter().any(Prepared::is_in_namespaces) {
        let places = config.create.places(&names).all(config.create.iterations);
        make_namespaces(places, &namespaces::manifest(&config.create.namespaces.labels), instance.1 > 1)?;
    }
    Ok(Objects { config, instance, names, prepared, queues })
}

fn prepare(object: &Object, position: usize, count: usize, facts: &Facts) -> Result<Prepared, String> {
    let template = Template::compile(&object.template, NAMESPACE_PARAM)
        .map_err(|failure| failure.explain(&format!("compile the template of create.objects[{position}]")))?;
    let params = template.params();
    let sources = params::sources(&params, &object.variables, facts, position)?;
    for name in params::unused(&params, &object.variables) {
        warn!("the template does not use a variable"; "object" => position, "variable" => name);
    }
    let (target, selector) = (template.target(), template.label_selector());
    let name_prefix = params::name_prefix(&facts.job, position, count);
    Ok(Prepared { sources, target, template, selector, name_prefix })
}

/// Opens each queue that the configuration names, once.
fn open_queues(config: &Config) -> Result<Vec<(String, Queue)>, String> {
    let created = config.create.objects.iter().map(|object| &object.queue);
    let mut queues: Vec<(String, Queue)> = Vec::new();
    for name in created.chain(config.delete.iter().map(|delete| &delete.queue)) {
        if queues.iter().all(|(open, _)| open != name) {
            let queue =
                Queue::open(name).map_err(|failure| failure.explain(&format!("open queue `{name}`")))?;
            queues.push((name.clone(), queue));
        }
    }
    Ok(queues)
}

/// Makes the namespaces and waits until every one is there. `shared`: another instance may have made one first.
fn make_namespaces(names: Vec<String>, manifest: &str, shared: bool) -> Result<(), String> {
    let failed = |failure: bench_sdk::Failure| failure.explain("make namespaces");
    let count = names.len();
    if count == 0 {
        return Ok(());
    }
    let queue = Queue::open("setup").map_err(failed)?;
    let template = Template::compile(manifest, "").map_err(failed)?;
    queue.create(&template, count as u32, &[ParamColumn::Texts(names)]).map_err(failed)?;
    queue.drain(0).map_err(failed)?;
    let mut reasons: Vec<String> = Vec::new();
    for_each_failure(&queue, |_, reason| {
        if !(shared && reason == "AlreadyExists") {
            reasons.push(reason.to_owned());
        }
    })
    .map_err(failed)?;
    match reasons.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} of {count} namespaces could not be made: {first}", reasons.len())),
    }
}

/// Calls `each` with the id and reason of the operations of a drained queue that failed, the last 16,384 of them.
///
/// # Errors
/// When the host cannot say.
pub fn for_each_failure(queue: &Queue, mut each: impl FnMut(u64, &str)) -> Result<(), bench_sdk::Failure> {
    loop {
        let CompletionBatch { op, reason, reasons, .. } = queue.completions(4096, 0)?;
        if op.is_empty() {
            return Ok(());
        }
        for (&op, &reason) in op.iter().zip(&reason).filter(|(_, reason)| **reason != 0) {
            each(op, reasons.get(reason as usize).map_or("unknown", String::as_str));
        }
    }
}

/// The resource in one namespace, or in all when it has none.
pub fn at(target: &ResourceRef, namespace: &str) -> ResourceRef {
    ResourceRef { namespace: namespace.to_owned(), ..target.clone() }
}
