//! The whole way of a document with every rule on: chunking makes no difference, twice is once.
#![no_main]

use std::sync::{Arc, LazyLock};

use feedwright::rewrite::Rules;
use feedwright_fuzz::{rewrite, rules};
use libfuzzer_sys::fuzz_target;

static RULES: LazyLock<Arc<Rules>> =
    LazyLock::new(|| rules(include_str!("../feedwright.toml")));

fuzz_target!(|data: (u8, &[u8])| {
    let (size, bytes) = data;
    let (whole, is_counted) = rewrite(&RULES, bytes, bytes.len(), None);
    let size = usize::from(size % 32) + 1;
    assert_eq!(rewrite(&RULES, bytes, size, None).0, whole, "chunks of {size}");
    if is_counted {
        let (twice, _) = rewrite(&RULES, whole.as_bytes(), whole.len(), Some("utf-8"));
        assert_eq!(twice, whole, "twice");
    }
});
