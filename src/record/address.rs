//! The host and the path of an address.

/// The host, and the port where there is one, of an address or of a bare host name.
pub(super) fn host_of(url: &[u8]) -> Option<&str> {
    let rest = match memchr::memmem::find(url, b"://") {
        Some(at) => &url[at + 3..],
        None if url.first() == Some(&b'/') => return None,
        None => url,
    };
    let end =
        rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#' | b'"' | b'\\' | b'\'' | b' ' | b')')).unwrap_or(rest.len());
    let host = std::str::from_utf8(&rest[..end]).ok()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let good = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_' | b'[' | b']'));
    (!host.is_empty() && host.len() <= 255 && good && (host.contains('.') || host.contains(':'))).then_some(host)
}

/// The path of an address, or the text itself where it is a path.
pub(super) fn path_of(url: &[u8]) -> Option<&str> {
    let rest = match memchr::memmem::find(url, b"://") {
        Some(at) => {
            let rest = &url[at + 3..];
            &rest[memchr::memchr(b'/', rest)?..]
        }
        None => url,
    };
    let end = rest.iter().position(|b| matches!(b, b'?' | b'#' | b'"' | b'\\' | b' ')).unwrap_or(rest.len());
    let path = std::str::from_utf8(&rest[..end]).ok()?;
    path.starts_with('/').then_some(path)
}
