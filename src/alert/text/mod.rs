//! What people read about rows and alerts: the text of an alert, the runbook pages and the Prometheus rules.

mod row;
mod alert;
mod error;
mod runbook;
mod rules;

pub use error::error_page;
pub use rules::{RUNBOOK_OF_A_NODE, RulesFormat, RulesOptions, prometheus_rules};
pub use runbook::runbook;

pub(super) use alert::RenderContext;
