//! Histograms as a line of an interval log holds them: V2 form, deflated, in Base64.
//!
//! The library's `V2DeflateSerializer` sets up a compressor for each histogram, some 256 KiB (`deflateInit2` in zlib.h)
//! and more than half of what such a line cost; here one serves all of them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compress, Compression, FlushCompress, Status};
use hdrhistogram::{
    Histogram as Hdr,
    serialization::{Serializer, V2Serializer},
};

use super::RecordError;
use crate::read::interval_log::COMPRESSED_COOKIE;

/// Encodes one histogram after the other.
pub(super) struct Encoder {
    form: V2Serializer,
    plain: Vec<u8>,
    compress: Compress,
    packed: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Self {
        let compress = Compress::new(Compression::default(), true);
        Self { form: V2Serializer::new(), plain: Vec::new(), compress, packed: Vec::new() }
    }

    /// Appends a histogram to a line.
    pub(super) fn encode(&mut self, histogram: &Hdr<u32>, line: &mut String) -> Result<(), RecordError> {
        let failed = |error: &dyn std::fmt::Display| RecordError::Encode { reason: error.to_string() };
        self.plain.clear();
        self.form.serialize(histogram, &mut self.plain).map_err(|error| failed(&error))?;
        self.packed.clear();
        self.compress.reset();
        // What cannot be made smaller grows by a few bytes in each 16 KiB.
        self.packed.reserve(self.plain.len() + self.plain.len() / 1024 + 64);
        let packed = self.compress.compress_vec(&self.plain, &mut self.packed, FlushCompress::Finish);
        if packed.map_err(|error| failed(&error))? != Status::StreamEnd {
            return Err(failed(&"the compressor did not end"));
        }
        let length = u32::try_from(self.packed.len()).map_err(|error| failed(&error))?;
        let head = [COMPRESSED_COOKIE.to_be_bytes(), length.to_be_bytes()].concat();
        self.packed.splice(..0, head);
        STANDARD.encode_string(&self.packed, line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::V2DeflateSerializer;
    use proptest::prelude::*;

    use super::*;
    use crate::record::interval::empty;

    proptest! {
        #[test]
        fn it_writes_what_the_library_does(
            several in prop::collection::vec(prop::collection::vec(0_u64..1 << 50, 0..2000), 1..4),
        ) {
            let mut encoder = Encoder::new();
            for values in several {
                let mut histogram = empty();
                for value in values {
                    histogram.record(value).expect("it grows");
                }
                let (mut line, mut bytes) = ("Tag=1,".to_owned(), Vec::new());
                encoder.encode(&histogram, &mut line).expect("encoded");
                V2DeflateSerializer::new().serialize(&histogram, &mut bytes).expect("encoded");
                prop_assert_eq!(line, format!("Tag=1,{}", STANDARD.encode(bytes)));
            }
        }
    }
}
