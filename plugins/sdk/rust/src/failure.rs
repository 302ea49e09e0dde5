//! What a plugin asks of a failure of a host call.

use crate::Failure;

impl Failure {
    /// Whether the run is stopping: end quietly, it is nobody's error.
    pub fn is_cancelled(&self) -> bool {
        self.reason == "cancelled"
    }

    /// One sentence for people: what was tried, why it failed, and the answer's status if there was one.
    pub fn explain(&self, tried: &str) -> String {
        let status = match self.http_status {
            0 => String::new(),
            status => format!(", HTTP {status}"),
        };
        match self.message.as_str() {
            "" => format!("failed to {tried}: {}{status}", self.reason),
            message => format!("failed to {tried}: {message} ({}{status})", self.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reason: &str, message: &str, http_status: u16, expected: &str) {
        let failure =
            Failure { reason: reason.to_owned(), message: message.to_owned(), http_status, retryable: false };
        assert_eq!(failure.explain("create namespace `a-1`"), expected);
    }

    #[test]
    fn a_failure_names_what_was_tried_and_the_answer() {
        check("denied", "", 0, "failed to create namespace `a-1`: denied");
        check("Conflict", "exists", 409, "failed to create namespace `a-1`: exists (Conflict, HTTP 409)");
    }
}
