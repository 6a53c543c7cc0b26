//! Where blocks of Lua end.

use super::block;

fn check(text: &str, expect: Result<usize, &str>) {
    match (block(text.as_bytes()), expect) {
        (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{text}"),
        (Err(got), Err(part)) => assert!(got.contains(part), "{text}: {got}"),
        (got, _) => panic!("{text}: {got:?}"),
    }
}

#[test]
fn braces_count_outside_of_texts_and_comments() {
    check("} rest", Ok(1));
    check("a{b}c} rest", Ok(6));
    check("'}' \"}\" '\\'}'}", Ok(14));
    check("-- }\n}", Ok(6));
    check("--[[ } ]]}", Ok(10));
    check("--[=[ ]] } ]=]}", Ok(15));
    check("[[ } ]]}", Ok(8));
    check("[==[ ]] ]=] } ]==]}", Ok(19));
    check("a[1]=b-c}", Ok(9));
    check("[=a}", Ok(4));
    check("--[=}\n}", Ok(7));
    check("[[]]]]}", Ok(7));
}

#[test]
fn what_is_not_closed_is_said() {
    check("", Err("the `{` of this Lua block is not closed"));
    check("{}", Err("the `{` of this Lua block is not closed"));
    check("-- }", Err("the `{` of this Lua block is not closed"));
    check("'}", Err("a text in this Lua block"));
    check("'\\", Err("a text in this Lua block"));
    check("[[ }", Err("a text in this Lua block"));
    check("[==[ ]=]", Err("a text in this Lua block"));
    check("--[[ }", Err("a comment in this Lua block"));
}
