//! Files of site rules in the directory that the operator names, each read when its site is first
//! met.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::recipe::{FILE_BYTES_MAX, Recipe, Site, file_names};

/// Hosts whose rules are remembered.
const HOSTS_MAX: usize = 4_096;

/// The rules of sites.
#[derive(Debug)]
pub struct Sites {
    folder: Option<PathBuf>,
    known: Mutex<HashMap<String, Arc<Recipe>>>,
}

impl Sites {
    /// The rules in `folder`; none without one.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            known: Mutex::default(),
        }
    }

    /// The rules for `host`; those of nobody in particular where it has none. Reads a file.
    #[must_use]
    pub fn recipe(&self, host: &str) -> Arc<Recipe> {
        let known = |sites: &Self| {
            let known = sites.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(host).cloned()
        };
        if let Some(recipe) = known(self) {
            return recipe;
        }
        let recipe = Arc::new(self.read(host).unwrap_or_default());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= HOSTS_MAX {
            known.clear();
        }
        known.insert(host.to_owned(), Arc::clone(&recipe));
        recipe
    }

    fn read(&self, host: &str) -> Option<Recipe> {
        let folder = self.folder.as_ref()?;
        // SECURITY: a host's name becomes a file's; the URL parser lets no slash into it.
        if host.contains(['/', '\\', '\0']) || host.starts_with('.') {
            return None;
        }
        let (name, text) = file_names(host).into_iter().find_map(|name| {
            let file = std::fs::File::open(folder.join(&name)).ok()?;
            let mut bytes = Vec::new();
            file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
            Some((name, String::from_utf8_lossy(&bytes).into_owned()))
        })?;
        let site = Site::parse(&text);
        for (line, problem) in &site.problems {
            tracing::warn!(file = name, line, problem = %problem, "a site rule is not understood");
        }
        Some(site.recipe)
    }
}
