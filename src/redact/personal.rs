//! What belongs to a person: e-mail addresses, phone numbers, numbers of payment cards and bank accounts.

use super::span::{Kind, Span};

/// E-mail addresses, also with `%40` for the `@` and with a quoted name before it.
pub(super) fn find_email(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let ats = memchr::memchr_iter(b'@', bytes).map(|at| (at, 1));
    let codes = memchr::memmem::find_iter(bytes, b"%40").map(|at| (at, 3));
    for (at, length) in ats.chain(codes) {
        let start = at - local_length(&bytes[..at]);
        let domain = bytes[at + length..].iter().take_while(|byte| is_domain(**byte)).count();
        let domain = text.get(at + length..at + length + domain).unwrap_or_default().trim_end_matches(['.', '-']);
        let top = domain.rsplit_once('.').map_or("", |(_, top)| top);
        // `git@` of `ssh://git@host` is a login.
        let is_login = text.get(..start).is_some_and(|before| before.ends_with("://"));
        if start < at && !is_login && top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            spans.push(Span { start, end: at + length + domain.len(), kind: Kind::Email });
        }
    }
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

fn local_length(before: &[u8]) -> usize {
    if let Some(quoted) = before.strip_suffix(b"\"") {
        let open = memchr::memrchr(b'"', quoted).filter(|open| quoted.len() - open <= 64 && quoted.len() - open > 1);
        return open.map_or(0, |open| before.len() - open);
    }
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-');
    before.iter().rev().take_while(|byte| is_local(byte)).count()
}

/// Phone numbers, cards and IBANs: every run of digits with the signs that people write between them.
pub(super) fn find_numbers(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let starts =
            bytes[at].is_ascii_digit() || matches!(bytes[at], b'+' | b'(') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        let is_free =
            at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'_' | b'-' | b'.' | b'/' | b'#'));
        if starts && is_free {
            let length = number_length(&bytes[at..]);
            let after = bytes.get(at + length).copied().unwrap_or(b' ');
            let ends = !(after.is_ascii_alphanumeric() || matches!(after, b'_' | b'/' | b'@'));
            let number = text.get(at..at + length).unwrap_or_default();
            if ends && let Some(kind) = kind_of_number(number) {
                spans.push(Span { start: at, end: at + length, kind });
            }
            at += length.max(1);
        } else {
            if is_free
                && bytes[at].is_ascii_uppercase()
                && let Some(length) = iban_length(text.get(at..).unwrap_or_default())
            {
                spans.push(Span { start: at, end: at + length, kind: Kind::Iban });
                at += length;
            }
            at += 1;
        }
    }
}

/// Digits, with at most two of ` `, `-`, `.`, `(`, `)` between them, up to the last digit.
fn number_length(bytes: &[u8]) -> usize {
    let (mut end, mut gap) = (0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => (end, gap) = (at + 1, 0),
            b'+' if at == 0 => {}
            b' ' | b'-' | b'.' | b'(' | b')' if gap < 2 => gap += 1,
            _ => break,
        }
    }
    end
}

fn kind_of_number(number: &str) -> Option<Kind> {
    if is_card(number) { Some(Kind::Card) } else { is_phone(number).then_some(Kind::Phone) }
}

/// `+49 170 1234567`, `+14155550134`, `(415) 555-0134`, `415-555-0134`.
fn is_phone(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if let Some(rest) = number.strip_prefix('+') {
        return (8..=15).contains(&digits) && !rest.starts_with('0') && !rest.contains('.');
    }
    let groups: Vec<_> = number.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let lengths: Vec<_> = groups.iter().map(|group| group.len()).collect();
    let has_marks = number.starts_with('(') || number.matches('-').count() == 2 && !number.contains([' ', '.']);
    // An area code and an exchange of North America begin with 2 to 9.
    let is_code = |group: &&str| group.starts_with(|c: char| ('2'..='9').contains(&c));
    has_marks && (lengths == [3, 3, 4] || lengths == [1, 3, 3, 4]) && groups.iter().rev().skip(1).take(2).all(is_code)
}

/// A number that a card may have: a known first digit, its length, one sign between groups, and the check digit of ISO 7812.
#[expect(clippy::match_same_arms, reason = "one arm for each card network")]
fn is_card(number: &str) -> bool {
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    let grouped = number.bytes().filter(|byte| !byte.is_ascii_digit());
    let mark = grouped.clone().next();
    let is_grouped = mark.is_none()
        || matches!(mark, Some(b' ' | b'-'))
            && grouped.clone().all(|byte| Some(byte) == mark)
            && number.len() == digits.len() + 3;
    let fits = match (digits.first(), digits.get(1), digits.len()) {
        (Some(4), _, 13 | 16 | 19) | (Some(5), Some(1..=5), 16) | (Some(2), Some(2..=7), 16) => true,
        (Some(3), Some(4 | 7), 15) => number.len() == 15 || number.len() == 17,
        (Some(6), Some(0 | 4 | 5), 16) => true,
        _ => false,
    };
    fits && (is_grouped || digits.len() == 15) && passes_luhn(&digits)
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits.iter().rev().enumerate().map(|(place, digit)| luhn_value(place, *digit)).sum();
    sum.is_multiple_of(10)
}

fn luhn_value(place: usize, digit: u8) -> u32 {
    let value = u32::from(digit) * if place % 2 == 1 { 2 } else { 1 };
    if value > 9 { value - 9 } else { value }
}

/// The length of an IBAN at the start of the text: its check digits are right (ISO 13616).
fn iban_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let head = bytes.get(..4)?;
    if !(head[..2].iter().all(u8::is_ascii_uppercase) && head[2..].iter().all(u8::is_ascii_digit)) {
        return None;
    }
    let (mut end, mut signs) = (0, Vec::new());
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' if signs.len() < 34 => {
                signs.push(*byte);
                end = at + 1;
            }
            b' ' if signs.len() % 4 == 0
                && bytes.get(at + 1).is_some_and(|next| next.is_ascii_digit() || next.is_ascii_uppercase()) => {}
            _ => break,
        }
    }
    let ends = !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (signs.len() >= 15 && ends && iban_remainder(&signs) == 1).then_some(end)
}

fn iban_remainder(signs: &[u8]) -> u32 {
    let (head, tail) = signs.split_at(4);
    tail.iter().chain(head).fold(0, |rest, sign| match sign {
        b'0'..=b'9' => (rest * 10 + u32::from(sign - b'0')) % 97,
        _ => (rest * 100 + u32::from(sign - b'A') + 10) % 97,
    })
}
