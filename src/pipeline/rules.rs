//! The rules in force: how records are read, judged and escalated.

use crate::alert::{NameTable, RowError, RowSpec, Table, error_page};
use crate::classify::{Catalog, Classifier, KnownEntries, KnownLines, RawEntry, Traffic, Verdict, VerdictCache};
use crate::framing::{self, RawEvent};
use crate::record::{Forms, Reader};

/// How records are read, judged and escalated. A reload replaces all of it.
#[derive(Debug)]
pub struct Rules {
    pub(super) framing: framing::Options,
    reader: Reader,
    classifier: Classifier,
    table: Table,
    sources: Vec<String>,
}

/// What was learned from earlier records. It only saves time: with any cache of the same rules, a record gets the same verdict.
#[derive(Debug, Default)]
pub struct RecordCache {
    forms: Forms,
    verdicts: VerdictCache,
    lines: KnownLines,
    entries: KnownEntries,
}

impl Rules {
    /// Builds the escalation table from the shipped rows and `rows`, the user's own. `sources` are the names of the sources,
    /// by [`SourceId`](crate::observation::SourceId); rows may select them.
    ///
    /// # Errors
    /// With every error in the rows.
    pub fn new(
        framing: framing::Options,
        reader: Reader,
        classifier: Classifier,
        rows: &[RowSpec],
        sources: Vec<String>,
    ) -> Result<Self, Vec<RowError>> {
        let catalog = classifier.catalog();
        let names = NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &sources };
        let table = Table::build(rows, names)?;
        Ok(Self { framing, reader, classifier, table, sources })
    }

    /// The patterns and providers.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        self.classifier.catalog()
    }

    /// The page of an error, as Markdown with its title; `None` if no pattern has this id. `row_page` is the address of a
    /// runbook, with `{row}` in place of the row's id.
    #[must_use]
    pub fn error_page(&self, id: &str, row_page: &str) -> Option<String> {
        let known = self.catalog().by_id(id)?;
        let wordings = self.classifier.wordings(known);
        Some(format!("# {id}\n\n{}", error_page(known, &wordings, &self.table, self.names(), row_page)))
    }

    /// The escalation table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The names of the sources, by [`SourceId`](crate::observation::SourceId).
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The names by which rows, alerts and saved state refer to patterns, providers and sources.
    #[must_use]
    pub fn names(&self) -> NameTable<'_> {
        let catalog = self.classifier.catalog();
        NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &self.sources }
    }

    /// Calls `emit` for each record of an event, with its verdict and whether the record breaks off in the middle.
    ///
    /// Uses nothing but `self`, the event and the cache, so any thread may call it.
    pub(super) fn read(
        &self,
        event: &RawEvent<'_>,
        traffic: Traffic,
        cache: &mut RecordCache,
        mut emit: impl FnMut(Verdict<'_>, bool),
    ) {
        let RecordCache { forms, verdicts, lines, entries } = cache;
        let RawEvent { bytes, tail, stamped, level, .. } = *event;
        let Self { reader, classifier, .. } = self;
        let entry = RawEntry { bytes, stamped, level, traffic, is_whole: tail.is_empty() };
        let prefix = (stamped, level);
        let (service, host) = (event.service, event.host);
        if !forms.walk(bytes) {
            if let Some(mut verdict) = classifier.recall(&entry, entries) {
                classifier.complete_origin(&mut verdict, service, host);
                return emit(verdict, false);
            }
            return reader.read_again(bytes, tail, prefix, forms, |record| {
                let mut verdict = classifier.classify_alike(record, traffic, verdicts);
                classifier.learn(reader, &entry, (record, &verdict), entries);
                classifier.complete_origin(&mut verdict, service, host);
                emit(verdict, record.is_broken());
            });
        }
        let walk = forms.found(bytes);
        if let Some(mut verdict) = classifier.recall_line(&entry, &walk, lines) {
            classifier.complete_origin(&mut verdict, service, host);
            return emit(verdict, false);
        }
        reader.read_known(&walk, tail, prefix, |record| {
            let mut verdict = classifier.classify_again(record, traffic, verdicts);
            classifier.learn_line(&entry, &walk, (record, &verdict), lines);
            classifier.complete_origin(&mut verdict, service, host);
            emit(verdict, record.is_broken());
        });
    }
}
