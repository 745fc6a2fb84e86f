//! The daemon as a whole: rules from the configuration, the pipeline they drive, and everything that is told of it.

use super::{Bound, Daemon, Edge, Phase, Reload, RunError, Shutdown, SourceList, StartError};
use super::{notify::Notify, receivers::receivers, reload, worker::PersistedState};
use crate::admin::{self, About, AdminState, HttpLimits, Lifecycle, PatternView};
use crate::alert::{AlertOptions, NameTable, RowError, RowSpec, SelfRow, State, Transition, runbook};
use crate::checkpoint::Health;
use crate::config::{Config, GroupBy, SourceKind, load_patterns, zone};
use crate::delivery::{Delivery, Identity, Receiver};
use crate::framing;
use crate::metrics::{Limits, Metrics, Names, Recorder, SourceGauges, SourceValues};
use crate::observation::SourceId;
use crate::pipeline::{self, Clock, Options, Pipeline, Replacement, Rules, Snapshot, SourceOptions, SourceView, Tally};
use crate::record::Reader;
use crate::source::file::Hints;
use crate::source::tcp::Settings;
use crate::source::tls::TlsError;
use crate::source::{ClockReading, Gauges};
use crate::time::Timestamp;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long receivers have at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// A source that is behind by this much is said to be behind, in seconds.
const BEHIND_S: f64 = 300.0;

/// A configuration with all that it names read and compiled.
#[derive(Debug)]
pub struct Plan {
    config: Config,
    rules: Rules,
    receivers: Vec<Receiver>,
    /// Of sources that listen, by name.
    peers: BTreeMap<String, Settings>,
}

impl Plan {
    /// Reads patterns, rows, zones and secrets. Touches nothing.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn new(config: Config) -> Result<Self, Vec<String>> {
        let zones = config.sources.iter().filter_map(|it| it.timezone.as_deref()).filter_map(|it| zone(it).err());
        let mut faults: Vec<String> = zones.collect();
        let rules = match rules(&config) {
            Ok(rules) => rules,
            Err(more) => {
                // Which rows receivers may ask for is not known before the table is good.
                faults.extend(more);
                return Err(faults);
            }
        };
        let folder = config.secrets();
        let said = |name: &String, error: TlsError| match std::error::Error::source(&error) {
            Some(cause) => format!("source {name}: {error}: {cause}"),
            None => format!("source {name}: {error}"),
        };
        let mut peers = BTreeMap::new();
        for it in &config.sources {
            let SourceKind::Tcp { listen: _, limits, tls } = &it.kind else { continue };
            match tls.as_ref().map(|it| it.load(folder.as_deref())).transpose() {
                Ok(tls) => drop(peers.insert(it.name.clone(), Settings { limits: *limits, tls })),
                Err(error) => faults.push(said(&it.name, error)),
            }
        }
        let rows = rules.table().rows().iter().filter(|it| it.enabled);
        let rows: Vec<_> = rows.map(|it| (it.id.clone(), it.severity)).collect();
        match receivers(&config, &rows) {
            Ok(receivers) if faults.is_empty() => Ok(Self { config, rules, receivers, peers }),
            receivers => {
                faults.extend(receivers.err().into_iter().flatten());
                Err(faults)
            }
        }
    }

    /// The configuration in effect.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Patterns, providers and rows in effect.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The receivers in effect.
    #[must_use]
    pub fn receivers(&self) -> &[Receiver] {
        &self.receivers
    }
}

/// The rules that a configuration asks for: patterns, rows, fields, limits.
///
/// # Errors
/// With everything that is wrong with them.
pub fn rules(config: &Config) -> Result<Rules, Vec<String>> {
    let fields = config.fields.iter().map(|(name, paths)| (name.as_str(), paths.clone()));
    let reader = Reader::new(fields).map_err(|error| vec![error.to_string()]);
    let classifier = load_patterns(&config.pattern_dirs, &config.providers);
    let mut rows = Vec::new();
    let mut faults = Vec::new();
    for (place, table) in &config.escalation {
        match RowSpec::deserialize(table.clone()) {
            Ok(row) => rows.push(row),
            Err(error) => faults.push(format!("{place}: {}", error.message())),
        }
    }
    let framing = framing::Options {
        max_line_bytes: usize::try_from(config.max_line.0).unwrap_or(usize::MAX),
        ..framing::Options::DEFAULT
    };
    match (reader, classifier) {
        (Ok(reader), Ok(classifier)) if faults.is_empty() => {
            let names = config.sources.iter().map(|it| it.name.clone()).collect();
            let told = |it: &RowError| {
                let typed = rows.iter().zip(&config.escalation).find(|(row, _)| row.id == it.row);
                typed.map_or_else(|| it.to_string(), |(_, (place, _))| format!("{place}: {it}"))
            };
            Rules::new(framing, reader, classifier, &rows, names).map_err(|errors| errors.iter().map(told).collect())
        }
        (reader, classifier) => {
            faults.extend(reader.err().into_iter().flatten());
            faults.extend(classifier.err().into_iter().flatten());
            Err(faults)
        }
    }
}

fn alert_options(config: &Config) -> AlertOptions {
    AlertOptions { by_service: config.by.contains(&GroupBy::Service), runbook_base: runbook_url(config) }
}

/// The page on a row, with `{row}` for its id: the configured one, else the one that we serve ourselves.
#[must_use]
pub fn runbook_url(config: &Config) -> String {
    config.runbook_url.clone().unwrap_or_else(|| format!("{}runbooks/{{row}}", own_url(config)))
}

/// How others reach our HTTP server, ended by a `/`.
fn own_url(config: &Config) -> String {
    match &config.url {
        Some(url) => url.clone(),
        None if config.listen.ip().is_unspecified() => format!("http://{}:{}/", instance(), config.listen.port()),
        None => format!("http://{}/", config.listen),
    }
}

/// Binds, runs until `shutdown`, and ends well.
///
/// # Errors
/// When it cannot start, or its end was not asked for.
pub async fn serve(plan: Plan, shutdown: Shutdown) -> Result<(), ServeError> {
    let Plan { mut config, rules, receivers, peers: _ } = plan;
    let started = ClockReading::now().wall;
    let instance = instance();
    let manager = Arc::new(Notify::from_env());
    let daemon = Daemon::bind(config.clone()).await?;
    let address = daemon.http_address().map_err(ServeError::Address)?;
    info!(%address, "metrics and status page");
    for address in daemon.tcp_addresses().map_err(ServeError::Address)? {
        info!(%address, "taking lines");
    }
    let (metrics, recorder) = Metrics::new(names(&rules), Limits { series: config.series }, started);
    metrics.reloaded(true, started);
    // Links carry the port that was really given.
    let bound = Config { listen: address, ..config.clone() };
    let identity = Identity { instance: instance.clone(), url: own_url(&bound) };
    let delivery = Arc::new(Delivery::new(&receivers, &identity, &metrics));
    let next = Arc::new(Mutex::default());
    // One place: whoever asks while another waits is told to come back.
    let (ask, asked) = mpsc::channel(1);
    let about = About { instance, started, config: config.file.as_ref().map(|it| it.display().to_string()) };
    let state = Arc::new(AdminState::new(Arc::clone(&metrics), about, lifecycle(&config), ask));
    show_loaded(&state, &rules);

    let options = pipeline_options(&bound).map_err(ServeError::Config)?;
    let alerts = alert_options(&bound);
    let phases = daemon.phases();
    let build = {
        let (metrics, delivery, manager) = (Arc::clone(&metrics), Arc::clone(&delivery), Arc::clone(&manager));
        let outlets = Outlets { recorder, metrics, delivery, manager, next: Arc::clone(&next) };
        move |parts: Bound| build(rules, options, alerts, parts, outlets)
    };
    let reload = {
        let (state, metrics, manager) = (Arc::clone(&state), Arc::clone(&metrics), Arc::clone(&manager));
        move || {
            manager.reloading();
            // New rules are in force when the pipeline has them; it says so itself.
            let reread = reread(&config, address);
            metrics.reloaded(reread.is_ok(), ClockReading::now().wall);
            let Reread { running, reload, outer } =
                reread.map_err(|faults| faults.join("\n")).inspect_err(|_| manager.ready())?;
            show_loaded(&state, &reload.replacement.rules);
            state.set_lifecycle(lifecycle(&running));
            next.lock().unwrap_or_else(PoisonError::into_inner).push_back(outer);
            config = running;
            Ok(reload)
        }
    };
    let closing = CancellationToken::new();
    let courier = {
        let (delivery, closing) = (Arc::clone(&delivery), closing.clone());
        let clock = Arc::new(|| ClockReading::now().wall);
        tokio::spawn(async move { delivery.run(clock, closing.cancelled(), LAST_WORDS).await })
    };
    let follower = tokio::spawn(follow_phases(phases, Arc::clone(&state), manager));
    let serve = move |listener: TcpListener, last: CancellationToken| async move {
        admin::run(listener, state, HttpLimits::default(), last.cancelled_owned()).await;
    };
    let abort = shutdown.abort.clone();
    let ended = daemon.run(build, serve, reload, asked, shutdown).await;
    closing.cancel();
    // A panic of the courier has ended the process already where the profile aborts; elsewhere it is told here.
    let told = abort.run_until_cancelled(courier).await;
    follower.abort();
    ended?;
    let told = told.ok_or(ServeError::Run(RunError::Aborted))?;
    told.map_err(|_| ServeError::Run(RunError::Panicked { task: "delivery" }))
}

/// Why the daemon did not start or end as it should.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It did not end as it should.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The system does not tell what address it gave.
    #[error("cannot learn the address that was bound")]
    Address(#[source] std::io::Error),
    /// Something in the configuration changed between the check and now.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
}

/// Who we are in alerts, before a port was bound.
#[must_use]
pub fn identity(plan: &Plan) -> Identity {
    Identity { instance: instance(), url: own_url(&plan.config) }
}

/// What we are called in alerts: the host, as Prometheus would call it.
fn instance() -> String {
    let name = std::env::var("NODE_NAME").or_else(|_| std::env::var("HOSTNAME")).ok();
    let name = name.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    name.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

fn names(rules: &Rules) -> Names {
    let catalog = rules.catalog();
    Names::new(
        catalog.providers(),
        catalog.patterns().iter().map(|it| it.id.clone()),
        rules.table().rows().iter().map(|it| it.id.clone()),
        rules.sources().iter().cloned(),
    )
}

fn show_loaded(state: &AdminState, rules: &Rules) {
    let catalog = rules.catalog();
    state.set_loaded(catalog.providers(), catalog.patterns().iter().map(PatternView::from));
    let lexicon = NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: rules.sources() };
    let table = rules.table();
    state.set_runbooks(table.rows().iter().map(|row| (row.id.clone(), runbook(row, table, lexicon))));
}

fn pipeline_options(config: &Config) -> Result<Options, Vec<String>> {
    let source = |it: &crate::config::Source| {
        let zone = it.timezone.as_deref().map(zone).transpose()?;
        Ok(SourceOptions { name: it.name.clone(), grain: it.grain, traffic: it.traffic, zone })
    };
    let sources: Result<Vec<_>, String> = config.sources.iter().map(source).collect();
    let sources = sources.map_err(|fault| vec![fault])?;
    Ok(Options { sources, clock: Clock::Live, alerts: alert_options(config), series: config.series })
}

async fn follow_phases(phases: super::Phases, state: Arc<AdminState>, manager: Arc<Notify>) {
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

/// Whoever hears what the pipeline came to.
struct Outlets {
    recorder: Recorder,
    metrics: Arc<Metrics>,
    delivery: Arc<Delivery>,
    manager: Arc<Notify>,
    next: NextOuter,
}

/// What a reload changes at the edge, once the pipeline has its part.
struct Outer {
    receivers: Vec<Receiver>,
    identity: Identity,
    limits: Limits,
}

/// One for each reload that is on its way.
type NextOuter = Arc<Mutex<VecDeque<Outer>>>;

fn lifecycle(config: &Config) -> Lifecycle {
    if config.lifecycle { Lifecycle::Anyone } else { Lifecycle::Loopback }
}

fn build(rules: Rules, options: Options, alerts: AlertOptions, parts: Bound, outlets: Outlets) -> (Pipeline, Link) {
    let Outlets { recorder, metrics, delivery, manager, next } = outlets;
    let Bound { persisted, sources, health, lost_verdicts, hints, phases: _ } = parts;
    let mut pipeline = Pipeline::new(rules, options);
    let mut out = pipeline::Output::default();
    if let Some(PersistedState { edge, pipeline: state }) = persisted {
        pipeline.restore(state, alerts, &mut out);
        match serde_json::from_value(edge) {
            Ok(outboxes) => delivery.restore(outboxes),
            Err(error) => warn!(%error, "what was not delivered before the restart cannot be read; it is forgotten"),
        }
    }
    let mut link = Link {
        recorder,
        metrics,
        delivery,
        manager,
        gauges: Vec::new(),
        next,
        sources,
        health,
        lost_verdicts,
        hints,
        skewed: BTreeSet::new(),
        failures: 0,
        lost: None,
    };
    link.take_gauges();
    link.tell(&out.transitions);
    // A scrape before the first tick must not see the alerts that were kept go out and come back.
    link.recorder.publish(Arc::new(pipeline.snapshot()));
    (pipeline, link)
}

/// A configuration that was read again, with all that it comes to.
struct Reread {
    /// What runs from now on.
    running: Config,
    reload: Reload,
    outer: Outer,
}

/// Reads the configuration again, all of it or nothing. What needs a new process stays as it is, and the answer names it.
fn reread(running: &Config, address: SocketAddr) -> Result<Reread, Vec<String>> {
    let mut config = running.reread().map_err(|error| vec![error.to_string()])?;
    let mut waiting: Vec<String> = running.waits_for_restart(&config).into_iter().map(str::to_owned).collect();
    let (sources, wait) = reload::merge(&running.sources, &config.sources);
    waiting.extend(wait);
    config.sources = sources;
    (config.listen, config.state_dir, config.output) = (running.listen, running.state_dir.clone(), running.output.clone());
    let Plan { config, rules, receivers, peers } = Plan::new(config)?;
    let bound = Config { listen: address, ..config.clone() };
    let Options { sources, alerts, series, clock: _ } = pipeline_options(&bound)?;
    let peers = reload::peers(&running.sources, &config.sources, peers)?;
    let mut answer = format!("reloaded: {} patterns, {} rows", rules.catalog().patterns().len(), rules.table().rows().len());
    if !waiting.is_empty() {
        answer.push_str(&format!("; these changes wait for a restart: {}", waiting.join(", ")));
    }
    let outer =
        Outer { receivers, identity: Identity { instance: instance(), url: own_url(&bound) }, limits: Limits { series } };
    let reload = Reload {
        replacement: Replacement { rules, sources, alerts, series },
        sources: config.sources.clone(),
        peers,
        room: usize::try_from(config.tcp_buffer.0).unwrap_or(usize::MAX),
        answer,
    };
    Ok(Reread { running: config, reload, outer })
}

/// Tells metrics and receivers what the pipeline came to.
struct Link {
    recorder: Recorder,
    metrics: Arc<Metrics>,
    delivery: Arc<Delivery>,
    manager: Arc<Notify>,
    gauges: Vec<(Arc<SourceGauges>, String, Arc<Gauges>)>,
    next: NextOuter,
    sources: SourceList,
    health: Arc<Health>,
    lost_verdicts: Arc<AtomicU64>,
    hints: Arc<Hints>,
    /// Sources whose wrong stamps were told.
    skewed: BTreeSet<SourceId>,
    /// Failed checkpoints that were counted.
    failures: u64,
    /// When data was last lost.
    lost: Option<Timestamp>,
}

impl Link {
    fn tell(&mut self, transitions: &[Transition]) {
        let now = ClockReading::now().wall;
        for it in transitions {
            let alert = &it.alert;
            info!(row = alert.row, provider = alert.provider, from = %it.from, to = %it.to, summary = alert.summary, "alert");
            self.recorder.transition(it);
            self.delivery.notify(it, now);
        }
    }

    /// Takes up the sources that are new.
    fn take_gauges(&mut self) {
        for (name, from) in self.sources.all().into_iter().skip(self.gauges.len()) {
            self.gauges.push((self.metrics.source(&name), name, from));
        }
    }

    /// Copies what the sources and the checkpoint's writer say of themselves.
    fn copy_gauges(&mut self) {
        for (to, _, from) in &self.gauges {
            to.set(SourceValues {
                lag_bytes: from.lag_bytes.load(Ordering::Relaxed),
                files: from.files.load(Ordering::Relaxed),
                polled: from.polled.load(Ordering::Relaxed),
                buffered_bytes: from.buffered_bytes.load(Ordering::Relaxed),
                throttled: from.waits.load(Ordering::Relaxed),
                seen_bytes: from.seen_bytes.load(Ordering::Relaxed),
                skipped_bytes: from.skipped_bytes.load(Ordering::Relaxed),
            });
        }
        self.metrics.set_totals(self.hints.overflows(), self.lost_verdicts.load(Ordering::Relaxed));
        let written = self.health.written_micros.load(Ordering::Relaxed);
        if written != 0 {
            self.metrics.checkpoint_written(Timestamp::from_micros(written));
        }
        let failures = self.health.failures.load(Ordering::Relaxed);
        for _ in self.failures..failures {
            self.metrics.checkpoint_failed();
        }
        self.failures = failures;
    }

    /// One line for `systemctl status`.
    fn status(&self, snapshot: &Snapshot) -> String {
        let files: u64 = self.gauges.iter().map(|(.., it)| it.files.load(Ordering::Relaxed)).sum();
        let mut text = format!("{} sources, {files} files or connections; ", self.gauges.len());
        let firing: Vec<_> = snapshot.alerts.iter().filter(|it| it.state == State::Firing).collect();
        if firing.is_empty() {
            text.push_str("no alert is firing");
        } else {
            let named: Vec<_> = firing.iter().take(5).map(|it| format!("{} of {}", it.row, it.provider)).collect();
            let more = if firing.len() > named.len() { ", …" } else { "" };
            text.push_str(&format!("{} firing: {}{more}", firing.len(), named.join(", ")));
        }
        text
    }
}

/// By how much a source is behind, if that is worth a word.
fn behind(gauges: &Gauges, view: &SourceView, now: Timestamp) -> Option<String> {
    let piped = gauges.piped.load(Ordering::Relaxed);
    // What a pipe still holds nobody knows. One that was never at the present has an old log in it.
    let fell_back = view.was_current && view.last_read.is_some_and(|read| now.since(read) < Duration::from_mins(1));
    let seconds = match piped {
        true if fell_back => view.event_lag_s,
        true => 0.0,
        false => gauges.behind_seconds.load(Ordering::Relaxed) as f64,
    };
    (seconds > BEHIND_S).then(|| format!("{} by {seconds:.0} s", view.name))
}

impl Edge for Link {
    fn batch(&mut self, tally: &Tally, output: &pipeline::Output) {
        let now = ClockReading::now().wall;
        if let Some(source) = tally.skewed_source.filter(|it| self.skewed.insert(*it)) {
            let source = self.gauges.get(usize::from(source.0)).map_or("", |(_, name, _)| name);
            warn!(
                source,
                "time stamps are off by hours or lie in the future; their arrival counts, or the zone that they show"
            );
        }
        if !tally.lost_bytes.is_empty() {
            self.lost = Some(now);
        }
        self.recorder.add(tally, now);
        self.tell(&output.transitions);
    }

    fn publish(&mut self, snapshot: Snapshot) {
        self.copy_gauges();
        self.delivery.refresh(&snapshot.alerts, ClockReading::now().wall);
        self.manager.progress(&self.status(&snapshot));
        self.recorder.publish(Arc::new(snapshot));
    }

    fn checks(&self, snapshot: &Snapshot) -> Vec<(SelfRow, Option<String>)> {
        let unreadable: Vec<_> = self
            .gauges
            .iter()
            .filter(|(.., it)| it.unreadable.load(Ordering::Relaxed) > 0)
            .map(|(_, name, _)| name.as_str())
            .collect();
        let now = snapshot.at;
        let behind: Vec<_> =
            self.gauges.iter().zip(&snapshot.sources).filter_map(|((.., it), view)| behind(it, view, now)).collect();
        let failing: Vec<_> =
            self.delivery.health().into_iter().filter(|it| it.failing_since.is_some()).map(|it| it.receiver).collect();
        let said = |what: &str, names: Vec<String>| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
        vec![
            (SelfRow::Behind, said("sources", behind)),
            (SelfRow::Unreadable, said("sources", unreadable.into_iter().map(str::to_owned).collect())),
            (
                SelfRow::Losing,
                self.lost.filter(|at| now.since(*at) < Duration::from_mins(5)).map(|_| "bytes were lost".to_owned()),
            ),
            (SelfRow::Receiver, said("receivers", failing)),
        ]
    }

    fn reloaded(&mut self, rules: &Rules) {
        self.recorder.rename(names(rules));
        self.take_gauges();
        if let Some(Outer { receivers, identity, limits }) =
            self.next.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
        {
            self.recorder.set_limits(limits);
            self.delivery.replace(&receivers, &identity, &self.metrics);
        }
        self.manager.ready();
    }

    fn state(&self) -> serde_json::Value {
        serde_json::to_value(self.delivery.state()).unwrap_or_default()
    }
}
