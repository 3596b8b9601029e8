//! Formatted lines with untrusted content in them.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// Where a test's log goes.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What is logged, without the time.
fn logged(is_json: bool, log: impl FnOnce()) -> String {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(kept.clone())
        .event_format(Lines { is_json })
        .finish();
    tracing::subscriber::with_default(subscriber, log);
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// One line of text behind its time.
fn text(log: impl FnOnce()) -> String {
    let line = logged(false, log);
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.ends_with('Z'), "{line}");
    assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
    rest.trim_end_matches('\n').to_owned()
}

const FORGED: &str = "x\n2026-01-01T00:00:00Z ERROR forged \u{1b}[2J\u{202e}";

#[test]
fn lines_look_as_they_did() {
    let line = text(|| {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 80));
        tracing::info!(listen = %listen, url = "http://a/", feeds = 2, whole = true, "serving");
    });
    assert_eq!(
        line,
        " INFO serving listen=127.0.0.1:80 url=\"http://a/\" feeds=2 whole=true"
    );
    let nothing: Option<u16> = None;
    let line = text(|| tracing::error!(status = nothing, some = ?Some(3), "failed"));
    assert_eq!(line, "ERROR failed some=Some(3)");
}

#[test]
fn nothing_forges_a_line() {
    let error = io::Error::other(FORGED);
    let escaped = r"x\n2026-01-01T00:00:00Z ERROR forged \u{1b}[2J\u{202e}";
    let line = text(|| tracing::info!(%error, text = FORGED, debug = ?FORGED, "{FORGED}"));
    let debug = escaped.replace('\\', r"\\");
    let expected = format!(
        " INFO {escaped} error=\"{}\" text=\"{}\" debug=\"\\\"{debug}\\\"\"",
        escaped, escaped
    );
    assert_eq!(line, expected);
    let line = logged(true, || tracing::info!(%error, text = FORGED, "{FORGED}"));
    assert_eq!(line.find('\n'), Some(line.len() - 1));
    assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line}");
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    for name in ["message", "error", "text"] {
        assert_eq!(read[name], FORGED, "{name}");
    }
}

#[test]
fn nothing_forges_a_field() {
    for value in ["a status=200", "a\" status=200", "a\u{3000}b", "", "a=b"] {
        let line = text(|| tracing::info!(path = %value, status = 404, "request"));
        let quoted = value.replace('"', "\\\"").replace('\u{3000}', "\\u{3000}");
        let expected = format!(" INFO request path=\"{quoted}\" status=404");
        assert_eq!(line, expected);
    }
}

#[test]
fn values_and_lines_are_bounded() {
    let long = "ab\n".repeat(1 << 20);
    for is_json in [false, true] {
        let line = logged(is_json, || {
            tracing::info!(a = %long, b = long, c = ?long, d = %long, e = long, f = long,
                g = long, h = long, i = long, j = long, k = long, n = 1, "{long}");
        });
        assert!(
            line.len() < LINE_BYTES_MAX + 3 * VALUE_BYTES_MAX,
            "{is_json}"
        );
        assert!(line.contains(CUT));
        assert_eq!(line.find('\n'), Some(line.len() - 1));
        if is_json {
            let read: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert!(read["message"].as_str().unwrap().ends_with(CUT));
        }
    }
}

#[test]
fn json_keeps_numbers_and_names() {
    let line = logged(true, || {
        tracing::warn!(target: "feedwright::fetch", n = 7_u64, share = 0.5, none = f64::NAN, "said");
    });
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["level"], "WARN");
    assert_eq!(read["target"], "feedwright::fetch");
    assert_eq!((&read["n"], &read["share"]), (&7.into(), &0.5.into()));
    assert!(read["none"].is_null() && read["timestamp"].is_string());
}
