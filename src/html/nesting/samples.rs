//! Texts for tests: tags and text in any order, or nested.

use proptest::prelude::*;
use proptest::sample::select;

const PARTS: &[&str] = &[
    "<p>",
    "</p>",
    "<div class=a>",
    "</div>",
    "<b>",
    "</b>",
    "<i title='x\"y'>",
    "</i>",
    "<a href=\"https://x.org/?a&amp;b=1\" onclick=x>",
    "<a href='javascript:x'>",
    "<a href=\"//x\">",
    "<a href=\"mailto:a@b\">",
    "<a HREF=x href=y>",
    "</a>",
    "<ul>",
    "</ul>",
    "<li>",
    "</li>",
    "<dl>",
    "<dt>",
    "</dt>",
    "<dd>",
    "</dd>",
    "</dl>",
    "<h1>",
    "</h1>",
    "<h2>",
    "</h2>",
    "<img src=a alt>",
    "<img src=\"https://x.org/a.png\" alt='é' width=1 style=x/>",
    "<br>",
    "<br />",
    "<hr>",
    "<BR/>",
    "<pre>",
    "</pre>",
    "\n",
    "<span>",
    "</span>",
    "<center>",
    "</center>",
    "<font color=red>",
    "</font>",
    "<blockquote cite=\"x\">",
    "</blockquote>",
    "<figure>",
    "<figcaption>",
    "</figcaption>",
    "</figure>",
    "<picture>",
    "<source srcset=\"a 1x\" media=x>",
    "</picture>",
    "<video src=a poster='data:x'>",
    "</video>",
    "<x-y>",
    "</x-y>",
    "<section>",
    "</section>",
    "<s>",
    "</s>",
    "<u>",
    "</u>",
    "<code>",
    "</code>",
    "<table>",
    "<tr>",
    "<td>",
    "</td>",
    "</tr>",
    "</table>",
    "<details open>",
    "</details>",
    "<summary>",
    "</summary>",
    "<table><tr><td>",
    "</td></tr></table>",
    "<tbody>",
    "</tbody>",
    "<thead>",
    "<th>",
    "<caption>",
    "</caption>",
    "<table><tbody><tr><td>",
    "</td></tr></tbody></table>",
    "<ruby>",
    "<rt>",
    "</rt>",
    "</ruby>",
    "<svg>",
    "</svg>",
    "<!-- x -->",
    "text",
    "a &amp; b",
    "&nbsp;",
    "\u{a0}",
    "&lt;p&gt;",
    "&#128;",
    "&notit;",
    "&amp",
    "é",
    " ",
    ">",
    "\"",
    "<p dir=rtl lang=de xmlns=x>",
    "<div xmlns=\"http://www.w3.org/1999/xhtml\">",
    "<wbr>",
    "<embed>",
    "<input>",
    "<nobr>",
    "</nobr>",
    "<q cite=a>",
    "</q>",
    "<time datetime=x>",
    "</time>",
    "</br>",
    "&#0;",
    "<p/>",
    "<image>",
    "<col>",
    "<form>",
    "</form>",
    "<big>",
    "</big>",
    "<main>",
    "</main>",
    "<iframe>",
    "<abbr title='&quot;&lt;'>",
    "</abbr>",
    "<button>",
    "</button>",
    "<select>",
    "<option>",
    "</select>",
];

/// Parts in any order.
pub(crate) fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PARTS), 0..12).prop_map(|parts| parts.concat())
}

/// Elements that are closed in their order, with any of the parts inside.
pub(crate) fn nested() -> impl Strategy<Value = String> {
    let is_tag = |part: &&&str| part.starts_with('<') && !part.starts_with("<!");
    let starts: Vec<&str> = PARTS.iter().filter(is_tag).copied().collect();
    let starts: Vec<&str> = starts
        .into_iter()
        .filter(|part| !part.starts_with("</"))
        .collect();
    let is_leaf =
        |part: &&&str| !is_tag(part) || part.starts_with("<br") || part.starts_with("<img");
    let leaves: Vec<&str> = PARTS.iter().filter(is_leaf).copied().collect();
    let leaf = select(leaves).prop_map(str::to_owned);
    let element = leaf.prop_recursive(5, 40, 4, move |inner| {
        let inside = prop::collection::vec(inner, 0..4);
        (select(starts.clone()), inside, 0..8).prop_map(|(start, inside, kind)| {
            if kind == 0 {
                let cells = inside.iter().map(|cell| format!("<td>{cell}</td>\n"));
                let cells: String = cells.collect();
                if inside.len() % 2 == 1 {
                    return format!("<table>\n<tr>{cells}</tr> <tr>{cells}</tr>\n</table>");
                }
                return format!("<table><tbody> <tr>{}</tr></tbody></table>", cells);
            }
            let name = start[1..].split([' ', '>', '/']).next().unwrap_or_default();
            format!("{start}{}</{name}>", inside.concat())
        })
    });
    prop::collection::vec(element, 1..4).prop_map(|parts| parts.concat())
}
