//! Images that come from a registry.

use std::fs;

use bench_lab::{Cluster, NodeProgram, REGISTRY, SLOW_BYTES_PER_SECOND, SLOW_REGISTRY};

use super::lab::{Namespace, apply, eventually, shared, with_causes};

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: { name: NAME, namespace: real-pulls }
spec:
  terminationGracePeriodSeconds: 0
  containers: [{ name: main, image: IMAGE }]
";

/// What kubelet says about the image of a new pod that has started.
fn started(cluster: &Cluster, namespace: &Namespace<'_>, name: &str, image: &str) -> String {
    apply(cluster, &POD.replace("NAME", name).replace("IMAGE", image));
    namespace.kubectl(&["wait", "--for=condition=Ready", &format!("pod/{name}"), "--timeout=120s"]);
    let of_pod = format!("--field-selector=reason=Pulled,involvedObject.name={name}");
    let message = ["get", "events", &of_pod, "-o", "jsonpath={.items[*].message}"];
    eventually("an event", || Some(namespace.kubectl(&message)).filter(|said| !said.is_empty()))
}

/// Seconds in `Successfully pulled image "…" in 1.2s (1.2s including waiting)`, which are milliseconds if few.
fn seconds(said: &str) -> f64 {
    let took = said.split(" in ").nth(1).and_then(|rest| rest.split(' ').next()).expect(said);
    let (number, unit) = took.strip_suffix("ms").map_or((took, 1.0), |number| (number, 1e-3));
    number.trim_end_matches('s').parse::<f64>().expect(said) * unit
}

#[test]
fn an_image_is_pulled_once_a_slow_registry_takes_its_time_and_an_unknown_one_is_told() {
    let cluster = shared();
    let namespace = Namespace::new(&cluster, "real-pulls");
    for name in ["quick:1", "slow:1"] {
        cluster.push(name).unwrap_or_else(|error| panic!("{}", with_causes(&error)));
    }
    let quick = started(&cluster, &namespace, "quick", &format!("{REGISTRY}/quick:1"));
    let slow = started(&cluster, &namespace, "slow", &format!("{SLOW_REGISTRY}/slow:1"));
    // The image has this program in it, and more.
    let bytes = fs::metadata(cluster.program(NodeProgram::Tool)).expect("the program").len();
    let at_least = bytes as f64 / f64::from(SLOW_BYTES_PER_SECOND);
    assert!(seconds(&slow) >= at_least, "{slow}: at least {at_least} s");
    assert!(seconds(&quick) < seconds(&slow), "{quick}; {slow}");

    let again = started(&cluster, &namespace, "again", &format!("{SLOW_REGISTRY}/slow:1"));
    assert!(again.contains("already present"), "{again}");

    apply(&cluster, &POD.replace("NAME", "unknown").replace("IMAGE", &format!("{REGISTRY}/nothing:1")));
    eventually("the reason", || {
        let reason = namespace.field("pod/unknown", ".status.containerStatuses[0].state.waiting.reason");
        ["ErrImagePull", "ImagePullBackOff"].contains(&reason.as_str()).then_some(())
    });
}
