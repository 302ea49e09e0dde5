//! Sets of completion indexes as text: `0-2,4`.

use std::collections::BTreeSet;

/// Reads `status.completedIndexes`; what is no index is left out, and so is everything from `below` on.
pub(crate) fn parse(text: &str, below: u32) -> BTreeSet<u32> {
    let mut indexes = BTreeSet::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.trim().parse::<u32>(), last.trim().parse::<u32>()) {
            indexes.extend((first..=last).take_while(|index| *index < below));
        }
    }
    indexes
}

/// Writes indexes as upstream: three and more in a row become a range, two stay apart.
pub(crate) fn format(indexes: &BTreeSet<u32>) -> String {
    let mut parts = Vec::new();
    let mut run: Option<(u32, u32)> = None;
    for &index in indexes {
        run = match run {
            Some((first, last)) if last.checked_add(1) == Some(index) => Some((first, index)),
            Some(done) => {
                parts.push(interval(done));
                Some((index, index))
            }
            None => Some((index, index)),
        };
    }
    parts.extend(run.map(interval));
    parts.join(",")
}

fn interval((first, last): (u32, u32)) -> String {
    match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_become_ranges() {
        assert_eq!(format(&BTreeSet::from([0, 1, 2, 4, 6, 7])), "0-2,4,6,7");
        assert_eq!(format(&BTreeSet::new()), "");
    }

    #[test]
    fn a_hostile_range_ends_at_the_bound() {
        assert_eq!(parse("0-4294967295", 3), BTreeSet::from([0, 1, 2]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(indexes in proptest::collection::btree_set(0u32..100, 0..40)) {
            prop_assert_eq!(parse(&format(&indexes), 100), indexes);
        }

        #[test]
        fn any_text_is_survived(text in ".{0,20}") {
            let _ = parse(&text, 1000);
        }
    }
}
