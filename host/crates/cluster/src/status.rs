//! Answers that are errors: `metav1.Status`, parsed as hostile.

use std::borrow::Cow;

use serde::Deserialize;

/// An error answer is read up to here.
pub(crate) const MAX_STATUS_BYTES: usize = 64 * 1024;
/// Messages are cut here, at a character boundary.
pub(crate) const MAX_MESSAGE: usize = 4096;

/// What we use of a `metav1.Status`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) reason: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) code: u16,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw<'a> {
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    code: Option<i64>,
}

/// `metav1.StatusReason` values, so that counting them allocates nothing.
/// <https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/types.go>
const REASONS: [&str; 22] = [
    "AlreadyExists",
    "BadRequest",
    "Conflict",
    "Expired",
    "Forbidden",
    "Gone",
    "InternalError",
    "Invalid",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "RequestEntityTooLarge",
    "ServerTimeout",
    "ServiceUnavailable",
    "StorageReadError",
    "StoreReadError",
    "Timeout",
    "TooManyRequests",
    "Unauthorized",
    "Unknown",
    "UnsupportedMediaType",
    "ResourceVersionTooLarge",
];

/// Reads an error answer. What is no `Status` gives the reason of its HTTP status and its text.
pub(crate) fn parse(http_status: u16, body: &[u8]) -> Status {
    let raw: Raw<'_> = serde_json::from_slice(body).unwrap_or_default();
    let reason = match raw.reason.as_deref().filter(|reason| !reason.is_empty()) {
        Some(reason) => known(reason),
        None => Cow::Borrowed(of_http_status(http_status)),
    };
    let message = match raw.message {
        Some(message) => cut(&message, MAX_MESSAGE).to_owned(),
        None => cut(String::from_utf8_lossy(body).trim(), 256).to_owned(),
    };
    let code = raw.code.and_then(|code| u16::try_from(code).ok()).unwrap_or(http_status);
    Status { reason, message, code }
}

fn known(reason: &str) -> Cow<'static, str> {
    match REASONS.iter().find(|known| **known == reason) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(cut(reason, 64).to_owned()),
    }
}

/// The reason that client-go gives to answers without one.
fn of_http_status(http_status: u16) -> &'static str {
    match http_status {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        406 => "NotAcceptable",
        409 => "Conflict",
        410 => "Gone",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "Unknown",
    }
}

/// The start of a text, at most `max` bytes.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(http_status: u16, body: &str, reason: &str, message: &str) {
        let status = parse(http_status, body.as_bytes());
        assert_eq!((status.reason.as_ref(), status.message.as_str()), (reason, message));
    }

    #[test]
    fn a_status_gives_its_reason_and_message() {
        check(
            409,
            r#"{"kind":"Status","reason":"AlreadyExists","message":"x \"y\" exists","code":409}"#,
            "AlreadyExists",
            "x \"y\" exists",
        );
        check(429, r#"{"kind":"Status","message":"slow down"}"#, "TooManyRequests", "slow down");
        check(400, r#"{"reason":"Custom"}"#, "Custom", r#"{"reason":"Custom"}"#);
    }

    #[test]
    fn what_is_no_status_gives_its_text() {
        check(502, "<html>bad gateway</html>", "Unknown", "<html>bad gateway</html>");
        check(403, "", "Forbidden", "");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(http_status: u16, body: Vec<u8>) {
            let status = parse(http_status, &body);
            prop_assert!(status.message.len() <= MAX_MESSAGE && status.reason.len() <= 64);
        }
    }
}
