//! Histograms in V2 form, compressed, as base64.
//!
//! Decoded here: the library's decoder reserves what a hostile length asks for and does not check the checksum of the
//! compression.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{FlushDecompress, Status};

/// Most bytes of one histogram, uncompressed: three digits over all of `i64` take half of it.
const MAX_ENCODED: u64 = 1 << 20;
/// Most values of one interval; keeps sums within `u64`.
const MAX_COUNT: u64 = 1 << 40;
const COOKIE: u32 = 0x1c84_9303 | 0x10;
pub(crate) const COMPRESSED_COOKIE: u32 = 0x1c84_9304 | 0x10;
const DAMAGED: &str = "the compression is damaged";

/// Takes histograms out of base64 and their compression; what that needs is made once for all of them.
pub(super) struct Inflate {
    inflate: flate2::Decompress,
    bytes: Vec<u8>,
    piece: [u8; 1024],
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self { inflate: flate2::Decompress::new(true), bytes: Vec::new(), piece: [0; 1024] }
    }

    /// Appends a histogram in V2 form, uncompressed.
    pub(super) fn decode(&mut self, encoded: &str, plain: &mut Vec<u8>) -> Result<(), &'static str> {
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

/// Goes through the slots of a histogram in ascending order.
pub(super) fn decode_plain(plain: &[u8], take: &mut TakeSlot<'_>) -> Result<(), &'static str> {
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
