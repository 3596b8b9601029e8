//! YAML front matter: the part of YAML that we write, and what people make of it by hand.
//!
//! Invariant: every text is written in double quotes, with nothing in it that YAML reads otherwise
//! than JSON.

use super::ParseError;

/// Between these lines it stands.
pub(super) const FENCE: &str = "---";

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
}

/// What stands above a text, key by key, and the text.
type Parts<'a> = (Vec<(String, Value)>, &'a str);

/// A text in double quotes (YAML 1.2.2 §7.3.1).
pub(super) fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            // What YAML takes for a line break, doesn't print, or editors don't show (bidi).
            '\u{7f}'..='\u{a0}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            other => out.push(other),
        }
    }
    out
}

/// A list of texts on one line.
pub(super) fn quoted_list(texts: &[String]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// Takes front matter and text apart.
///
/// # Errors
/// On what is more YAML than we write.
pub(super) fn parse(text: &str) -> Result<Parts<'_>, ParseError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut values: Vec<(String, Value)> = Vec::new();
    let mut rest = text;
    let mut number = 0;
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let is_last = rest.len() == line.len();
        let line = line.trim_end();
        number += 1;
        rest = after;
        match (number, line) {
            (1, FENCE) => {}
            (1, _) => return Err(ParseError::new(1, "it is not `---`")),
            (_, FENCE) => return Ok((values, rest)),
            _ => read(number, line, &mut values)?,
        }
        if is_last {
            return Err(ParseError::new(number, "the front matter has no end"));
        }
    }
}

fn read(number: usize, line: &str, values: &mut Vec<(String, Value)>) -> Result<(), ParseError> {
    let text = line.trim_start();
    if text.is_empty() || text.starts_with('#') {
        return Ok(());
    }
    if let Some(item) = text.strip_prefix("- ").or((text == "-").then_some("")) {
        let item = scalar(number, item.trim())?;
        match values.last_mut() {
            Some((_, Value::List(list))) => list.push(item),
            Some((_, value)) if *value == Value::Text(String::new()) => {
                *value = Value::List(vec![item]);
            }
            _ => return Err(ParseError::new(number, "there is no list for it")),
        }
        return Ok(());
    }
    let (key, value) = line
        .split_once(':')
        .filter(|(key, _)| !key.is_empty() && !key.starts_with(char::is_whitespace))
        .ok_or_else(|| ParseError::new(number, "it is not `key: value`"))?;
    let value = value.trim();
    let value = match value.strip_prefix('[') {
        Some(list) => Value::List(flow_list(number, value, list)?),
        None => Value::Text(scalar(number, value)?),
    };
    values.push((key.trim().to_owned(), value));
    Ok(())
}

fn flow_list(number: usize, whole: &str, inner: &str) -> Result<Vec<String>, ParseError> {
    if let Ok(list) = serde_json::from_str(whole) {
        return Ok(list);
    }
    let inner = inner.strip_suffix(']');
    let inner = inner.ok_or_else(|| ParseError::new(number, "the list has no end on its line"))?;
    let items = inner.split(',').map(str::trim);
    items
        .filter(|item| !item.is_empty())
        .map(|item| scalar(number, item))
        .collect()
}

fn scalar(number: usize, text: &str) -> Result<String, ParseError> {
    if text.starts_with('"') {
        return serde_json::from_str(text)
            .map_err(|_| ParseError::new(number, format!("`{text}` is no text in quotes")));
    }
    if let Some(inner) = text.strip_prefix('\'') {
        let inner = inner.strip_suffix('\'');
        let inner = inner.ok_or_else(|| ParseError::new(number, "a quote has no end"))?;
        return Ok(inner.replace("''", "'"));
    }
    if text.starts_with(['|', '>', '&', '*', '!', '{']) {
        return Err(ParseError::new(
            number,
            format!("`{text}` is more YAML than is read"),
        ));
    }
    let plain = text.split_once(" #").map_or(text, |(plain, _)| plain);
    Ok(plain.trim().to_owned())
}
