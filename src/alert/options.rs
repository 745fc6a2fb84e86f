//! Options of alerts; `config` fills them.

/// How alerts are grouped and linked.
#[derive(Clone, Debug, Default)]
pub struct AlertOptions {
    /// `true`: one alert per row, provider and service. `false`: all services share one alert per row and provider.
    pub by_service: bool,
    /// The link to a runbook, with `{row}` in place of the row's id; without `{row}`, the prefix of
    /// `docs/runbooks/<row>.md`.
    pub runbook_base: String,
    /// The link to the page of an error, with `{error}` in place of its id; empty: no link.
    pub error_base: String,
}
