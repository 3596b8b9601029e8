//! Reads each kind of value: text, durations, sizes, counts, switches, choices, lists.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::{Place, Spot};
use super::raw::{Raw, TEXT_FORM, text};
use super::reader::{Table, Written};
use super::shape::{Choice, OneOrMore};
use super::units;

/// Reads one word of a choice, or a list of some of them.
pub(super) fn one_or_more<'d, T: Choice>() -> impl FnOnce(&Raw<'d>) -> Result<OneOrMore<T>, String>
{
    move |raw| {
        let one = |raw: &Raw<'_>| choose(&raw.text(TEXT_FORM)?);
        let Some(list) = raw.array() else {
            return Ok(OneOrMore(vec![one(raw)?]));
        };
        if list.is_empty() {
            return Err("the list is empty".to_owned());
        }
        let list = list.iter().map(|value| one(&Raw::Value(value)));
        list.collect::<Result<_, _>>().map(OneOrMore)
    }
}

/// The value of a word.
fn choose<T: Choice>(text: &str) -> Result<T, String> {
    let choices = T::choices();
    let found = choices.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = choices
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        format!("expected {}", names.join(" or "))
    })
}

impl Table<'_, '_> {
    /// A text that `parse` understands; its error is a sentence.
    pub(super) fn text<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Written<T>> {
        self.value(key, text(parse))
    }

    /// A text that may be empty to say "none".
    pub(super) fn optional_text<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Written<Option<T>>> {
        self.text(key, |text| match text {
            "" => Ok(None),
            text => parse(text).map(Some),
        })
    }

    /// A duration within these bounds.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<Duration>,
    ) -> Option<Written<Duration>> {
        self.value(key, |raw| {
            let duration = units::parse_duration(&raw.text(units::DURATION_FORM)?)?;
            within(duration, &bounds, |duration| {
                units::format_duration(*duration)
            })
        })
    }

    /// A number of bytes within these bounds.
    pub(super) fn size(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<u64>,
    ) -> Option<Written<u64>> {
        self.value(key, |raw| {
            let size = units::parse_size(&raw.text(units::SIZE_FORM)?)?;
            within(size, &bounds, |size| units::format_size(*size))
        })
    }

    /// A whole number within these bounds.
    pub(super) fn count(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<u32>,
    ) -> Option<Written<u32>> {
        const FORM: &str = "a whole number";
        self.value(key, |raw| {
            let (digits, radix) = match raw {
                Raw::Variable(text) => (text.as_str(), 10),
                Raw::Value(value) => {
                    let integer = value.get_ref().as_integer();
                    let integer = integer.ok_or_else(|| raw.mismatch(FORM))?;
                    (integer.as_str(), integer.radix())
                }
            };
            let number = i128::from_str_radix(digits, radix)
                .map_err(|_| format!("expected {FORM}, found `{digits}`"))?;
            // What is too large or negative for the type is out of bounds just as well.
            match u32::try_from(number) {
                Ok(number) => within(number, &bounds, u32::to_string),
                Err(_) => Err(out_of_bounds(&bounds, u32::to_string)),
            }
        })
    }

    /// `true` or `false`.
    pub(super) fn switch(&mut self, key: &'static str) -> Option<Written<bool>> {
        const FORM: &str = "`true` or `false`";
        self.value(key, |raw| {
            let switch = match raw {
                Raw::Variable(text) => text.parse().ok(),
                Raw::Value(value) => value.get_ref().as_bool(),
            };
            switch.ok_or_else(|| raw.mismatch(FORM))
        })
    }

    /// One word of a choice.
    pub(super) fn choice<T: Choice>(&mut self, key: &'static str) -> Option<Written<T>> {
        self.text(key, choose)
    }

    /// The same, of at most `count_max` members.
    pub(super) fn list_max<T, E: Display>(
        &mut self,
        key: &'static str,
        count_max: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Written<Vec<T>>> {
        let list = self.list(key, parse)?;
        if list.value.len() > count_max {
            self.refuse(
                list.spot.clone(),
                format!("there can be no more than {count_max}"),
            );
        }
        Some(list)
    }

    /// A list of texts, each of which `parse` understands.
    pub(super) fn list<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Written<Vec<T>>> {
        let found = self.value(key, |raw| {
            raw.array()
                .ok_or_else(|| raw.mismatch("a list of texts, `[\"…\", \"…\"]`"))
        })?;
        let mut list = Vec::new();
        for (index, element) in found.value.iter().enumerate() {
            match text(&parse)(&Raw::Value(element)) {
                Ok(value) => list.push(value),
                Err(reason) => {
                    let spot = Spot {
                        path: format!("{}[{index}]", found.spot.path),
                        place: Place::File(element.span()),
                        ..found.spot.clone()
                    };
                    self.refuse(spot, reason);
                }
            }
        }
        Some(Written {
            value: list,
            spot: found.spot,
        })
    }
}

fn within<T: PartialOrd>(
    value: T,
    bounds: &RangeInclusive<T>,
    format: impl Fn(&T) -> String,
) -> Result<T, String> {
    if bounds.contains(&value) {
        Ok(value)
    } else {
        Err(out_of_bounds(bounds, format))
    }
}

fn out_of_bounds<T>(bounds: &RangeInclusive<T>, format: impl Fn(&T) -> String) -> String {
    let (least, most) = (format(bounds.start()), format(bounds.end()));
    format!("must be from {least} to {most}")
}
