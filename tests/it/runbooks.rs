//! The runbook pages match the table and the catalog. `UPDATE=1 cargo test --test it runbooks` writes them again.

use llm_triage::alert::{NameTable, Table, runbook};
use llm_triage::classify::Catalog;
use std::fs;
use std::path::Path;

#[test]
fn every_row_has_its_page_and_the_page_is_current() {
    let catalog = Catalog::shipped().expect("the shipped files are good");
    let names = NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &[] };
    let table = Table::build(&[], names).expect("the shipped table is good");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks");
    let update = std::env::var_os("UPDATE").is_some();
    for row in table.rows() {
        let path = folder.join(format!("{}.md", row.id));
        let page = runbook(row, &table, names);
        if update {
            fs::create_dir_all(&folder).expect("the folder is created");
            fs::write(&path, &page).expect("the page is written");
        }
        let current = fs::read_to_string(&path).unwrap_or_default();
        assert!(current == page, "docs/runbooks/{}.md is out of date; run UPDATE=1 cargo test --test it runbooks", row.id);
    }
    let pages = fs::read_dir(&folder).expect("the pages exist").count();
    assert_eq!(pages, table.rows().len(), "a page without a row");
}
