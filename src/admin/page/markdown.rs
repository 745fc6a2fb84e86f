//! Renders the Markdown of our own pages: headings, paragraphs, lists, tables, code, bold words and links. Everything else is
//! text.

use maud::{Markup, Render, html};

/// Renders a text. `link` says where the target of a link is; a link without a target becomes its text.
pub(super) fn render(text: &str, link: impl Fn(&str) -> Option<String>) -> Markup {
    let blocks = blocks(text);
    html! {
        @for block in &blocks {
            @match block {
                Block::Heading(1, text) => h1 { (inline(text, &link)) },
                Block::Heading(2, text) => h2 { (inline(text, &link)) },
                Block::Heading(_, text) => h3 { (inline(text, &link)) },
                Block::Paragraph(text) => p { (inline(text, &link)) },
                Block::List(items) => ul { @for item in items { li { (inline(item, &link)) } } },
                Block::Code(text) => pre { code { (text) } },
                Block::Table(rows) => (table(rows, &link)),
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum Block<'t> {
    Heading(usize, &'t str),
    Paragraph(String),
    List(Vec<&'t str>),
    Code(String),
    /// The head and the rows, each with its cells.
    Table(Vec<Vec<String>>),
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            blocks.push(Block::Code(code.join("\n")));
            continue;
        }
        let level = line.len() - line.trim_start_matches('#').len();
        if let (1..=6, Some(title)) = (level, line.get(level..).and_then(|rest| rest.strip_prefix(' '))) {
            blocks.push(Block::Heading(level, title));
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                let is_rule = row.bytes().all(|byte| matches!(byte, b'|' | b'-' | b':' | b' '));
                rows.extend((!is_rule).then(|| cells(row)));
            }
            blocks.push(Block::Table(rows));
        } else if let Some(first) = line.strip_prefix("- ") {
            let mut items = vec![first];
            while let Some(item) = lines.next_if(|line| line.starts_with("- ")) {
                items.extend(item.strip_prefix("- "));
            }
            blocks.push(Block::List(items));
        } else {
            let mut paragraph = line.to_owned();
            let is_more = |line: &&str| !line.trim().is_empty() && !line.starts_with(['#', '|', '-', '`']);
            while let Some(more) = lines.next_if(is_more) {
                paragraph.push(' ');
                paragraph.push_str(more);
            }
            blocks.push(Block::Paragraph(paragraph));
        }
    }
    blocks
}

/// The cells of a row. `\|` is a bar inside a cell.
fn cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut letters = row.trim().trim_start_matches('|').chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, cells.last_mut()) {
            ('\\', Some(cell)) => cell.push(letters.next_if_eq(&'|').unwrap_or('\\')),
            ('|', _) => cells.push(String::new()),
            (_, Some(cell)) => cell.push(letter),
            (_, None) => {}
        }
    }
    // The row ends with a bar.
    cells.pop_if(|cell| cell.trim().is_empty());
    cells
}

/// A table. Without a head, its first column names the lines.
fn table(rows: &[Vec<String>], link: &impl Fn(&str) -> Option<String>) -> Markup {
    let Some((head, body)) = rows.split_first() else { return html! {} };
    let has_head = head.iter().any(|cell| !cell.trim().is_empty());
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Table" {
            table {
                @if has_head {
                    thead { tr { @for cell in head { th scope="col" { (inline(cell.trim(), link)) } } } }
                }
                tbody {
                    @for row in body {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (inline(cell.trim(), link)) } }
                                @else { td data-label=[has_head.then(|| head.get(column).map(|name| name.trim())).flatten()] { (inline(cell.trim(), link)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Code between backticks, bold words and links; the rest is text.
fn inline(text: &str, link: &impl Fn(&str) -> Option<String>) -> Markup {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '[', '*', '<']) {
        let (before, from) = rest.split_at(at);
        parts.push(before.render());
        let taken = match from.as_bytes().first() {
            Some(b'`') => code(from),
            Some(b'*') => bold(from),
            Some(b'<') => address(from, link),
            _ => reference(from, link),
        };
        let (part, after) = taken.unwrap_or_else(|| {
            let (mark, after) = from.split_at(1);
            (mark.render(), after)
        });
        parts.push(part);
        rest = after;
    }
    parts.push(rest.render());
    html! { @for part in &parts { (part) } }
}

fn code(text: &str) -> Option<(Markup, &str)> {
    let (code, rest) = text.strip_prefix('`')?.split_once('`')?;
    Some((html! { code { (code) } }, rest))
}

fn bold(text: &str) -> Option<(Markup, &str)> {
    let (words, rest) = text.strip_prefix("**")?.split_once("**")?;
    Some((html! { strong { (words) } }, rest))
}

/// An address between angle brackets, which is its own link.
fn address<'t>(text: &'t str, link: &impl Fn(&str) -> Option<String>) -> Option<(Markup, &'t str)> {
    let (address, rest) = text.strip_prefix('<')?.split_once('>')?;
    let target = Some(address).filter(|address| !address.contains(' ')).and_then(link)?;
    Some((html! { a rel="noreferrer" href=(target) { (address) } }, rest))
}

fn reference<'t>(text: &'t str, link: &impl Fn(&str) -> Option<String>) -> Option<(Markup, &'t str)> {
    let (name, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (target, rest) = rest.split_once(')')?;
    let name = name.replace('`', "");
    Some((link(target).map_or_else(|| name.render(), |target| html! { a rel="noreferrer" href=(target) { (name) } }), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let link = |target: &str| (target == "b.md").then(|| "/runbooks/b".to_owned());
        assert_eq!(render(text, link).into_string(), expected, "{text}");
    }

    #[test]
    fn what_runbooks_use_is_rendered_and_the_rest_is_text() {
        check("# A <b>\n\n## C\none\ntwo `x < 1`\n", "<h1>A &lt;b&gt;</h1><h2>C</h2><p>one two <code>x &lt; 1</code></p>");
        check("- a\n- [b](b.md)\n", "<ul><li>a</li><li><a rel=\"noreferrer\" href=\"/runbooks/b\">b</a></li></ul>");
        check("see [`x`](../x.md) and [y] and `z", "<p>see x and [y] and `z</p>");
        check("[a](javascript:alert(1))", "<p>a)</p>");
        check(
            "**bold** <b.md> <c> **half",
            "<p><strong>bold</strong> <a rel=\"noreferrer\" href=\"/runbooks/b\">b.md</a> &lt;c&gt; **half</p>",
        );
        check("```\n<a> | b\n```\n", "<pre><code>&lt;a&gt; | b</code></pre>");
    }

    #[test]
    fn a_bar_after_a_backslash_is_part_of_a_cell() {
        assert_eq!(cells("| a \\| b | c\\d |"), [" a | b ", " c\\d "]);
        let expected = "<tbody><tr><th scope=\"row\">row</th><td><code>auth</code></td></tr></tbody>";
        let table = render("| | |\n| --- | --- |\n| row | `auth` |\n", |_| None).into_string();
        assert!(table.contains(expected) && !table.contains("thead"), "{table}");
    }
}
