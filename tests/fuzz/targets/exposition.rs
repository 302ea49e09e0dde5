//! What a `/metrics` endpoint answers, any text.
#![no_main]

use bench_prometheus::parse_exposition;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let names = ["up".to_owned(), "go_goroutines".to_owned(), "bucket".to_owned()];
    for sample in parse_exposition(text, &names) {
        assert!(
            names.iter().any(|name| sample.name.starts_with(name.as_str())),
            "{sample:?} was not asked for"
        );
    }
});
