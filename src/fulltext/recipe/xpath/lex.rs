//! The words of an XPath expression (XPath 1.0 §3.7).

use super::XPathError;

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, maybe with a prefix.
    Name(String),
    /// A name that stands where an operator stands.
    Operator(Operator),
    Literal(String),
    Number(f64),
    /// `name::`
    Axis(String),
    /// `name(`, with the parenthesis.
    Call(String),
    Open,
    Close,
    OpenPredicate,
    ClosePredicate,
    Dot,
    DotDot,
    At,
    Comma,
    Star,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Div,
    Mod,
    Times,
    Slash,
    DoubleSlash,
    Union,
    Plus,
    Minus,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Operators by their signs, longer ones first.
const SIGNS: &[(&str, Operator)] = &[
    ("//", Operator::DoubleSlash),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("/", Operator::Slash),
    ("|", Operator::Union),
    ("+", Operator::Plus),
    ("-", Operator::Minus),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// Reads an expression into words.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, XPathError> {
    let mut tokens = Vec::new();
    let mut rest = source.trim_start();
    while !rest.is_empty() {
        let (token, length) = next(rest, tokens.last())?;
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn next(rest: &str, before: Option<&Token>) -> Result<(Token, usize), XPathError> {
    let first = rest.chars().next().unwrap_or_default();
    if let '"' | '\'' = first {
        let end = rest[1..].find(first).ok_or(XPathError::OpenText)?;
        return Ok((Token::Literal(rest[1..=end].to_owned()), end + 2));
    }
    let starts_number = first.is_ascii_digit()
        || first == '.' && rest[1..].starts_with(|next: char| next.is_ascii_digit());
    if starts_number {
        let length = rest
            .bytes()
            .position(|byte| !byte.is_ascii_digit() && byte != b'.');
        let length = length.unwrap_or(rest.len());
        let number = rest[..length].parse().map_err(|_| XPathError::Number)?;
        return Ok((Token::Number(number), length));
    }
    let is_operator_place = before.is_some_and(ends_operand);
    if let Some((sign, operator)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((Token::Operator(*operator), sign.len()));
    }
    let single = match first {
        '(' => Some(Token::Open),
        ')' => Some(Token::Close),
        '[' => Some(Token::OpenPredicate),
        ']' => Some(Token::ClosePredicate),
        '@' => Some(Token::At),
        ',' => Some(Token::Comma),
        '*' if is_operator_place => Some(Token::Operator(Operator::Times)),
        '*' => Some(Token::Star),
        '.' if rest.starts_with("..") => return Ok((Token::DotDot, 2)),
        '.' => Some(Token::Dot),
        _ => None,
    };
    if let Some(token) = single {
        return Ok((token, 1));
    }
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    if !(first.is_alphabetic() || first == '_') {
        return Err(XPathError::Letter(first));
    }
    let mut length = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
    if is_operator_place {
        let named = [
            ("or", Operator::Or),
            ("and", Operator::And),
            ("div", Operator::Div),
            ("mod", Operator::Mod),
        ];
        let found = named.iter().find(|(name, _)| *name == &rest[..length]);
        let (name, operator) = found.ok_or(XPathError::Unexpected)?;
        return Ok((Token::Operator(*operator), name.len()));
    }
    let name = &rest[..length];
    let behind = &rest[length..];
    if let Some(axis) = behind.trim_start().strip_prefix("::") {
        return Ok((Token::Axis(name.to_owned()), rest.len() - axis.len()));
    }
    if let Some(local) = behind.strip_prefix(':') {
        // A prefix: HTML has none, the local name is what counts.
        let end = local.find(|letter| !is_name(letter)).unwrap_or(local.len());
        length += 1 + end;
        return Ok((Token::Name(rest[..length].to_owned()), length));
    }
    if let Some(arguments) = behind.trim_start().strip_prefix('(') {
        return Ok((Token::Call(name.to_owned()), rest.len() - arguments.len()));
    }
    Ok((Token::Name(name.to_owned()), length))
}

/// Whether an operator may follow (§3.7, disambiguation).
fn ends_operand(token: &Token) -> bool {
    matches!(
        token,
        Token::Name(_)
            | Token::Literal(_)
            | Token::Number(_)
            | Token::Close
            | Token::ClosePredicate
            | Token::Dot
            | Token::DotDot
            | Token::Star
    )
}
