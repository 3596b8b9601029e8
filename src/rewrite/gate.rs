//! What lets items through, and takes those that go out of the document without a trace.
//!
//! Invariants: the white space before an item goes with it, and in JSON the comma that parted it
//! from its neighbour; every other byte comes out as it came in and in its place.

use crate::feed::Format;
use crate::rewrite::explain::Trace;
use crate::rewrite::rules::Rules;
use crate::rewrite::selection::Texts;

/// How much of what stands before an item is held until it is known whether the item goes.
const SEAM_BYTES_MAX: usize = 4 << 10;

/// No end tag of an item is longer.
const END_TAG_BYTES_MAX: usize = 256;

/// The gate of one document.
#[derive(Debug, Default)]
pub(super) struct Gate {
    seam: Seam,
    kept: usize,
    is_unlimited: bool,
    /// Items that went without their end tags: another item began in them.
    open: usize,
}

impl Gate {
    /// Whether the item whose texts these are stays. If it goes, so does what parted it from its
    /// neighbours.
    pub(super) fn admit(
        &mut self,
        item: &Texts<'_>,
        rules: &Rules,
        (trace, out): (&Trace, &mut String),
    ) -> bool {
        match rules.selection().refuse(item, self.kept) {
            None => {
                self.kept += usize::from(!self.is_unlimited);
                self.seam.keep(out);
                true
            }
            Some(refusal) => {
                trace.dropped(refusal.rule, item.title(), &refusal.reason);
                self.seam.drop_item();
                false
            }
        }
    }

    /// Items stay, however many they are.
    pub(super) fn lift_limit(&mut self) {
        self.is_unlimited = true;
    }

    /// An item goes, with what parted it from its neighbours.
    pub(super) fn hold(&mut self) {
        self.seam.drop_item();
    }

    /// Takes note of the XML of an item that went: its end tag may stand behind.
    pub(super) fn note_gone(&mut self, xml: &str) {
        let end = xml.rfind("</").map_or("", |at| &xml[at..]);
        let is_ended = xml.trim_end().ends_with("/>") || is_end_of_item(end);
        self.open += usize::from(!is_ended);
    }

    /// Takes what stands between items.
    pub(super) fn between(&mut self, text: &str, format: Format, out: &mut String) {
        if self.open == 0 || format == Format::Json {
            return self.seam.between(text, format == Format::Json, out);
        }
        let mut rest = text;
        while let Some((at, end)) = end_of_item(rest).filter(|_| self.open > 0) {
            self.open -= 1;
            self.seam.between(&rest[..at], false, out);
            rest = &rest[end..];
        }
        self.seam.between(rest, false, out);
    }

    /// Something that is no item follows, or nothing does.
    pub(super) fn flush(&mut self, out: &mut String) {
        self.seam.keep(out);
    }
}

/// Where the first end tag of an item stands.
fn end_of_item(text: &str) -> Option<(usize, usize)> {
    text.match_indices("</").find_map(|(at, _)| {
        // SECURITY: ends that never come, over and over, would take quadratic time.
        let window = text.floor_char_boundary(at + END_TAG_BYTES_MAX);
        let end = at + text[at..window].find('>')? + 1;
        is_end_of_item(&text[at..end]).then_some((at, end))
    })
}

/// Whether a text is an end tag of an item, whatever its prefix, and nothing else.
fn is_end_of_item(tag: &str) -> bool {
    let name = tag
        .trim_end()
        .strip_prefix("</")
        .and_then(|tag| tag.strip_suffix('>'));
    let local = name.and_then(|name| name.trim_end().rsplit(':').next());
    local.is_some_and(|local| {
        ["item", "entry"]
            .iter()
            .any(|item| local.eq_ignore_ascii_case(item))
    })
}

/// What parts the last thing that was written from what comes next: white space, and in JSON commas.
#[derive(Debug, Default)]
struct Seam {
    held: String,
    /// In JSON: what stood before the first item of the list, which went; the next one that stays
    /// stands there.
    lead: Option<String>,
    /// In JSON: whether something stands before the held text in the list.
    has_before: bool,
}

impl Seam {
    fn between(&mut self, text: &str, is_json: bool, out: &mut String) {
        let is_seam = |letter: char| letter.is_ascii_whitespace() || is_json && letter == ',';
        let body = text.trim_end_matches(is_seam);
        let Some(last) = body.chars().next_back() else {
            self.held.push_str(text);
            return self.limit(out);
        };
        let begins = body.len() - body.trim_start_matches(is_seam).len();
        self.held.push_str(&body[..begins]);
        self.meet(body[begins..].starts_with(']'), out);
        out.push_str(&body[begins..]);
        self.held.push_str(&text[body.len()..]);
        self.has_before = !is_json || last != '[';
        self.limit(out);
    }

    /// What was held stands before what is written now, which may be the end of the list.
    fn meet(&mut self, is_end: bool, out: &mut String) {
        match self.lead.take() {
            // Every item so far went.
            Some(_) if is_end => self.held.retain(|letter| letter != ','),
            Some(lead) => self.held = lead,
            None => {}
        }
        out.push_str(&self.held);
        self.held.clear();
    }

    fn keep(&mut self, out: &mut String) {
        self.meet(false, out);
        self.has_before = true;
    }

    fn drop_item(&mut self) {
        let held = std::mem::take(&mut self.held);
        if !self.has_before && self.lead.is_none() {
            self.lead = Some(held);
        }
    }

    /// Lets out what is too much to hold; commas are held still, or two would meet.
    fn limit(&mut self, out: &mut String) {
        if self.held.len() <= SEAM_BYTES_MAX {
            return;
        }
        if self.lead.is_some() {
            // It goes with the items that went.
            return self.held.clear();
        }
        out.extend(self.held.chars().filter(|&letter| letter != ','));
        self.held.retain(|letter| letter == ',');
        if self.held.len() > SEAM_BYTES_MAX {
            out.push_str(&self.held);
            self.held.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` with `{…}` as items, of which those that hold `x` go.
    fn through(text: &str, is_json: bool, cut: usize) -> String {
        let (mut seam, mut out) = (Seam::default(), String::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            feed(&mut seam, before, is_json, cut, &mut out);
            let (item, behind) = after.split_once('}').unwrap();
            if item.contains('x') {
                seam.drop_item();
            } else {
                seam.keep(&mut out);
                out.push_str(&format!("{{{item}}}"));
            }
            rest = behind;
        }
        feed(&mut seam, rest, is_json, cut, &mut out);
        seam.keep(&mut out);
        out
    }

    fn feed(seam: &mut Seam, text: &str, is_json: bool, cut: usize, out: &mut String) {
        let letters: Vec<char> = text.chars().collect();
        for part in letters.chunks(cut) {
            seam.between(&part.iter().collect::<String>(), is_json, out);
        }
    }

    #[track_caller]
    fn check(text: &str, is_json: bool, expected: &str) {
        for cut in [1, 2, 3, 1000] {
            assert_eq!(through(text, is_json, cut), expected, "{text} by {cut}");
        }
    }

    #[test]
    fn white_space_before_an_item_goes_with_it() {
        check(
            "<c>\n  {a}\n  {x}\n  {b}\n</c>",
            false,
            "<c>\n  {a}\n  {b}\n</c>",
        );
        check("<c>\n  {x}\n  {b}\n</c>", false, "<c>\n  {b}\n</c>");
        check("<c>\n  {a}\n  {x}\n</c>", false, "<c>\n  {a}\n</c>");
        check("<c>\n  {x}\n  {x}\n</c>", false, "<c>\n</c>");
        check("<c>{x}{a}{x}</c>", false, "<c>{a}</c>");
        check(
            "<c> <!-- 1 --> {x} , {a}</c>",
            false,
            "<c> <!-- 1 --> , {a}</c>",
        );
    }

    #[test]
    fn commas_stay_right() {
        check("[ {a},\n {x},\n {b} ]", true, "[ {a},\n {b} ]");
        check("[\n {x},\n  {b}\n]", true, "[\n {b}\n]");
        check("[\n {x},\n {x} ,{b}\n]", true, "[\n {b}\n]");
        check("[\n {a},\n {x}\n]", true, "[\n {a}\n]");
        check("[\n {a},\n {x},\n {x}\n]", true, "[\n {a}\n]");
        check("[\n   {x},\n   {x}\n]", true, "[\n]");
        check("[{x}]", true, "[]");
        check("[{x},{b},{x},{c},{x}]", true, "[{b},{c}]");
        check("[null, {x}, {b}]", true, "[null, {b}]");
        check("[{x}, null, {x}, 7]", true, "[null, 7]");
        check("[{a}, {b}]", true, "[{a}, {b}]");
        // A trailing comma stays if it stood behind what stays.
        check("[{a},{x},]", true, "[{a},]");
        check("[{x},]", true, "[]");
    }

    #[test]
    fn the_end_tag_of_an_item_that_went_goes_too() {
        let check = |gone: &[&str], between: &str, expected: &str| {
            let (mut gate, mut out) = (Gate::default(), String::new());
            gone.iter().for_each(|xml| gate.note_gone(xml));
            gate.between(between, Format::Rss, &mut out);
            gate.flush(&mut out);
            assert_eq!(out, expected, "{gone:?}");
        };
        check(&["<item>\n "], " </item></channel>", " </channel>");
        check(
            &["<a:entry>", "<a:entry></a:entry>"],
            "</a:entry></feed>",
            "</feed>",
        );
        check(&["<item><title>x</title>"], "y</ITEM ></item>", "y</item>");
        let hostile = "</".repeat(1 << 20);
        check(&["<item>"], &hostile, &hostile);
        for ended in [
            "<item/>",
            "<item></item>\n",
            "<item><title></title></item >",
        ] {
            check(&[ended], "</item></channel>", "</item></channel>");
        }
    }

    #[test]
    fn little_is_held() {
        let blanks = " ".repeat(3 * SEAM_BYTES_MAX);
        let (mut seam, mut out) = (Seam::default(), String::new());
        seam.between(&format!("{{}},{blanks}"), true, &mut out);
        assert!(seam.held.len() <= SEAM_BYTES_MAX);
        seam.drop_item();
        seam.between("]", true, &mut out);
        assert_eq!(out.replace(' ', ""), "{}]");
        for text in ["[{x},B{b}]", "[B{x},{b}]", "[{a}B,{x}B,B{b}]"] {
            let out = through(&text.replace('B', &blanks), true, 1000);
            let kept = text.replace(['B', ','], "").replace("{x}", "");
            assert_eq!(out.replace([' ', ','], ""), kept);
            assert_eq!(out.matches(',').count(), kept.matches('{').count() - 1);
        }
    }
}
