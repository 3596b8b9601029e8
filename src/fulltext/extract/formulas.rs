//! Formulas: of all the forms that KaTeX and MathJax give one, MathML stays, else its TeX; and MathML
//! is written anew from a list of what it is made of, since the sanitiser knows none.
//!
//! SECURITY: what is written holds elements and attributes of the lists below and text, and nothing
//! of HTML, so that every parser reads in it what stands here.

use dom_query::{Document, NodeRef};

use super::tree::{self, is_any, one_line};
use crate::feed::characters::escape;
use crate::rewrite::article;

/// Formulas of an article.
const FORMULAS_MAX: usize = 5_000;
/// How deep one is nested.
const DEPTH_MAX: usize = 64;

/// Elements of MathML Core that hold others.
const HOLDERS: &[&str] = &[
    "math",
    "mrow",
    "mfrac",
    "msqrt",
    "mroot",
    "mstyle",
    "mpadded",
    "mphantom",
    "merror",
    "msub",
    "msup",
    "msubsup",
    "munder",
    "mover",
    "munderover",
    "mmultiscripts",
    "mprescripts",
    "none",
    "mtable",
    "mtr",
    "mtd",
    "mlabeledtr",
    "mfenced",
    "menclose",
    "semantics",
    "maction",
];
/// Those that hold text.
const TOKENS: &[&str] = &["mi", "mn", "mo", "ms", "mtext", "mspace"];
/// What they may say of how they look.
const ATTRIBUTES: &[&str] = &[
    "display",
    "mathvariant",
    "dir",
    "displaystyle",
    "scriptlevel",
    "stretchy",
    "fence",
    "separator",
    "form",
    "lspace",
    "rspace",
    "minsize",
    "maxsize",
    "symmetric",
    "largeop",
    "movablelimits",
    "accent",
    "accentunder",
    "linethickness",
    "columnspan",
    "rowspan",
    "columnalign",
    "rowalign",
    "columnlines",
    "rowlines",
    "frame",
    "notation",
    "open",
    "close",
    "separators",
    "width",
    "height",
    "depth",
    "columnspacing",
    "rowspacing",
];
/// Bytes of an attribute's value.
const VALUE_BYTES_MAX: usize = 100;

/// Leaves one form of each formula of a page.
pub(super) fn settle(document: &Document) {
    for script in document.select("script[type^='math/']").nodes() {
        settle_script(document, script);
    }
    for rendered in document.select(".katex").nodes() {
        let html = rendered
            .descendants()
            .into_iter()
            .filter(|node| node.has_class("katex-html"));
        let has_math = holds_math(rendered);
        for node in html {
            if has_math {
                node.remove_from_parent();
            } else {
                node.remove_attr("aria-hidden");
            }
        }
    }
    for container in document.select("mjx-container").nodes() {
        let math = container
            .descendants_it()
            .find(|node| node.has_name("math"));
        match (math, tex_of(container)) {
            (Some(math), _) => container.replace_with(&math),
            (None, Some(tex)) => container.replace_with(&document.tree.new_text(tex)),
            (None, None) => {}
        }
    }
    for math in document.select("math").nodes() {
        show(math);
    }
}

/// MathJax 2: the source is in a script, behind what was made of it.
fn settle_script(document: &Document, script: &NodeRef<'_>) {
    let kind = script.attr_or("type", "").to_ascii_lowercase();
    let source = script.text();
    let mut before = script.prev_element_sibling();
    for _ in 0..3 {
        let Some(node) = before else { break };
        let names = tree::names_of(&node);
        if !(names.contains("mathjax") || names.contains("mjx")) {
            break;
        }
        before = node.prev_element_sibling();
        node.remove_from_parent();
    }
    if kind.starts_with("math/mml") {
        script.replace_with_html(source.to_string());
    } else if kind.starts_with("math/tex") && !source.trim().is_empty() {
        let source = source.trim();
        let text = if kind.contains("display") {
            format!("\\[{source}\\]")
        } else {
            format!("\\({source}\\)")
        };
        script.replace_with(&document.tree.new_text(text));
    }
}

fn tex_of(container: &NodeRef<'_>) -> Option<String> {
    let said = |name: &str| {
        let of_inner = || container.descendants_it().find_map(|node| node.attr(name));
        container
            .attr(name)
            .or_else(of_inner)
            .filter(|text| !text.trim().is_empty())
    };
    let tex = said("data-latex").map(|tex| format!("\\({}\\)", tex.trim()));
    tex.or_else(|| said("aria-label").map(|text| text.to_string()))
}

fn holds_math(node: &NodeRef<'_>) -> bool {
    node.descendants_it().any(|inner| inner.has_name("math"))
}

/// MathML that is hidden for those who see an image of it is shown, and the image goes.
fn show(math: &NodeRef<'_>) {
    for above in std::iter::once(*math).chain(math.ancestors(Some(2))) {
        if above.id != math.id && !is_any(&above, &["span", "div"]) {
            break;
        }
        let style = above.attr_or("style", "").to_ascii_lowercase();
        if style.contains("display") || style.contains("visibility") {
            above.remove_attr("style");
        }
        above.remove_attr("aria-hidden");
        above.remove_attr("hidden");
        let twins = above.children_it(false).filter(|beside| {
            beside.has_name("img")
                && (tree::names_of(beside).contains("math")
                    || beside.attr_or("alt", "").contains('\\'))
        });
        for twin in twins.collect::<Vec<_>>() {
            twin.remove_from_parent();
        }
    }
}

/// `html` sanitised, its formulas beside.
pub(super) fn sanitize(html: &str) -> String {
    if !html.contains("<math") {
        return article::sanitize(html);
    }
    let document = tree::fragment(html);
    let root = document.root();
    let mut written = Vec::new();
    for math in root.descendants() {
        let is_inner = math.ancestors_it(None).any(|above| above.has_name("math"));
        if !math.has_name("math") || is_inner || written.len() >= FORMULAS_MAX {
            continue;
        }
        let mut formula = String::new();
        write(&math, DEPTH_MAX, &mut formula);
        let place = document.tree.new_element("span");
        place.set_attr("lang", &mark(written.len()));
        math.replace_with(&place);
        written.push(formula);
    }
    let clean = article::sanitize(&tree::inner_html(&root));
    let mut whole = String::with_capacity(clean.len());
    let mut rest = clean.as_str();
    while let Some(at) = rest.find(MARK_START) {
        let (before, from) = rest.split_at(at);
        whole.push_str(before);
        let from = &from[MARK_START.len()..];
        let digits = from.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = from.split_at(digits);
        let formula = number.parse::<usize>().ok();
        let formula = formula.and_then(|number| written.get_mut(number));
        // Each once: a page may have such elements of its own.
        if let (Some(formula), Some(behind)) = (formula, behind.strip_prefix(MARK_END)) {
            whole.push_str(&std::mem::take(formula));
            rest = behind;
        } else {
            whole.push_str(MARK_START);
            rest = from;
        }
    }
    whole.push_str(rest);
    whole
}

const MARK_START: &str = "<span lang=\"x-formula-";
const MARK_END: &str = "\"></span>";

fn mark(index: usize) -> String {
    format!("x-formula-{index}")
}

/// Writes an element of MathML, as far as it is on the lists.
fn write(node: &NodeRef<'_>, depth: usize, out: &mut String) {
    let Some(name) = node.node_name().filter(|_| depth > 0) else {
        return;
    };
    let name = &*name;
    let is_token = TOKENS.contains(&name);
    if !is_token && !HOLDERS.contains(&name) {
        // An annotation is another form of the same formula.
        if !name.starts_with("annotation") {
            let text = one_line(&node.text());
            if !text.is_empty() {
                out.push_str("<mtext>");
                escape(&text, out);
                out.push_str("</mtext>");
            }
        }
        return;
    }
    out.push('<');
    out.push_str(name);
    for attribute in node.attrs() {
        let (key, value) = (&*attribute.name.local, attribute.value.trim());
        if ATTRIBUTES.contains(&key) && value.len() <= VALUE_BYTES_MAX {
            out.push(' ');
            out.push_str(key);
            out.push_str("=\"");
            escape(value, out);
            out.push('"');
        }
    }
    out.push('>');
    if is_token {
        escape(&one_line(&node.text()), out);
    } else {
        for child in node.children_it(false).filter(NodeRef::is_element) {
            write(&child, depth - 1, out);
        }
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}
