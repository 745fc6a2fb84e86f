//! JSON objects in which a carrier brings a line, or many. The text inside is read like that line alone.
//!
//! A carrier is a function that recognises its object by its keys, and a line in [`CARRIERS`]; [`keys`] must let its first
//! keys pass.

mod batches;
mod cloud;
mod collectors;
mod entry;
mod journald;
mod keys;
mod object;
mod otlp;

use super::envelope::Envelope;
use entry::Entry;
use object::{Object, Value};

pub(in crate::framing) use entry::Share;
pub use otlp::OtlpLines;

/// Reads an object of one carrier. `None` if it is not of this carrier.
type Carrier = for<'a> fn(&'a Object<'_>) -> Option<Entry<'a>>;

const CARRIERS: &[Carrier] = &[
    collectors::log,
    journald::read,
    cloud::google,
    cloud::insights,
    cloud::azure_table,
    cloud::azure_console,
    cloud::lambda,
    cloud::loki_line,
    cloud::supabase,
    cloud::vercel,
    collectors::message,
    collectors::event,
    collectors::gelf,
];

/// Whether the first bytes of an object, or of an array of objects, may be a carrier's.
#[inline]
pub(super) fn may_begin(line: &[u8]) -> bool {
    let object = line.strip_prefix(b"[").map_or(line, <[u8]>::trim_ascii_start);
    object.first() == Some(&b'{') && keys::may_be_carrier(object)
}

/// Passes each line that an object brings to `out`. Returns false if no carrier wrote the object.
pub(super) fn read(line: &[u8], envelope: Envelope<'_>, out: &mut dyn FnMut(&[u8], Envelope<'_>, Share)) -> bool {
    if !may_begin(line) {
        return false;
    }
    if otlp::is_batch(line) {
        return otlp::read(line, &mut |entry, share| pass_on(entry, envelope, share, out));
    }
    match object::parse(line) {
        Some(Value::Object(object)) => read_object(&object, envelope, Share::Whole, out),
        Some(Value::Array(items)) => read_array(&items, envelope, out),
        _ => false,
    }
}

fn read_object(
    object: &Object<'_>,
    envelope: Envelope<'_>,
    share: Share,
    out: &mut dyn FnMut(&[u8], Envelope<'_>, Share),
) -> bool {
    if let Some(entry) = CARRIERS.iter().find_map(|carrier| carrier(object)) {
        pass_on(&entry, envelope, share, out);
        return true;
    }
    batches::read(object, &mut |entry| pass_on(entry, envelope, Share::Part, out))
}

/// An array is a carrier's if its first object is.
fn read_array(items: &[Value<'_>], envelope: Envelope<'_>, out: &mut dyn FnMut(&[u8], Envelope<'_>, Share)) -> bool {
    let mut objects = items.iter().filter_map(|item| if let Value::Object(object) = item { Some(object) } else { None });
    let is_export = objects.next().is_some_and(|first| read_object(first, envelope, Share::Part, out));
    if is_export {
        for object in objects {
            read_object(object, envelope, Share::Part, out);
        }
    }
    is_export
}

fn pass_on(entry: &Entry<'_>, envelope: Envelope<'_>, share: Share, out: &mut dyn FnMut(&[u8], Envelope<'_>, Share)) {
    let mut envelope: Envelope<'_> = envelope;
    entry.note_in(&mut envelope);
    out(without_newline(&entry.text), envelope, share);
}

fn without_newline(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b'\n' | b'\r'] = text {
        text = rest;
    }
    text
}
