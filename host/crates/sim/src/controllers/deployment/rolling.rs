//! The arithmetic of rolling updates; pure.

/// `maxSurge` or `maxUnavailable`: a number or a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Number(i64),
    Percent(i64),
}

impl Bound {
    /// Reads `3` or `25%`.
    pub(crate) fn read(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::Number(number) => number.as_i64().map(Self::Number),
            serde_json::Value::String(text) => match text.strip_suffix('%') {
                Some(percent) => percent.parse().ok().map(Self::Percent),
                None => text.parse().ok().map(Self::Number),
            },
            _ => None,
        }
    }

    pub(crate) fn rounded_up(self, of: i64) -> i64 {
        match self {
            Self::Number(number) => number.max(0),
            Self::Percent(percent) => (percent.max(0).saturating_mul(of) + 99) / 100,
        }
    }

    pub(crate) fn rounded_down(self, of: i64) -> i64 {
        match self {
            Self::Number(number) => number.max(0),
            Self::Percent(percent) => percent.max(0).saturating_mul(of) / 100,
        }
    }
}

/// How far a rolling update may go beside the wished number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) surge: i64,
    pub(crate) unavailable: i64,
}

impl Limits {
    /// `ResolveFenceposts`: shares of surge round up, those of unavailable down; both being zero would stop everything.
    pub(crate) fn resolve(surge: Bound, unavailable: Bound, desired: i64) -> Self {
        let (surge, unavailable) = (surge.rounded_up(desired), unavailable.rounded_down(desired));
        if surge == 0 && unavailable == 0 {
            return Self { surge, unavailable: 1 };
        }
        Self { surge, unavailable: unavailable.min(desired) }
    }
}

/// A ReplicaSet in an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SetSize {
    /// `spec.replicas`.
    pub(crate) wished: i64,
    /// `status.availableReplicas`.
    pub(crate) available: i64,
}

/// The number of replicas that the new ReplicaSet gets next (`NewRSNewReplicas`).
pub(crate) fn next_new(desired: i64, limits: Limits, new: SetSize, old: &[SetSize]) -> i64 {
    if new.wished >= desired {
        return desired;
    }
    let present = new.wished + old.iter().map(|set| set.wished).sum::<i64>();
    let room = desired + limits.surge - present;
    if room <= 0 {
        return new.wished;
    }
    new.wished + room.min(desired - new.wished)
}

/// The numbers of replicas that the old ReplicaSets get next, oldest first (`reconcileOldReplicaSets`).
pub(crate) fn next_old(desired: i64, limits: Limits, new: SetSize, old: &[SetSize]) -> Vec<i64> {
    let mut sizes: Vec<SetSize> = old.to_vec();
    let wished = |sizes: &[SetSize]| sizes.iter().map(|set| set.wished).sum::<i64>();
    let least_available = desired - limits.unavailable;
    let new_unavailable = new.wished - new.available;
    let mut room = new.wished + wished(&sizes) - least_available - new_unavailable;
    if room <= 0 {
        return sizes.iter().map(|set| set.wished).collect();
    }
    // Replicas that are not available go first; taking them makes nothing worse.
    for set in &mut sizes {
        let unhealthy = (set.wished - set.available).max(0).min(room);
        set.wished -= unhealthy;
        room -= unhealthy;
    }
    let available = new.available + sizes.iter().map(|set| set.available).sum::<i64>();
    let mut room = available - least_available;
    for set in &mut sizes {
        let taken = set.wished.min(room).max(0);
        set.wished -= taken;
        room -= taken;
    }
    sizes.iter().map(|set| set.wished).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(wished: i64, available: i64) -> SetSize {
        SetSize { wished, available }
    }

    fn quarter(desired: i64) -> Limits {
        Limits::resolve(Bound::Percent(25), Bound::Percent(25), desired)
    }

    #[test]
    fn a_quarter_of_ten_is_three_more_and_two_less() {
        assert_eq!(quarter(10), Limits { surge: 3, unavailable: 2 });
        assert_eq!(next_new(10, quarter(10), set(0, 0), &[set(10, 10)]), 3);
        assert_eq!(next_old(10, quarter(10), set(3, 0), &[set(10, 10)]), [8]);
    }

    #[test]
    fn both_bounds_at_zero_let_one_be_unavailable() {
        let limits = Limits::resolve(Bound::Number(0), Bound::Percent(1), 3);
        assert_eq!(limits, Limits { surge: 0, unavailable: 1 });
    }

    #[test]
    fn replicas_that_never_became_available_go_first() {
        assert_eq!(next_old(10, quarter(10), set(3, 3), &[set(8, 8), set(2, 0)]), [5, 0]);
    }

    #[test]
    fn a_new_set_above_the_wished_number_shrinks() {
        assert_eq!(next_new(3, quarter(3), set(5, 5), &[]), 3);
    }

    proptest! {
        #[test]
        fn an_update_keeps_its_limits_and_ends(
            desired in 1i64..50, surge in 0i64..100, unavailable in 0i64..=100, lazy in any::<bool>(),
        ) {
            let limits = Limits::resolve(Bound::Percent(surge), Bound::Percent(unavailable), desired);
            let (mut new, mut old) = (set(0, 0), vec![set(desired, desired)]);
            let mut steps = 0;
            while new.available < desired || old[0].wished > 0 {
                steps += 1;
                prop_assert!(steps < 1000, "no end: {new:?} {old:?}");
                new.wished = next_new(desired, limits, new, &old);
                let next = next_old(desired, limits, new, &old)[0];
                old[0] = set(next, old[0].available.min(next));
                prop_assert!(new.wished + old[0].wished <= desired + limits.surge);
                prop_assert!(new.available + old[0].available >= desired - limits.unavailable);
                // Pods become available one by one or all together.
                new.available = if lazy { (new.available + 1).min(new.wished) } else { new.wished };
            }
        }
    }
}
