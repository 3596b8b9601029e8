//! What no publisher means, and fuzzers find.

use super::{check, check_same};

#[test]
fn items_under_a_prefix_are_items() {
    let head = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:a=\"http://www.w3.org/2005/Atom\" xmlns:o=\"urn:o\">";
    check(
        &format!("{head}<a:entry><a:entry></a:entry></feed>"),
        &format!("{head}<a:entry></a:entry><a:entry></a:entry></feed>"),
    );
    // Those of another vocabulary may nest.
    check_same(&format!("{head}<o:item><o:item></o:item></o:item></feed>"));
}

#[test]
fn dashes_that_meet_when_illegal_characters_go() {
    check(
        "<!-- a -\u{11}- b --><rss></rss>",
        "<!-- a - - b --><rss></rss>",
    );
}

#[test]
fn what_a_cut_root_leaves_is_behind_it() {
    check("<feed m=\" /><\"\">", "<feed m=\"\" />");
}

#[test]
fn an_element_without_an_end_that_declares_something_ends_with_its_parent() {
    check(
        "<rss ><title><content ><link xmlns:h><h:v></content>",
        "<rss ><title><content ><link xmlns:h=\"xmlns:h\"><h:v></h:v></link></content>",
    );
}
