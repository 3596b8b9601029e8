//! A value as it was found: in the file, or in a variable.

use std::borrow::Cow;
use std::fmt::Display;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// What is expected of a text.
pub(super) const TEXT_FORM: &str = "text in quotes";

/// A value as it was found: in the file, or in a variable (always text).
pub(super) enum Raw<'d> {
    Value(&'d Spanned<DeValue<'d>>),
    Variable(String),
}

impl<'d> Raw<'d> {
    pub(super) fn table(&self) -> Option<&'d DeTable<'d>> {
        match self {
            Self::Value(value) => value.get_ref().as_table(),
            Self::Variable(_) => None,
        }
    }

    pub(super) fn array(&self) -> Option<&'d DeArray<'d>> {
        match self {
            Self::Value(value) => value.get_ref().as_array(),
            Self::Variable(_) => None,
        }
    }

    /// The text, or a sentence that says which `form` is expected.
    pub(super) fn text(&self, form: &str) -> Result<Cow<'_, str>, String> {
        match self {
            Self::Variable(text) => Ok(Cow::Borrowed(text)),
            Self::Value(value) => value
                .get_ref()
                .as_str()
                .map(Cow::Borrowed)
                .ok_or_else(|| self.mismatch(form)),
        }
    }

    /// "expected … , found an integer".
    pub(super) fn mismatch(&self, expected: &str) -> String {
        let found = match self {
            Self::Variable(_) => "text",
            Self::Value(value) => match value.get_ref() {
                DeValue::String(_) => "text",
                DeValue::Integer(_) => "a bare number",
                DeValue::Float(_) => "a bare number",
                DeValue::Boolean(_) => "`true` or `false`",
                DeValue::Datetime(_) => "a date",
                DeValue::Array(_) => "a list",
                DeValue::Table(_) => "a table",
            },
        };
        format!("expected {expected}, found {found}")
    }
}

/// Wraps a parser of text for [`Table::value`] and [`Table::required`].
pub(super) fn text<'d, T, E: Display>(
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> impl FnOnce(&Raw<'d>) -> Result<T, String> {
    move |raw| parse(&raw.text(TEXT_FORM)?).map_err(|error| error.to_string())
}
