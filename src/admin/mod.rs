//! The HTTP side: metrics, health, an API, and a status page for people, all read from the latest snapshot.
//!
//! Nothing here changes anything but `POST /-/reload`, and that only asks.

mod api;
mod page;
mod patience;
mod route;
mod server;
mod state;

pub use server::{HttpLimits, run};
pub use state::{About, AdminState, Lifecycle, PatternView, Phase, ReloadRequest};

use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};

/// The table `[http]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpOptions {
    /// Where to listen. What is shown there are names, numbers and redacted messages; there is no password.
    pub listen: SocketAddr,
    /// Whether others than this machine may ask for a reload.
    pub lifecycle: bool,
}

impl Default for HttpOptions {
    /// Loopback: whoever wants it on the network says so.
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 10_529).into(), lifecycle: false }
    }
}
