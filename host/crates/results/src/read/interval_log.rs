//! Reads interval logs back into distributions.
//!
//! Decodes the compressed histograms itself: the library's decoder reserves what a hostile length asks for
//! and does not check the checksum of the compression.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bench_model::Histogram;
use flate2::{FlushDecompress, Status};
use hdrhistogram::Histogram as Hdr;

use super::{ReadError, RecordFiles};

/// Most bytes of one histogram, uncompressed: three digits over all of `i64` take half of it.
const MAX_ENCODED: u64 = 1 << 20;
const DAMAGED: &str = "the compression is damaged";
/// Most values of one interval; keeps sums within `u64`.
const MAX_COUNT: u64 = 1 << 40;
const COOKIE: u32 = 0x1c84_9303 | 0x10;
const COMPRESSED_COOKIE: u32 = 0x1c84_9304 | 0x10;

/// A log, uncompressed: its lines are looked at many times, and inflating them is what costs.
#[derive(Debug, Default)]
pub(crate) struct IntervalLog {
    tags: Vec<String>,
    lines: Vec<Line>,
    /// Histograms of all lines, one after the other.
    plain: Vec<u8>,
}

#[derive(Debug)]
struct Line {
    /// Position of its tag.
    tag: usize,
    second: i64,
    /// Where its histogram ends.
    end: usize,
}

/// One line of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IntervalLine<'a> {
    pub(crate) tag: &'a str,
    /// Seconds since the start of the run.
    pub(crate) second: i64,
    plain: &'a [u8],
}

impl IntervalLog {
    /// Reads a file of a record.
    ///
    /// # Errors
    /// When it cannot be read, or a line is not one of an interval log.
    pub(crate) fn open(files: &mut RecordFiles, name: &str) -> Result<Self, ReadError> {
        let content = files.read(name)?;
        Self::read(&files.path(name), &content)
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    /// When a line is not one of an interval log, with its place.
    fn read(path: &Path, content: &[u8]) -> Result<Self, ReadError> {
        let mut log = Self::default();
        let mut positions: HashMap<&str, usize> = HashMap::new();
        let mut inflate = Inflate::new();
        for (index, line) in content.split(|&byte| byte == b'\n').enumerate() {
            if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"\"") {
                continue;
            }
            let broken = |reason: &str| ReadError::Line {
                path: path.to_owned(),
                line: index + 1,
                reason: reason.to_owned(),
            };
            let line = parse_line(line).ok_or_else(|| broken("not a line of an interval log"))?;
            let start = log.plain.len();
            inflate.decode(line.encoded, &mut log.plain).map_err(broken)?;
            let plain = log.plain.get(start..).unwrap_or_default();
            decode_plain(plain, &mut |_, _, _| ()).map_err(broken)?;
            let tag = *positions.entry(line.tag).or_insert_with(|| {
                log.tags.push(line.tag.to_owned());
                log.tags.len() - 1
            });
            log.lines.push(Line { tag, second: line.second, end: log.plain.len() });
        }
        Ok(log)
    }

    /// Its lines in the order of the file.
    pub(crate) fn lines(&self) -> impl Iterator<Item = IntervalLine<'_>> + Clone {
        let mut start = 0;
        self.lines.iter().map(move |line| {
            let plain = self.plain.get(start..line.end).unwrap_or_default();
            start = line.end;
            let tag = self.tags.get(line.tag).map_or("", String::as_str);
            IntervalLine { tag, second: line.second, plain }
        })
    }
}

impl IntervalLine<'_> {
    /// Calls `take` with the values and how often they occur, in ascending order. A value stands for its slot by the
    /// highest one, as in [`Histogram::quantile`].
    pub(crate) fn for_each(&self, mut take: impl FnMut(u64, u64)) {
        // Was decoded once when the log was read: that is where damage is told.
        let _ = decode_plain(self.plain, &mut |_, value, count| take(value, count));
    }

    /// Adds the values to a distribution.
    fn add_to(&self, into: &mut Hdr<u64>) {
        let _ = decode_plain(self.plain, &mut |value, _, count| add(into, value, count));
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
        add(&mut self.lower, value, n);
    }
}

/// Values of a log are in the range to which a histogram grows; `saturating_record_n` would not let it grow.
pub(crate) fn add(histogram: &mut Hdr<u64>, value: u64, n: u64) {
    let _ = histogram.record_n(value, n);
}

#[expect(clippy::expect_used, reason = "fails only for more than 5 significant digits")]
pub(crate) fn empty() -> Hdr<u64> {
    Hdr::new(3).expect("three significant digits")
}

/// Adds up all intervals of a log and of the log of its upper bounds, by tag.
pub(crate) fn total(lower: &IntervalLog, upper: &IntervalLog) -> BTreeMap<String, TagTotal> {
    // Seconds without a line of upper bounds had exact values only, which are their own upper bounds.
    let mut bounded: HashSet<(&str, i64)> = HashSet::new();
    let mut uppers: HashMap<&str, Hdr<u64>> = HashMap::new();
    for line in upper.lines() {
        bounded.insert((line.tag, line.second));
        line.add_to(uppers.entry(line.tag).or_insert_with(empty));
    }
    let mut totals: BTreeMap<&str, TagTotal> = BTreeMap::new();
    for line in lower.lines() {
        line.add_to(&mut totals.entry(line.tag).or_insert_with(TagTotal::empty).lower);
        if !bounded.contains(&(line.tag, line.second))
            && let Some(upper) = uppers.get_mut(line.tag)
        {
            line.add_to(upper);
        }
    }
    for (tag, upper) in uppers {
        totals.entry(tag).or_insert_with(TagTotal::empty).upper = Some(upper);
    }
    totals.into_iter().map(|(tag, total)| (tag.to_owned(), total)).collect()
}

/// A line as it stands in the file.
struct EncodedLine<'a> {
    tag: &'a str,
    second: i64,
    encoded: &'a str,
}

fn parse_line(line: &[u8]) -> Option<EncodedLine<'_>> {
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
    sound.then_some(EncodedLine { tag, second: start as i64, encoded })
}

/// Takes histograms out of base64 and their compression; what that needs is made once for all of them.
struct Inflate {
    inflate: flate2::Decompress,
    bytes: Vec<u8>,
    piece: [u8; 1024],
}

impl Inflate {
    fn new() -> Self {
        Self { inflate: flate2::Decompress::new(true), bytes: Vec::new(), piece: [0; 1024] }
    }

    /// Appends a histogram in V2 form, uncompressed.
    fn decode(&mut self, encoded: &str, plain: &mut Vec<u8>) -> Result<(), &'static str> {
        self.bytes.clear();
        STANDARD.decode_vec(encoded, &mut self.bytes).map_err(|_| "not base64")?;
        let mut input = Input(&self.bytes);
        if input.u32()? != COMPRESSED_COOKIE {
            return Err("not a compressed histogram of version 2");
        }
        let length = usize::try_from(input.u32()?).unwrap_or(usize::MAX);
        let compressed = input.0.get(..length).ok_or("the compressed histogram is cut off")?;
        self.inflate.reset(true);
        loop {
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let rest = compressed.get(read as usize..).unwrap_or_default();
            let status = self.inflate.decompress(rest, &mut self.piece, FlushDecompress::None);
            let status = status.map_err(|_| DAMAGED)?;
            let new = (self.inflate.total_out() - written) as usize;
            plain.extend_from_slice(self.piece.get(..new).unwrap_or_default());
            if self.inflate.total_out() > MAX_ENCODED {
                return Err("a histogram that is too large");
            }
            match status {
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError if new > 0 => {}
                Status::Ok | Status::BufError => return Err(DAMAGED),
            }
        }
    }
}

/// Lowest and highest value of a slot, and how many lie in it.
type TakeSlot<'a> = dyn FnMut(u64, u64, u64) + 'a;

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
            take(value, value + (width - 1), count);
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

    fn log(encoded: &str) -> Result<IntervalLog, ReadError> {
        IntervalLog::read(Path::new("x"), format!("Tag=a,0.000,1.000,1.000,{encoded}\n").as_bytes())
    }

    fn read(encoded: &str) -> Result<Hdr<u64>, ReadError> {
        let mut read = empty();
        log(encoded)?.lines().for_each(|line| line.add_to(&mut read));
        Ok(read)
    }

    #[test]
    fn a_histogram_that_inflates_without_end_is_refused() {
        let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut bomb, &vec![0; 4 << 20]).expect("compresses");
        let bomb = bomb.finish().expect("compresses");
        let length = u32::try_from(bomb.len()).expect("short");
        let bytes = [&COMPRESSED_COOKIE.to_be_bytes()[..], &length.to_be_bytes(), &bomb].concat();
        let error = log(&STANDARD.encode(bytes)).expect_err("too large").to_string();
        assert!(error.contains("too large"), "{error}");
    }

    #[test]
    fn lines_keep_their_tags_and_values() {
        let text = format!(
            "#comment\nTag=a,0.000,1.000,1.000,{}\nTag=b,1.000,1.000,1.000,{}\nTag=a,2.000,1.000,1.000,{}\n",
            encoded(&[1, 2, 2]),
            encoded(&[]),
            encoded(&[7])
        );
        let log = IntervalLog::read(Path::new("x"), text.as_bytes()).expect("reads");
        let lines: Vec<_> = log
            .lines()
            .map(|line| {
                let mut values = Vec::new();
                line.for_each(|value, count| values.push((value, count)));
                (line.tag, line.second, values)
            })
            .collect();
        assert_eq!(lines, [("a", 0, vec![(1, 1), (2, 2)]), ("b", 1, vec![]), ("a", 2, vec![(7, 1)])]);
    }

    proptest! {
        #[test]
        fn what_the_library_writes_is_read_the_same(values in prop::collection::vec(0_u64..i64::MAX as u64, 0..60)) {
            let mut truth = empty();
            values.iter().for_each(|&value| truth.record(value).expect("in range"));
            let read = read(&encoded(&values)).expect("decodes");
            let slots = |h: &Hdr<u64>| h.iter_recorded().map(|v| (v.value_iterated_to(), v.count_at_value())).collect::<Vec<_>>();
            prop_assert_eq!(slots(&read), slots(&truth));
        }

        #[test]
        fn nothing_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = IntervalLog::read(Path::new("x"), &bytes);
            let _ = decode_plain(&bytes, &mut |_, _, _| ());
            let _ = read(&STANDARD.encode(&bytes));
        }

        #[test]
        fn a_flipped_byte_is_found(values in prop::collection::vec(0_u64..1 << 40, 1..20), at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut bytes = STANDARD.decode(encoded(&values)).expect("base64");
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            if let Ok(read) = read(&STANDARD.encode(&bytes)) {
                // Some bits of the header of the compression carry no meaning.
                prop_assert_eq!(read.len(), values.len() as u64);
            }
        }
    }
}
