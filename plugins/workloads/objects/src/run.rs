//! The load: queues are filled and drained, then the job waits, then it deletes.
//!
//! A call that the host cancels means that the run is stopping, which is no error of the job. Objects that do not
//! become ready in time are no error either: the host records them and the report names them.

use bench_sdk::{
    Failure,
    cluster::wait,
    info,
    load::{Queue, Template},
    run, warn,
};

use crate::{
    Objects, Prepared,
    config::WaitFor,
    delete,
    goals::{self, Goal},
    order::{self, Call, Shape},
    params::{self, Source},
    setup::{at, compile, for_each_failure},
    tally::Tally,
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
    let tally = create(objects)?;
    if let Some(wait_for) = &objects.config.wait_for {
        wait_until_met(objects, wait_for, &tally)?;
    }
    match &objects.config.delete {
        Some(config) => delete::delete(objects, config),
        None => Ok(()),
    }
}

fn create(objects: &Objects) -> Result<Tally, Ended> {
    let list = &objects.config.create.objects;
    let has_text = |prepared: &Prepared| prepared.sources.contains(&Source::Name);
    let shapes: Vec<Shape<'_>> = list
        .iter()
        .zip(&objects.prepared)
        .map(|(object, prepared)| Shape::of(object, has_text(prepared)))
        .collect();
    let per_namespace = objects.config.create.namespaces.iterations_per_namespace;
    let mut tally = Tally::default();
    // The template of each object for the namespace that was filled last.
    let mut compiled: Vec<Option<(u32, Template)>> = list.iter().map(|_| None).collect();
    for call in order::calls(&shapes, objects.iterations.clone(), per_namespace) {
        if let Some(compiled) = compiled.get_mut(call.object) {
            send(objects, &call, compiled, &mut tally)?;
        }
    }
    for (position, (name, queue)) in objects.queues.iter().enumerate() {
        let tried = format!("drain queue `{name}`");
        let ended = |failure: Failure| Ended::from_failure(&failure, &tried);
        queue.drain(0).map_err(ended)?;
        for_each_failure(queue, |op, _| tally.fail(position, op)).map_err(ended)?;
    }
    Ok(tally)
}

fn send(
    objects: &Objects,
    call: &Call,
    compiled: &mut Option<(u32, Template)>,
    tally: &mut Tally,
) -> Result<(), Ended> {
    let (Some(object), Some(prepared)) =
        (objects.config.create.objects.get(call.object), objects.prepared.get(call.object))
    else {
        return Ok(());
    };
    let namespace = objects.names.of(call.namespace);
    let template = match (&prepared.shared, compiled) {
        (Some(shared), _) => shared,
        (None, Some((number, template))) if *number == call.namespace => &*template,
        (None, compiled) => {
            let template = compile(object, call.object, &namespace).map_err(Ended::Failed)?;
            &compiled.insert((call.namespace, template)).1
        }
    };
    let rows = call.iterations.len() as u32 * object.replicas;
    let columns =
        params::columns(&prepared.sources, call, object.replicas, &namespace, &prepared.name_prefix);
    let (position, queue) = queue(objects, &object.queue)?;
    let first = queue.create(template, rows, &columns).map_err(|failure| {
        Ended::from_failure(&failure, &format!("create create.objects[{}]", call.object))
    })?;
    tally.asked(position, first, u64::from(rows), call.object);
    Ok(())
}

/// A queue of this job by its name, with its position.
///
/// # Errors
/// Never: `setup` has opened all that the configuration names.
pub fn queue<'a>(objects: &'a Objects, name: &str) -> Result<(usize, &'a Queue), Ended> {
    let mut queues = objects.queues.iter().enumerate();
    let found = queues.find(|(_, (open, _))| open == name).map(|(position, (_, queue))| (position, queue));
    found.ok_or_else(|| Ended::Failed(format!("queue `{name}` was not opened")))
}

fn wait_until_met(objects: &Objects, wait_for: &WaitFor, tally: &Tally) -> Result<(), Ended> {
    let waited =
        |position: usize| objects.config.create.objects.get(position).is_some_and(|object| object.wait);
    let goals = goals(objects, tally).into_iter().enumerate().filter(|(position, _)| waited(*position));
    wait(objects, goals::join(goals.map(|(_, goal)| goal)), &wait_for.condition, wait_for.timeout.ns)
}

/// What this job has made, all instances together, one for each of `create.objects`.
fn goals(objects: &Objects, tally: &Tally) -> Vec<Goal> {
    let create = &objects.config.create;
    let one_namespace = create.namespaces.iterations_per_namespace.is_none_or(|n| n >= create.iterations);
    let goal = |(position, (object, prepared)): (usize, (&crate::config::Object, &Prepared))| {
        let all = u64::from(create.iterations) * u64::from(object.replicas);
        let namespace =
            if one_namespace && prepared.is_in_namespaces() { objects.names.of(0) } else { String::new() };
        Goal { target: at(&prepared.target, &namespace), count: all.saturating_sub(tally.failed(position)) }
    };
    create.objects.iter().zip(&objects.prepared).enumerate().map(goal).collect()
}

/// Waits for all goals until one common deadline.
///
/// # Errors
/// When the host cannot wait.
pub fn wait(objects: &Objects, goals: Vec<Goal>, condition: &str, timeout_ns: u64) -> Result<(), Ended> {
    let selector = goals::selector(&objects.facts.run_id, &objects.facts.job);
    let deadline = run::now().saturating_add(i64::try_from(timeout_ns).unwrap_or(i64::MAX));
    for goal in goals {
        let count = u32::try_from(goal.count).unwrap_or(u32::MAX);
        let left = goals::left(deadline, run::now());
        let outcome = wait::until(&goal.target, &selector, condition, count, left)
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
