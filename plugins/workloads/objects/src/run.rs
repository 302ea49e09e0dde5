//! The load: queues are filled and drained, then the job waits, then it deletes.
//!
//! A call that the host cancels means that the run is stopping, which is no error of the job. Objects that do not
//! become ready in time are no error either: the host records them and the report names them.

use bench_sdk::{Failure, cluster::wait, info, load::Queue, run, warn};

use crate::{
    Objects, Prepared,
    config::{Object, WaitFor},
    delete,
    goals::{self, Goal},
    order::{self, Call, Rows, Shape},
    params::{self, Source},
    setup::at,
};

/// Why the load ended early.
#[derive(Debug)]
pub enum Ended {
    /// The run is stopping.
    Stopped,
    /// With a sentence for people.
    Failed(String),
}

impl Ended {
    /// Sorts a failure of a host call.
    pub fn from_failure(failure: &Failure, tried: &str) -> Self {
        if failure.is_cancelled() { Self::Stopped } else { Self::Failed(failure.explain(tried)) }
    }
}

/// Makes the load of a job.
///
/// # Errors
/// When the host refuses a call for another reason than that the run is stopping.
pub fn run(objects: &Objects) -> Result<(), String> {
    match load(objects) {
        Ok(()) | Err(Ended::Stopped) => Ok(()),
        Err(Ended::Failed(message)) => Err(message),
    }
}

fn load(objects: &Objects) -> Result<(), Ended> {
    create(objects)?;
    if let Some(wait_for) = &objects.config.wait_for {
        wait_until_met(objects, wait_for)?;
    }
    match &objects.config.delete {
        Some(config) => delete::delete(objects, config),
        None => Ok(()),
    }
}

fn create(objects: &Objects) -> Result<(), Ended> {
    let list = &objects.config.create.objects;
    let is_spread = objects.config.create.namespaces.iterations_per_namespace.is_some();
    let has_list = |prepared: &Prepared| {
        let has = |source| prepared.sources.contains(&source);
        objects.instance.1 > 1 || has(Source::Name) || is_spread && has(Source::Namespace)
    };
    let shapes: Vec<Shape<'_>> = list
        .iter()
        .zip(&objects.prepared)
        .map(|(object, prepared)| Shape::of(object, has_list(prepared)))
        .collect();
    for call in order::calls(&shapes, 0..objects.config.create.iterations) {
        let rows = order::rows(&shapes, &call, objects.instance);
        if !rows.is_empty() {
            send(objects, &call, &rows)?;
        }
    }
    for (name, queue) in &objects.queues {
        queue.drain(0).map_err(|failure| Ended::from_failure(&failure, &format!("drain queue `{name}`")))?;
    }
    Ok(())
}

fn send(objects: &Objects, call: &Call, rows: &Rows) -> Result<(), Ended> {
    let (Some(object), Some(prepared)) =
        (objects.config.create.objects.get(call.object), objects.prepared.get(call.object))
    else {
        return Ok(());
    };
    let places = objects.config.create.places(&objects.names);
    let columns = params::columns(&prepared.sources, rows, places, &prepared.name_prefix);
    let asked = queue(objects, &object.queue)?.create(&prepared.template, rows.len(), &columns);
    asked
        .map(drop)
        .map_err(|failure| Ended::from_failure(&failure, &format!("create create.objects[{}]", call.object)))
}

/// A queue of this job by its name.
///
/// # Errors
/// Never: `setup` has opened all that the configuration names.
pub fn queue<'a>(objects: &'a Objects, name: &str) -> Result<&'a Queue, Ended> {
    let found = objects.queues.iter().find(|(open, _)| open == name).map(|(_, queue)| queue);
    found.ok_or_else(|| Ended::Failed(format!("queue `{name}` was not opened")))
}

fn wait_until_met(objects: &Objects, wait_for: &WaitFor) -> Result<(), Ended> {
    let goals = objects.config.create.objects.iter().zip(&objects.prepared);
    let goals =
        goals.filter(|(object, _)| object.wait).map(|(object, prepared)| goal(objects, object, prepared));
    let stuck_ns = Some(wait_for.stuck_after.ns);
    wait(goals::join(goals), &wait_for.condition, wait_for.timeout.ns, stuck_ns)
}

/// What this job has made of one template, all instances together.
fn goal(objects: &Objects, object: &Object, prepared: &Prepared) -> Goal {
    let create = &objects.config.create;
    let all = u64::from(create.iterations) * u64::from(object.replicas);
    let one_namespace = create.namespaces.iterations_per_namespace.is_none_or(|n| n >= create.iterations);
    let target = if one_namespace && prepared.is_in_namespaces() {
        at(&prepared.target, &objects.names.of(0))
    } else {
        prepared.target.clone()
    };
    let count = all.saturating_sub(prepared.template.failures());
    Goal { target, selector: prepared.selector.clone(), count }
}

/// Waits for all goals until one common deadline, or as long as something moves.
///
/// # Errors
/// When the host cannot wait.
pub fn wait(goals: Vec<Goal>, condition: &str, timeout_ns: u64, stuck_ns: Option<u64>) -> Result<(), Ended> {
    let deadline = run::now().saturating_add(i64::try_from(timeout_ns).unwrap_or(i64::MAX));
    for goal in goals {
        let count = u32::try_from(goal.count).unwrap_or(u32::MAX);
        let left = goals::left(deadline, run::now());
        let (target, selector) = (&goal.target, &goal.selector);
        let outcome = match stuck_ns {
            None => wait::until(target, selector, condition, count, left),
            Some(stuck) => wait::until_or_stuck(target, selector, condition, count, left, stuck),
        };
        let outcome = outcome
            .map_err(|failure| Ended::from_failure(&failure, &format!("wait for {}", goal.target.plural)))?;
        let example = outcome.examples.first().map_or("", String::as_str);
        if outcome.unmet > 0 {
            warn!("objects did not meet the condition in time";
                "resource" => goal.target.plural, "condition" => condition, "met" => outcome.met,
                "unmet" => outcome.unmet, "example" => example);
        } else {
            info!("all objects met the condition"; "resource" => goal.target.plural, "condition" => condition,
                "met" => outcome.met);
        }
    }
    Ok(())
}
