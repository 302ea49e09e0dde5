//! Rules for what crosses into a queue: sizes, names, lengths of columns.

use bench_model::ResourceRef;

use crate::{
    ParamColumn,
    host::{
        error::{HostCallError, invalid, limit_exceeded},
        write::shown,
    },
};

/// Most operations of one call.
const MAX_ROWS: u64 = 1_000_000;
/// Longest name of an object, as Kubernetes limits DNS subdomains.
const MAX_NAME: usize = 253;
/// Longest name of a namespace, as Kubernetes limits DNS labels.
const MAX_NAMESPACE: usize = 63;

/// How many operations a call makes: at least one, so that the id it returns is the id of something.
pub(super) fn check_rows(rows: usize) -> Result<u64, HostCallError> {
    match rows as u64 {
        0 => Err(invalid("a call makes at least one operation, got none")),
        rows if rows > MAX_ROWS => {
            Err(limit_exceeded(format!("a call makes at most {MAX_ROWS} operations, got {rows}")))
        }
        rows => Ok(rows),
    }
}

/// One column for each parameter, each with a value for each row.
pub(super) fn check_params(
    params: &[String],
    rows: u64,
    columns: &[ParamColumn],
) -> Result<(), HostCallError> {
    if params.len() != columns.len() {
        let names = params.iter().map(|param| format!("`{param}`")).collect::<Vec<_>>().join(", ");
        return Err(invalid(format!(
            "the template has {} parameters ({names}), got {} columns",
            params.len(),
            columns.len()
        )));
    }
    for (param, column) in params.iter().zip(columns) {
        let values = match column {
            ParamColumn::Texts(texts) => texts.len() as u64,
            ParamColumn::Ints(ints) => ints.len() as u64,
            ParamColumn::Sequence(_) | ParamColumn::Constant(_) => rows,
            ParamColumn::Repeated { each: 0, .. } => {
                return Err(invalid(format!("parameter `{param}` repeats each value 0 times")));
            }
            ParamColumn::Cycle { length: 0, .. } => {
                return Err(invalid(format!("parameter `{param}` cycles through 0 values")));
            }
            ParamColumn::Repeated { .. } | ParamColumn::Cycle { .. } => rows,
        };
        if values != rows {
            return Err(invalid(format!("parameter `{param}` has {values} values for {rows} rows")));
        }
    }
    Ok(())
}

/// Names of objects become part of a URL.
pub(crate) fn check_names(names: &[String]) -> Result<(), HostCallError> {
    let fits = |name: &&String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
        !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(plain) && *name != "." && *name != ".."
    };
    match names.iter().find(|name| !fits(name)) {
        None => Ok(()),
        Some(name) => Err(invalid(format!("`{}` is not the name of an object", shown(name)))),
    }
}

/// A namespace, or none.
pub(crate) fn check_namespace(namespace: &str) -> Result<(), HostCallError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits =
        namespace.len() <= MAX_NAMESPACE && namespace.chars().all(plain) && !namespace.starts_with('-');
    if fits { Ok(()) } else { Err(invalid(format!("`{}` is not the name of a namespace", shown(namespace)))) }
}

/// A resource's parts become part of a URL.
pub(crate) fn check_target(target: &ResourceRef) -> Result<(), HostCallError> {
    check_namespace(&target.namespace)?;
    let plain = |text: &str, more: &[char]| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(&c);
        text.len() <= MAX_NAME && text.chars().all(allowed)
    };
    let group = plain(&target.group, &['-', '.']) && !target.group.starts_with('.');
    let version = plain(&target.version, &[]) && target.version.starts_with('v');
    let plural = plain(&target.plural, &['-', '/', '.'])
        && target.plural.starts_with(|c: char| c.is_ascii_lowercase())
        && target.plural.split('/').count() <= 2
        && target.plural.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    if group && version && plural {
        return Ok(());
    }
    let shown = shown(&format!("{}/{} {}", target.group, target.version, target.plural));
    Err(invalid(format!(
        "`{shown}` is no resource: write the plural in lower case, such as `pods` or `pods/status`"
    )))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(result: Result<(), HostCallError>) -> String {
        match result {
            Ok(()) => "fits".to_owned(),
            Err(HostCallError::Failure(failure)) => failure.message,
            Err(HostCallError::Trap(error)) => panic!("a trap: {error}"),
        }
    }

    fn check(columns: &[ParamColumn], expected: &str) {
        let params = ["name".to_owned()];
        assert_eq!(message(check_params(&params, 3, columns)), expected);
    }

    #[test]
    fn columns_have_a_value_for_each_row() {
        check(&[ParamColumn::Sequence(0)], "fits");
        check(&[ParamColumn::Ints(vec![1, 2, 3])], "fits");
        check(&[ParamColumn::Ints(vec![1])], "parameter `name` has 1 values for 3 rows");
        check(&[ParamColumn::Texts(vec![String::new(); 4])], "parameter `name` has 4 values for 3 rows");
        check(&[ParamColumn::Cycle { start: 0, length: 0 }], "parameter `name` cycles through 0 values");
        check(&[ParamColumn::Repeated { start: 0, each: 0 }], "parameter `name` repeats each value 0 times");
        check(&[], "the template has 1 parameters (`name`), got 0 columns");
    }

    #[test]
    fn a_call_makes_between_one_and_a_million_operations() {
        assert_eq!(check_rows(1_000_000).ok(), Some(1_000_000));
        assert!(check_rows(0).is_err());
        assert!(check_rows(1_000_001).is_err());
    }

    #[test]
    fn names_cannot_leave_their_place_in_a_url() {
        let names = |name: &str| message(check_names(&[name.to_owned()]));
        for good in ["a", "pod-1", "system:node", "a.b"] {
            assert_eq!(names(good), "fits");
        }
        for bad in ["", ".", "..", "a/b", "a?b", "a b", "%2e", "ä"] {
            assert!(names(bad).ends_with("is not the name of an object"), "{bad}");
        }
    }

    fn target(group: &str, version: &str, plural: &str) -> String {
        let text = str::to_owned;
        let target = ResourceRef {
            group: text(group),
            version: text(version),
            plural: text(plural),
            namespace: text(""),
        };
        message(check_target(&target))
    }

    #[test]
    fn a_target_is_a_plural_with_at_most_one_subresource() {
        assert_eq!(target("", "v1", "pods"), "fits");
        assert_eq!(target("apps", "v1beta1", "deployments/scale"), "fits");
        for bad in ["Pods", "", "pods/", "/pods", "pods/../secrets", "a/b/c", "pods?x"] {
            assert!(target("", "v1", bad).contains("is no resource"), "{bad}");
        }
        assert!(target("", "1", "pods").contains("is no resource"));
        assert!(target("../x", "v1", "pods").contains("is no resource"));
    }

    proptest! {
        #[test]
        fn what_fits_has_no_character_that_means_something_in_a_url(text in ".{0,20}") {
            if check_names(std::slice::from_ref(&text)).is_ok() {
                prop_assert!(!text.contains(['/', '?', '#', '%', '\\', ' ']));
            }
            if check_namespace(&text).is_ok() {
                prop_assert!(!text.contains(['/', '?', '#', '%', '.', ' ']));
            }
        }
    }
}
