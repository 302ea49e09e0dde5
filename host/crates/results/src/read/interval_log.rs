//! Reads interval logs back into distributions.
//!
//! Decodes the compressed histograms itself: the library's decoder reserves what a hostile length asks for
//! and does not check the checksum of the compression.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::Read as _,
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bench_model::Histogram;
use hdrhistogram::Histogram as Hdr;

use super::ReadError;

/// Most bytes of one histogram, uncompressed: three digits over all of `i64` take half of it.
const MAX_ENCODED: u64 = 1 << 20;
/// Most values of one interval; keeps sums within `u64`.
const MAX_COUNT: u64 = 1 << 40;
const COOKIE: u32 = 0x1c84_9303 | 0x10;
const COMPRESSED_COOKIE: u32 = 0x1c84_9304 | 0x10;

/// One line of a log.
pub(crate) struct IntervalLine<'a> {
    pub(crate) tag: &'a str,
    /// Seconds since the start of the run.
    pub(crate) second: i64,
    pub(crate) encoded: &'a str,
}

impl IntervalLine<'_> {
    /// Calls `take` with the values and how often they occur; nothing for a line that is damaged.
    pub(crate) fn for_each(&self, mut take: impl FnMut(u64, u64)) {
        // All lines were read once before; that is where damage is told.
        let _ = decode_values(self.encoded, &mut take);
    }
}

/// The distribution of one tag over the whole run.
pub(crate) struct TagTotal {
    lower: Hdr<u64>,
    upper: Option<Hdr<u64>>,
}

impl TagTotal {
    /// Puts the whole together with what is not in the logs.
    pub(crate) fn into_histogram(self, missing: u64, missing_upper: u64) -> Histogram {
        Histogram::from_parts(self.lower, self.upper, missing, missing_upper)
    }

    pub(crate) fn empty() -> Self {
        Self { lower: empty(), upper: None }
    }

    /// Adds an exact value `n` times.
    pub(crate) fn add(&mut self, value: u64, n: u64) {
        self.lower.saturating_record_n(value, n);
    }
}

#[expect(clippy::expect_used, reason = "fails only for more than 5 significant digits")]
pub(crate) fn empty() -> Hdr<u64> {
    Hdr::new(3).expect("three significant digits")
}

/// Adds up all intervals of a log and of the log of its upper bounds, by tag.
///
/// # Errors
/// When a line is not one of an interval log, with its place.
pub(crate) fn total(
    (path, content): (&Path, &[u8]),
    (upper_path, upper_content): (&Path, &[u8]),
) -> Result<BTreeMap<String, TagTotal>, ReadError> {
    // Seconds without a line of upper bounds had exact values only, which are their own upper bounds.
    let mut bounded: HashSet<(&str, i64)> = HashSet::new();
    let mut uppers: HashMap<&str, Hdr<u64>> = HashMap::new();
    for line in lines(upper_path, upper_content) {
        let (number, line) = line?;
        bounded.insert((line.tag, line.second));
        add(upper_path, number, &line, uppers.entry(line.tag).or_insert_with(empty))?;
    }
    let mut totals: BTreeMap<String, TagTotal> = BTreeMap::new();
    for line in lines(path, content) {
        let (number, line) = line?;
        let total = totals.entry(line.tag.to_owned()).or_insert_with(TagTotal::empty);
        add(path, number, &line, &mut total.lower)?;
        if !bounded.contains(&(line.tag, line.second))
            && let Some(upper) = uppers.get_mut(line.tag)
        {
            add(path, number, &line, upper)?;
        }
    }
    for (tag, upper) in uppers {
        totals.entry(tag.to_owned()).or_insert_with(TagTotal::empty).upper = Some(upper);
    }
    Ok(totals)
}

fn add(path: &Path, number: usize, line: &IntervalLine<'_>, into: &mut Hdr<u64>) -> Result<(), ReadError> {
    decode(line.encoded, into).map_err(|reason| ReadError::Line {
        path: path.to_owned(),
        line: number,
        reason: reason.to_owned(),
    })
}

/// The lines of a log that hold a histogram, with their numbers.
pub(crate) fn lines<'a>(
    path: &'a Path,
    content: &'a [u8],
) -> impl Iterator<Item = Result<(usize, IntervalLine<'a>), ReadError>> + 'a {
    content
        .split(|&byte| byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b"\""))
        .map(move |(index, line)| match parse_line(line) {
            Some(parsed) => Ok((index + 1, parsed)),
            None => Err(ReadError::Line {
                path: path.to_owned(),
                line: index + 1,
                reason: "not a line of an interval log".to_owned(),
            }),
        })
}

fn parse_line(line: &[u8]) -> Option<IntervalLine<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let (tag, rest) = match line.strip_prefix("Tag=") {
        Some(tagged) => tagged.split_once(',')?,
        None => ("", line),
    };
    let mut fields = rest.split(',');
    let start: f64 = fields.next()?.parse().ok()?;
    let _length: f64 = fields.next()?.parse().ok()?;
    let _max: f64 = fields.next()?.parse().ok()?;
    let encoded = fields.next()?;
    let sound = start.is_finite() && (0.0..1e10).contains(&start) && fields.next().is_none();
    sound.then_some(IntervalLine { tag, second: start as i64, encoded })
}

/// Adds the values of a histogram in V2 form, compressed, as base64.
fn decode(encoded: &str, into: &mut Hdr<u64>) -> Result<(), &'static str> {
    decode_slots(encoded, &mut |value, _, count| {
        into.record_n(value, count).map_err(|_| "a value out of range")
    })
}

/// Calls `take` with the values of a histogram and how often they occur, in ascending order. A value stands for its
/// slot by the highest one, as in [`Histogram::quantile`].
pub(crate) fn decode_values(encoded: &str, take: &mut impl FnMut(u64, u64)) -> Result<(), &'static str> {
    decode_slots(encoded, &mut |_, value, count| {
        take(value, count);
        Ok(())
    })
}

/// Lowest and highest value of a slot, and how many lie in it.
type TakeSlot<'a> = dyn FnMut(u64, u64, u64) -> Result<(), &'static str> + 'a;

fn decode_slots(encoded: &str, take: &mut TakeSlot<'_>) -> Result<(), &'static str> {
    let bytes = STANDARD.decode(encoded).map_err(|_| "not base64")?;
    let mut input = Input(&bytes);
    if input.u32()? != COMPRESSED_COOKIE {
        return Err("not a compressed histogram of version 2");
    }
    let length = usize::try_from(input.u32()?).unwrap_or(usize::MAX);
    let compressed = input.0.get(..length).ok_or("the compressed histogram is cut off")?;
    let mut plain = Vec::new();
    flate2::read::ZlibDecoder::new(compressed)
        .take(MAX_ENCODED)
        .read_to_end(&mut plain)
        .map_err(|_| "the compression is damaged")?;
    decode_plain(&plain, take)
}

fn decode_plain(plain: &[u8], take: &mut TakeSlot<'_>) -> Result<(), &'static str> {
    let mut input = Input(plain);
    if input.u32()? != COOKIE {
        return Err("not a histogram of version 2");
    }
    let length = usize::try_from(input.u32()?).unwrap_or(usize::MAX);
    let (offset, digits) = (input.u32()?, input.u32()?);
    let (lowest, _highest) = (input.u64()?, input.u64()?);
    let ratio = f64::from_bits(input.u64()?);
    if offset != 0 || digits != 3 || lowest != 1 || ratio != 1.0 {
        return Err("a histogram of another precision");
    }
    let mut payload = Input(input.0.get(..length).ok_or("the histogram is cut off")?);
    let (mut index, mut sum) = (0_u64, 0_u64);
    while !payload.0.is_empty() {
        let number = payload.zig_zag()?;
        if number < 0 {
            index = index.checked_add(number.unsigned_abs()).ok_or("an index out of range")?;
            continue;
        }
        if number > 0 {
            let count = number.unsigned_abs();
            sum =
                sum.checked_add(count).filter(|&sum| sum <= MAX_COUNT).ok_or("more values than possible")?;
            let value = value_at(index).ok_or("an index out of range")?;
            let width = if index < 2048 { 1 } else { 1_u64 << ((index >> 10) - 1) };
            take(value, value + (width - 1), count)?;
        }
        index += 1;
    }
    Ok(())
}

/// Lowest value of a slot of a histogram with three digits and unit 1: 2,048 slots one apart, then 1,024
/// for each doubling.
fn value_at(index: u64) -> Option<u64> {
    if index < 2048 {
        return Some(index);
    }
    let shift = (index >> 10) - 1;
    let value = ((index & 1023) + 1024).checked_shl(u32::try_from(shift).ok()?)?;
    (shift < 53 && value <= i64::MAX as u64).then_some(value)
}

/// Bytes that are taken from the front.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or("the histogram is cut off")?;
        self.0 = tail;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, &'static str> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, &'static str> {
        self.take().map(u64::from_be_bytes)
    }

    /// A zig-zag LEB128 number of at most nine bytes, the last of which counts whole.
    fn zig_zag(&mut self) -> Result<i64, &'static str> {
        let mut value = 0_u64;
        for position in 0..9 {
            let [byte] = self.take::<1>()?;
            let part = if position == 8 { byte } else { byte & 0x7f };
            value |= u64::from(part) << (7 * position);
            if position == 8 || byte & 0x80 == 0 {
                break;
            }
        }
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
    use proptest::prelude::*;

    use super::*;

    fn encoded(values: &[u64]) -> String {
        let mut histogram = Hdr::<u32>::new(3).expect("three digits");
        values.iter().for_each(|&value| histogram.record(value).expect("in range"));
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&histogram, &mut bytes).expect("serialises");
        STANDARD.encode(&bytes)
    }

    proptest! {
        #[test]
        fn what_the_library_writes_is_read_the_same(values in prop::collection::vec(0_u64..i64::MAX as u64, 0..60)) {
            let mut truth = empty();
            values.iter().for_each(|&value| truth.record(value).expect("in range"));
            let mut read = empty();
            decode(&encoded(&values), &mut read).expect("decodes");
            let slots = |h: &Hdr<u64>| h.iter_recorded().map(|v| (v.value_iterated_to(), v.count_at_value())).collect::<Vec<_>>();
            prop_assert_eq!(slots(&read), slots(&truth));
        }

        #[test]
        fn nothing_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = lines(Path::new("x"), &bytes).count();
            let _ = decode_plain(&bytes, &mut |_, _, _| Ok(()));
            let _ = decode(&STANDARD.encode(&bytes), &mut empty());
        }

        #[test]
        fn a_flipped_byte_is_found(values in prop::collection::vec(0_u64..1 << 40, 1..20), at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut bytes = STANDARD.decode(encoded(&values)).expect("base64");
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            let mut read = empty();
            if decode(&STANDARD.encode(&bytes), &mut read).is_ok() {
                // Some bits of the header of the compression carry no meaning.
                prop_assert_eq!(read.len(), values.len() as u64);
            }
        }
    }
}
