//! The log of the daemon itself, on standard error.
//!
//! Its fields hold paths, peers and answers of other servers, which others choose. So every field is cleaned before it is written.

use super::args::LogFormat;
use crate::redact::{clean, clean_json};
use std::io::{self, IsTerminal, Write};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;

/// Starts the log, in the format and at the level that the operator chose.
pub(super) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("LLM_TRIAGE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = subscriber(format, filter, io::stderr().is_terminal(), io::stderr);
    tracing::subscriber::set_global_default(subscriber).expect("no other log was started");
}

fn subscriber<W>(format: LogFormat, filter: EnvFilter, colours: bool, to: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(colours);
    match format {
        LogFormat::Text => {
            let fields = debug_fn(|out, field, value| {
                let text = format!("{value:?}");
                match field.name() {
                    "message" => write!(out, "{}", clean(&text)),
                    name => write!(out, "{name}={}", clean(&text)),
                }
            });
            Box::new(builder.fmt_fields(fields.delimited(" ")).with_writer(to).finish())
        }
        LogFormat::Json => Box::new(builder.json().with_writer(JsonWriter(to)).finish()),
    }
}

/// Cleans each event, which arrives in one write.
struct JsonWriter<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for JsonWriter<W> {
    type Writer = JsonWriter<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        JsonWriter(self.0.make_writer())
    }
}

impl<W: Write> Write for JsonWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.write_all(clean_json(&String::from_utf8_lossy(event)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing::warn;

    const PATH: &str = "/var/log/\u{1b}]52;c;ZXZpbA==\u{7}\u{202e}gpj.log";

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat) -> String {
        let lines = Lines::default();
        let to = lines.clone();
        let subscriber = subscriber(format, EnvFilter::new("info"), false, move || to.clone());
        tracing::subscriber::with_default(subscriber, || warn!(path = %PATH, peer = 7, "cannot read {PATH}"));
        let bytes = lines.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_file_name_cannot_command_the_terminal_that_shows_the_log() {
        let text = logged(LogFormat::Text);
        let shown = r"/var/log/\u{1b}]52;c;ZXZpbA==\u{7}\u{202e}gpj.log";
        assert!(text.ends_with(&format!(" WARN cannot read {shown} path={shown} peer=7\n")), "{text}");

        let json = logged(LogFormat::Json);
        assert_eq!(clean(json.trim_end()), json.trim_end());
        let line: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(line["fields"]["path"], PATH, "JSON keeps the value");
    }
}
