//! The date filters of templates. A text that is no date gives an empty text: a footer is not worth an error.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use minijinja::{Environment, Error, ErrorKind};

use crate::feed::date;

/// The format of RFC 2822 in UTC; readers know `+0000` better than `-0000`.
const RFC_2822: &str = "%a, %d %b %Y %H:%M:%S +0000";

/// Adds `iso`, `iso_ms`, `rfc2822`, `epoch`, `epoch_ms` and `date(format)`.
pub(super) fn add_filters(environment: &mut Environment<'static>) {
    environment.add_filter("iso", |text: Cow<'_, str>| {
        show(&text, |moment| format!("{moment:.0}"))
    });
    environment.add_filter("iso_ms", |text: Cow<'_, str>| {
        show(&text, |moment| format!("{moment:.3}"))
    });
    environment.add_filter("rfc2822", |text: Cow<'_, str>| {
        show(&text, |moment| {
            to_utc(moment).strftime(RFC_2822).to_string()
        })
    });
    environment.add_filter("epoch", |text: Cow<'_, str>| {
        show(&text, |moment| moment.as_second().to_string())
    });
    environment.add_filter("epoch_ms", |text: Cow<'_, str>| {
        show(&text, |moment| moment.as_millisecond().to_string())
    });
    environment.add_filter("date", format_date);
}

/// Reads the date and shows it; nothing gives nothing.
fn show(text: &str, print: impl FnOnce(Timestamp) -> String) -> String {
    date::parse(text).map(print).unwrap_or_default()
}

/// The date by a strftime format, in UTC.
fn format_date(text: Cow<'_, str>, format: Cow<'_, str>) -> Result<String, Error> {
    let Some(moment) = date::parse(&text) else {
        return Ok(String::new());
    };
    jiff::fmt::strtime::format(format.as_bytes(), &to_utc(moment)).map_err(|cause| {
        let message = format!("{format:?} is no format for `date`: {cause}");
        Error::new(ErrorKind::InvalidOperation, message)
    })
}

fn to_utc(moment: Timestamp) -> Zoned {
    moment.to_zoned(TimeZone::UTC)
}
