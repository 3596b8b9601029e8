//! The grammar of XPath 1.0, by recursive descent.

use super::functions::Function;
use super::lex::{Operator, Token, tokens};

/// Bytes of an expression.
const SOURCE_BYTES_MAX: usize = 8 << 10;
/// How deep expressions may be nested.
const DEPTH_MAX: usize = 64;

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XPathError {
    /// Too long.
    #[error("it has more than {SOURCE_BYTES_MAX} bytes")]
    TooLong,
    /// Too deep.
    #[error("it is nested too deep")]
    TooDeep,
    /// Over too soon.
    #[error("it is not finished")]
    Unfinished,
    /// A quotation mark without its partner.
    #[error("a text in it is not closed")]
    OpenText,
    /// A number that is none.
    #[error("a number in it is none")]
    Number,
    /// A letter that starts nothing.
    #[error("`{0}` is not expected there")]
    Letter(char),
    /// A word where another one should stand.
    #[error("a word in it is not expected there")]
    Unexpected,
    /// A function that there is not, or with another number of arguments.
    #[error("there is no function `{0}` with so many arguments")]
    Function(String),
    /// An axis that there is not.
    #[error("there is no axis `{0}`")]
    Axis(String),
}

#[derive(Debug, Clone)]
pub(super) enum Expr {
    Binary(Operator, Box<(Expr, Expr)>),
    Negate(Box<Expr>),
    Literal(String),
    Number(f64),
    Call(Function, Vec<Expr>),
    /// Steps from the root, the context, or what an expression gives.
    Path(Start, Vec<Step>),
    /// `expr[…]`
    Filter(Box<Expr>, Vec<Expr>),
}

#[derive(Debug, Clone)]
pub(super) enum Start {
    Root,
    Context,
    From(Box<Expr>),
}

#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) axis: Axis,
    pub(super) test: Test,
    pub(super) predicates: Vec<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Child,
    Descendant,
    DescendantOrSelf,
    Parent,
    Ancestor,
    AncestorOrSelf,
    FollowingSibling,
    PrecedingSibling,
    Following,
    Preceding,
    Own,
    Attribute,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Name(String),
    Any,
    Node,
    Text,
    Comment,
}

const AXES: &[(&str, Axis)] = &[
    ("child", Axis::Child),
    ("descendant", Axis::Descendant),
    ("descendant-or-self", Axis::DescendantOrSelf),
    ("parent", Axis::Parent),
    ("ancestor", Axis::Ancestor),
    ("ancestor-or-self", Axis::AncestorOrSelf),
    ("following-sibling", Axis::FollowingSibling),
    ("preceding-sibling", Axis::PrecedingSibling),
    ("following", Axis::Following),
    ("preceding", Axis::Preceding),
    ("self", Axis::Own),
    ("attribute", Axis::Attribute),
];

/// Operators by how weakly they bind; those of a row bind alike, to the left.
const LEVELS: &[&[Operator]] = &[
    &[Operator::Or],
    &[Operator::And],
    &[Operator::Equal, Operator::NotEqual],
    &[
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
    ],
    &[Operator::Plus, Operator::Minus],
    &[Operator::Times, Operator::Div, Operator::Mod],
];

pub(super) fn parse(source: &str) -> Result<Expr, XPathError> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(XPathError::TooLong);
    }
    let mut parser = Parser {
        tokens: tokens(source)?,
        at: 0,
        depth: 0,
    };
    let expr = parser.expr()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(XPathError::Unexpected),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, token: &Token) -> bool {
        let is_it = self.peek() == Some(token);
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, token: &Token) -> Result<(), XPathError> {
        match self.peek() {
            Some(found) if found == token => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(XPathError::Unexpected),
            None => Err(XPathError::Unfinished),
        }
    }

    fn expr(&mut self) -> Result<Expr, XPathError> {
        // SECURITY: the parser and what evaluates its result recurse.
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(XPathError::TooDeep);
        }
        let expr = self.level(0);
        self.depth -= 1;
        expr
    }

    fn level(&mut self, level: usize) -> Result<Expr, XPathError> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.level(level + 1)?;
        while let Some(Token::Operator(operator)) = self.peek() {
            let operator = *operator;
            if !operators.contains(&operator) {
                break;
            }
            self.at += 1;
            left = Expr::Binary(operator, Box::new((left, self.level(level + 1)?)));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, XPathError> {
        let mut is_negative = false;
        while self.take(&Token::Operator(Operator::Minus)) {
            is_negative = !is_negative;
        }
        let expr = self.union()?;
        Ok(if is_negative {
            Expr::Negate(Box::new(expr))
        } else {
            expr
        })
    }

    fn union(&mut self) -> Result<Expr, XPathError> {
        let mut left = self.path()?;
        while self.take(&Token::Operator(Operator::Union)) {
            left = Expr::Binary(Operator::Union, Box::new((left, self.path()?)));
        }
        Ok(left)
    }

    fn path(&mut self) -> Result<Expr, XPathError> {
        let token = self.peek().ok_or(XPathError::Unfinished)?;
        match token {
            Token::Operator(Operator::Slash) => {
                self.at += 1;
                if self.starts_step() {
                    return self.steps(Start::Root, Vec::new());
                }
                Ok(Expr::Path(Start::Root, Vec::new()))
            }
            Token::Operator(Operator::DoubleSlash) => {
                self.at += 1;
                self.steps(Start::Root, vec![any_descendant()])
            }
            Token::Literal(_) | Token::Number(_) | Token::Open => self.filter(),
            Token::Call(name) if node_test(name).is_none() => self.filter(),
            _ => self.steps(Start::Context, Vec::new()),
        }
    }

    /// A primary expression, with predicates and steps behind it.
    fn filter(&mut self) -> Result<Expr, XPathError> {
        let mut expr = self.primary()?;
        let predicates = self.predicates()?;
        if !predicates.is_empty() {
            expr = Expr::Filter(Box::new(expr), predicates);
        }
        if self.take(&Token::Operator(Operator::Slash)) {
            return self.steps(Start::From(Box::new(expr)), Vec::new());
        }
        if self.take(&Token::Operator(Operator::DoubleSlash)) {
            return self.steps(Start::From(Box::new(expr)), vec![any_descendant()]);
        }
        Ok(expr)
    }

    fn primary(&mut self) -> Result<Expr, XPathError> {
        let token = self.peek().cloned().ok_or(XPathError::Unfinished)?;
        self.at += 1;
        match token {
            Token::Literal(text) => Ok(Expr::Literal(text)),
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Open => {
                let expr = self.expr()?;
                self.expect(&Token::Close)?;
                Ok(expr)
            }
            Token::Call(name) => {
                let mut arguments = Vec::new();
                if !self.take(&Token::Close) {
                    loop {
                        arguments.push(self.expr()?);
                        if !self.take(&Token::Comma) {
                            break;
                        }
                    }
                    self.expect(&Token::Close)?;
                }
                match Function::find(&name, arguments.len()) {
                    Some(function) => Ok(Expr::Call(function, arguments)),
                    None => Err(XPathError::Function(name)),
                }
            }
            _ => Err(XPathError::Unexpected),
        }
    }

    fn starts_step(&self) -> bool {
        matches!(
            self.peek(),
            Some(
                Token::Name(_)
                    | Token::Star
                    | Token::At
                    | Token::Axis(_)
                    | Token::Dot
                    | Token::DotDot
                    | Token::Call(_)
            )
        )
    }

    fn steps(&mut self, start: Start, mut steps: Vec<Step>) -> Result<Expr, XPathError> {
        loop {
            steps.push(self.step()?);
            if self.take(&Token::Operator(Operator::DoubleSlash)) {
                steps.push(any_descendant());
            } else if !self.take(&Token::Operator(Operator::Slash)) {
                return Ok(Expr::Path(start, steps));
            }
        }
    }

    fn step(&mut self) -> Result<Step, XPathError> {
        let whole = |axis| Step {
            axis,
            test: Test::Node,
            predicates: Vec::new(),
        };
        if self.take(&Token::Dot) {
            return Ok(Step {
                predicates: self.predicates()?,
                ..whole(Axis::Own)
            });
        }
        if self.take(&Token::DotDot) {
            return Ok(Step {
                predicates: self.predicates()?,
                ..whole(Axis::Parent)
            });
        }
        let axis = if self.take(&Token::At) {
            Axis::Attribute
        } else if let Some(Token::Axis(name)) = self.peek() {
            let found = AXES.iter().find(|(known, _)| known == name);
            let axis = found.map(|(_, axis)| *axis);
            let axis = axis.ok_or_else(|| XPathError::Axis(name.clone()))?;
            self.at += 1;
            axis
        } else {
            Axis::Child
        };
        let token = self.peek().cloned().ok_or(XPathError::Unfinished)?;
        self.at += 1;
        let test = match token {
            Token::Name(name) => {
                let local = name.rsplit(':').next().unwrap_or_default();
                Test::Name(local.to_ascii_lowercase())
            }
            Token::Star => Test::Any,
            Token::Call(name) => {
                self.expect(&Token::Close)?;
                node_test(&name).ok_or(XPathError::Unexpected)?
            }
            _ => return Err(XPathError::Unexpected),
        };
        Ok(Step {
            axis,
            test,
            predicates: self.predicates()?,
        })
    }

    fn predicates(&mut self) -> Result<Vec<Expr>, XPathError> {
        let mut predicates = Vec::new();
        while self.take(&Token::OpenPredicate) {
            predicates.push(self.expr()?);
            self.expect(&Token::ClosePredicate)?;
        }
        Ok(predicates)
    }
}

fn any_descendant() -> Step {
    Step {
        axis: Axis::DescendantOrSelf,
        test: Test::Node,
        predicates: Vec::new(),
    }
}

fn node_test(name: &str) -> Option<Test> {
    match name {
        "text" => Some(Test::Text),
        "node" => Some(Test::Node),
        "comment" => Some(Test::Comment),
        _ => None,
    }
}
