//! The escalation table in force: the shipped rows and the user's, checked and resolved against the catalog.

mod matcher;
mod row;
mod spec;

pub use row::{Row, RowError, Trigger};
pub use spec::{Condition, Conditions, Kind, RowSpec, Values};

use super::names::NameTable;
use crate::observation::Observation;
use matcher::Matcher;
use row::Origin;

/// `patterns/escalation.toml`, as the build script writes it.
const SHIPPED: &str = include_str!(concat!(env!("OUT_DIR"), "/escalation.json"));

/// The index of a row in its [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u16);

/// Rows in the order in which they are tried. Every failed call belongs to exactly one row.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Row>,
    /// In the order of `rows`; a row has one matcher per condition.
    matchers: Vec<(RowId, Matcher)>,
    /// The last row over failed calls; it matches every call.
    rest: RowId,
    /// The rows that raise alerts and are not chosen by the match of a failed call: they are looked for in every second.
    unmatched: Vec<(Kind, RowId)>,
}

impl Table {
    /// The maximum number of rows.
    pub const MAX_ROWS: usize = 200;

    /// The user's new rows, followed by the shipped rows with the user's changes.
    ///
    /// # Errors
    /// All faults of all rows.
    pub fn build(user: &[RowSpec], names: NameTable<'_>) -> Result<Self, Vec<RowError>> {
        let shipped = serde_json::from_str::<File>(SHIPPED)
            .map(|file| file.escalation)
            .map_err(|error| vec![RowError { row: "shipped".to_owned(), fault: error.to_string() }])?;
        let mut faults = Vec::new();
        let mut rows = Vec::new();
        let mut matchers = Vec::new();
        for (spec, origin) in merge(shipped, user, &mut faults) {
            let id = RowId(u16::try_from(rows.len()).unwrap_or(u16::MAX));
            let row = Row::resolve(&spec, origin, &mut faults);
            matchers.extend(resolve_conditions(&row, names, &mut faults).into_iter().map(|matcher| (id, matcher)));
            rows.push(row);
        }
        let rest = rows.iter().rposition(|row| row.kind == Kind::Errors).filter(|position| rows[*position].matches_all());
        let Some(rest) = rest.and_then(|position| u16::try_from(position).ok()) else {
            let fault = "must match every failed call, as the last row for them; leave `match` out and add a row instead";
            faults.push(RowError { row: "rest".to_owned(), fault: fault.to_owned() });
            return Err(faults);
        };
        let mut table = Self { rows, matchers, rest: RowId(rest), unmatched: Vec::new() };
        let unmatched = table.iter().filter(|(_, row)| row.kind != Kind::Errors && row.enabled);
        table.unmatched = unmatched.map(|(id, row)| (row.kind, id)).collect();
        if faults.is_empty() {
            table.find_mute_rows(user, names, &mut faults);
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }

    /// Reports rows that can never fire: the user's rows that match no call, and rows hidden by a row before them.
    fn find_mute_rows(&self, user: &[RowSpec], names: NameTable<'_>, faults: &mut Vec<RowError>) {
        let spec_of = |id: &str| user.iter().find(|spec| spec.id == id);
        for (id, row) in self.iter().filter(|(id, row)| row.kind == Kind::Errors && row.enabled && *id != self.rest) {
            let spec = spec_of(&row.id);
            let unmatched = self.matchers_of(id).find_map(|matcher| matcher.matches_nothing(names));
            if let (Some(why), true) = (unmatched, spec.is_some_and(|spec| spec.conditions.is_some())) {
                faults.push(RowError { row: row.id.clone(), fault: format!("one of its conditions matches no call: {why}") });
                continue;
            }
            let Some(front) = self.row_in_front(id) else { continue };
            if spec.is_some() {
                let fault = format!(
                    "never fires: every call it matches belongs to row {:?} before it; narrow that one, or leave this one out",
                    front.id
                );
                faults.push(RowError { row: row.id.clone(), fault });
            } else if spec_of(&front.id).is_some() {
                // The shipped row is hidden by the user's row: the user's row is the one to change.
                let hidden = &row.id;
                let fault = format!(
                    "takes every call of row {hidden:?}, which could never fire; change {hidden:?} instead, narrow the \
                     `match`, or add id = {hidden:?} with enabled = false"
                );
                faults.push(RowError { row: front.id.clone(), fault });
            }
            // If a shipped row hides another shipped row, the user cannot change that: patterns may be left out.
        }
    }

    fn matchers_of(&self, id: RowId) -> impl Iterator<Item = &Matcher> {
        self.matchers.iter().filter(move |(row, _)| *row == id).map(|(_, matcher)| matcher)
    }

    /// A row before this one, if rows before this one take all of its calls.
    fn row_in_front(&self, id: RowId) -> Option<&Row> {
        let before = |matcher: &Matcher| {
            let mut earlier = self.matchers.iter().take_while(|(row, _)| *row < id);
            earlier.find(|(_, other)| other.covers(matcher)).map(|(row, _)| *row)
        };
        let fronts: Option<Vec<RowId>> = self.matchers_of(id).map(before).collect();
        self.row(*fronts?.last()?)
    }

    /// The row that a failed call belongs to.
    #[must_use]
    pub fn row_of(&self, seen: &Observation) -> RowId {
        self.matchers.iter().find(|(_, matcher)| matcher.matches(seen)).map_or(self.rest, |(row, _)| *row)
    }

    /// All rows, indexed by [`RowId`].
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row with this id; `None` if the id comes from another table.
    #[must_use]
    pub fn row(&self, id: RowId) -> Option<&Row> {
        self.rows.get(usize::from(id.0))
    }

    /// The id of the row with this name ([`Row::id`]).
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<RowId> {
        self.iter().find(|(_, row)| row.id == name).map(|(id, _)| id)
    }

    /// Every row with its id.
    pub fn iter(&self) -> impl Iterator<Item = (RowId, &Row)> {
        (0u16..).map(RowId).zip(&self.rows)
    }

    /// The rows of a kind that raise alerts, for a kind without a `match`.
    pub(super) fn enabled(&self, kind: Kind) -> impl Iterator<Item = RowId> {
        self.unmatched.iter().filter(move |(known, _)| *known == kind).map(|(_, id)| *id)
    }
}

/// The content of a file of rows.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    escalation: Vec<RowSpec>,
}

/// Parses a text of `[[escalation]]` tables.
///
/// # Errors
/// The text is not TOML, or a key is unknown or of the wrong type; the error names the line.
pub fn parse(text: &str) -> Result<Vec<RowSpec>, toml::de::Error> {
    Ok(toml::from_str::<File>(text)?.escalation)
}

/// The user's new rows in front, then the shipped rows with the user's changes.
fn merge(mut shipped: Vec<RowSpec>, user: &[RowSpec], faults: &mut Vec<RowError>) -> Vec<(RowSpec, Origin)> {
    let mut fault = |row: &RowSpec, text: &str| faults.push(RowError { row: row.id.clone(), fault: text.to_owned() });
    let mut added: Vec<RowSpec> = Vec::new();
    for (position, change) in user.iter().enumerate() {
        if user.iter().take(position).any(|earlier| earlier.id == change.id) {
            fault(change, "is defined twice in the configuration; join the two");
        } else if let Some(row) = shipped.iter_mut().find(|row| row.id == change.id) {
            if change.kind.is_some_and(|kind| Some(kind) != row.kind.or(Some(Kind::Errors))) {
                fault(change, "the kind of a shipped row cannot be changed; leave `kind` out");
            }
            *row = std::mem::take(row).changed_by(change);
        } else if added.len() + shipped.len() >= Table::MAX_ROWS {
            fault(change, "is one row too many; the limit is 200");
        } else {
            added.push(change.clone());
        }
    }
    let added = added.into_iter().map(|spec| (spec, Origin::Added));
    added.chain(shipped.into_iter().map(|spec| (spec, Origin::Shipped))).collect()
}

fn resolve_conditions(row: &Row, names: NameTable<'_>, faults: &mut Vec<RowError>) -> Vec<Matcher> {
    let mut texts = Vec::new();
    let matchers = row.conditions().iter().map(|condition| Matcher::new(condition, names, &mut texts)).collect();
    faults.extend(texts.into_iter().map(|fault| RowError { row: row.id.clone(), fault }));
    matchers
}
