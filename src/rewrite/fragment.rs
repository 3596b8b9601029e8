//! Stub.
pub(super) fn closing(_html: &str) -> Option<String> {
    Some(String::new())
}
