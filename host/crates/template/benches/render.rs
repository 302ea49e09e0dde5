//! Cost of an object: a pod from slots, and the same pod through minijinja.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark may stop with a panic")]

use std::hint::black_box;

use bench_template::{ParamValue, Stamp, Template};
use criterion::{Criterion, criterion_group, criterion_main};

const POD: &str = include_str!("../../../../scenarios/templates/pod.yaml");

fn render(criterion: &mut Criterion) {
    let jinja = format!("{POD}{{# a comment makes it the slow form #}}\n");
    for (name, source) in [("slots", POD), ("minijinja", jinja.as_str())] {
        let stamp =
            Stamp { run_id: "0198c0de-0000-7000-8000-00ab12cd34ef", job: "create-pods", template: "" };
        let template = Template::compile(source, "", &stamp).expect("a template");
        let mut renderer = template.renderer();
        let mut iteration = 0;
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                iteration += 1;
                let value = |param: &String| match param.as_str() {
                    "iteration" => ParamValue::Int(iteration),
                    "replica" => ParamValue::Int(1),
                    _ => ParamValue::Text("registry.k8s.io/pause:3.10"),
                };
                let values: [ParamValue<'_>; 4] =
                    std::array::from_fn(|index| value(&template.params()[index]));
                black_box(renderer.render(&values).expect("an object").body.len())
            });
        });
    }
}

criterion_group!(benches, render);
criterion_main!(benches);
