//! Upstream bytes to UTF-8 text, as they come in.
//!
//! Invariants: a UTF-8 document (that says so, or says nothing) comes out byte for byte, for any
//! chunking, and ASCII comes out at once. Of any other charset the text comes out and the XML
//! declaration then says `UTF-8`; nothing else changes. Decoding never fails: what is no text is
//! U+FFFD.

mod declaration;
mod held;
mod pages;
mod standard;
#[cfg(test)]
mod tests;
mod utf8;
mod wide;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, WINDOWS_1252};

use declaration::{Charset, Declaration};
use held::{Held, push_ascii, push_relabelled};
use standard::decode;
use utf8::{Claim, GUESS_BYTES_MIN, Utf8};
use wide::Wide;

/// How much of the text from the first byte on that is not ASCII is looked at (and held back) to
/// tell UTF-8 from something else.
const PROBE_BYTES: usize = 4096;
/// How much ASCII is held back because the declaration names another charset and may have to be
/// changed; after that it is.
const HELD_BYTES_MAX: usize = 64 << 10;
/// The charset that HTTP's `Content-Type` names.
#[must_use]
pub fn http_charset(content_type: Option<&str>) -> Option<String> {
    let parameters = content_type?.split(';').skip(1);
    let charset = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find_map(|(name, value)| {
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches(['"', '\'']))
        });
    charset
        .filter(|charset| !charset.is_empty())
        .map(str::to_owned)
}

/// Whether an XML declaration may name this charset, for all that is known here.
pub(super) fn is_known(label: &str) -> bool {
    declaration::encoding(label.as_bytes()).is_some_and(Charset::is_supported)
        || declaration::is_ascii_label(label.as_bytes())
}

/// Turns the bytes of one document into UTF-8 text.
#[derive(Debug)]
pub struct Decoder {
    http: Option<Charset>,
    declared: Option<Charset>,
    /// Whether the declaration names a charset that can't be meant.
    is_mislabelled: bool,
    names_utf_8: bool,
    charset: Option<&'static str>,
    state: State,
}

enum State {
    /// The first bytes, until the byte order and the XML declaration are known.
    Head(Vec<u8>),
    /// ASCII so far, and no declaration that could be wrong: goes out as it comes.
    Ascii,
    /// ASCII so far, under a declaration that names another charset.
    Held(Held),
    /// Held back from the first byte on that is not ASCII.
    Probe(Held),
    /// UTF-16 or UTF-32; the text is held back until its declaration is known.
    Wide(Wide, Option<String>),
    /// It is UTF-8.
    Utf8(Utf8),
    /// The charset is known and the declaration is out.
    Decoding(encoding_rs::Decoder),
    /// The same for a code page: the characters of its upper half.
    Paged(Vec<char>),
    /// The charset is known by name only.
    Unsupported(&'static str),
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Head(_) => "Head",
            Self::Ascii => "Ascii",
            Self::Held(_) => "Held",
            Self::Probe(_) => "Probe",
            Self::Wide(..) => "Wide",
            Self::Utf8(_) => "Utf8",
            Self::Decoding(_) => "Decoding",
            Self::Paged(_) => "Paged",
            Self::Unsupported(_) => "Unsupported",
        })
    }
}

impl Decoder {
    /// `http_charset` is the `charset` parameter of the Content-Type, as it was written.
    pub fn new(http_charset: Option<&str>) -> Self {
        Self {
            http: http_charset.and_then(|label| declaration::encoding(label.as_bytes())),
            declared: None,
            is_mislabelled: false,
            names_utf_8: false,
            charset: None,
            state: State::Head(Vec::new()),
        }
    }

    /// Text may be added to what comes out: the XML declaration says `UTF-8` from the start, also
    /// of ASCII under another label. To be called before the first bytes.
    pub fn name_utf_8(&mut self) {
        self.names_utf_8 = true;
    }

    /// Decodes the next bytes onto the end of `out`; some may be held back.
    pub fn push(&mut self, bytes: &[u8], out: &mut String) {
        self.feed(bytes, false, out);
    }

    /// The document has ended: decodes what was held back.
    pub fn finish(&mut self, out: &mut String) {
        self.feed(&[], true, out);
    }

    /// Whether ASCII stands for itself in the document's charset, as far as that is known.
    pub fn has_ascii(&self) -> bool {
        !matches!(self.state, State::Wide(..))
    }

    /// The charset that was settled on, `None` while all bytes so far were ASCII.
    pub fn charset(&self) -> Option<&'static str> {
        self.charset
    }

    /// The name of the document's charset where that is known and can't be decoded. What comes out is
    /// not the document then.
    pub fn unsupported(&self) -> Option<&'static str> {
        match self.state {
            State::Unsupported(name) => Some(name),
            _ => None,
        }
    }

    fn feed(&mut self, bytes: &[u8], is_last: bool, out: &mut String) {
        match &mut self.state {
            State::Head(head) => {
                let head = [&std::mem::take(head), bytes].concat();
                self.read_head(head, is_last, out);
            }
            State::Ascii => {
                let length = self.ascii_length(bytes);
                push_ascii(&bytes[..length], out);
                if length < bytes.len() {
                    let held = Held {
                        bytes: bytes[length..].to_vec(),
                        ascii: 0,
                        label: None,
                    };
                    self.probe(held, is_last, out);
                }
            }
            State::Held(_) | State::Probe(_) => {
                match std::mem::replace(&mut self.state, State::Ascii) {
                    State::Held(mut held) => {
                        held.bytes.extend_from_slice(bytes);
                        self.hold(held, is_last, out);
                    }
                    State::Probe(mut held) => {
                        held.bytes.extend_from_slice(bytes);
                        self.probe(held, is_last, out);
                    }
                    _ => {}
                }
            }
            State::Wide(wide, pending) => match pending {
                None => wide.decode(bytes, is_last, out),
                Some(text) => {
                    wide.decode(bytes, is_last, text);
                    if flush_declared(text, is_last, out) {
                        *pending = None;
                    }
                }
            },
            State::Utf8(utf8) => utf8.decode(bytes, is_last, out),
            State::Decoding(decoder) => decode(decoder, bytes, is_last, out),
            State::Paged(upper_half) => decode_page(upper_half, bytes, out),
            State::Unsupported(_) => decode_page(&[], bytes, out),
        }
    }

    /// Looks at the first bytes: byte order mark, the pattern of nulls, the XML declaration.
    fn read_head(&mut self, head: Vec<u8>, is_last: bool, out: &mut String) {
        if head.len() < wide::MARK_BYTES && !is_last {
            self.state = State::Head(head);
            return;
        }
        if let Some((wide, name, mark)) = Wide::detect(&head) {
            self.charset = Some(name);
            self.state = State::Wide(wide, Some(String::new()));
            return self.feed(&head[mark..], is_last, out);
        }
        if head.starts_with(pages::EBCDIC_MARK) {
            let ebcdic = Held {
                bytes: head,
                ascii: 0,
                label: None,
            };
            return self.start(Charset::Unsupported("EBCDIC"), &ebcdic, is_last, out);
        }
        let label = match declaration::read(&head) {
            Declaration::Unclear if !is_last => {
                self.state = State::Head(head);
                return;
            }
            Declaration::Label(label) => label,
            Declaration::Absent | Declaration::Unclear => 0..0,
        };
        self.declared = declaration::encoding(&head[label.clone()]);
        self.is_mislabelled = self.declared.is_none() && !label.is_empty();
        let label = Some(label).filter(|label| {
            let label = &head[label.clone()];
            declaration::is_other(label) || self.names_utf_8 && declaration::is_alias(label)
        });
        let is_utf_8 = head.starts_with(declaration::UTF_8_MARK);
        let held = Held {
            bytes: head,
            ascii: 0,
            label,
        };
        if is_utf_8 {
            self.start(Charset::Standard(UTF_8), &held, is_last, out);
        } else if self.names_utf_8 {
            let (before, rest) = held.split();
            push_relabelled(before, held.label.clone(), out);
            self.state = State::Ascii;
            self.feed(rest, is_last, out);
        } else if held.label.is_some() {
            self.hold(held, is_last, out);
        } else {
            self.state = State::Ascii;
            self.feed(&held.bytes, is_last, out);
        }
    }

    /// Holds ASCII back.
    fn hold(&mut self, mut held: Held, is_last: bool, out: &mut String) {
        held.ascii += self.ascii_length(&held.bytes[held.ascii..]);
        // SECURITY: bounded, or a document of ASCII under a wrong label would be held whole.
        // Cut at the limit, so that chunking makes no difference.
        if held.ascii >= HELD_BYTES_MAX {
            let (first, rest) = held.bytes.split_at(HELD_BYTES_MAX);
            push_relabelled(first, held.label, out);
            self.state = State::Ascii;
            self.feed(rest, is_last, out);
        } else if held.ascii < held.bytes.len() {
            self.probe(held, is_last, out);
        } else if is_last {
            push_ascii(&held.bytes, out);
        } else {
            self.state = State::Held(held);
        }
    }

    /// Decides on the charset once there is enough to look at behind the ASCII.
    fn probe(&mut self, held: Held, is_last: bool, out: &mut String) {
        let tail = &held.bytes[held.ascii..];
        if tail.len() < PROBE_BYTES && !is_last {
            self.state = State::Probe(held);
            return;
        }
        let charset = self.decide(&tail[..tail.len().min(PROBE_BYTES)]);
        self.start(charset, &held, is_last, out);
    }

    fn decide(&self, probe: &[u8]) -> Charset {
        if probe.first().is_some_and(u8::is_ascii) {
            return Charset::Standard(ISO_2022_JP);
        }
        let named = [self.http, self.declared];
        let is_utf_8 = |charset: &Charset| *charset == Charset::Standard(UTF_8);
        let other = named
            .into_iter()
            .flatten()
            .find(|charset| !is_utf_8(charset));
        let claim = match (named.iter().flatten().any(is_utf_8), other) {
            (false, Some(_)) => Claim::Other,
            (true, Some(_)) => Claim::Unclear,
            (false, None) if self.is_mislabelled => Claim::Unclear,
            (_, None) => Claim::Utf8,
        };
        if utf8::is_utf_8(probe, claim) {
            return Charset::Standard(UTF_8);
        }
        other.unwrap_or_else(|| {
            if probe.iter().filter(|byte| !byte.is_ascii()).count() < GUESS_BYTES_MIN {
                return Charset::Standard(WINDOWS_1252);
            }
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            detector.feed(probe, true);
            Charset::Standard(detector.guess(None, Utf8Detection::Deny))
        })
    }

    /// Decodes what was held, and from here on everything, as `charset`.
    fn start(&mut self, charset: Charset, held: &Held, is_last: bool, out: &mut String) {
        self.charset = Some(charset.name());
        let (before, rest) = held.split();
        push_relabelled(before, held.label.clone(), out);
        self.state = match charset {
            Charset::Standard(charset) if charset == UTF_8 => State::Utf8(Utf8::default()),
            Charset::Standard(charset) => {
                State::Decoding(charset.new_decoder_without_bom_handling())
            }
            Charset::Page(page) => State::Paged(page.upper_half()),
            Charset::Unsupported(name) => State::Unsupported(name),
        };
        self.feed(rest, is_last, out);
    }

    /// How many of `bytes` are ASCII that stands for itself whatever the charset is.
    fn ascii_length(&self, bytes: &[u8]) -> usize {
        if [self.http, self.declared].contains(&Some(Charset::Standard(ISO_2022_JP))) {
            Encoding::iso_2022_jp_ascii_valid_up_to(bytes)
        } else if bytes.is_ascii() {
            // Several times faster than to look for where ASCII ends.
            bytes.len()
        } else {
            Encoding::ascii_valid_up_to(bytes)
        }
    }
}

fn decode_page(upper_half: &[char], bytes: &[u8], out: &mut String) {
    out.extend(bytes.iter().map(|&byte| {
        match byte.checked_sub(0x80) {
            None => char::from(byte),
            Some(index) => upper_half
                .get(usize::from(index))
                .map_or(char::REPLACEMENT_CHARACTER, |letter| *letter),
        }
    }));
}

/// Gives out `text` once its declaration is there to be changed; false while it is not.
fn flush_declared(text: &str, is_last: bool, out: &mut String) -> bool {
    match declaration::read(text.as_bytes()) {
        Declaration::Unclear if !is_last => return false,
        Declaration::Label(label) if declaration::is_other(&text.as_bytes()[label.clone()]) => {
            out.push_str(&text[..label.start]);
            out.push_str("UTF-8");
            out.push_str(&text[label.end..]);
        }
        Declaration::Label(_) | Declaration::Absent | Declaration::Unclear => out.push_str(text),
    }
    true
}
