//! Which attributes images may get.

/// The most attributes that one feed's images get or lose.
pub const ATTRIBUTES_MAX: usize = 32;

/// An attribute's name, and the value that it gets; `None`: it goes.
pub type Setting = (String, Option<String>);

/// Whether images may get an attribute of this name: letters and dashes, nothing that holds an
/// URL or a script.
#[must_use]
pub fn is_allowed(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(is_plain)
        && !name.starts_with("on")
        && !matches!(name, "src" | "srcset")
}
