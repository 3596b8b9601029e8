//! Calls of functions.

use super::evaluate::{Context, Run};
use super::functions::{self, Function};
use super::parse::{Axis, Expr, Step, Test};
use super::{Value, XNode};

impl<'a> Run<'a> {
    pub(super) fn call(
        &self,
        function: Function,
        arguments: &[Expr],
        context: &Context<'_, 'a>,
    ) -> Option<Value<'a>> {
        let call = Call {
            run: self,
            arguments,
            context,
        };
        match function {
            Function::Last => Some(Value::Number(context.size as f64)),
            Function::Position => Some(Value::Number(context.position as f64)),
            Function::Count | Function::Sum | Function::Id | Function::Name => {
                call.of_nodes(function)
            }
            Function::Boolean => Some(Value::Truth(call.value(0)?.is_true())),
            Function::Not => Some(Value::Truth(!call.value(0)?.is_true())),
            Function::True => Some(Value::Truth(true)),
            Function::False => Some(Value::Truth(false)),
            Function::StartsWith => Some(Value::Truth(call.text(0)?.starts_with(&call.text(1)?))),
            Function::EndsWith => Some(Value::Truth(call.text(0)?.ends_with(&call.text(1)?))),
            Function::Contains => Some(Value::Truth(call.text(0)?.contains(&call.text(1)?))),
            Function::Number
            | Function::Floor
            | Function::Ceiling
            | Function::Round
            | Function::StringLength => call.number(function).map(Value::Number),
            _ => call.of_text(function).map(Value::Text),
        }
    }
}

struct Call<'c, 'n, 'a> {
    run: &'c Run<'a>,
    arguments: &'c [Expr],
    context: &'c Context<'n, 'a>,
}

impl<'a> Call<'_, '_, 'a> {
    fn value(&self, at: usize) -> Option<Value<'a>> {
        self.run.value(&self.arguments[at], self.context)
    }

    /// An argument as a text; the context's node where it is left out.
    fn text(&self, at: usize) -> Option<String> {
        match self.arguments.get(at) {
            Some(_) => Some(self.value(at)?.to_text()),
            None => Some(self.context.node.text()),
        }
    }

    fn of_nodes(&self, function: Function) -> Option<Value<'a>> {
        let nodes = |at: usize| self.run.nodes(&self.arguments[at], self.context);
        Some(match function {
            Function::Count => Value::Number(nodes(0)?.len() as f64),
            Function::Sum => {
                let numbers = nodes(0)?;
                let numbers = numbers
                    .iter()
                    .map(|node| functions::parse_number(&node.text()));
                Value::Number(numbers.sum())
            }
            Function::Id => {
                let wanted = self.text(0)?;
                let root = XNode::Tree(self.run.document.root());
                let step = Step {
                    axis: Axis::Descendant,
                    test: Test::Any,
                    predicates: Vec::new(),
                };
                let mut found = self.run.axis(&root, &step)?;
                found.retain(|node| {
                    let id = node.tree_node().and_then(|node| node.attr("id"));
                    id.is_some_and(|id| wanted.split_whitespace().any(|one| one == &*id))
                });
                Value::Nodes(found)
            }
            _ => {
                let node = match self.arguments.is_empty() {
                    true => Some(self.context.node.clone()),
                    false => nodes(0)?.into_iter().next(),
                };
                Value::Text(match node {
                    Some(XNode::Tree(node)) => node
                        .node_name()
                        .map(|name| name.to_string())
                        .unwrap_or_default(),
                    Some(XNode::Attribute { name, .. }) => name,
                    None => String::new(),
                })
            }
        })
    }

    fn of_text(&self, function: Function) -> Option<String> {
        let text = self.text(0)?;
        Some(match function {
            Function::Concat => {
                let texts = (0..self.arguments.len()).map(|at| self.text(at));
                texts.collect::<Option<Vec<String>>>()?.concat()
            }
            Function::SubstringBefore => match text.split_once(&self.text(1)?) {
                Some((before, _)) => before.to_owned(),
                None => String::new(),
            },
            Function::SubstringAfter => match text.split_once(&self.text(1)?) {
                Some((_, after)) => after.to_owned(),
                None => String::new(),
            },
            Function::Substring => {
                let start = self.value(1)?.to_number();
                let length = match self.arguments.len() {
                    3.. => Some(self.value(2)?.to_number()),
                    _ => None,
                };
                functions::substring(&text, start, length)
            }
            Function::NormalizeSpace => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Function::Translate => functions::translate(&text, &self.text(1)?, &self.text(2)?),
            Function::LowerCase => text.to_lowercase(),
            Function::UpperCase => text.to_uppercase(),
            _ => text,
        })
    }

    fn number(&self, function: Function) -> Option<f64> {
        Some(match function {
            Function::Floor => self.value(0)?.to_number().floor(),
            Function::Ceiling => self.value(0)?.to_number().ceil(),
            Function::Round => functions::round(self.value(0)?.to_number()),
            Function::StringLength => self.text(0)?.chars().count() as f64,
            _ => functions::parse_number(&self.text(0)?),
        })
    }
}
