//! Comparisons (XPath 1.0 §3.4).

use super::Value;
use super::functions;
use super::lex::Operator;

pub(super) fn is_truth(value: &Value<'_>) -> bool {
    matches!(value, Value::Truth(_))
}

pub(super) fn compare_texts(operator: Operator, left: &str, right: &str) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        _ => compare_numbers(
            operator,
            functions::parse_number(left),
            functions::parse_number(right),
        ),
    }
}

pub(super) fn compare_plain(operator: Operator, left: &Value<'_>, right: &Value<'_>) -> bool {
    let is_number = |value: &Value<'_>| matches!(value, Value::Number(_));
    match operator {
        Operator::Equal | Operator::NotEqual => {
            let is_equal = if is_truth(left) || is_truth(right) {
                left.is_true() == right.is_true()
            } else if is_number(left) || is_number(right) {
                left.to_number() == right.to_number()
            } else {
                left.to_text() == right.to_text()
            };
            is_equal == (operator == Operator::Equal)
        }
        _ => compare_numbers(operator, left.to_number(), right.to_number()),
    }
}

fn compare_numbers(operator: Operator, left: f64, right: f64) -> bool {
    match operator {
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterOrEqual => left >= right,
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        _ => false,
    }
}
