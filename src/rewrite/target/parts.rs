//! How templates are written: text, `{placeholders}` and RSSHub's `${variables}`.

use super::error::TargetError;
use super::placeholder::{PLACEHOLDERS, Placeholder};
use super::variable::{VARIABLES, Variable};

/// A part of a parsed template.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Literal(String),
    Placeholder(Placeholder),
    /// RSSHub's; `true`: encoded.
    Variable(Variable, bool),
}

/// RSSHub's variable of this name, and whether it is encoded.
fn parse_variable(name: &str) -> Result<Part, TargetError> {
    let (plain, is_encoded) = match name.strip_suffix("_ue") {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    VARIABLES
        .iter()
        .find(|(known, _)| *known == plain)
        .map(|(_, variable)| Part::Variable(*variable, is_encoded))
        .ok_or_else(|| TargetError::UnknownVariable(name.to_owned()))
}

pub(super) fn parse_parts(template: &str) -> Result<Vec<Part>, TargetError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let tail = &rest[at..];
        let variable = tail.strip_prefix('{').filter(|_| literal.ends_with('$'));
        if let Some((name, after)) = variable.and_then(|tail| tail.split_once('}')) {
            literal.pop();
            push_literal(&mut parts, &mut literal);
            parts.push(parse_variable(name)?);
            rest = after;
        } else if let Some(after) = tail.strip_prefix("{{") {
            literal.push('{');
            rest = after;
        } else if let Some(after) = tail.strip_prefix("}}") {
            literal.push('}');
            rest = after;
        } else if let Some((name, after)) = tail.strip_prefix('{').and_then(|t| t.split_once('}')) {
            let placeholder = PLACEHOLDERS
                .iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| TargetError::UnknownPlaceholder(name.to_owned()))?;
            push_literal(&mut parts, &mut literal);
            parts.push(Part::Placeholder(placeholder.1));
            rest = after;
        } else {
            let brace = if tail.starts_with('{') { '{' } else { '}' };
            return Err(TargetError::LoneBrace(brace));
        }
    }
    literal.push_str(rest);
    push_literal(&mut parts, &mut literal);
    Ok(parts)
}

fn push_literal(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Literal(std::mem::take(literal)));
    }
}
