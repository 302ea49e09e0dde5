//! Deletes what the job made, one request for each object, through a queue.
//!
//! Names are listed and not remembered: a template may let the API server make them, and only what is there can
//! be deleted. What controllers made of the objects is theirs to delete. With several instances each deletes a part of every namespace, chosen by the object's name.

use std::hash::{DefaultHasher, Hash, Hasher};

use bench_sdk::{
    Label,
    cluster::{ResourceRef, read},
    label,
    load::Queue,
    serde_json,
};
use serde::Deserialize;

use crate::{
    Objects,
    config::Delete,
    goals::{self, Goal},
    run::{Ended, queue, wait},
    setup::at,
};

/// Objects in one page of a list.
const PAGE: u32 = 500;

#[derive(Deserialize)]
struct Listed {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

/// Deletes all objects of the job that are in its namespaces; the host lets nothing else be deleted by name.
///
/// # Errors
/// When the host refuses a call.
pub fn delete(objects: &Objects, config: &Delete) -> Result<(), Ended> {
    let queue = queue(objects, &config.queue)?;
    let options = options(config);
    let create = &objects.config.create;
    let places = create.places(&objects.names).all(create.iterations);
    let mut deleted = Vec::new();
    for prepared in objects.prepared.iter().filter(|prepared| prepared.is_in_namespaces()) {
        let (kind, selector) = (&prepared.target, &prepared.selector);
        let mut count = 0;
        for place in &places {
            count += delete_in(objects, queue, &at(kind, place), selector, &options)?;
        }
        let only = if let [only] = places.as_slice() { only.as_str() } else { "" };
        deleted.push(Goal { target: at(kind, only), selector: selector.clone(), count });
    }
    queue.drain(0).map_err(|failure| Ended::from_failure(&failure, "drain the queue of deletes"))?;
    if config.wait_until_gone {
        return wait(goals::join(deleted), "delete", config.timeout.ns, None);
    }
    Ok(())
}

fn options(config: &Delete) -> Vec<Label> {
    let policy = config.propagation_policy.iter().map(|policy| label("propagationPolicy", policy));
    let grace =
        config.grace_period_seconds.iter().map(|seconds| label("gracePeriodSeconds", seconds.to_string()));
    policy.chain(grace).collect()
}

/// Asks for the deletion of this instance's part; returns how many.
fn delete_in(
    objects: &Objects,
    queue: &Queue,
    target: &ResourceRef,
    selector: &str,
    options: &[Label],
) -> Result<u64, Ended> {
    let (mut token, mut count) = (String::new(), 0);
    loop {
        let (page, next) = read::list_page(target, selector, "", PAGE, &token)
            .map_err(|failure| Ended::from_failure(&failure, &format!("list {}", target.plural)))?;
        let names: Vec<String> = page
            .iter()
            .filter_map(|json| name(json))
            .filter(|name| is_mine(name, objects.instance))
            .collect();
        count += names.len() as u64;
        if !names.is_empty() {
            queue
                .delete(target, &names, options)
                .map_err(|failure| Ended::from_failure(&failure, &format!("delete {}", target.plural)))?;
        }
        if next.is_empty() {
            return Ok(count);
        }
        token = next;
    }
}

fn name(json: &str) -> Option<String> {
    serde_json::from_str::<Listed>(json).ok().map(|listed| listed.metadata.name)
}

/// Whether an object is in this instance's part; every object is in exactly one.
fn is_mine(name: &str, (index, count): (u32, u32)) -> bool {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish() % u64::from(count.max(1)) == u64::from(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_listed_object_is_read_whatever_else_it_has() {
        assert_eq!(
            name(r#"{"kind":"Pod","metadata":{"labels":{},"name":"a-1"},"spec":{"x":[1]}}"#),
            Some("a-1".to_owned())
        );
        assert_eq!(name("{}"), None);
    }

    #[test]
    fn every_object_is_in_the_part_of_one_instance() {
        for n in 0..200 {
            let name = format!("pod-{n}");
            assert_eq!((0..7).filter(|&index| is_mine(&name, (index, 7))).count(), 1);
        }
        assert!(is_mine("pod", (0, 1)));
    }
}
