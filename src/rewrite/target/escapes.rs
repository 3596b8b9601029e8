//! How parts of an image's URL are escaped.

use std::sync::LazyLock;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC};

use crate::html::escape::Escapes;

/// What `encodeURIComponent` encodes, and the apostrophe, which would end a quoted attribute.
pub(super) static COMPONENT: LazyLock<Escapes> = LazyLock::new(|| {
    const SET: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'!')
        .remove(b'~')
        .remove(b'*')
        .remove(b'(')
        .remove(b')');
    Escapes::percent(SET)
});

/// What no URL may hold where quotes and spaces end it.
pub(super) static UNSAFE: LazyLock<Escapes> = LazyLock::new(|| {
    const SET: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'\'')
        .add(b'<')
        .add(b'>')
        .add(b'`');
    Escapes::percent(SET)
});
