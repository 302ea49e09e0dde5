//! What a wait is for: how many objects of which kind, where.

use bench_sdk::cluster::ResourceRef;

/// So many objects of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// The namespace is empty for several, and for cluster-scoped objects.
    pub target: ResourceRef,
    /// Labels of those of one template.
    pub selector: String,
    /// Expected objects.
    pub count: u64,
}

/// Joins the counts of what one wait can see, and leaves out what there is none of.
pub fn join(parts: impl IntoIterator<Item = Goal>) -> Vec<Goal> {
    let mut goals: Vec<Goal> = Vec::new();
    for part in parts {
        match goals.iter_mut().find(|goal| (&goal.target, &goal.selector) == (&part.target, &part.selector)) {
            Some(goal) => goal.count += part.count,
            None => goals.push(part),
        }
    }
    goals.retain(|goal| goal.count > 0);
    goals
}

/// Time left before a deadline, in nanoseconds.
pub fn left(deadline: i64, now: i64) -> u64 {
    u64::try_from(deadline.saturating_sub(now)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(plural: &str, template: u32, count: u64) -> Goal {
        let target = ResourceRef {
            group: String::new(),
            version: "v1".to_owned(),
            plural: plural.to_owned(),
            namespace: "a".to_owned(),
        };
        Goal { target, selector: format!("bench.dev/template={template}"), count }
    }

    #[test]
    fn two_templates_of_one_kind_are_two_goals_and_empty_ones_none() {
        let parts = [goal("pods", 0, 2), goal("secrets", 1, 0), goal("pods", 2, 1), goal("pods", 0, 3)];
        assert_eq!(join(parts), [goal("pods", 0, 5), goal("pods", 2, 1)]);
    }

    #[test]
    fn a_deadline_that_is_over_leaves_no_time() {
        assert_eq!((left(10, 4), left(4, 10), left(i64::MIN, i64::MAX)), (6, 0, 0));
    }
}
