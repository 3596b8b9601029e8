//! Stub.
pub(super) fn well_formed(html: &str) -> String {
    html.to_owned()
}
