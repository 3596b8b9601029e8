//! JSON before and after.

use super::{check, check_same};

#[test]
fn json_is_repaired() {
    check("\u{feff} {}", " {}");
    check("{\"a\":[1, 2 ,\n ],\n}\n", "{\"a\":[1, 2 \n ]\n}\n");
    check(
        "{\"a\":\"b\n\tc\u{1}\r\"}",
        "{\"a\":\"b\\n\\tc\\u0001\\r\"}",
    );
    check("[{},\n]", "[{}\n]");
    for left in [
        "{\"a\":\"\\n\",\"b\":\"[1,]\"}",
        "[1,,]",
        "{,}",
        "{'a':\"\n\",}",
        "{\"a\":1 \"b\":2,}",
        "{\"a\":1,",
    ] {
        check_same(left);
    }
}
