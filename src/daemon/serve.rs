//! The daemon as a whole: joins the plan, the edge, the HTTP server and the reader of new configurations.

use super::edge::{NextEdgeConfig, Outputs, build, metric_names};
use super::identity::{identity_of, instance};
use super::phase::{Phase, Phases};
use super::plan::{Plan, alert_options, pipeline_options};
use super::reload::Reloaded;
use super::reread::{Reread, reread};
use super::service_manager::ServiceManager;
use super::signals::Shutdown;
use super::start::{Bound, Daemon, StartError};
use super::tasks::RunError;
use crate::admin::{self, About, AdminState, HttpLimits, Lifecycle, PatternView};
use crate::alert::runbook;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::metrics::{Limits, Metrics};
use crate::pipeline::Rules;
use crate::source::ClockReading;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// How long receivers have at the end to take the last notifications.
const DELIVERY_GRACE: Duration = Duration::from_secs(5);

/// Why the daemon did not start, or did not end in order.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It did not end in order.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The system does not return an address that was bound.
    #[error("cannot read the address that was bound")]
    Address(#[source] std::io::Error),
    /// Something that the configuration names changed since it was checked.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
}

/// Binds, runs until `shutdown`, and ends in order.
///
/// # Errors
/// If it cannot start, or ended without a request.
#[expect(clippy::similar_names, reason = "`abort` and `about` are the names of the parts")]
pub async fn serve(plan: Plan, shutdown: Shutdown) -> Result<(), ServeError> {
    let Plan { config, rules, receivers, peers: _ } = plan;
    let started = ClockReading::now().wall;
    let manager = Arc::new(ServiceManager::from_env());
    let daemon = Daemon::bind(config.clone()).await?;
    let address = log_addresses(&daemon).map_err(ServeError::Address)?;
    // Links carry the port that was bound.
    let bound_config = Config { listen: address, ..config.clone() };

    // The edge: metrics, delivery, pages.
    let (metrics, recorder) = Metrics::new(metric_names(&rules), Limits { series: config.series }, started);
    metrics.reloaded(true, started);
    let delivery = Arc::new(Delivery::new(&receivers, &identity_of(&bound_config), &metrics));
    // One place: a request that comes while another one waits is refused.
    let (request_reload, requests) = mpsc::channel(1);
    let file = config.file.as_ref().map(|path| path.display().to_string());
    let about = About { instance: instance(), started, config: file };
    let state = Arc::new(AdminState::new(Arc::clone(&metrics), about, lifecycle(&config), request_reload));
    state.set_hosts(hosts(&config));
    show_loaded(&state, &rules);

    // What the daemon asks for when it runs.
    let options = pipeline_options(&bound_config).map_err(ServeError::Config)?;
    let alerts = alert_options(&bound_config);
    let next = NextEdgeConfig::default();
    let outputs = Outputs {
        recorder,
        metrics: Arc::clone(&metrics),
        delivery: Arc::clone(&delivery),
        manager: Arc::clone(&manager),
        next: Arc::clone(&next),
    };
    let build = move |bound: Bound| build(rules, options, alerts, bound, outputs);
    let reload = reloader(config, address, Arc::clone(&state), metrics, Arc::clone(&manager), next);
    let follower = tokio::spawn(follow_phases(daemon.phases(), Arc::clone(&state), manager));
    let serve_http = move |listener: TcpListener, stop: CancellationToken| async move {
        admin::run(listener, state, HttpLimits::default(), stop.cancelled_owned()).await;
    };

    // Run. Delivery ends after the daemon, because the daemon's last transitions are to be delivered.
    let stop_delivery = CancellationToken::new();
    let delivering = tokio::spawn(deliver(delivery, stop_delivery.clone()));
    let abort = shutdown.abort.clone();
    let ended = daemon.run(build, serve_http, reload, requests, shutdown).await;
    stop_delivery.cancel();
    let delivered = abort.run_until_cancelled(delivering).await;
    follower.abort();
    ended?;
    let delivered = delivered.ok_or(ServeError::Run(RunError::Aborted))?;
    // Where a panic aborts the process, this is never reached.
    delivered.map_err(|_| ServeError::Run(RunError::Panicked { task: "delivery" }))
}

/// Logs where the daemon listens, and returns the address of the HTTP server.
fn log_addresses(daemon: &Daemon) -> std::io::Result<SocketAddr> {
    let http = daemon.http_address()?;
    info!(address = %http, "metrics and status page");
    for address in daemon.peer_addresses()? {
        info!(%address, "taking lines");
    }
    Ok(http)
}

/// Returns the function that reads a new configuration. It blocks.
fn reloader(
    mut config: Config,
    address: SocketAddr,
    state: Arc<AdminState>,
    metrics: Arc<Metrics>,
    manager: Arc<ServiceManager>,
    next: NextEdgeConfig,
) -> impl FnMut() -> Reloaded + Send + 'static {
    move || {
        manager.reloading();
        let result = reread(&config, address);
        metrics.reloaded(result.is_ok(), ClockReading::now().wall);
        // After a success, the edge reports ready when the pipeline has applied the new rules.
        let reread = result.map_err(|errors| errors.join("\n")).inspect_err(|_| manager.ready())?;
        let Reread { config: new, reload, edge } = reread;
        show_loaded(&state, &reload.replacement.rules);
        state.set_lifecycle(lifecycle(&new));
        state.set_hosts(hosts(&new));
        next.lock().unwrap_or_else(PoisonError::into_inner).push_back(edge);
        config = new;
        Ok(reload)
    }
}

async fn deliver(delivery: Arc<Delivery>, stop: CancellationToken) {
    let clock = Arc::new(|| ClockReading::now().wall);
    delivery.run(clock, stop.cancelled(), DELIVERY_GRACE).await;
}

/// Shows the patterns, errors and runbooks in force on the pages.
fn show_loaded(state: &AdminState, rules: &Arc<Rules>) {
    let catalog = rules.catalog();
    state.set_loaded(catalog.providers(), catalog.patterns().iter().map(PatternView::from));
    let table = rules.table();
    state.set_runbooks(table.rows().iter().map(|row| (row.id.clone(), runbook(row, table, rules.names()))));
    state.set_rules(Arc::clone(rules));
}

fn lifecycle(config: &Config) -> Lifecycle {
    if config.lifecycle { Lifecycle::Anyone } else { Lifecycle::Loopback }
}

/// The host names that the operator wrote: those to answer, and that of the links in alerts.
fn hosts(config: &Config) -> Vec<String> {
    let own = config.url.as_deref().and_then(|url| url.split("//").nth(1)?.split('/').next());
    config.hosts.iter().cloned().chain(own.map(str::to_owned)).collect()
}

/// Passes the phases on to the pages and to the service manager.
async fn follow_phases(phases: Phases, state: Arc<AdminState>, manager: Arc<ServiceManager>) {
    for (phase, shown) in [
        (Phase::Starting, admin::Phase::Starting),
        (Phase::Ready, admin::Phase::Ready),
        (Phase::Draining, admin::Phase::Draining),
    ] {
        phases.reached(phase).await;
        state.set_phase(shown);
        match phase {
            Phase::Ready => manager.ready(),
            Phase::Draining => manager.stopping(),
            Phase::Starting | Phase::Stopped => {}
        }
    }
}
