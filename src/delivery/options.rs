//! What can be said of receivers in the configuration, and the check that turns it into [`Receiver`]s.

use super::command::Program;
use super::message::{Identity, Shape};
use super::outbox::Outbox;
use super::post::Endpoint;
use super::secret::Secret;
use super::way::Way;
use crate::taxonomy::Severity;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Long enough for a receiver under load, short enough to try again within a minute.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Alertmanager's own default for saying a thing again.
const DEFAULT_REPEAT: Duration = Duration::from_hours(4);
/// Switches allow for a few missed beats.
const DEFAULT_BEAT: Duration = Duration::from_mins(1);
/// A secret is one line.
const LONGEST_SECRET: usize = 4_096;
const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// The tables `[[receiver.…]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiverOptions {
    /// Alertmanager clusters.
    pub alertmanager: Vec<AlertmanagerOptions>,
    /// Anything that takes Alertmanager's webhook payload.
    pub webhook: Vec<WebhookOptions>,
    /// Slack channels.
    pub slack: Vec<SlackOptions>,
    /// PagerDuty services.
    pub pagerduty: Vec<PagerDutyOptions>,
    /// Commands of one's own.
    pub command: Vec<CommandOptions>,
    /// Our own standard output.
    pub stdout: Vec<StdoutOptions>,
    /// Dead man's switches.
    pub heartbeat: Vec<HeartbeatOptions>,
}

/// An Alertmanager cluster: every member is told by itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertmanagerOptions {
    /// The label `receiver`; by default the kind, with a number from the second on.
    pub name: Option<String>,
    /// The address of every member, as one would open it in a browser.
    pub urls: Vec<String>,
    /// Nothing below is sent.
    pub min_severity: Option<Severity>,
    /// Only these rows; all when empty.
    pub rows: Vec<String>,
    /// How long one answer may take.
    pub timeout: Option<Span>,
    /// A file with a bearer token.
    pub bearer_token_file: Option<PathBuf>,
    /// A file with further root certificates.
    pub ca_file: Option<PathBuf>,
}

/// A webhook, in version 4 of Alertmanager's payload.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// The address.
    pub url: Option<String>,
    /// A file with the address, where it is a secret.
    pub url_file: Option<PathBuf>,
    /// Nothing below is sent.
    pub min_severity: Option<Severity>,
    /// Only these rows; all when empty.
    pub rows: Vec<String>,
    /// How long one answer may take.
    pub timeout: Option<Span>,
    /// After how long a firing alert is told again.
    pub repeat: Option<Span>,
    /// A file with a bearer token.
    pub bearer_token_file: Option<PathBuf>,
    /// A file with further root certificates.
    pub ca_file: Option<PathBuf>,
}

/// A Slack channel, by an incoming webhook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlackOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// A file with the webhook's address, which is a secret.
    pub url_file: Option<PathBuf>,
    /// Nothing below is sent.
    pub min_severity: Option<Severity>,
    /// Only these rows; all when empty.
    pub rows: Vec<String>,
    /// How long one answer may take.
    pub timeout: Option<Span>,
    /// After how long a firing alert is told again.
    pub repeat: Option<Span>,
    /// A file with further root certificates.
    pub ca_file: Option<PathBuf>,
}

/// A PagerDuty service, by an Events v2 integration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagerDutyOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// A file with the integration's routing key, which is a secret.
    pub routing_key_file: Option<PathBuf>,
    /// Another address of the Events API, for the EU region or a relay.
    pub url: Option<String>,
    /// Nothing below is sent; without this and without `rows`, only what is critical is: a pager wakes people.
    pub min_severity: Option<Severity>,
    /// Only these rows; all when empty.
    pub rows: Vec<String>,
    /// How long one answer may take.
    pub timeout: Option<Span>,
    /// After how long a firing alert is told again.
    pub repeat: Option<Span>,
    /// A file with further root certificates.
    pub ca_file: Option<PathBuf>,
}

/// A command that gets each message, in the webhook's shape, on its standard input.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommandOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// The program and its arguments; no shell is asked. Secrets have no place here: other users see it.
    pub command: Vec<String>,
    /// Nothing below is sent.
    pub min_severity: Option<Severity>,
    /// Only these rows; all when empty.
    pub rows: Vec<String>,
    /// How long it may run.
    pub timeout: Option<Span>,
    /// After how long a firing alert is told again.
    pub repeat: Option<Span>,
}

/// A line per alert and change on our own standard output.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StdoutOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// Nothing below is written.
    pub min_severity: Option<Severity>,
    /// Only these rows; all when empty.
    pub rows: Vec<String>,
    /// After how long a firing alert is told again.
    pub repeat: Option<Span>,
}

/// A dead man's switch: an address that is asked for while all is well with this process.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeartbeatOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// The address.
    pub url: Option<String>,
    /// A file with the address, where it is a secret.
    pub url_file: Option<PathBuf>,
    /// How often it is asked for.
    pub interval: Option<Span>,
    /// How long one answer may take.
    pub timeout: Option<Span>,
    /// A file with further root certificates.
    pub ca_file: Option<PathBuf>,
}

/// A length of time as people write it: `500ms`, `10s`, `5m`, `4h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || serde::de::Error::custom(format!("{text:?} is no length of time; write for example \"10s\" or \"4h\""));
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = match unit.trim() {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return Err(wrong()),
        };
        let number: u32 = number.parse().map_err(|_| wrong())?;
        unit.checked_mul(number).filter(|it| !it.is_zero()).map(Self).ok_or_else(wrong)
    }
}

/// A receiver that has passed the check.
#[derive(Clone, Debug)]
pub struct Receiver {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) filter: Filter,
    /// After how long it is told again; of a heartbeat, how often it beats.
    pub(super) repeat: Duration,
    /// One per member, with its label.
    pub(super) members: Vec<(String, Way)>,
}

impl Receiver {
    /// What `notify-test` and the configuration call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values of the label `receiver`: one per member.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(label, _)| label.as_str())
    }

    /// An empty outbox per member. `seed` spreads the retries of many processes; the name, those of one process's receivers.
    #[must_use]
    pub fn outboxes(&self, from: &Identity, seed: u64) -> Vec<Outbox> {
        let seed = |label: &str| FxBuildHasher.hash_one((seed, label));
        self.members()
            .map(|it| Outbox::new(it, self.shape.clone(), self.filter.clone(), self.repeat, from.clone(), seed(it)))
            .collect()
    }
}

/// Which alerts a receiver wants.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    min_severity: Severity,
    rows: Vec<String>,
}

impl Filter {
    /// Lets everything through.
    pub(super) const ALL: Self = Self { min_severity: Severity::Info, rows: Vec::new() };

    pub(super) fn wants(&self, row: &str, severity: Severity) -> bool {
        severity >= self.min_severity && (self.rows.is_empty() || self.rows.iter().any(|it| it == row))
    }
}

/// What is wrong with a receiver's table.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// A key that is needed is not there.
    #[error("receiver {receiver}: {key} is missing; {hint}")]
    Missing {
        /// The receiver's name.
        receiver: String,
        /// The key.
        key: &'static str,
        /// What to write.
        hint: &'static str,
    },
    /// Two keys that say the same thing.
    #[error("receiver {receiver}: both url and url_file are given; keep the one that is right")]
    Both {
        /// The receiver's name.
        receiver: String,
    },
    /// An address nothing can be sent to. The address itself is not shown: it may be a secret.
    #[error("receiver {receiver}: the address in {key} cannot be used: {why}")]
    Address {
        /// The receiver's name.
        receiver: String,
        /// Where it stands.
        key: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A command that cannot be run.
    #[error("receiver {receiver}: the command cannot be run: {why}")]
    Command {
        /// The receiver's name.
        receiver: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A filter that lets nothing through.
    #[error("receiver {receiver}: of its rows none is as severe as min_severity = \"{least}\"; lower that, or leave it out")]
    Mute {
        /// The receiver's name.
        receiver: String,
        /// The least severity it takes.
        least: Severity,
    },
    /// A row that is not in the table.
    #[error("receiver {receiver}: there is no row {row:?} in the escalation table; `llm-triage check` lists them")]
    Row {
        /// The receiver's name.
        receiver: String,
        /// What was written.
        row: String,
    },
    /// A name that two receivers have.
    #[error("receiver {receiver}: two receivers have this name; give one of them another `name`")]
    Twice {
        /// The name.
        receiver: String,
    },
    /// A file that cannot be read.
    #[error("receiver {receiver}: cannot read {key} {}", path.display())]
    File {
        /// The receiver's name.
        receiver: String,
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A relative path without a directory it could be relative to.
    #[error(
        "receiver {receiver}: {key} {} is relative to the service's credentials directory, and there is none here \
         ($CREDENTIALS_DIRECTORY is not set); write the whole path", path.display()
    )]
    Relative {
        /// The receiver's name.
        receiver: String,
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file that does not hold one secret.
    #[error("receiver {receiver}: {key} {} must hold one line of plain text", path.display())]
    Content {
        /// The receiver's name.
        receiver: String,
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Certificates that cannot be used.
    #[error("receiver {receiver}: ca_file {} holds no certificate in PEM form", path.display())]
    Certificates {
        /// The receiver's name.
        receiver: String,
        /// The file.
        path: PathBuf,
    },
}

impl ReceiverError {
    /// The name of the receiver it is about.
    #[must_use]
    pub fn receiver(&self) -> &str {
        match self {
            Self::Missing { receiver, .. }
            | Self::Both { receiver }
            | Self::Address { receiver, .. }
            | Self::Command { receiver, .. }
            | Self::Mute { receiver, .. }
            | Self::Row { receiver, .. }
            | Self::Twice { receiver }
            | Self::File { receiver, .. }
            | Self::Relative { receiver, .. }
            | Self::Content { receiver, .. }
            | Self::Certificates { receiver, .. } => receiver,
        }
    }
}

impl ReceiverOptions {
    /// Checks all receivers and reads their secrets. `credentials` is where relative files are, `rows` the escalation
    /// table that is in force.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first of it.
    pub fn resolve(
        &self,
        credentials: Option<&Path>,
        rows: &[(String, Severity)],
    ) -> Result<Vec<Receiver>, Vec<ReceiverError>> {
        let Self { alertmanager, webhook, slack, pagerduty, command, stdout, heartbeat } = self;
        let results = (alertmanager
            .iter()
            .enumerate()
            .map(|(n, it)| it.resolve(&Check::new(&it.name, "alertmanager", n, credentials))))
        .chain(webhook.iter().enumerate().map(|(n, it)| it.resolve(&Check::new(&it.name, "webhook", n, credentials))))
        .chain(slack.iter().enumerate().map(|(n, it)| it.resolve(&Check::new(&it.name, "slack", n, credentials))))
        .chain(pagerduty.iter().enumerate().map(|(n, it)| it.resolve(&Check::new(&it.name, "pagerduty", n, credentials))))
        .chain(command.iter().enumerate().map(|(n, it)| it.resolve(&Check::new(&it.name, "command", n, credentials))))
        .chain(stdout.iter().enumerate().map(|(n, it)| Ok(it.resolve(&Check::new(&it.name, "stdout", n, credentials)))))
        .chain(heartbeat.iter().enumerate().map(|(n, it)| it.resolve(&Check::new(&it.name, "heartbeat", n, credentials))));
        let (mut receivers, mut errors, mut labels) = (Vec::new(), Vec::new(), BTreeSet::new());
        for result in results {
            match result {
                Ok(receiver) => {
                    errors.extend(unheard_rows(&receiver, rows));
                    for (label, _) in &receiver.members {
                        if !labels.insert(label.clone()) {
                            errors.push(ReceiverError::Twice { receiver: label.clone() });
                        }
                    }
                    receivers.push(receiver);
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(receivers) } else { Err(errors) }
    }
}

fn unheard_rows(receiver: &Receiver, rows: &[(String, Severity)]) -> Vec<ReceiverError> {
    let Receiver { name, filter, .. } = receiver;
    let is_known = |it: &&String| rows.iter().any(|(row, _)| row == *it);
    let unknown = filter.rows.iter().filter(|it| !is_known(it));
    let mut errors: Vec<_> = unknown.map(|row| ReceiverError::Row { receiver: name.clone(), row: row.clone() }).collect();
    if errors.is_empty() && !rows.iter().any(|(row, severity)| filter.wants(row, *severity)) {
        errors.push(ReceiverError::Mute { receiver: name.clone(), least: filter.min_severity });
    }
    errors
}

impl AlertmanagerOptions {
    fn resolve(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, urls, min_severity, rows, timeout, bearer_token_file, ca_file } = self;
        if urls.is_empty() {
            return Err(check.missing("urls", "list the address of every member: [\"http://am-0:9093\", …]"));
        }
        let token = bearer_token_file.as_deref().map(|it| check.secret("bearer_token_file", it)).transpose()?;
        let mut members = Vec::new();
        for url in urls {
            let mut endpoint = check.endpoint("urls", url, *timeout, ca_file.as_deref())?;
            endpoint.append_path("/api/v2/alerts");
            endpoint.bearer = token.clone();
            let label = if urls.len() == 1 { check.name.clone() } else { format!("{}/{}", check.name, endpoint.authority()) };
            members.push((label, Way::Post(endpoint)));
        }
        Ok(Receiver {
            name: check.name.clone(),
            shape: Shape::Alertmanager,
            filter: filter(*min_severity, rows),
            repeat: DEFAULT_REPEAT,
            members,
        })
    }
}

impl WebhookOptions {
    fn resolve(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, url, url_file, min_severity, rows, timeout, repeat, bearer_token_file, ca_file } = self;
        let (key, url) = check.address(url.as_ref(), url_file.as_deref())?;
        let mut endpoint = check.endpoint(key, url.reveal(), *timeout, ca_file.as_deref())?;
        endpoint.bearer = bearer_token_file.as_deref().map(|it| check.secret("bearer_token_file", it)).transpose()?;
        Ok(check.single(Shape::Webhook, filter(*min_severity, rows), *repeat, endpoint))
    }
}

impl SlackOptions {
    fn resolve(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, url_file, min_severity, rows, timeout, repeat, ca_file } = self;
        let Some(file) = url_file else {
            return Err(check.missing("url_file", "the webhook's address is a secret: put it into a file and name that"));
        };
        let endpoint = check.endpoint("url_file", check.secret("url_file", file)?.reveal(), *timeout, ca_file.as_deref())?;
        Ok(check.single(Shape::Slack, filter(*min_severity, rows), *repeat, endpoint))
    }
}

impl PagerDutyOptions {
    fn resolve(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, routing_key_file, url, min_severity, rows, timeout, repeat, ca_file } = self;
        let Some(file) = routing_key_file else {
            return Err(check.missing("routing_key_file", "the routing key is a secret: put it into a file and name that"));
        };
        let routing_key = check.secret("routing_key_file", file)?;
        let url = url.as_deref().unwrap_or(PAGERDUTY_URL);
        let endpoint = check.endpoint("url", url, *timeout, ca_file.as_deref())?;
        // Rows that are named are wanted as they are.
        let least = min_severity.or_else(|| rows.is_empty().then_some(Severity::Critical));
        Ok(check.single(Shape::PagerDuty { routing_key }, filter(least, rows), *repeat, endpoint))
    }
}

impl CommandOptions {
    fn resolve(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, command, min_severity, rows, timeout, repeat } = self;
        if command.is_empty() {
            return Err(check
                .missing("command", "list the program and its arguments: [\"/usr/local/bin/notify\", \"--team\", \"llm\"]"));
        }
        let program = Program::new(command, timeout.map_or(DEFAULT_TIMEOUT, |it| it.0))
            .map_err(|why| ReceiverError::Command { receiver: check.name.clone(), why })?;
        Ok(check.by(Shape::Command, filter(*min_severity, rows), *repeat, Way::Command(program)))
    }
}

impl StdoutOptions {
    fn resolve(&self, check: &Check<'_>) -> Receiver {
        let Self { name: _, min_severity, rows, repeat } = self;
        check.by(Shape::Lines, filter(*min_severity, rows), *repeat, Way::Stdout)
    }
}

impl HeartbeatOptions {
    fn resolve(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, url, url_file, interval, timeout, ca_file } = self;
        let (key, url) = check.address(url.as_ref(), url_file.as_deref())?;
        let endpoint = check.endpoint(key, url.reveal(), *timeout, ca_file.as_deref())?;
        let interval = interval.unwrap_or(Span(DEFAULT_BEAT));
        Ok(check.by(Shape::Heartbeat, Filter::ALL, Some(interval), Way::Ping(endpoint)))
    }
}

fn filter(min_severity: Option<Severity>, rows: &[String]) -> Filter {
    Filter { min_severity: min_severity.unwrap_or(Severity::Info), rows: rows.to_vec() }
}

/// The check of one table.
struct Check<'a> {
    name: String,
    credentials: Option<&'a Path>,
}

impl<'a> Check<'a> {
    fn new(name: &Option<String>, kind: &str, index: usize, credentials: Option<&'a Path>) -> Self {
        let name = match (name, index) {
            (Some(name), _) => name.clone(),
            (None, 0) => kind.to_owned(),
            (None, n) => format!("{kind}-{}", n + 1),
        };
        Self { name, credentials }
    }

    fn missing(&self, key: &'static str, hint: &'static str) -> ReceiverError {
        ReceiverError::Missing { receiver: self.name.clone(), key, hint }
    }

    fn single(&self, shape: Shape, filter: Filter, repeat: Option<Span>, endpoint: Endpoint) -> Receiver {
        self.by(shape, filter, repeat, Way::Post(endpoint))
    }

    fn by(&self, shape: Shape, filter: Filter, repeat: Option<Span>, way: Way) -> Receiver {
        let repeat = repeat.map_or(DEFAULT_REPEAT, |it| it.0);
        Receiver { name: self.name.clone(), shape, filter, repeat, members: vec![(self.name.clone(), way)] }
    }

    /// An address that stands in the configuration, or in a file where it is a secret; and the key it came from.
    fn address(&self, url: Option<&String>, url_file: Option<&Path>) -> Result<(&'static str, Secret), ReceiverError> {
        match (url, url_file) {
            (Some(url), None) => Ok(("url", url.clone().into())),
            (None, Some(file)) => Ok(("url_file", self.secret("url_file", file)?)),
            (Some(_), Some(_)) => Err(ReceiverError::Both { receiver: self.name.clone() }),
            (None, None) => Err(self.missing("url", "write the address, or url_file where it is a secret")),
        }
    }

    fn endpoint(
        &self,
        key: &'static str,
        url: &str,
        timeout: Option<Span>,
        ca_file: Option<&Path>,
    ) -> Result<Endpoint, ReceiverError> {
        let roots = ca_file.map(|it| self.certificates(it)).transpose()?.unwrap_or_default();
        Endpoint::new(url, timeout.map_or(DEFAULT_TIMEOUT, |it| it.0), &roots).map_err(|why| ReceiverError::Address {
            receiver: self.name.clone(),
            key,
            why,
        })
    }

    fn path(&self, key: &'static str, file: &Path) -> Result<PathBuf, ReceiverError> {
        match (file.is_absolute(), self.credentials) {
            (true, _) => Ok(file.to_owned()),
            (false, Some(dir)) => Ok(dir.join(file)),
            (false, None) => Err(ReceiverError::Relative { receiver: self.name.clone(), key, path: file.to_owned() }),
        }
    }

    fn read(&self, key: &'static str, path: &Path) -> Result<Vec<u8>, ReceiverError> {
        std::fs::read(path).map_err(|source| ReceiverError::File {
            receiver: self.name.clone(),
            key,
            path: path.to_owned(),
            source,
        })
    }

    /// The one line of a secret's file.
    fn secret(&self, key: &'static str, file: &Path) -> Result<Secret, ReceiverError> {
        let path = self.path(key, file)?;
        let bytes = self.read(key, &path)?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
        if text.is_empty() || text.len() > LONGEST_SECRET || text.bytes().any(|b| !b.is_ascii_graphic()) {
            return Err(ReceiverError::Content { receiver: self.name.clone(), key, path });
        }
        Ok(text.to_owned().into())
    }

    fn certificates(&self, file: &Path) -> Result<Vec<u8>, ReceiverError> {
        let path = self.path("ca_file", file)?;
        let pem = self.read("ca_file", &path)?;
        if !super::post::holds_certificates(&pem) {
            return Err(ReceiverError::Certificates { receiver: self.name.clone(), path });
        }
        Ok(pem)
    }
}
