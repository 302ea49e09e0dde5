//! Decides when operations of a queue are due.
//!
//! Open loop: due times are a pure function of index, rate, burst, arrival process and seed. They never
//! depend on how long earlier operations took; otherwise a slow server would lower the load it is measured
//! under. Knows nothing about requests, and nothing about the limiter that may hold one back: see `queue`.

use std::time::Duration;

use bench_model::{Arrival, QueueSpec, Shard};
use rand::{SeedableRng, rngs::SmallRng};
use rand_distr::{Distribution, Exp1};

/// Due times of a queue, in order, counted from when its first operation may leave. Of a shard they are every n-th of the
/// whole's: all shards together offer what one would.
#[derive(Debug, Clone)]
pub struct Schedule {
    process: Process,
    /// Of the whole.
    next_index: u64,
    /// Operations between two of this shard's.
    step: u64,
}

#[derive(Debug, Clone)]
enum Process {
    /// No rate: everything is due as soon as it can leave.
    Unpaced,
    Constant {
        per_second: f64,
        burst: f64,
    },
    Poisson {
        per_second: f64,
        burst: u64,
        elapsed: f64,
        /// Operations of the whole that are drawn.
        drawn: u64,
        random: SmallRng,
    },
}

impl Schedule {
    /// The schedule of a queue; `seed` only matters to random arrivals, and is the same for all shards.
    pub fn new(spec: &QueueSpec, seed: u64, shard: Shard) -> Self {
        let burst = spec.burst.get();
        let process = match (spec.rate, spec.arrival) {
            (None, _) => Process::Unpaced,
            (Some(rate), Arrival::Constant) => {
                Process::Constant { per_second: rate.per_second(), burst: f64::from(burst) }
            }
            (Some(rate), Arrival::Poisson) => Process::Poisson {
                per_second: rate.per_second(),
                burst: u64::from(burst),
                elapsed: 0.0,
                drawn: 0,
                random: SmallRng::seed_from_u64(seed),
            },
        };
        Self { process, next_index: u64::from(shard.index()), step: u64::from(shard.total().get()) }
    }

    /// Whether due times are given in advance.
    pub fn is_paced(&self) -> bool {
        !matches!(self.process, Process::Unpaced)
    }

    /// When the next operation is due, and one further; `None` when the queue is unpaced.
    pub fn next_due(&mut self) -> Option<Duration> {
        let index = self.next_index;
        self.next_index += self.step;
        match &mut self.process {
            Process::Unpaced => None,
            Process::Constant { per_second, burst } => Some(token_bucket(index, *per_second, *burst)),
            Process::Poisson { per_second, burst, elapsed, drawn, random } => {
                for _ in (*drawn).max(*burst)..=index {
                    let gap: f64 = Exp1.sample(random);
                    *elapsed += gap / *per_second;
                }
                *drawn = index + 1;
                Some(Duration::from_secs_f64(*elapsed))
            }
        }
    }
}

/// `max(0, (index + 1 - burst) / rate)`: the time at which a token bucket that starts full lets it go.
fn token_bucket(index: u64, per_second: f64, burst: f64) -> Duration {
    let behind = (index as f64 + 1.0 - burst).max(0.0);
    Duration::from_secs_f64(behind / per_second)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use bench_model::{OnTooManyRequests, Rate};
    use proptest::prelude::*;

    use super::*;

    fn spec(rate: f64, burst: u32, arrival: Arrival) -> QueueSpec {
        QueueSpec {
            rate: Some(Rate::try_new(rate).expect("a rate")),
            burst: NonZeroU32::new(burst).expect("from 1"),
            arrival,
            in_flight: NonZeroU32::MIN,
            on_too_many_requests: OnTooManyRequests::Record,
        }
    }

    fn due(spec: &QueueSpec, seed: u64, n: usize) -> Vec<Duration> {
        part_due(spec, seed, n, Shard::WHOLE)
    }

    fn part_due(spec: &QueueSpec, seed: u64, n: usize, shard: Shard) -> Vec<Duration> {
        let mut schedule = Schedule::new(spec, seed, shard);
        (0..n).filter_map(|_| schedule.next_due()).collect()
    }

    #[test]
    fn the_rows_of_the_first_lab_end_when_arithmetic_says() {
        // (operations, rate, burst, seconds): the pacing table of the kube-burner lab.
        let rows = [(5, 1.0, 1, 4.0), (10, 1.0, 1, 9.0), (20, 1.0, 1, 19.0), (20, 10.0, 10, 1.0)];
        let more = [(100, 1.0, 100, 0.0), (20, 1.0, 10, 10.0), (20, 1.0, 20, 0.0), (40, 2.0, 20, 10.0)];
        for (n, rate, burst, seconds) in rows.into_iter().chain(more) {
            let last = due(&spec(rate, burst, Arrival::Constant), 0, n).pop();
            assert_eq!(last, Some(Duration::from_secs_f64(seconds)), "{n} at {rate}/s, burst {burst}");
        }
    }

    #[test]
    fn an_unpaced_queue_has_no_due_times() {
        assert_eq!(Schedule::new(&QueueSpec::setup(), 0, Shard::WHOLE).next_due(), None);
    }

    #[test]
    fn poisson_gaps_have_the_mean_of_the_rate() {
        let times = due(&spec(100.0, 1, Arrival::Poisson), 7, 20_001);
        let mean = times.last().expect("some").as_secs_f64() / 20_000.0;
        assert!((mean - 0.01).abs() < 0.0003, "mean gap {mean}");
    }

    proptest! {
        #[test]
        fn due_times_never_go_back_and_repeat_for_a_seed(rate in 0.1_f64..1e5, burst in 1_u32..100, seed: u64, poisson: bool) {
            let spec = spec(rate, burst, if poisson { Arrival::Poisson } else { Arrival::Constant });
            let times = due(&spec, seed, 300);
            prop_assert!(times.is_sorted());
            prop_assert_eq!(&times, &due(&spec, seed, 300));
            let first = times.iter().take(burst.min(300) as usize);
            prop_assert!(first.into_iter().all(Duration::is_zero));
        }

        #[test]
        fn shards_take_turns_in_one_schedule(rate in 0.1_f64..1e5, burst in 1_u32..40, seed: u64, poisson: bool, total in 1_u32..6) {
            let spec = spec(rate, burst, if poisson { Arrival::Poisson } else { Arrival::Constant });
            let total = NonZeroU32::new(total).expect("from 1");
            let whole = due(&spec, seed, 60);
            for index in 0..total.get() {
                let shard = Shard::try_new(index, total).expect("below total");
                let expected: Vec<_> = whole.iter().copied().skip(index as usize).step_by(total.get() as usize).collect();
                prop_assert_eq!(part_due(&spec, seed, expected.len(), shard), expected);
            }
        }
    }
}
