//! Options of `delete` and `read`: an open set, so unknown ones are refused.

use bench_model::Verb;
use bytes::Bytes;

use crate::{
    bindings::bench::base::types::Label,
    host::{
        error::{HostCallError, invalid},
        write::shown,
    },
};

/// Longest value of an option, in bytes.
const MAX_VALUE: usize = 1 << 10;

/// `DeleteOptions` as JSON; empty when nothing is asked for.
pub(super) fn delete_options(options: &[Label]) -> Result<Bytes, HostCallError> {
    let mut body = serde_json::Map::new();
    for Label { name, value } in options {
        match name.as_str() {
            "propagationPolicy" if ["Background", "Foreground", "Orphan"].contains(&value.as_str()) => {
                body.insert(name.clone(), value.as_str().into());
            }
            "gracePeriodSeconds" => {
                let seconds: u32 = value.parse().map_err(|_| wrong(name, value, "a number of seconds"))?;
                body.insert(name.clone(), seconds.into());
            }
            "propagationPolicy" => return Err(wrong(name, value, "`Background`, `Foreground` or `Orphan`")),
            _ => return Err(unknown(name, "`propagationPolicy` and `gracePeriodSeconds`")),
        }
    }
    if body.is_empty() {
        return Ok(Bytes::new());
    }
    body.insert("kind".to_owned(), "DeleteOptions".into());
    body.insert("apiVersion".to_owned(), "v1".into());
    Ok(serde_json::Value::Object(body).to_string().into())
}

/// What a `read` does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReadOptions {
    pub(super) verb: Verb,
    pub(super) rows: usize,
    pub(super) query: String,
}

/// With names, one GET each; without, as many LISTs as `count` says, one if it says nothing.
pub(super) fn read_options(options: &[Label], names: usize) -> Result<ReadOptions, HostCallError> {
    let is_list = names == 0;
    let mut rows = names.max(1);
    let mut query = Vec::new();
    for Label { name, value } in options {
        match name.as_str() {
            "labelSelector" | "fieldSelector" if is_list => query.push(pair(name, value)?),
            "limit" if is_list => {
                let limit: u32 = value.parse().map_err(|_| wrong(name, value, "a number of objects"))?;
                query.push(format!("limit={limit}"));
            }
            // "0" is answered from the API server's cache, which is the cheaper kind of load.
            "resourceVersion" if value == "0" || value.is_empty() => query.push(pair(name, value)?),
            "resourceVersion" => return Err(wrong(name, value, "`0` or nothing")),
            "count" if is_list => {
                rows = value.parse().map_err(|_| wrong(name, value, "a number of requests"))?
            }
            "labelSelector" | "fieldSelector" | "limit" | "count" => {
                return Err(invalid(format!("option `{name}` is for lists; names ask for single objects")));
            }
            _ => {
                let known = "`labelSelector`, `fieldSelector`, `limit`, `resourceVersion` and `count`";
                return Err(unknown(name, known));
            }
        }
    }
    let verb = if is_list { Verb::List } else { Verb::Get };
    Ok(ReadOptions { verb, rows, query: query.join("&") })
}

fn pair(name: &str, value: &str) -> Result<String, HostCallError> {
    if value.len() > MAX_VALUE {
        return Err(wrong(name, value, "at most 1024 bytes"));
    }
    Ok(format!("{name}={}", percent_encoded(value)))
}

/// Everything but unreserved characters (RFC 3986), as `%XX`.
fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn wrong(name: &str, value: &str, right: &str) -> HostCallError {
    invalid(format!("option `{}` must be {right}, found `{}`", shown(name), shown(value)))
}

fn unknown(name: &str, known: &str) -> HostCallError {
    invalid(format!("there is no option `{}`, there are {known}", shown(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
        pairs.iter().map(|&(name, value)| Label { name: name.to_owned(), value: value.to_owned() }).collect()
    }

    fn text<T>(result: Result<T, HostCallError>, show: impl Fn(T) -> String) -> String {
        match result {
            Ok(value) => show(value),
            Err(HostCallError::Failure(failure)) => failure.message,
            Err(HostCallError::Trap(error)) => panic!("a trap: {error}"),
        }
    }

    fn check_delete(options: &[(&str, &str)], expected: &str) {
        let shown =
            text(delete_options(&labels(options)), |body| String::from_utf8_lossy(&body).into_owned());
        assert_eq!(shown, expected);
    }

    fn check_read(options: &[(&str, &str)], names: usize, expected: &str) {
        let show = |read: ReadOptions| format!("{} x{} {}", read.verb, read.rows, read.query);
        assert_eq!(text(read_options(&labels(options), names), show), expected);
    }

    #[test]
    fn delete_options_become_their_json() {
        check_delete(&[], "");
        check_delete(
            &[("gracePeriodSeconds", "0"), ("propagationPolicy", "Foreground")],
            r#"{"gracePeriodSeconds":0,"propagationPolicy":"Foreground","kind":"DeleteOptions","apiVersion":"v1"}"#,
        );
        check_delete(
            &[("gracePeriodSeconds", "-1")],
            "option `gracePeriodSeconds` must be a number of seconds, found `-1`",
        );
        check_delete(
            &[("dryRun", "All")],
            "there is no option `dryRun`, there are `propagationPolicy` and `gracePeriodSeconds`",
        );
    }

    #[test]
    fn names_are_got_and_selectors_are_listed() {
        check_read(&[], 3, "get x3 ");
        check_read(&[], 0, "list x1 ");
        check_read(
            &[("labelSelector", "a in (b, c)"), ("count", "5")],
            0,
            "list x5 labelSelector=a%20in%20%28b%2C%20c%29",
        );
        check_read(&[("resourceVersion", "0")], 1, "get x1 resourceVersion=0");
        check_read(&[("limit", "5")], 1, "option `limit` is for lists; names ask for single objects");
        check_read(&[("limit", "5&x=y")], 0, "option `limit` must be a number of objects, found `5&x=y`");
    }
}
