//! Whether the order matters in which objects list their members. JSON says that it must not, and no two writers keep the same one.

use serde_json::Value;

use super::{Asked, Wrong, tally};
use crate::lab::outcome::{Answer, put};
use crate::lab::question::Posed;
use crate::lab::random::Random;

/// How the members are put.
enum Order {
    Backwards,
    Shuffled(Random),
}

/// Asks with the members backwards and shuffled.
pub(super) fn check(asked: &Asked<'_>) -> Wrong {
    let document: Value = serde_json::from_str(&asked.posed.text).ok()?;
    for order in [Order::Backwards, Order::Shuffled(Random::new(1))] {
        let mut text = String::with_capacity(asked.posed.text.len());
        write(&document, &mut { order }, &mut text);
        let posed = Posed { text, ..asked.posed.clone() };
        let lines = tally::parted(&without_place(&asked.first.answer), &without_place(&put(asked.plugin, &posed).answer));
        if !lines.is_empty() {
            return Some((lines, vec![asked.posed.as_input(), posed.as_input()]));
        }
    }
    None
}

/// A parser's words without the place that they end with: another order has other places.
fn without_place(answer: &Answer) -> Answer {
    match answer {
        Answer::Error(text) => Answer::Error(text.split(" at line ").next().unwrap_or_default().to_owned()),
        other => other.clone(),
    }
}

fn write(value: &Value, order: &mut Order, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(item, order, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            match order {
                Order::Backwards => members.reverse(),
                Order::Shuffled(random) => random.shuffle(&mut members),
            }
            out.push('{');
            for (index, (key, value)) in members.into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(value, order, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_backwards() {
        let value: Value = serde_json::from_str(r#"{"a":[{"c":1,"d":{}},2],"b\"":null}"#).expect("JSON");
        let mut text = String::new();
        write(&value, &mut Order::Backwards, &mut text);
        assert_eq!(text, r#"{"b\"":null,"a":[{"d":{},"c":1},2]}"#);
        let mut text = String::new();
        write(&value, &mut Order::Shuffled(Random::new(3)), &mut text);
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }
}
