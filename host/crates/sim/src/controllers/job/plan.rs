//! What a Job needs next, from counts alone; pure.

/// Counts of a Job's pods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) active: i64,
    pub(crate) terminating: i64,
    pub(crate) succeeded: i64,
    pub(crate) failed: i64,
    /// Restarts of containers of active pods.
    pub(crate) restarts: i64,
}

/// What a Job's spec says about numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) parallelism: i64,
    /// Absent for a work queue.
    pub(crate) completions: Option<i64>,
    pub(crate) backoff_limit: i64,
    pub(crate) suspended: bool,
    /// Whether `activeDeadlineSeconds` is over.
    pub(crate) overdue: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// It is complete, or will be when the last pods are gone.
    Complete,
    /// It has failed, or will have when the last pods are gone.
    Fail(Failure),
    /// This many pods are wanted beside those that end.
    Run(i64),
    /// No pods are wanted for now.
    Suspend,
}

/// Why a Job has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    BackoffLimit,
    Deadline,
}

impl Failure {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::BackoffLimit => "BackoffLimitExceeded",
            Self::Deadline => "DeadlineExceeded",
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::BackoffLimit => "Job has reached the specified backoff limit",
            Self::Deadline => "Job was active longer than specified deadline",
        }
    }
}

/// Decides as `syncJob` and `manageJob` do.
pub(crate) fn plan(wish: Wish, counts: Counts) -> Plan {
    let restarted = counts.restarts > 0 && counts.restarts >= wish.backoff_limit;
    if counts.failed > wish.backoff_limit || restarted {
        return Plan::Fail(Failure::BackoffLimit);
    }
    if wish.overdue {
        return Plan::Fail(Failure::Deadline);
    }
    match wish.completions {
        Some(completions) if counts.succeeded >= completions => return Plan::Complete,
        None if counts.succeeded > 0 && counts.active == 0 => return Plan::Complete,
        Some(_) | None => {}
    }
    if wish.suspended {
        return Plan::Suspend;
    }
    Plan::Run(match wish.completions {
        // A work queue that has one success only waits for the pods it has.
        None if counts.succeeded > 0 => counts.active.min(wish.parallelism),
        None => wish.parallelism,
        Some(completions) => wish.parallelism.min(completions - counts.succeeded),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Wish =
        Wish { parallelism: 3, completions: Some(10), backoff_limit: 6, suspended: false, overdue: false };

    fn check(wish: Wish, counts: Counts, expected: Plan) {
        assert_eq!(plan(wish, counts), expected, "{wish:?} {counts:?}");
    }

    fn counts(active: i64, succeeded: i64, failed: i64) -> Counts {
        Counts { active, succeeded, failed, ..Counts::default() }
    }

    #[test]
    fn parallelism_bounds_the_pods_until_few_are_left() {
        check(WISH, counts(0, 0, 0), Plan::Run(3));
        check(WISH, counts(2, 8, 0), Plan::Run(2));
        check(WISH, counts(0, 10, 0), Plan::Complete);
    }

    #[test]
    fn one_failure_more_than_the_limit_fails_the_job() {
        check(WISH, counts(3, 0, 6), Plan::Run(3));
        check(WISH, counts(3, 0, 7), Plan::Fail(Failure::BackoffLimit));
        check(Wish { backoff_limit: 0, ..WISH }, counts(3, 0, 1), Plan::Fail(Failure::BackoffLimit));
    }

    #[test]
    fn restarts_of_containers_count_as_failures() {
        let counts = Counts { restarts: 6, ..counts(1, 0, 0) };
        check(WISH, counts, Plan::Fail(Failure::BackoffLimit));
    }

    #[test]
    fn a_work_queue_ends_with_its_last_pod() {
        let queue = Wish { completions: None, ..WISH };
        check(queue, counts(0, 0, 0), Plan::Run(3));
        check(queue, counts(2, 1, 0), Plan::Run(2));
        check(queue, counts(0, 3, 0), Plan::Complete);
    }

    #[test]
    fn a_suspended_job_wants_no_pods_and_an_overdue_one_fails() {
        check(Wish { suspended: true, ..WISH }, counts(2, 1, 0), Plan::Suspend);
        check(Wish { overdue: true, ..WISH }, counts(2, 1, 0), Plan::Fail(Failure::Deadline));
    }
}
