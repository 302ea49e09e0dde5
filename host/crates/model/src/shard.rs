//! A part of a plan, and its exact share of whole numbers.

use std::{num::NonZeroU32, ops::Range};

use serde::{Deserialize, Serialize};

/// Part `index` of `total` of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    index: u32,
    total: NonZeroU32,
}

impl Shard {
    /// The whole.
    pub const WHOLE: Self = Self { index: 0, total: NonZeroU32::MIN };

    /// Makes part `index` of `total`; `None` when `index` is not below `total`.
    pub fn try_new(index: u32, total: NonZeroU32) -> Option<Self> {
        (index < total.get()).then_some(Self { index, total })
    }

    /// From 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many parts there are.
    pub fn total(self) -> NonZeroU32 {
        self.total
    }

    /// The part of `0..n` that is this shard's. The ranges of all shards cover `0..n` once, and their
    /// lengths differ by at most one.
    pub fn range(self, n: u64) -> Range<u64> {
        let cut = |part: u32| {
            let total = u128::from(self.total.get());
            u64::try_from(u128::from(n) * u128::from(part) / total).unwrap_or(n)
        };
        cut(self.index)..cut(self.index + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shards_cover_every_number_once(n in 0_u64..100_000, total in 1_u32..200) {
            let total = NonZeroU32::new(total).expect("from 1");
            let mut next = 0;
            for index in 0..total.get() {
                let range = Shard::try_new(index, total).expect("below total").range(n);
                prop_assert_eq!(range.start, next);
                next = range.end;
                let length = range.end - range.start;
                let even = n / u64::from(total.get());
                prop_assert!(length == even || length == even + 1);
            }
            prop_assert_eq!(next, n);
        }
    }
}
