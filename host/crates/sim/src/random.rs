//! Random numbers from one seed, independent of the order in which they are asked for.
//!
//! Every drawing names what it is for (`pod start`, namespace, name, …); the name and the seed make the
//! generator. Two pods that race for a node therefore draw the same latencies in every run, whoever wins.
//! Not for secrets.

use rand::Rng;
use rand::SeedableRng;
use rand::rngs::SmallRng;

/// Letters of generated names, as `k8s.io/apimachinery/pkg/util/rand`: no vowels, no digit that looks like one.
const NAME_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The seed of a simulated cluster.
#[derive(Debug, Clone, Copy)]
pub struct Random {
    seed: u64,
}

impl Random {
    /// Returns the source of all random numbers of a cluster.
    pub fn from_seed(seed: u64) -> Self {
        Self { seed }
    }

    /// Returns the generator for one purpose, named by its parts.
    pub fn stream(&self, parts: &[&str]) -> SmallRng {
        SmallRng::seed_from_u64(self.number(parts))
    }

    /// Returns the number that belongs to a purpose.
    pub fn number(&self, parts: &[&str]) -> u64 {
        let mut state = mix(self.seed);
        for part in parts {
            state = mix(state ^ fnv1a(part.as_bytes()));
        }
        state
    }

    /// Returns `n` characters as `kube-apiserver` puts them after a `generateName`.
    pub fn suffix(&self, parts: &[&str], n: usize) -> String {
        let mut stream = self.stream(parts);
        (0..n)
            .filter_map(|_| NAME_LETTERS.get(stream.random_range(0..NAME_LETTERS.len())))
            .map(|&letter| char::from(letter))
            .collect()
    }

    /// Returns `n` hexadecimal digits, as in container and sandbox ids.
    pub fn hex(&self, parts: &[&str], n: usize) -> String {
        let mut stream = self.stream(parts);
        let mut digits = String::with_capacity(n + 16);
        while digits.len() < n {
            digits.push_str(&format!("{:016x}", stream.random::<u64>()));
        }
        digits.truncate(n);
        digits
    }
}

/// Writes a number as `rand.SafeEncodeString` does with its decimal digits, as in `pod-template-hash`.
pub fn safe_encode(number: u32) -> String {
    number
        .to_string()
        .bytes()
        .filter_map(|digit| NAME_LETTERS.get(usize::from(digit) % NAME_LETTERS.len()))
        .map(|&letter| char::from(letter))
        .collect()
}

/// FNV-1a with 64 bits.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finalizer of SplitMix64: every bit of the input reaches every bit of the output.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_purpose_gets_the_same_numbers_and_another_gets_others() {
        let random = Random::from_seed(7);
        assert_eq!(random.number(&["a", "b"]), random.number(&["a", "b"]));
        assert_ne!(random.number(&["a", "b"]), random.number(&["ab"]));
        assert_ne!(random.number(&["a"]), Random::from_seed(8).number(&["a"]));
    }

    #[test]
    fn a_suffix_has_only_letters_that_kubernetes_uses() {
        let suffix = Random::from_seed(1).suffix(&["rs", "1"], 5);
        assert_eq!(suffix.len(), 5);
        assert!(suffix.bytes().all(|letter| NAME_LETTERS.contains(&letter)), "{suffix}");
    }

    #[test]
    fn hex_has_the_length_asked_for() {
        assert_eq!(Random::from_seed(1).hex(&["sandbox"], 64).len(), 64);
    }
}
