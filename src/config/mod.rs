//! The only code that knows TOML and the environment: from a file and variables to [`Settings`].
//!
//! A document is parsed into a table with spans; `file` reads it key by key into what was
//! written; `resolve` makes of that what is meant. On the way [`Error`] are collected.
//!
//! Invariant: settings come out only where nothing is wrong, and everything that is wrong is
//! reported at once.

mod archive;
mod bounds;
mod environment;
mod error;
mod feed_images;
mod file;
mod fit;
mod full_text;
mod image;
pub mod image_hosts;
mod image_proxy;
mod images;
mod intervals;
mod masking;
mod mirror;
mod name;
mod proxy;
mod raw;
mod reader;
mod resolve;
mod rules;
mod schema;
mod secret;
mod settings;
mod shape;
mod store;
mod suggest;
mod texts;
mod units;
mod values;
mod workers;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::Path;

use toml::de::DeTable;

pub use environment::variables;
pub use error::Error;
pub use mirror::{MirrorSettings, QueryRule, RequestHeaders};
pub use name::{FeedName, FeedNameError};
pub use schema::schema;
pub use settings::{FeedSettings, LogFormat, LogSettings, ServerSettings, Settings};
pub use units::parse_duration;

use environment::Environment;
use error::{Place, SettingError, Spot};
use reader::{Reader, Table};

/// Bytes of a configuration file.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Reads a file and applies the environment; without a file, the environment to the defaults.
///
/// # Errors
/// Everything that is wrong with the file and with variables of ours, at once.
pub fn load(
    path: Option<&Path>,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, Error> {
    let Some(path) = path else {
        return parse("(no file)", "", env);
    };
    let name = path.display().to_string();
    match read_file(path) {
        Ok(text) => {
            let mut settings = parse(&name, &text, env)?;
            let folder = path.parent().unwrap_or(Path::new(""));
            settings.image_hosts = match settings.image_hosts {
                Some(hosts) => Some(folder.join(hosts)),
                None => Some(folder.join(image_hosts::FILE)).filter(|file| file.exists()),
            };
            Ok(settings)
        }
        Err(reason) => {
            let reason = format!("{name}: {reason}");
            let problem = SettingError::new(whole(Place::Whole), reason);
            Err(Error::new(&name, "", &[], vec![problem]))
        }
    }
}

/// The same for a text; `name` stands for the file's name in reports.
///
/// # Errors
/// Everything that is wrong with the text and with variables of ours, at once. Where the text is
/// no TOML, that alone: what its keys say can't be told then.
pub fn parse(
    name: &str,
    text: &str,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, Error> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let list = errors.iter().map(|error| syntax_problem(error, text));
        let masked = masking::suspect_lines(text);
        return Err(Error::new(name, text, &masked, list.collect()));
    }
    let mut reader = Reader {
        problems: Vec::new(),
        environment: Environment::new(env),
        masked: Vec::new(),
    };
    let file = Table::read_root(&mut reader, document.get_ref(), file::read);
    let mut problems = reader.problems;
    problems.extend(reader.environment.unknown());
    let settings = resolve::resolve(file, &mut problems);
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(Error::new(name, text, &reader.masked, problems))
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("the file can't be read: {error}"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("the file has more than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        format!("the file is no UTF-8 text: see line {line}")
    })
}

fn syntax_problem(error: &toml::de::Error, text: &str) -> SettingError {
    let span = error.span().unwrap_or(text.len()..text.len());
    SettingError::new(
        whole(Place::File(span)),
        format!("no valid TOML: {}", error.message()),
    )
}

/// The document, no key in particular.
fn whole(place: Place) -> Spot {
    Spot {
        path: String::new(),
        feed: None,
        place,
    }
}
