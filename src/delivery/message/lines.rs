//! A line per alert and change, for eyes and for `grep`.

use super::{News, clip};
use std::fmt::Write as _;

const LONGEST_TEXT: usize = 300;

pub(super) fn body(news: &[News<'_>]) -> Vec<u8> {
    let mut out = String::new();
    for News { alert, starts_at, ended_at } in news {
        let one_line = |text: &str| clip(&text.replace(['\n', '\r'], " "), LONGEST_TEXT);
        let _infallible = match ended_at {
            None => writeln!(
                out,
                "{starts_at} firing {} {} {} next: {}",
                alert.severity,
                alert.name,
                one_line(&alert.summary),
                one_line(&alert.next_step)
            ),
            Some(at) => {
                let reason = alert.reason.map_or("", |it| it.as_str());
                writeln!(out, "{at} resolved {} {} {} {reason}", alert.severity, alert.name, one_line(&alert.summary))
            }
        };
    }
    out.into_bytes()
}
