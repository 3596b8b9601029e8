//! Values that must not be shown: request headers, cookies, an outbound proxy with its password.
//!
//! Invariant: what these keys hold reaches neither `Debug` nor a report. Each may be written as
//! text, or as `{ env = "NAME" }` or `{ file = "PATH" }`.

use std::fmt::Display;
use std::io::Read;

use http::{HeaderName, HeaderValue};
use toml::Spanned;
use toml::de::DeValue;

use super::error::{Place, Spot};
use super::raw::Raw;
use super::reader::{Table, Written};
use super::texts;

/// Bytes of a file that holds a secret.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// The form of a secret, for error messages.
const SECRET_FORM: &str = "text in quotes, `{ env = \"NAME\" }` or `{ file = \"PATH\" }`";

impl<'d> Table<'_, 'd> {
    /// A secret that `parse` understands; empty text says "none".
    pub(super) fn secret<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Written<Option<T>>> {
        let found = self.value(key, raw_value)?;
        let text = self.secret_text(found.value, &found.spot)?;
        let value = match text.as_str() {
            "" => None,
            text => match parse(text) {
                Ok(value) => Some(value),
                Err(reason) => {
                    self.refuse(found.spot, reason.to_string());
                    return None;
                }
            },
        };
        Some(Written {
            value,
            spot: found.spot,
        })
    }

    /// A secret or a list of up to `count_max`; empty text says "none".
    pub(super) fn secrets<T, E: Display>(
        &mut self,
        key: &'static str,
        count_max: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Written<Vec<T>>> {
        let is_list = self
            .written(key)
            .is_some_and(|value| value.get_ref().is_array());
        if !is_list {
            let found = self.secret(key, parse)?;
            return Some(found.map(|secret| secret.into_iter().collect()));
        }
        let found = self.value(key, |raw| raw.array().ok_or_else(String::new))?;
        let (mut list, refused) = (Vec::new(), self.reader.problems.len());
        for (index, value) in found.value.iter().enumerate() {
            let spot = Spot {
                path: format!("{}[{index}]", found.spot.path),
                place: Place::File(value.span()),
                ..found.spot.clone()
            };
            if index == count_max {
                self.refuse(
                    spot.clone(),
                    format!("there can be no more than {count_max}"),
                );
            }
            match self.secret_text(value, &spot).map(|text| parse(&text)) {
                Some(Ok(secret)) => list.push(secret),
                Some(Err(reason)) => self.refuse(spot, reason.to_string()),
                None => {}
            }
        }
        let is_good = self.reader.problems.len() == refused;
        is_good.then_some(Written {
            value: list,
            spot: found.spot,
        })
    }

    /// `headers = { Name = secret }`.
    pub(super) fn headers(&mut self) -> Option<Written<Vec<(HeaderName, HeaderValue)>>> {
        const KEY: &str = "headers";
        if let Some(value) = self
            .written(KEY)
            .filter(|value| !value.get_ref().is_table())
        {
            self.reader.mask(value);
        }
        let mut seen = Vec::new();
        self.entries(KEY, |table, written, value| {
            let spot = Spot {
                place: Place::File(value.span()),
                ..written.spot.clone()
            };
            let text = table.secret_text(value, &spot);
            let name = texts::header_name(written.value)
                .map_err(|reason| table.refuse(written.spot.clone(), reason))
                .ok()?;
            if seen.contains(&name) {
                table.refuse(written.spot, "this header is written twice");
                return None;
            }
            seen.push(name.clone());
            let value = texts::header_value(&text?)
                .map_err(|reason| table.refuse(spot, reason))
                .ok()?;
            Some((name, secret_header(value)))
        })
    }

    /// SECURITY: a URL with a user and password is refused, and masked in the report.
    pub(super) fn mask_credentials(&mut self, key: &str) {
        let Some(value) = self.written(key) else {
            return;
        };
        if value
            .get_ref()
            .as_str()
            .is_some_and(|text| text.contains('@'))
        {
            self.reader.mask(value);
        }
    }

    /// The text of a secret, from wherever it is kept.
    fn secret_text(&mut self, value: &'d Spanned<DeValue<'d>>, spot: &Spot) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) => {
                self.reader.mask(value);
                Some(text.clone().into_owned())
            }
            DeValue::Table(table) => self.child(Some(table), spot.clone(), read_reference),
            _ => {
                self.reader.mask(value);
                self.refuse(spot.clone(), Raw::Value(value).mismatch(SECRET_FORM));
                None
            }
        }
    }
}

/// Marks a header's value, so that `Debug` doesn't show it and HPACK doesn't index it.
pub(super) fn secret_header(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

fn raw_value<'d>(raw: &Raw<'d>) -> Result<&'d Spanned<DeValue<'d>>, String> {
    match raw {
        Raw::Value(value) => Ok(value),
        Raw::Variable(_) => Err(raw.mismatch(SECRET_FORM)),
    }
}

/// Reads `{ env = "NAME" }` or `{ file = "PATH" }`.
fn read_reference(table: &mut Table<'_, '_>) -> Option<String> {
    let keep = |text: &str| Ok::<_, String>(text.to_owned());
    let env = table.text("env", keep);
    let file = table.text("file", keep);
    let found = match (env, file) {
        (Some(env), None) => match table.reader.environment.secret(&env.value) {
            Some(secret) => Ok(secret.to_owned()),
            None => Err((env.spot, format!("the variable {} is not set", env.value))),
        },
        (None, Some(file)) => read_secret_file(&file.value).map_err(|reason| (file.spot, reason)),
        (Some(_), Some(file)) => Err((file.spot, "`env` and `file` exclude each other".into())),
        // Something is written, and was refused on its own.
        (None, None) if !table.is_empty() => return None,
        (None, None) => {
            table.refuse_here(format!("expected {SECRET_FORM}"));
            return None;
        }
    };
    match found {
        Ok(secret) => Some(secret.trim_end_matches(['\r', '\n']).to_owned()),
        Err((spot, reason)) => {
            table.refuse(spot, reason);
            None
        }
    }
}

fn read_secret_file(path: &str) -> Result<String, String> {
    let mut secret = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut secret))
        .map_err(|error| format!("the file can't be read: {error}"))?;
    if secret.len() as u64 > SECRET_BYTES_MAX {
        return Err(format!("the file has more than {SECRET_BYTES_MAX} bytes"));
    }
    Ok(secret)
}
