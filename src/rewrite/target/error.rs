//! Why an image proxy's template is refused.

use super::placeholder::PLACEHOLDERS;
use super::variable::VARIABLES;
use crate::rewrite::pattern::GlobError;

/// Why a template is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A `{name}` that means nothing.
    #[error("the placeholder `{{{0}}}` is unknown; known are {known}", known = known_placeholders())]
    UnknownPlaceholder(String),
    /// A `${name}` that RSSHub doesn't know.
    #[error("the variable `${{{0}}}` is unknown; known are {known}", known = known_variables())]
    UnknownVariable(String),
    /// A signature without a key.
    #[error("the template has a signature, and there is no `key` to sign with")]
    NoKey,
    /// Our own image proxy, without a key.
    #[error("there is no key to sign addresses of the image proxy `builtin` with")]
    NoSigningKey,
    /// A rule's path.
    #[error(transparent)]
    Glob(GlobError),
    /// A character that would end the URL where it stands.
    #[error("the template holds `{0}`, which an address can't hold")]
    Unclean(char),
    /// A brace without its partner.
    #[error("a lone `{0}`; write `{0}{0}` for the character itself, or one of {known}", known = known_placeholders())]
    LoneBrace(char),
    /// Nothing of the image's URL would reach the proxy.
    #[error("the template holds no placeholder; it needs one of {known}", known = known_placeholders())]
    NoPlaceholder,
    /// The template, or its host, is not written out.
    #[error(
        "the template must be an absolute http or https URL whose host is written out before the first placeholder"
    )]
    NotAbsolute,
}

fn known_placeholders() -> String {
    let names: Vec<String> = PLACEHOLDERS
        .iter()
        .map(|(name, _)| format!("`{{{name}}}`"))
        .collect();
    names.join(", ")
}

fn known_variables() -> String {
    let names = VARIABLES.iter().map(|(name, _)| format!("`${{{name}}}`"));
    names.collect::<Vec<_>>().join(", ")
}
