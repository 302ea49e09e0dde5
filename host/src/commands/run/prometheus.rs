//! Prometheus endpoints of a scenario.

use std::{collections::BTreeMap, path::Path, time::Duration};

use bench_limiter::{Limiter, RunClock};
use bench_prometheus::{Auth, Endpoint, Prometheus};
use bench_scenario::{PrometheusAuth, Scenario};

use crate::{diagnostics::Failure, exit_code::Exit};

/// For one query; Prometheus' own default is two minutes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Clients by name, and the name of the first.
pub fn endpoints(
    scenario: &Scenario,
    folder: &Path,
    clock: RunClock,
    limiter: &Limiter,
) -> Result<(BTreeMap<String, Prometheus>, Option<String>), Failure> {
    let mut clients = BTreeMap::new();
    for endpoint in &scenario.prometheus {
        let auth = match &endpoint.auth {
            PrometheusAuth::None => Auth::None,
            PrometheusAuth::BearerTokenFile(file) => Auth::BearerTokenFile(folder.join(file)),
            PrometheusAuth::Basic { username, password_file } => {
                Auth::Basic { username: username.clone(), password_file: folder.join(password_file) }
            }
            PrometheusAuth::ClientCertificate { certificate_file, key_file } => Auth::ClientCertificate {
                certificate_file: folder.join(certificate_file),
                key_file: folder.join(key_file),
            },
        };
        let settings = Endpoint {
            name: endpoint.name.clone(),
            url: endpoint.url.clone(),
            auth,
            ca_file: endpoint.ca_file.as_ref().map(|file| folder.join(file)),
            timeout: TIMEOUT,
        };
        let client = Prometheus::new(settings, clock, limiter.clone())
            .map_err(|error| Failure::error(Exit::Unreachable, error))?;
        clients.insert(endpoint.name.clone(), client);
    }
    Ok((clients, scenario.prometheus.first().map(|endpoint| endpoint.name.clone())))
}
