//! What an expression gives for a document.

use std::cell::{Cell, OnceCell};
use std::collections::{HashMap, HashSet};

use dom_query::{Document, NodeId, NodeRef};

use super::compare::{compare_plain, compare_texts, is_truth};
use super::lex::Operator;
use super::parse::{Axis, Expr, Start, Step, Test};
use super::{Value, XNode};

/// Nodes that one evaluation may visit.
const VISITS_MAX: usize = 3_000_000;

/// Evaluates `expr` with the document as its context.
pub(super) fn evaluate<'a>(expr: &Expr, document: &'a Document) -> Option<Value<'a>> {
    let run = Run {
        document,
        order: OnceCell::new(),
        visits: Cell::new(VISITS_MAX),
    };
    let root = XNode::Tree(document.root());
    run.value(
        expr,
        &Context {
            node: &root,
            position: 1,
            size: 1,
        },
    )
}

pub(super) struct Context<'c, 'a> {
    pub(super) node: &'c XNode<'a>,
    pub(super) position: usize,
    pub(super) size: usize,
}

pub(super) struct Run<'a> {
    pub(super) document: &'a Document,
    order: OnceCell<HashMap<NodeId, usize>>,
    visits: Cell<usize>,
}

impl<'a> Run<'a> {
    /// SECURITY: pages and rules are untrusted, and steps over steps multiply.
    pub(super) fn visit(&self, nodes: usize) -> Option<()> {
        self.visits.set(self.visits.get().checked_sub(nodes + 1)?);
        Some(())
    }

    pub(super) fn value(&self, expr: &Expr, context: &Context<'_, 'a>) -> Option<Value<'a>> {
        self.visit(0)?;
        match expr {
            Expr::Literal(text) => Some(Value::Text(text.clone())),
            Expr::Number(number) => Some(Value::Number(*number)),
            Expr::Negate(inner) => Some(Value::Number(-self.value(inner, context)?.to_number())),
            Expr::Binary(operator, sides) => self.binary(*operator, sides, context),
            Expr::Call(function, arguments) => self.call(*function, arguments, context),
            Expr::Filter(inner, predicates) => {
                let mut nodes = self.nodes(inner, context)?;
                for predicate in predicates {
                    nodes = self.filter(nodes, predicate)?;
                }
                Some(Value::Nodes(nodes))
            }
            Expr::Path(start, steps) => {
                let mut nodes = match start {
                    Start::Root => vec![XNode::Tree(self.document.root())],
                    Start::Context => vec![context.node.clone()],
                    Start::From(inner) => self.nodes(inner, context)?,
                };
                for step in steps {
                    nodes = self.step(&nodes, step)?;
                }
                Some(Value::Nodes(nodes))
            }
        }
    }

    pub(super) fn nodes(&self, expr: &Expr, context: &Context<'_, 'a>) -> Option<Vec<XNode<'a>>> {
        match self.value(expr, context)? {
            Value::Nodes(nodes) => Some(nodes),
            _ => Some(Vec::new()),
        }
    }

    fn binary(
        &self,
        operator: Operator,
        sides: &(Expr, Expr),
        context: &Context<'_, 'a>,
    ) -> Option<Value<'a>> {
        let left = self.value(&sides.0, context)?;
        match (operator, left.is_true()) {
            (Operator::Or, true) => return Some(Value::Truth(true)),
            (Operator::And, false) => return Some(Value::Truth(false)),
            _ => {}
        }
        let right = self.value(&sides.1, context)?;
        let number =
            |work: fn(f64, f64) -> f64| Value::Number(work(left.to_number(), right.to_number()));
        Some(match operator {
            Operator::Or | Operator::And => Value::Truth(right.is_true()),
            Operator::Plus => number(|a, b| a + b),
            Operator::Minus => number(|a, b| a - b),
            Operator::Times => number(|a, b| a * b),
            Operator::Div => number(|a, b| a / b),
            Operator::Mod => number(|a, b| a % b),
            Operator::Union => match (left, right) {
                (Value::Nodes(mut left), Value::Nodes(right)) => {
                    left.extend(right);
                    Value::Nodes(self.sorted(left)?)
                }
                _ => return None,
            },
            Operator::Slash | Operator::DoubleSlash => return None,
            _ => Value::Truth(self.compare(operator, &left, &right)?),
        })
    }

    /// §3.4: of nodes, any one that compares is enough.
    fn compare(&self, operator: Operator, left: &Value<'a>, right: &Value<'a>) -> Option<bool> {
        let nodes = |value: &Value<'a>| match value {
            Value::Nodes(nodes) => Some(nodes.iter().map(XNode::text).collect::<Vec<_>>()),
            _ => None,
        };
        match (nodes(left), nodes(right)) {
            (Some(left), Some(right)) => {
                self.visit(left.len().saturating_mul(right.len()))?;
                Some(left.iter().any(|one| {
                    right
                        .iter()
                        .any(|other| compare_texts(operator, one, other))
                }))
            }
            (Some(texts), None) => Some(
                texts
                    .iter()
                    .any(|text| compare_plain(operator, &Value::Text(text.clone()), right))
                    || is_truth(right)
                        && compare_plain(operator, &Value::Truth(!texts.is_empty()), right),
            ),
            (None, Some(texts)) => Some(
                texts
                    .iter()
                    .any(|text| compare_plain(operator, left, &Value::Text(text.clone())))
                    || is_truth(left)
                        && compare_plain(operator, left, &Value::Truth(!texts.is_empty())),
            ),
            (None, None) => Some(compare_plain(operator, left, right)),
        }
    }

    /// The nodes that a step leads to, in the order of the document.
    fn step(&self, from: &[XNode<'a>], step: &Step) -> Option<Vec<XNode<'a>>> {
        let mut found = Vec::new();
        for node in from {
            let mut nodes = self.axis(node, step)?;
            for predicate in &step.predicates {
                nodes = self.filter(nodes, predicate)?;
            }
            found.extend(nodes);
        }
        self.sorted(found)
    }

    /// The nodes of an axis that pass the test, nearest first.
    pub(super) fn axis(&self, node: &XNode<'a>, step: &Step) -> Option<Vec<XNode<'a>>> {
        let XNode::Tree(node) = node else {
            let XNode::Attribute { owner, .. } = node else {
                return None;
            };
            return Some(match step.axis {
                Axis::Own => vec![node.clone()],
                Axis::Parent => vec![XNode::Tree(*owner)],
                _ => Vec::new(),
            });
        };
        if step.axis == Axis::Attribute {
            return self.attributes(node, &step.test);
        }
        let mut visited = 0;
        let mut found = Vec::new();
        let mut see = |candidate: NodeRef<'a>| {
            visited += 1;
            if passes(&candidate, &step.test) {
                found.push(XNode::Tree(candidate));
            }
            visited < VISITS_MAX
        };
        match step.axis {
            Axis::Child => drop(
                node.children_it(false)
                    .take_while(|child| see(*child))
                    .count(),
            ),
            Axis::Descendant | Axis::DescendantOrSelf => {
                if step.axis == Axis::DescendantOrSelf {
                    see(*node);
                }
                node.descendants_it()
                    .take_while(|inner| see(*inner))
                    .count();
            }
            Axis::Own => drop(see(*node)),
            Axis::Parent => drop(node.parent().map(&mut see)),
            Axis::Ancestor | Axis::AncestorOrSelf => {
                if step.axis == Axis::AncestorOrSelf {
                    see(*node);
                }
                node.ancestors_it(None)
                    .take_while(|above| see(*above))
                    .count();
            }
            Axis::FollowingSibling => {
                std::iter::successors(node.next_sibling(), NodeRef::next_sibling)
                    .take_while(|next| see(*next))
                    .count();
            }
            Axis::PrecedingSibling => {
                std::iter::successors(node.prev_sibling(), NodeRef::prev_sibling)
                    .take_while(|next| see(*next))
                    .count();
            }
            Axis::Following | Axis::Preceding => self.around(node, step.axis, &mut see),
            Axis::Attribute => {}
        }
        self.visit(visited)?;
        Some(found)
    }

    /// What stands behind or before a node, in the order of the document or against it.
    fn around(&self, node: &NodeRef<'a>, axis: Axis, see: &mut dyn FnMut(NodeRef<'a>) -> bool) {
        let mut ring = vec![*node];
        ring.extend(node.ancestors_it(None));
        for level in ring {
            let next = |node: &NodeRef<'a>| {
                if axis == Axis::Following {
                    node.next_sibling()
                } else {
                    node.prev_sibling()
                }
            };
            for sibling in std::iter::successors(next(&level), next) {
                let mut inner = vec![sibling];
                inner.extend(sibling.descendants_it());
                if axis == Axis::Preceding {
                    inner.reverse();
                }
                if !inner.into_iter().all(&mut *see) {
                    return;
                }
            }
        }
    }

    fn attributes(&self, node: &NodeRef<'a>, test: &Test) -> Option<Vec<XNode<'a>>> {
        if !node.is_element() {
            return Some(Vec::new());
        }
        let attributes = node.attrs();
        self.visit(attributes.len())?;
        let found = attributes.into_iter().filter(|attribute| match test {
            Test::Name(name) => (*attribute.name.local).eq_ignore_ascii_case(name),
            Test::Any | Test::Node => true,
            Test::Text | Test::Comment => false,
        });
        Some(
            found
                .map(|attribute| XNode::Attribute {
                    owner: *node,
                    name: attribute.name.local.to_string(),
                    value: attribute.value.to_string(),
                })
                .collect(),
        )
    }

    fn filter(&self, nodes: Vec<XNode<'a>>, predicate: &Expr) -> Option<Vec<XNode<'a>>> {
        let size = nodes.len();
        let mut kept = Vec::new();
        for (at, node) in nodes.into_iter().enumerate() {
            let position = at + 1;
            let value = self.value(
                predicate,
                &Context {
                    node: &node,
                    position,
                    size,
                },
            )?;
            let is_kept = match value {
                Value::Number(number) => number == position as f64,
                value => value.is_true(),
            };
            if is_kept {
                kept.push(node);
            }
        }
        Some(kept)
    }

    /// Nodes once each, in the order of the document.
    fn sorted(&self, nodes: Vec<XNode<'a>>) -> Option<Vec<XNode<'a>>> {
        if nodes.len() < 2 {
            return Some(nodes);
        }
        self.visit(nodes.len())?;
        let order = self.order.get_or_init(|| {
            let root = self.document.root();
            let all = std::iter::once(root).chain(root.descendants_it());
            all.zip(0..).map(|(node, at)| (node.id, at)).collect()
        });
        let place = |node: &XNode<'a>| match node {
            XNode::Tree(node) => (
                order.get(&node.id).copied().unwrap_or(usize::MAX),
                String::new(),
            ),
            XNode::Attribute { owner, name, .. } => (
                order.get(&owner.id).copied().unwrap_or(usize::MAX),
                format!(" {name}"),
            ),
        };
        let mut placed: Vec<_> = nodes.into_iter().map(|node| (place(&node), node)).collect();
        placed.sort_by(|one, other| one.0.cmp(&other.0));
        let mut seen = HashSet::new();
        placed.retain(|(place, _)| seen.insert(place.clone()));
        Some(placed.into_iter().map(|(_, node)| node).collect())
    }
}

fn passes(node: &NodeRef<'_>, test: &Test) -> bool {
    match test {
        Test::Name(name) => node.has_name(name),
        Test::Any => node.is_element(),
        Test::Node => true,
        Test::Text => node.is_text(),
        Test::Comment => node.is_comment(),
    }
}
