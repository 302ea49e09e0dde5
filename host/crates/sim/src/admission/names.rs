//! Formats of names, label keys and label values (`apimachinery/pkg/util/validation`), with upstream's texts.

use crate::registry::Kind;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
     '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
     alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
     validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
     with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
     '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex \
     used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// What is wrong with the name of an object of this kind.
pub(super) fn problem(kind: &Kind, name: &str) -> Option<String> {
    match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "namespaces") => dns_label_problem(name),
        ("", "services") => label_1035_problem(name),
        ("rbac.authorization.k8s.io", _) => path_segment_problem(name),
        _ => subdomain_problem(name),
    }
}

/// Whether the text is an RFC 1123 subdomain of at most 253 characters.
pub(super) fn is_dns_subdomain(text: &str) -> bool {
    subdomain_problem(text).is_none()
}

fn too_long(max: usize) -> String {
    format!("must be no more than {max} bytes")
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_label_text(text: &str) -> bool {
    framed(text, is_lower, |byte| is_lower(byte) || byte == b'-')
}

/// Non-empty, with `edge` at both ends and `inner` between.
fn framed(text: &str, edge: impl Fn(u8) -> bool, inner: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    edge(first) && edge(last) && bytes.iter().all(|&byte| inner(byte))
}

pub(super) fn dns_label_problem(name: &str) -> Option<String> {
    if name.len() > 63 {
        return Some(too_long(63));
    }
    if is_label_text(name) {
        return None;
    }
    let dots_alone = subdomain_problem(name).is_none();
    Some(if dots_alone { "must not contain dots".to_owned() } else { LABEL.to_owned() })
}

fn label_1035_problem(name: &str) -> Option<String> {
    if name.len() > 63 {
        return Some(too_long(63));
    }
    let good = is_label_text(name) && name.starts_with(|first: char| first.is_ascii_lowercase());
    (!good).then(|| LABEL_1035.to_owned())
}

fn subdomain_problem(name: &str) -> Option<String> {
    if name.len() > 253 {
        return Some(too_long(253));
    }
    (!name.split('.').all(is_label_text)).then(|| SUBDOMAIN.to_owned())
}

fn path_segment_problem(name: &str) -> Option<String> {
    match name {
        "." | ".." => Some(format!("may not be '{name}'")),
        _ if name.contains('/') => Some("may not contain '/'".to_owned()),
        _ if name.contains('%') => Some("may not contain '%'".to_owned()),
        _ => None,
    }
}

fn is_word(text: &str) -> bool {
    let edge = |byte: u8| byte.is_ascii_alphanumeric();
    framed(text, edge, |byte| edge(byte) || matches!(byte, b'-' | b'_' | b'.'))
}

/// What is wrong with a label or annotation key (`prefix/name` or `name`).
pub(crate) fn qualified_name_problem(key: &str) -> Option<String> {
    let (prefix, name) = match key.split_once('/') {
        None => (None, key),
        Some((_, rest)) if rest.contains('/') => {
            return Some(
                "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
                 with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
                 validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix \
                 and '/' (e.g. 'example.com/MyName')"
                    .to_owned(),
            );
        }
        Some((prefix, name)) => (Some(prefix), name),
    };
    match prefix {
        Some("") => return Some("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            if let Some(problem) = subdomain_problem(prefix) {
                return Some(format!("prefix part {problem}"));
            }
        }
        None => {}
    }
    if name.is_empty() {
        return Some("name part must be non-empty".to_owned());
    }
    if name.len() > 63 {
        return Some(format!("name part {}", too_long(63)));
    }
    (!is_word(name)).then(|| QUALIFIED.to_owned())
}

/// What is wrong with a label's value.
pub(crate) fn label_value_problem(value: &str) -> Option<String> {
    if value.len() > 63 {
        return Some(too_long(63));
    }
    (!value.is_empty() && !is_word(value)).then(|| LABEL_VALUE.to_owned())
}
