//! How templates are written: text, `{placeholders}` and RSSHub's `${variables}`.

use super::placeholder::PLACEHOLDERS;
use super::{Part, TargetError};
use crate::rewrite::image_url::ImageUrl;

/// RSSHub's names, written `${name}`, or `${name_ue}` for what `encodeURIComponent` makes of them.
pub(super) const VARIABLES: &[(&str, Variable)] = &[
    ("href", Variable::Href),
    ("host", Variable::Host),
    ("hostname", Variable::Hostname),
    ("origin", Variable::Origin),
    ("pathname", Variable::Pathname),
    ("port", Variable::Port),
    ("protocol", Variable::Protocol),
    ("search", Variable::Search),
    ("searchParams", Variable::SearchParams),
    ("hash", Variable::Nothing),
    ("username", Variable::Nothing),
    ("password", Variable::Nothing),
];

/// What a `${name}` stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Variable {
    Href,
    Host,
    Hostname,
    Origin,
    Pathname,
    Port,
    Protocol,
    Search,
    SearchParams,
    /// What an image's URL never has.
    Nothing,
}

impl Variable {
    pub(super) fn text(self, image: &ImageUrl<'_>) -> String {
        let ImageUrl { scheme, host, .. } = *image;
        let port = image.host_and_port[host.len()..].trim_start_matches(':');
        match self {
            Self::Href => image.whole.to_owned(),
            Self::Host => image.host_and_port.to_owned(),
            Self::Hostname => host.to_owned(),
            Self::Origin => format!("{scheme}://{}", image.host_and_port),
            Self::Pathname => image.path.to_owned(),
            Self::Port => port.to_owned(),
            Self::Protocol => format!("{scheme}:"),
            Self::Search => image
                .query
                .map_or_else(String::new, |query| format!("?{query}")),
            Self::SearchParams => image.query.unwrap_or_default().to_owned(),
            Self::Nothing => String::new(),
        }
    }
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
