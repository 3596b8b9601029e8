//! The process's limit of open files: raised as far as it may be, and connections fitted below it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::ServerSettings;

/// Open files that are left for fetches (their own limits and idle connections add up to some 1,500),
/// the store, workers and the rest, where half of the limit is not less.
const RESERVED: u64 = 2048;

/// Raises the limit to what the system allows without more rights, and says what it is; `None`
/// where there is none.
pub(super) fn raise_limit() -> Option<u64> {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        ..before
    };
    if before.current != before.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, "the limit of open files can't be raised");
    }
    let limit = getrlimit(Resource::Nofile).current;
    tracing::info!(limit, before = before.current, "open files");
    limit
}

/// The settings with as many connections as the limit leaves room for.
pub(super) fn fit(settings: &ServerSettings, limit: Option<u64>) -> ServerSettings {
    let mut settings = settings.clone();
    let Some(limit) = limit else {
        return settings;
    };
    let room = limit - RESERVED.min(limit / 2);
    let room = usize::try_from(room).unwrap_or(usize::MAX).max(1);
    if room < settings.connections_max {
        tracing::warn!(
            limit,
            connections_max = settings.connections_max,
            fits = room,
            "fewer connections are taken than `[server] connections_max`, since so few files may be open: raise the hard limit (LimitNOFILE, ulimit -Hn)"
        );
        settings.connections_max = room;
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_the_rest() {
        for (limit, expected) in [
            (None, 10_000),
            (Some(1 << 20), 10_000),
            (Some(12_048), 10_000),
            (Some(12_047), 9_999),
            (Some(8192), 6144),
            (Some(1024), 512),
            (Some(64), 32),
            (Some(0), 1),
        ] {
            let settings = fit(&ServerSettings::default(), limit);
            assert_eq!(settings.connections_max, expected, "{limit:?}");
        }
    }
}
