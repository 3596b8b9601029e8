//! The functions of XPath 1.0 (§4), and how numbers are read and written.

/// A function, without `position`'s and `last`'s context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Last,
    Position,
    Count,
    Id,
    Name,
    Text,
    Concat,
    StartsWith,
    EndsWith,
    Contains,
    SubstringBefore,
    SubstringAfter,
    Substring,
    StringLength,
    NormalizeSpace,
    Translate,
    LowerCase,
    UpperCase,
    Boolean,
    Not,
    True,
    False,
    Number,
    Sum,
    Floor,
    Ceiling,
    Round,
}

/// Functions by name, with the fewest and the most arguments; some of XPath 2 besides, since people
/// write them.
const FUNCTIONS: &[(&str, usize, usize, Function)] = &[
    ("last", 0, 0, Function::Last),
    ("position", 0, 0, Function::Position),
    ("count", 1, 1, Function::Count),
    ("id", 1, 1, Function::Id),
    ("name", 0, 1, Function::Name),
    ("local-name", 0, 1, Function::Name),
    ("string", 0, 1, Function::Text),
    ("concat", 2, 64, Function::Concat),
    ("starts-with", 2, 2, Function::StartsWith),
    ("ends-with", 2, 2, Function::EndsWith),
    ("contains", 2, 2, Function::Contains),
    ("substring-before", 2, 2, Function::SubstringBefore),
    ("substring-after", 2, 2, Function::SubstringAfter),
    ("substring", 2, 3, Function::Substring),
    ("string-length", 0, 1, Function::StringLength),
    ("normalize-space", 0, 1, Function::NormalizeSpace),
    ("translate", 3, 3, Function::Translate),
    ("lower-case", 1, 1, Function::LowerCase),
    ("upper-case", 1, 1, Function::UpperCase),
    ("boolean", 1, 1, Function::Boolean),
    ("not", 1, 1, Function::Not),
    ("true", 0, 0, Function::True),
    ("false", 0, 0, Function::False),
    ("number", 0, 1, Function::Number),
    ("sum", 1, 1, Function::Sum),
    ("floor", 1, 1, Function::Floor),
    ("ceiling", 1, 1, Function::Ceiling),
    ("round", 1, 1, Function::Round),
];

impl Function {
    pub(super) fn find(name: &str, arguments: usize) -> Option<Self> {
        let found = FUNCTIONS.iter().find(|(known, least, most, _)| {
            *known == name && (*least..=*most).contains(&arguments)
        });
        found.map(|(.., function)| *function)
    }
}

/// A number as XPath writes it (§4.2).
pub(super) fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    number.to_string()
}

/// The number that a text is (§4.4).
pub(super) fn parse_number(text: &str) -> f64 {
    let text = text.trim_ascii();
    let is_number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    text.parse().ok().filter(|_| is_number).unwrap_or(f64::NAN)
}

/// `substring` (§4.2): positions are rounded, and may lie outside.
pub(super) fn substring(text: &str, start: f64, length: Option<f64>) -> String {
    let start = round(start);
    let end = length.map_or(f64::INFINITY, |length| start + round(length));
    let letters = text.chars().zip(1_u32..).filter(|(_, position)| {
        let position = f64::from(*position);
        position >= start && position < end
    });
    letters.map(|(letter, _)| letter).collect()
}

/// `translate` (§4.2).
pub(super) fn translate(text: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    let letters =
        text.chars().filter_map(
            |letter| match from.chars().position(|known| known == letter) {
                Some(at) => to.get(at).copied(),
                None => Some(letter),
            },
        );
    letters.collect()
}

/// Halves go up (§4.4).
pub(super) fn round(number: f64) -> f64 {
    (number + 0.5).floor()
}
