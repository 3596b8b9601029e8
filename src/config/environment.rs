//! The environment as part of the configuration: variables that override the file, and variables
//! that secrets are read from.
//!
//! Invariant: the process's environment is read in [`variables`] alone; everything else is handed
//! the pairs, so that tests need no global state.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Place, SettingError, Spot};
use super::suggest::{nearest, suggest};

/// What the names of our variables start with.
const PREFIX: &str = "FEEDWRIGHT_";

/// Sections whose keys may come from variables. Feeds may not: a variable can't say which feed.
const SECTIONS: [&str; 4] = ["server.", "log.", "store.", "fetch."];

/// Which file to read; the command line's.
const CONFIG: &str = "FEEDWRIGHT_CONFIG";

/// The process's environment, for [`load`](super::load); variables that are no UTF-8 are left out.
pub fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The variables, and which of them were asked for.
pub(super) struct Environment {
    variables: BTreeMap<String, String>,
    asked: BTreeSet<String>,
}

impl Environment {
    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            asked: BTreeSet::new(),
        }
    }

    /// The variable that overrides the key at `path` (`server.listen`), with its name, if it is set.
    pub(super) fn overriding(&mut self, path: &str) -> Option<(String, String)> {
        if !SECTIONS.iter().any(|section| path.starts_with(section)) {
            return None;
        }
        let name = format!("{PREFIX}{}", path.replace('.', "_").to_ascii_uppercase());
        let value = self.variables.get(&name).cloned();
        self.asked.insert(name.clone());
        value.map(|value| (name, value))
    }

    /// The variable that a secret names.
    pub(super) fn secret(&mut self, name: &str) -> Option<&str> {
        self.asked.insert(name.to_owned());
        self.variables.get(name).map(String::as_str)
    }

    /// Variables of ours that nothing asked for: misspelt, most likely.
    pub(super) fn unknown(&self) -> impl Iterator<Item = SettingError> {
        self.variables
            .iter()
            .filter(|(name, _)| name.starts_with(PREFIX) && *name != CONFIG)
            .filter(|(name, value)| !is_service_link(name, value))
            .filter(|(name, _)| !self.asked.contains(*name))
            .map(|(name, _)| {
                let known: Vec<&str> = self
                    .asked
                    .iter()
                    .map(String::as_str)
                    .filter(|known| known.starts_with(PREFIX))
                    .collect();
                let spot = Spot {
                    path: String::new(),
                    feed: None,
                    place: Place::Variable(name.clone(), None),
                };
                // The list is long; it helps only who was far off.
                let help = match nearest(name, &known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => suggest(name, &known, "known variables"),
                };
                SettingError::new(spot, "there is no such variable").with_help(help)
            })
    }
}

/// Whether Kubernetes set this variable, as it does in every pod beside a service that is called
/// `feedwright` or `feedwright-…`: `FEEDWRIGHT_SERVICE_HOST`, `FEEDWRIGHT_PORT=tcp://…` and so on.
fn is_service_link(name: &str, value: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_")
        || (name.ends_with("_PORT") && value.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_kubernetes_are_not_ours() {
        let check = |name: &str, value: &str, expected: bool| {
            assert_eq!(is_service_link(name, value), expected, "{name}");
        };
        check("FEEDWRIGHT_SERVICE_HOST", "10.0.0.1", true);
        check("FEEDWRIGHT_SERVICE_PORT", "8080", true);
        check("FEEDWRIGHT_SERVICE_PORT_HTTP", "8080", true);
        check("FEEDWRIGHT_PORT", "tcp://10.0.0.1:8080", true);
        check("FEEDWRIGHT_SERVER_PORT_8080_TCP_ADDR", "10.0.0.1", true);
        check("FEEDWRIGHT_SERVER_PORT", "8080", false);
        check("FEEDWRIGHT_SERVER_LISTEN", "x", false);
    }
}
