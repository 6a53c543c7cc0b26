//! A part of a value.

use serde_json::Value;
use verwalter_plugin::{Error, RawArgs};

/// `pick(value, path, default)`: the part at the dotted path of keys and positions; the empty path is the value itself.
pub fn pick(args: RawArgs<'_>) -> Result<Value, Error> {
    let args = args.read(&["value", "path", "default"])?;
    let value = args.any(0)?;
    let path = args.text(1)?;
    let found = if path.is_empty() {
        Some(value)
    } else {
        path.split('.').try_fold(value, step)
    };
    match found.or(args.value(2)) {
        Some(part) => Ok(part.clone()),
        None => Err(Error::own(format!("nothing at `{path}`"))),
    }
}

fn step<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(key),
        // `parse` would take a sign.
        Value::Array(list) if key.bytes().all(|byte| byte.is_ascii_digit()) => {
            list.get(key.parse::<usize>().ok()?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    #[test]
    fn parts() {
        check("pick", r#"[{"a":[10,{"b":null}]},"a.1.b"]"#, "null");
        check("pick", r#"[[1,2],""]"#, "[1,2]");
        check("pick", r#"[[1,2],"01"]"#, "2");
        check("pick", r#"[{"":{"":1}},"."]"#, "1");
    }

    #[test]
    fn nothing_there() {
        check("pick", r#"[[1,2],"+1"]"#, "pick: nothing at `+1`");
        check("pick", r#"[[1,2],"2"]"#, "pick: nothing at `2`");
        check("pick", r#"["text","0"]"#, "pick: nothing at `0`");
        check("pick", r#"[{},"a",{"default":null}]"#, "null");
        check("pick", r#"[{},"a",0]"#, "0");
    }
}
