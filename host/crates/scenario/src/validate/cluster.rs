//! `cluster:` and `prometheus:`.

use std::path::PathBuf;

use bench_template::yaml::{Entry, Node};

use crate::{
    ClusterSource, ConfigBlock, Mistake, PrometheusAuth, PrometheusEndpoint, ScenarioFile,
    fields::{Fields, Report},
    value,
};

pub(super) fn cluster(
    entry: Option<&Entry>,
    file: &ScenarioFile,
    report: &mut Report,
) -> Option<ClusterSource> {
    let Some(entry) = entry else { return Some(ClusterSource::Kubeconfig { path: None, context: None }) };
    let mut fields = Fields::of(&entry.value, "`cluster`", &entry.key.span, report)?;
    let simulated = fields.entry("simulated");
    let path = optional_path(&mut fields, "kubeconfig", report);
    let context =
        fields.optional("context").and_then(|node| value::text(node, "context", report)).map(str::to_owned);
    fields.finish(report);
    let Some(simulated) = simulated else { return Some(ClusterSource::Kubeconfig { path, context }) };
    if path.is_some() || context.is_some() {
        let help = "a scenario runs on a simulated cluster or on one of a kubeconfig";
        let second = if path.is_some() { "kubeconfig" } else { "context" };
        report.add(&simulated.key.span, Mistake::Exclusive { first: "simulated", second, help });
        return None;
    }
    ConfigBlock::of_entry(simulated, "`simulated`", file, report).map(ClusterSource::Simulated)
}

fn optional_path(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> Option<PathBuf> {
    fields.optional(key).and_then(|node| value::text(node, key, report)).map(PathBuf::from)
}

pub(super) fn prometheus(node: Option<&Node>, report: &mut Report) -> Vec<PrometheusEndpoint> {
    let items = node.and_then(|node| value::list(node, "prometheus", report)).unwrap_or_default();
    let mut names = super::plugins::Names::new("Prometheus name", "plugins find an endpoint by its name");
    items.iter().filter_map(|item| endpoint(item, &mut names, report)).collect()
}

fn endpoint(
    item: &Node,
    names: &mut super::plugins::Names,
    report: &mut Report,
) -> Option<PrometheusEndpoint> {
    let mut fields = Fields::of_item(item, "a Prometheus endpoint", report)?;
    let name_node = fields.required("name", "write for example `name: main`", report);
    let name = name_node.and_then(|node| value::name(node, "name", bench_model::PluginName::parse, report));
    if let (Some(node), Some(name)) = (name_node, &name) {
        names.add(name.as_str(), &node.span, report);
    }
    let url = fields.required("url", "write for example `url: http://127.0.0.1:9090`", report);
    let url = url.and_then(|node| self::url(node, report));
    let auth = auth(&mut fields, report);
    let ca_file = optional_path(&mut fields, "caFile", report);
    fields.finish(report);
    Some(PrometheusEndpoint { name: name?.as_str().to_owned(), url: url?, auth: auth?, ca_file })
}

fn url(node: &Node, report: &mut Report) -> Option<String> {
    let text = value::text(node, "url", report)?;
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    if rest.is_none_or(str::is_empty) {
        let message = "`url` must start with `http://` or `https://`".to_owned();
        let help = Some("write for example `url: http://127.0.0.1:9090`".to_owned());
        report.add(&node.span, Mistake::Rejected { message, label: "no scheme".to_owned(), help });
        return None;
    }
    Some(text.to_owned())
}

fn auth(fields: &mut Fields<'_>, report: &mut Report) -> Option<PrometheusAuth> {
    let bearer = optional_path(fields, "bearerTokenFile", report);
    let username = fields.optional("username").and_then(|node| value::text(node, "username", report));
    let password_file = optional_path(fields, "passwordFile", report);
    let certificate_file = optional_path(fields, "clientCertificateFile", report);
    let key_file = optional_path(fields, "clientKeyFile", report);
    let at = fields.place().clone();
    let mut missing = |key: &str, help: &str| {
        let within = "a Prometheus endpoint".to_owned();
        report.add(&at, Mistake::MissingKey { key: key.to_owned(), within, help: help.to_owned() });
    };
    match (username, &password_file) {
        (Some(_), None) => missing("passwordFile", "`username` needs the file of its password"),
        (None, Some(_)) => missing("username", "`passwordFile` needs the name of its user"),
        (Some(_), Some(_)) | (None, None) => {}
    }
    match (&certificate_file, &key_file) {
        (Some(_), None) => missing("clientKeyFile", "`clientCertificateFile` needs the file of its key"),
        (None, Some(_)) => {
            missing("clientCertificateFile", "`clientKeyFile` needs the file of its certificate")
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    let help = "one way to log in is enough: token, password or certificate";
    match (bearer, username.zip(password_file), certificate_file.zip(key_file)) {
        (None, None, None) => Some(PrometheusAuth::None),
        (Some(file), None, None) => Some(PrometheusAuth::BearerTokenFile(file)),
        (None, Some((username, password_file)), None) => {
            Some(PrometheusAuth::Basic { username: username.to_owned(), password_file })
        }
        (None, None, Some((certificate_file, key_file))) => {
            Some(PrometheusAuth::ClientCertificate { certificate_file, key_file })
        }
        (Some(_), Some(_), _) => {
            report.add(&at, Mistake::Exclusive { first: "bearerTokenFile", second: "passwordFile", help });
            None
        }
        (Some(_), None, Some(_)) => {
            report.add(
                &at,
                Mistake::Exclusive { first: "bearerTokenFile", second: "clientCertificateFile", help },
            );
            None
        }
        (None, Some(_), Some(_)) => {
            report.add(
                &at,
                Mistake::Exclusive { first: "passwordFile", second: "clientCertificateFile", help },
            );
            None
        }
    }
}
