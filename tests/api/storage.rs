//! Claims and volumes, as far as a cluster without a provisioner goes.

use serde_json::json;

use crate::target::{Target, unique};

conformance! {
    a_claim_without_class_waits_and_says_so,
    a_claim_of_an_unknown_class_says_so,
    a_claim_is_bound_to_the_volume_it_names,
    a_claim_without_a_size_is_refused,
}

async fn a_claim_without_class_waits_and_says_so(server: &Target) {
    let namespace = server.namespace().await;
    let claim = json!({ "metadata": { "name": "c" }, "spec": {
        "accessModes": ["ReadWriteOnce"],
        // No class on purpose: not even the default one.
        "storageClassName": "",
        "resources": { "requests": { "storage": "1Gi" } },
    } });
    let created = server.post(&namespace.core("persistentvolumeclaims"), &claim).await.expect(201).json();
    assert_eq!(created["status"], json!({ "phase": "Pending" }));
    assert_eq!(created["spec"]["volumeMode"], "Filesystem");
    assert_eq!(created["metadata"]["finalizers"], json!(["kubernetes.io/pvc-protection"]));
    let events = namespace.core("events?fieldSelector=involvedObject.name%3Dc,reason%3DFailedBinding");
    let events =
        server.eventually_is(&events, |list| list["items"].as_array().is_some_and(|it| !it.is_empty())).await;
    let event = &events["items"][0];
    assert_eq!(
        event["message"],
        "no persistent volumes available for this claim and no storage class is set"
    );
    assert_eq!(
        (&event["type"], &event["source"]["component"]),
        (&json!("Normal"), &json!("persistentvolume-controller"))
    );
}

async fn a_claim_of_an_unknown_class_says_so(server: &Target) {
    let namespace = server.namespace().await;
    let claim = json!({ "metadata": { "name": "c" }, "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "absent",
        "resources": { "requests": { "storage": "1Gi" } },
    } });
    server.post(&namespace.core("persistentvolumeclaims"), &claim).await.expect(201);
    let events = namespace.core("events?fieldSelector=involvedObject.name%3Dc,reason%3DProvisioningFailed");
    let events =
        server.eventually_is(&events, |list| list["items"].as_array().is_some_and(|it| !it.is_empty())).await;
    let event = &events["items"][0];
    assert_eq!(
        (&event["type"], &event["message"]),
        (&json!("Warning"), &json!("storageclass.storage.k8s.io \"absent\" not found"))
    );
}

async fn a_claim_is_bound_to_the_volume_it_names(server: &Target) {
    let namespace = server.namespace().await;
    let name = unique("volume");
    let volume = json!({ "metadata": { "name": name }, "spec": {
        "capacity": { "storage": "1Gi" },
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": { "path": "/nowhere" },
    } });
    server.post("/api/v1/persistentvolumes", &volume).await.expect(201);
    let claim = json!({ "metadata": { "name": "c" }, "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "",
        "volumeName": name,
        "resources": { "requests": { "storage": "1Gi" } },
    } });
    server.post(&namespace.core("persistentvolumeclaims"), &claim).await.expect(201);
    let path = namespace.core("persistentvolumeclaims/c");
    let bound = server.eventually_is(&path, |claim| claim["status"]["phase"] == "Bound").await;
    assert_eq!(bound["spec"]["volumeName"], json!(name));
    assert_eq!(bound["status"]["capacity"], json!({ "storage": "1Gi" }));
    let path = format!("/api/v1/persistentvolumes/{name}");
    let volume = server.eventually_is(&path, |volume| volume["status"]["phase"] == "Bound").await;
    assert_eq!(volume["spec"]["claimRef"]["uid"], bound["metadata"]["uid"]);
    server.delete(&namespace.core("persistentvolumeclaims/c")).await.expect(200);
    server.eventually_is(&path, |volume| volume["status"]["phase"] == "Released").await;
    server.delete(&path).await.expect(200);
}

async fn a_claim_without_a_size_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let claim = json!({ "metadata": { "name": "c" }, "spec": { "accessModes": ["ReadWriteOnce"] } });
    server.post(&namespace.core("persistentvolumeclaims"), &claim).await.expect_failure(
        422,
        "Invalid",
        "PersistentVolumeClaim \"c\" is invalid: spec.resources[storage]: Required value",
    );
}
