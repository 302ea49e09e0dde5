//! Seeds of the parts of a run, all from the scenario's one.

/// Derives the seed of a part from the scenario's: the same for the same names, unrelated otherwise.
pub(crate) fn derive(seed: u64, names: &[&str]) -> u64 {
    // FNV-1a over the names with a separator that no name contains, then the finalizer of SplitMix64.
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed;
    for byte in names.iter().flat_map(|name| name.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_seeds_of_their_own_that_repeat() {
        assert_eq!(derive(7, &["a", "b"]), derive(7, &["a", "b"]));
        let seeds =
            [derive(7, &["a", "b"]), derive(7, &["ab"]), derive(7, &["b", "a"]), derive(8, &["a", "b"])];
        let distinct: std::collections::HashSet<_> = seeds.into_iter().collect();
        assert_eq!(distinct.len(), 4);
    }
}
