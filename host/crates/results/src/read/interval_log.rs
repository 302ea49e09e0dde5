//! Reads interval logs back into distributions.

mod encoded;
mod piece;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use bench_model::Histogram;
use hdrhistogram::Histogram as Hdr;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use self::{
    encoded::decode_plain,
    piece::{Broken, Entry, Piece},
};
use super::{ReadError, RecordFiles};

pub(crate) use encoded::COMPRESSED_COOKIE;

/// A log, uncompressed: its lines are looked at many times, and inflating them is what costs.
#[derive(Debug, Default)]
pub(crate) struct IntervalLog {
    tags: Vec<String>,
    /// Lines, and their histograms one after the other.
    pieces: Vec<(Vec<Line>, Vec<u8>)>,
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
    pub(crate) fn open(files: &RecordFiles, name: &str) -> Result<Self, ReadError> {
        let content = files.read(name)?;
        Self::read(&files.path(name), &content)
    }

    /// Reads the content of a file, on all cores.
    ///
    /// # Errors
    /// When a line is not one of an interval log, with its place.
    fn read(path: &Path, content: &[u8]) -> Result<Self, ReadError> {
        let chunks = piece::chunks(content);
        let pieces: Vec<_> = chunks.par_iter().map(|chunk| Piece::read(chunk)).collect();
        let mut log = Self::default();
        let mut positions: HashMap<&str, usize> = HashMap::new();
        let mut lines_before = 0;
        for (chunk, piece) in chunks.into_iter().zip(pieces) {
            let broken = |Broken { line, reason }| ReadError::Line {
                path: path.to_owned(),
                line: lines_before + line,
                reason: reason.to_owned(),
            };
            let Piece { entries, plain } = piece.map_err(broken)?;
            let mut lines = Vec::with_capacity(entries.len());
            for entry in entries {
                match entry {
                    Entry::Meaning { line, number, tag } => {
                        log.tags.push(tag.to_owned());
                        if positions.insert(number, log.tags.len() - 1).is_some() {
                            return Err(broken(Broken { line, reason: "this tag has a meaning already" }));
                        }
                    }
                    Entry::Interval { tag, second, end } => {
                        let tag = *positions.entry(tag).or_insert_with(|| {
                            log.tags.push(tag.to_owned());
                            log.tags.len() - 1
                        });
                        lines.push(Line { tag, second, end });
                    }
                }
            }
            log.pieces.push((lines, plain));
            lines_before += chunk.iter().filter(|&&byte| byte == b'\n').count();
        }
        Ok(log)
    }

    /// Its lines in the order of the file.
    pub(crate) fn lines(&self) -> impl Iterator<Item = IntervalLine<'_>> + Clone {
        self.pieces.iter().flat_map(move |(lines, plain)| {
            let mut start = 0;
            lines.iter().map(move |line| {
                let plain = plain.get(start..line.end).unwrap_or_default();
                start = line.end;
                let tag = self.tags.get(line.tag).map_or("", String::as_str);
                IntervalLine { tag, second: line.second, plain }
            })
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
fn add(histogram: &mut Hdr<u64>, value: u64, n: u64) {
    let _ = histogram.record_n(value, n);
}

#[expect(clippy::expect_used, reason = "fails only for more than 5 significant digits")]
fn empty() -> Hdr<u64> {
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

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
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
        let error = log(&compressed(&vec![0; 4 << 20])).expect_err("too large").to_string();
        assert!(error.contains("too large"), "{error}");
    }

    /// A histogram as the file has it, of any bytes.
    fn compressed(plain: &[u8]) -> String {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, plain).expect("compresses");
        let zlib = encoder.finish().expect("compresses");
        let length = u32::try_from(zlib.len()).expect("short");
        STANDARD.encode([&COMPRESSED_COOKIE.to_be_bytes()[..], &length.to_be_bytes(), &zlib].concat())
    }

    #[test]
    fn a_log_of_histograms_that_inflate_without_measure_is_refused() {
        let zeroes = 1 << 19;
        let mut plain = [0x1c84_9313_u32, zeroes, 0, 3].map(u32::to_be_bytes).concat();
        plain.extend([1_u64, 2, 1_f64.to_bits()].map(u64::to_be_bytes).concat());
        plain.resize(plain.len() + zeroes as usize, 0);
        let line = format!("Tag=a,0.000,1.000,1.000,{}\n", compressed(&plain));
        assert!(IntervalLog::read(Path::new("x"), line.as_bytes()).is_ok(), "one is within bounds");
        let error = IntervalLog::read(Path::new("x"), line.repeat(64).as_bytes()).expect_err("too large");
        assert!(error.to_string().contains("much larger than its text"), "{error}");
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

    #[test]
    fn a_number_stands_for_the_tag_that_was_told_for_it() {
        let told = |text: &str| IntervalLog::read(Path::new("x"), text.as_bytes());
        let line = format!("Tag=3,0.000,1.000,1.000,{}\n", encoded(&[1]));
        let log = told(&format!("#[Tag 3: queue=main;verb=create]\n{line}")).expect("reads");
        assert_eq!(log.lines().map(|line| line.tag).collect::<Vec<_>>(), ["queue=main;verb=create"]);
        // Records of before have the tag itself in each line.
        assert_eq!(told(&line).expect("reads").lines().map(|line| line.tag).collect::<Vec<_>>(), ["3"]);
        for (text, reason) in [
            ("#[Tag 3: a=b]\n#[Tag 3: a=c]\n", "has a meaning already"),
            ("#[Tag 3]\n", "not the meaning of a tag"),
            ("#[Tag 3: a=b\n", "not the meaning of a tag"),
        ] {
            let error = told(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{error}");
        }
        let error = told(&format!("{line}#[Tag 3: a=b]\n")).expect_err("too late").to_string();
        assert!(error.contains("line 2") && error.contains("has a meaning already"), "{error}");
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
