//! How the sets of a Deployment are sized: shared out when the wished number changes, step by step in a rolling update,
//! one after the other with `Recreate`. The arithmetic of a rolling update is in `rolling`.

use super::rolling::{Bound, Limits, SetSize};
use super::set::Set;
use super::{DESIRED, Sync, rolling};
use crate::controllers::context::{Context, SyncError};

impl Sync<'_> {
    pub(super) fn limits(&self) -> Limits {
        let strategy = &self.spec.strategy;
        if strategy.kind == "Recreate" {
            return Limits { surge: 0, unavailable: 0 };
        }
        let rolling = strategy.rolling_update.as_ref();
        let bound = |field: &str| {
            rolling.and_then(|rolling| rolling.get(field)).and_then(Bound::read).unwrap_or(Bound::Percent(25))
        };
        Limits::resolve(bound("maxSurge"), bound("maxUnavailable"), self.spec.replicas)
    }

    /// Whether the wished number has changed since the sets were sized.
    pub(super) fn is_scaling(&self) -> bool {
        let sets = self.new.iter().chain(&self.old).filter(|set| set.wished > 0);
        let mut sizes = sets.filter_map(|set| set.annotation(DESIRED));
        sizes.any(|desired| desired != self.spec.replicas)
    }

    /// Shares a changed number among the sets, without going on with an update.
    pub(super) fn scale_only(&mut self, context: &mut Context) -> Result<(), SyncError> {
        let desired = self.spec.replicas;
        let allowed = if desired > 0 { desired + self.limits().surge } else { 0 };
        let active: Vec<Set> =
            self.old.iter().chain(&self.new).filter(|set| set.wished > 0).cloned().collect();
        match active.as_slice() {
            [] => {
                if let Some(new) = self.new.clone() {
                    self.resize(&new, desired, context)?;
                }
            }
            [only] => self.resize(only, desired, context)?,
            several => {
                // The newest sets get the difference first, in proportion to what they have.
                let total: i64 = several.iter().map(|set| set.wished).sum();
                let mut left = allowed - total;
                for set in several.iter().rev() {
                    let share = (set.wished * allowed / total.max(1)) - set.wished;
                    let part = if left >= 0 { share.clamp(0, left) } else { share.clamp(left, 0) };
                    let part = if std::ptr::eq(set, several.first().unwrap_or(set)) { left } else { part };
                    left -= part;
                    self.resize(set, (set.wished + part).max(0), context)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn roll(&mut self, context: &mut Context) -> Result<(), SyncError> {
        let (desired, limits) = (self.spec.replicas, self.limits());
        let old: Vec<SetSize> = self.old.iter().map(Set::size).collect();
        let new = match self.new.clone() {
            None => {
                let first = rolling::next_new(desired, limits, SetSize { wished: 0, available: 0 }, &old);
                return self.create_new(first, context);
            }
            Some(new) => new,
        };
        self.adopt_revision(&new, context)?;
        let next = rolling::next_new(desired, limits, new.size(), &old);
        if next != new.wished {
            return self.resize(&new, next, context);
        }
        for (set, next) in self.old.clone().iter().zip(rolling::next_old(desired, limits, new.size(), &old)) {
            if next != set.wished {
                self.resize(set, next, context)?;
            }
        }
        Ok(())
    }

    pub(super) fn recreate(&mut self, context: &mut Context) -> Result<(), SyncError> {
        for set in self.old.clone().iter().filter(|set| set.wished > 0) {
            self.resize(set, 0, context)?;
        }
        let running =
            self.old.iter().any(|set| context.pods.owned_by(&set.object.uid).any(|pod| !pod.is_terminal()));
        if running {
            return Ok(());
        }
        let desired = self.spec.replicas;
        match self.new.clone() {
            None => self.create_new(desired, context),
            Some(new) => {
                self.adopt_revision(&new, context)?;
                self.resize(&new, desired, context)
            }
        }
    }
}
