//! Which object an operation belongs to, so that failed creates are not waited for.

/// Operations that were asked for: ids of one queue are consecutive within a call.
#[derive(Debug, Default)]
pub struct Tally {
    /// Sorted by `first`, as calls to one queue come in the order of ids.
    calls: Vec<Asked>,
    /// By position in the list of objects.
    failed: Vec<u64>,
}

#[derive(Debug)]
struct Asked {
    queue: usize,
    first: u64,
    rows: u64,
    object: usize,
}

impl Tally {
    /// Notes a call.
    pub fn asked(&mut self, queue: usize, first: u64, rows: u64, object: usize) {
        if let Some(last) = self.calls.last_mut()
            && (last.queue, last.object) == (queue, object)
            && last.first + last.rows == first
        {
            last.rows += rows;
            return;
        }
        self.calls.push(Asked { queue, first, rows, object });
    }

    /// Notes an operation that failed; one that is not known counts for nothing.
    pub fn fail(&mut self, queue: usize, op: u64) {
        let Some(object) = self.object(queue, op) else { return };
        if self.failed.len() <= object {
            self.failed.resize(object + 1, 0);
        }
        if let Some(count) = self.failed.get_mut(object) {
            *count += 1;
        }
    }

    /// Creates of an object that failed.
    pub fn failed(&self, object: usize) -> u64 {
        self.failed.get(object).copied().unwrap_or(0)
    }

    fn object(&self, queue: usize, op: u64) -> Option<usize> {
        let found = self
            .calls
            .iter()
            .find(|call| call.queue == queue && op >= call.first && op - call.first < call.rows);
        found.map(|call| call.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_belongs_to_the_call_that_asked_for_it() {
        let mut tally = Tally::default();
        tally.asked(0, 0, 10, 0);
        tally.asked(0, 10, 5, 1);
        tally.asked(1, 0, 10, 2);
        for (queue, op) in [(0, 9), (0, 10), (0, 14), (0, 15), (1, 3), (7, 0)] {
            tally.fail(queue, op);
        }
        assert_eq!([0, 1, 2, 3].map(|object| tally.failed(object)), [1, 2, 1, 0]);
    }

    #[test]
    fn calls_that_follow_each_other_are_kept_as_one() {
        let mut tally = Tally::default();
        (0..1000).for_each(|n| tally.asked(0, n * 7, 7, 0));
        assert_eq!(tally.calls.len(), 1);
        tally.fail(0, 6999);
        assert_eq!(tally.failed(0), 1);
    }
}
