//! Which alerts a receiver gets: by severity and by row.

use crate::taxonomy::Severity;

/// Which alerts a receiver gets.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// Alerts of a lower severity are not sent.
    pub(super) min_severity: Severity,
    /// Only alerts of these rows; of all rows when empty.
    pub(super) rows: Vec<String>,
}

impl Filter {
    /// Accepts every alert.
    pub(super) const ALL: Self = Self { min_severity: Severity::Info, rows: Vec::new() };

    /// A filter as it is configured; without a severity, every severity passes.
    pub(super) fn new(min_severity: Option<Severity>, rows: &[String]) -> Self {
        Self { min_severity: min_severity.unwrap_or(Severity::Info), rows: rows.to_vec() }
    }

    pub(super) fn accepts(&self, row: &str, severity: Severity) -> bool {
        severity >= self.min_severity && (self.rows.is_empty() || self.rows.iter().any(|wanted| wanted == row))
    }
}
