//! The runbook pages are what the table and the catalogue say. `UPDATE=1 cargo test --test it runbooks` writes them anew.

use llm_triage::alert::{NameTable, Table, runbook};
use llm_triage::classify::Catalog;
use std::fs;
use std::path::Path;

#[test]
fn every_row_has_its_page_and_the_page_is_current() {
    let catalog = Catalog::shipped().expect("the shipped files are good");
    let lexicon = NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &[] };
    let table = Table::build(&[], lexicon).expect("the shipped table is good");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks");
    let update = std::env::var_os("UPDATE").is_some();
    for row in table.rows() {
        let path = folder.join(format!("{}.md", row.id));
        let page = runbook(row, &table, lexicon);
        if update {
            fs::create_dir_all(&folder).expect("docs can be made");
            fs::write(&path, &page).expect("docs can be written");
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == page,
            "docs/runbooks/{}.md is not what the table says; UPDATE=1 cargo test --test it runbooks",
            row.id
        );
    }
    let pages = fs::read_dir(&folder).expect("the pages are there").count();
    assert_eq!(pages, table.rows().len(), "a page without a row");
}
