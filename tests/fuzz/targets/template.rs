//! A template of objects, any text, and values for its parameters: what is rendered is one JSON object that carries
//! the label of its run.
#![no_main]

use arbitrary::Arbitrary;
use bench_template::{ParamValue, RUN_ID_LABEL, Stamp, Template};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Given<'a> {
    values: Vec<Value<'a>>,
    source: &'a str,
}

#[derive(Arbitrary, Debug)]
enum Value<'a> {
    Int(i64),
    Text(&'a str),
}

fuzz_target!(|given: Given<'_>| {
    let stamp = Stamp { run_id: "0198c0de-0000-7000-8000-00ab12cd34ef", job: "create", template: "t" };
    let Ok(template) = Template::compile(given.source, "space", &stamp) else { return };
    let value = |at: usize| match given.values.get(at) {
        Some(Value::Int(value)) => ParamValue::Int(*value),
        Some(Value::Text(value)) => ParamValue::Text(value),
        None => ParamValue::Text("x"),
    };
    let values: Vec<ParamValue<'_>> = (0..template.params().len()).map(value).collect();
    let mut renderer = template.renderer();
    let Ok(rendered) = renderer.render(&values) else { return };
    let object: serde_json::Value = serde_json::from_slice(rendered.body).expect("JSON");
    assert_eq!(object["metadata"]["labels"][RUN_ID_LABEL], stamp.run_id, "{object}");
    assert_eq!(object["metadata"]["name"].as_str().unwrap_or_default(), rendered.name);
});
