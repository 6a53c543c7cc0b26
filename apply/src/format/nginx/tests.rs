//! What nginx's reader takes and what it does not. Whether nginx itself says the same is a test of the whole program's.

use super::super::Format;
use super::super::tests::check as check_format;

fn check(text: &str, expect: &str) {
    check_format(Format::Nginx, text, expect);
}

#[test]
fn sound_files() {
    check("user a;\r\nevents { }\r\nhttp {\r\n\tserver { listen 80; location ~ \"^/a{2}$\" { return 200; } }\r\n}\r\n# why", "");
    check("set $a \"x;{}#\\\"\";set $b '\"';set $c ${a}b;set $d a#b;", "");
    check("if ($a ~ \"x\") { return 200 'a\nb'; }", "");
    check("log_format m '$a' \"b\"\n  'c';", "");
    check("rewrite ^/(\\{a\\;) /$1 last;", "");
    check("a \"b\")c;", "");
    check("a { b \"c\")}; }", "");
    check("a}b;", "");
    check("\"quoted name\" x;", "");
    check("location /a { content_by_lua_block { local a = { '}', \"{\" } -- }\n } }", "");
    check("set_by_lua_block $a { return [[ } ]] }\nb;", "");
}

#[test]
fn refusals_have_their_line() {
    check("http {\n  server {\n    listen 80;\n  }\n", "line 1: a `{` that is not closed: the file ends before its `}`");
    check("http {\n}\n}\n", "line 3: a `}` that closes nothing");
    check(
        "http {\n  listen 80\n}\n",
        "line 3: a `}` where the `;` of the directive `listen` in line 2 should be: end the directive with `;`",
    );
    check("a;\nuser www-data\n", "line 2: the directive `user` is not ended, and the file is: end it with `;`");
    check("a", "line 1: the directive `a` is not ended");
    check("a \"x;\nb;\n", "line 1: a `\"` that is not closed: the file ends before its second one");
    check("a;;", "line 1: a `;` without a directive before it");
    check("a;\n{ }", "line 2: a `{` without a directive before it");
    check("a 'b'c;", "line 1: `c` directly behind a closing quote");
    check("a {\n};", "line 2: a `;` without a directive");
    check("location ~ ^/a{2}$ { return 200; }", "line 1: a `{` that is not closed");
    check("a \\;", "line 1: the directive `a` is not ended");
    check("a {\n b_by_lua_block {\n x = '}'\n", "line 2: the `{` of this Lua block is not closed");
}

#[test]
fn words_are_bounded_as_in_nginx() {
    let word = |length| "x".repeat(length);
    check(&format!("a {};", word(4095)), "");
    check(&format!("\na {};", word(4096)), "line 2: `xxx");
    check(&format!("a \"{}\";", word(4094)), "");
    check(&format!("a \"{}\";", word(4095)), "line 1: ");
    check(&format!("a \"{}\";", word(4096)), "line 1: a `\"` that is not closed within the 4096 bytes");
    check(&format!("#{}\na;", word(4094)), "");
    check(&format!("#{}\na;", word(4095)), "line 1: a comment longer");
    check(&format!("#{}", word(4095)), "");
    check(&format!("a;\n#{}\na;", word(4096)), "line 2: a comment longer than the 4096 bytes");
    check(&format!("a {};", "x ".repeat(1 << 20)), "");
}
