//! A scenario file and a `--set`, each any text: read, or refused with problems that can be shown.
#![no_main]

use arbitrary::Arbitrary;
use bench_scenario::{parse, validate};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Given<'a> {
    set: Option<&'a str>,
    file: &'a str,
}

fuzz_target!(|given: Given<'_>| {
    let sets: Vec<String> = given.set.map(str::to_owned).into_iter().collect();
    if let Err(problems) = parse(given.file, "x.yaml", &sets).and_then(validate) {
        assert!(!problems.list().is_empty(), "refused without a reason");
        for problem in problems.list() {
            assert!(!problem.to_string().is_empty());
        }
    }
});
