//! The calls that a report is about: what `--provider`, `--service`, `--model`, `--owner`, `--status` and `--row` select.

use super::super::args::Filters;
use super::super::exit::CliError;
use super::super::near;
use crate::observation::Observation;
use crate::pipeline::Pipeline;
use crate::taxonomy::{Owner, Providers, Status};

/// The flags, resolved. An empty list selects everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// Ids. A provider that the catalogue does not know may get an id while the log is read.
    providers: Vec<String>,
    services: Vec<String>,
    models: Vec<String>,
    owners: Vec<Owner>,
    statuses: Vec<StatusFilter>,
    rows: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum StatusFilter {
    /// 429, `timeout`, or no status.
    One(Option<Status>),
    /// `4xx`: the hundreds.
    Class(u16),
}

impl Filter {
    /// Resolves the flags. Owners, statuses and rows are closed lists; another value is an error.
    pub(super) fn resolve(flags: &Filters, pipeline: &Pipeline) -> Result<Self, CliError> {
        let Filters { provider, service, model, owner: owners, status, row: rows } = flags;
        let providers = pipeline.catalog().providers();
        let known =
            |name: &String| providers.by_name(name).map_or_else(|| name.to_lowercase(), |id| providers.id(id).to_owned());
        let owner = |name: &String| {
            Owner::from_text(name).ok_or_else(|| unknown("owner", name, Owner::ALL.iter().map(|owner| owner.as_str())))
        };
        let row_ids = || pipeline.table().rows().iter().map(|row| row.id.as_str());
        let row =
            |name: &String| pipeline.table().by_name(name).map(|_| name.clone()).ok_or_else(|| unknown("row", name, row_ids()));
        Ok(Self {
            providers: provider.iter().map(known).collect(),
            services: service.clone(),
            models: model.clone(),
            owners: owners.iter().map(owner).collect::<Result<_, _>>()?,
            statuses: status.iter().map(|text| StatusFilter::parse(text)).collect::<Result<_, _>>()?,
            rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a call, failed or not, is one of those that the report is about.
    pub(super) fn is_in_scope(&self, call: &Observation, providers: &Providers) -> bool {
        self.has_provider(providers.id(call.provider))
            && (self.services.is_empty() || is_one_of(&self.services, call.service.as_str()))
            && (self.models.is_empty() || is_one_of(&self.models, call.model.as_str()))
    }

    /// Whether a failed call in scope is selected.
    pub(super) fn selects(&self, call: &Observation, row: Option<&str>) -> bool {
        (self.owners.is_empty() || self.owners.contains(&call.owner))
            && (self.statuses.is_empty() || self.statuses.iter().any(|filter| filter.matches(call.effective_status())))
            && is_one_of(&self.rows, row.unwrap_or_default())
    }

    /// Whether the provider with this id is selected.
    pub(super) fn has_provider(&self, id: &str) -> bool {
        is_one_of(&self.providers, id)
    }

    /// Whether something about a row, a service and a model, where it is about one, is selected.
    pub(super) fn has(&self, row: Option<&str>, service: Option<&str>, model: Option<&str>) -> bool {
        let has = |wanted: &[String], name: Option<&str>| name.is_none_or(|name| is_one_of(wanted, name));
        has(&self.rows, row) && has(&self.services, service) && has(&self.models, model)
    }

    /// Whether it selects among the failures of a provider.
    pub(super) fn is_narrow(&self) -> bool {
        !self.owners.is_empty() || !self.statuses.is_empty() || !self.rows.is_empty() || !self.models.is_empty()
    }

    /// Whether it selects everything.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_narrow() && self.providers.is_empty() && self.services.is_empty()
    }
}

impl StatusFilter {
    fn parse(text: &str) -> Result<Self, CliError> {
        let class = text.strip_suffix("xx").and_then(|hundreds| hundreds.parse().ok()).filter(|class| (1..=5).contains(class));
        let one = || match text {
            "none" => Some(None),
            _ => text.parse().ok().and_then(Status::from_number).or_else(|| word(text)).map(Some),
        };
        class.map(Self::Class).or_else(|| one().map(Self::One)).ok_or_else(|| {
            CliError::Usage(format!("invalid status {text:?}: give a number (429), 4xx, 5xx, timeout, connection or none"))
        })
    }

    fn matches(self, status: Option<Status>) -> bool {
        match self {
            Self::One(wanted) => wanted == status,
            Self::Class(hundreds) => status.and_then(Status::http).is_some_and(|status| status / 100 == hundreds),
        }
    }
}

fn word(text: &str) -> Option<Status> {
    match text {
        "timeout" => Some(Status::Timeout),
        "connection" => Some(Status::Connection),
        _ => None,
    }
}

fn is_one_of(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|wanted| wanted == name)
}

/// The error for a word that is not in a closed list.
pub(super) fn unknown<'w>(what: &str, word: &str, known: impl Iterator<Item = &'w str> + Clone) -> CliError {
    CliError::Usage(format!(
        "unknown {what} {word:?}{}; known are {}",
        near::did_you_mean(word, known.clone()),
        near::list(known)
    ))
}
