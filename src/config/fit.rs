//! Warnings of limits that can't be met together: bodies larger than may be under way.

use super::Settings;
use super::units::format_size;

impl Settings {
    /// Limits that are valid and yet can't be met, a sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let inflight_bytes = self.server.inflight_bytes;
        let usual = [
            (
                "[fetch] decoded_bytes_max".to_owned(),
                self.fetch.decoded_bytes_max,
                "a larger feed is refused",
            ),
            (
                "[full_text] page_bytes_max".to_owned(),
                self.full_text.page_bytes_max as u64,
                "a larger page is refused",
            ),
            (
                "[archive] image_bytes_max".to_owned(),
                self.archive.image_bytes_max as u64,
                "a larger image stays a link",
            ),
            (
                "[image] body_bytes_max".to_owned(),
                self.image.body_bytes_max,
                PASSED,
            ),
        ];
        let mirrors = self.mirrors.iter().map(|mirror| {
            let key = format!("object_bytes_max of mirror `{}`", mirror.name);
            (key, mirror.object_bytes_max as u64, PASSED)
        });
        let too_large = usual
            .into_iter()
            .chain(mirrors)
            .filter(|(_, bytes, _)| *bytes > inflight_bytes / 2);
        too_large
            .map(|(key, bytes, then)| {
                format!(
                    "{key} is {}, more than half of `[server] inflight_bytes`, {}: {then}",
                    format_size(bytes),
                    format_size(inflight_bytes)
                )
            })
            .collect()
    }
}

/// The consequence for a body that is too large to be held.
const PASSED: &str = "a larger body is passed through and not kept";

#[cfg(test)]
mod tests {
    #[test]
    fn limits_that_can_not_be_met_are_named() {
        let warnings = |text: &str| {
            let settings = super::super::parse("test.toml", text, []);
            settings.map_or_else(
                |problems| panic!("{problems}"),
                |settings| settings.warnings(),
            )
        };
        assert_eq!(warnings(""), Vec::<String>::new(), "the defaults fit");
        assert_eq!(
            warnings("[image]\nbody_bytes_max = '40MiB'\n"),
            [
                "[image] body_bytes_max is 40MiB, more than half of `[server] inflight_bytes`, 64MiB: \
                 a larger body is passed through and not kept"
            ]
        );
        assert!(
            warnings("[store]\nmemory_bytes = '1GiB'\n[image]\nbody_bytes_max = '100MiB'\n")
                .is_empty(),
            "a quarter of the memory may be under way"
        );
        let small = "[server]\ninflight_bytes = '8MiB'\n[[mirror]]\nname = 'files'\norigin = 'https://example.org/'\n";
        let small = warnings(small);
        assert_eq!(small.len(), 5, "{small:?}");
        assert!(small[4].starts_with("object_bytes_max of mirror `files` is 32MiB"));
    }
}
