//! What a wait is for: how many objects of which kind, where.

use bench_sdk::cluster::ResourceRef;

/// So many objects of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// The namespace is empty for several, and for cluster-scoped objects.
    pub target: ResourceRef,
    /// Expected objects.
    pub count: u64,
}

/// Joins the counts of one kind: the wait selects by the job's label and cannot tell templates apart.
pub fn join(parts: impl IntoIterator<Item = Goal>) -> Vec<Goal> {
    let mut goals: Vec<Goal> = Vec::new();
    for part in parts {
        match goals.iter_mut().find(|goal| goal.target == part.target) {
            Some(goal) => goal.count += part.count,
            None => goals.push(part),
        }
    }
    goals.retain(|goal| goal.count > 0);
    goals
}

/// Selects what this job made.
pub fn selector(run_id: &str, job: &str) -> String {
    format!("bench.dev/run-id={run_id},bench.dev/job={job}")
}

/// Time left before a deadline, in nanoseconds.
pub fn left(deadline: i64, now: i64) -> u64 {
    u64::try_from(deadline.saturating_sub(now)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(plural: &str, count: u64) -> Goal {
        let target = ResourceRef {
            group: String::new(),
            version: "v1".to_owned(),
            plural: plural.to_owned(),
            namespace: "a".to_owned(),
        };
        Goal { target, count }
    }

    #[test]
    fn counts_of_one_kind_are_joined_and_empty_ones_left_out() {
        let joined = join([goal("pods", 2), goal("secrets", 0), goal("services", 1), goal("pods", 3)]);
        assert_eq!(joined, [goal("pods", 5), goal("services", 1)]);
    }

    #[test]
    fn a_deadline_that_is_over_leaves_no_time() {
        assert_eq!((left(10, 4), left(4, 10), left(i64::MIN, i64::MAX)), (6, 0, 0));
    }
}
