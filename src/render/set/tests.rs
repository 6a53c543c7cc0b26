//! Renders small template directories: what is strict, what is capped, and what errors say.

use std::fs;
use std::sync::{LazyLock, mpsc};

use serde_json::json;
use verwalter_apply::RenderedFile;
use verwalter_core::admit;
use verwalter_core::json::canonical;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{Failure, FailureCause, FilterError, PluginId};

use super::*;

mod documented;
mod duties;
mod files;
mod limits;
mod lists;
mod nodes;
mod quoting;
mod secrets;
mod yaml;

const RENDER_FILE: &str = "templates: {page: page.hbs}\ncommands:\n- !Copy {src: '{{ files.page }}', dest: page}\n";

/// `upper`: its first argument in capitals. `echo`: its arguments. `sorted`: an array. `fail`: an error.
struct Session(mpsc::Sender<()>);

impl FilterSession for Session {
    fn apply(&mut self, name: &str, args: &Value) -> Result<Value, FilterError> {
        match name {
            "upper" => Ok(args[0].as_str().expect("a text").to_uppercase().into()),
            "echo" => Ok(args.to_string().into()),
            "sorted" => {
                let mut items = args[0].as_array().expect("an array").clone();
                items.sort_by_key(Value::to_string);
                Ok(items.into())
            }
            "panic" => panic!("on purpose"),
            _ => {
                let plugin = PluginId { name: PluginName::new("netmask").expect("valid"), digest: Digest::of(b"") };
                Err(Failure { plugin, cause: FailureCause::Answered, message: "no such network".to_owned(), log: Vec::new(), cost: None }
                    .into())
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nobody may listen.
        let _ = self.0.send(());
    }
}

/// The node's secrets.
static SECRETS: LazyLock<Arc<Secrets>> =
    LazyLock::new(|| Arc::new(Secrets::from([("db-password", "it's \"hunter22\""), ("key", "AAAA\nBBBB")])));

fn supplies(schedule: &Schedule, dropped: mpsc::Sender<()>) -> Supplies<'_> {
    Supplies { schedule, secrets: &SECRETS, session: Box::new(Session(dropped)) }
}

fn vars() -> Map<String, Value> {
    let vars = json!({
        "node": "alpha", "name": "x<y>&\"z\"", "zero": 0, "one": 1, "half": 0.5, "yes": true, "no": false, "empty": "", "none": null,
        "big": 9_007_199_254_740_993_u64, "list": ["a", "b", "c"], "nothing": [], "map": {"k1": {"v": 1}, "k2": {"v": 2}}, "bare": {},
        "servers": [{"host": "s1", "ports": [80, 443]}, {"host": "s2", "ports": []}],
        "tree": {"name": "r", "children": [{"name": "s", "children": [{"name": "t", "children": []}]}]},
    });
    vars.as_object().expect("an object").clone()
}

/// Of two nodes beside this one.
fn schedule() -> Schedule {
    let schedule = json!({
        "nodes": {
            "alpha": {"roles": {"web": {"instances": 1, "weight": 5}}, "vars": {"rack": "r1"}},
            "beta": {"roles": {"db": {"instances": 1}, "web": {"instances": 2}}},
        },
        "roles": {"db": {"template": "db/v1"}, "idle": {}, "web": {"port": 8080, "template": "web/v1", "weight": 1}},
        "vars": {"dc": "x"},
    });
    restored(&schedule)
}

fn restored(schedule: &Value) -> Schedule {
    let mut text = Vec::new();
    canonical::write_value(schedule, &mut text);
    let limits = JsonLimits { depth: 32, values: 1_000_000 };
    admit::restore(std::str::from_utf8(&text).expect("text"), Digest::of(&text), limits).expect("a sound schedule")
}

fn load(files: &[(&str, &str)], limits: &RenderLimits) -> Result<TemplateSet, RenderError> {
    let temp = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let path = temp.path().join("web/v1").join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("mkdir");
        fs::write(path, text).expect("write");
    }
    let filters = ["upper", "echo", "sorted", "fail", "panic"].map(str::to_owned);
    TemplateSet::load(temp.path(), &TemplateRef::new("web/v1").expect("valid"), &filters, limits)
}

fn render_set(set: &mut TemplateSet) -> Result<Vec<RenderedFile>, RenderError> {
    render_role(set).map(|role| role.files)
}

fn render_role(set: &mut TemplateSet) -> Result<RenderedRole, RenderError> {
    set.render(&RoleName::new("web").expect("valid"), &vars(), supplies(&schedule(), mpsc::channel().0))
}

fn render_vars(page: &str, vars: &Value) -> Result<String, RenderError> {
    let mut set = load(&[("a.render.yaml", RENDER_FILE), ("page.hbs", page)], &RenderLimits::default())?;
    let vars = vars.as_object().expect("an object");
    let rendered = set.render(&RoleName::new("web").expect("valid"), vars, supplies(&schedule(), mpsc::channel().0))?;
    Ok(String::from_utf8(rendered.files[0].bytes.clone()).expect("text"))
}

fn render_with(partials: &[(&str, &str)], page: &str, limits: &RenderLimits) -> Result<String, RenderError> {
    let mut files = vec![("a.render.yaml", RENDER_FILE), ("page.hbs", page)];
    files.extend(partials);
    let rendered = render_set(&mut load(&files, limits)?)?;
    Ok(String::from_utf8(rendered[0].bytes.clone()).expect("text"))
}

fn render(page: &str) -> Result<String, RenderError> {
    render_with(&[], page, &RenderLimits::default())
}

#[track_caller]
fn check(page: &str, expect: &str) {
    assert_eq!(render(page).as_deref(), Ok(expect), "{page}");
}

/// The error's place and a part of what it says.
#[track_caller]
fn check_err(page: &str, line: usize, part: &str) {
    let problems = render(page).expect_err("an error").problems();
    assert!(problems.len() == 1 && problems[0].file == "page.hbs" && problems[0].line == Some(line), "{page:.200}: {problems:?}");
    assert!(problems[0].message.contains(part), "{page:.200}: {problems:?}, not {part}");
}

#[test]
fn prints_scalars_as_they_are() {
    check("{{name}} {{{name}}} {{&name}}", "x<y>&\"z\" x<y>&\"z\" x<y>&\"z\"");
    check("{{zero}} {{half}} {{yes}} {{no}} {{empty}}. {{big}}", "0 0.5 true false . 9007199254740993");
    check("{{map.k1.v}} {{list.[1]}} {{list.1}} {{this.one}} {{./one}} {{@root.one}} {{node}}", "1 b b 1 1 1 alpha");
    check("{{json map}} {{json \"a\"}}", "{\"k1\":{\"v\":1},\"k2\":{\"v\":2}} \"a\"");
    check("", "");
    check("a\n  b\n", "a\n  b\n");
}

#[test]
fn unprintable_is_an_error() {
    check_err("\n{{map}}", 2, "`map` is an object and cannot be printed: pick a member of it or write `json map`");
    check_err("{{list}}", 1, "`list` is an array");
    check_err("{{none}}", 1, "`none` is null and cannot be printed: write `default none …`");
    check_err("{{lookup map \"k1\"}}", 1, "is an object");
    check_err("{{sorted list}}", 1, "(sorted list …)` is an array");
    check_err("{{(sorted list)}}", 1, "is an array");
    check_err("{{default none none}}", 1, "is null");
    check_err("{{#each list}}{{@root.map}}{{/each}}", 1, "is an object");
}

#[test]
fn a_missing_path_is_an_error_everywhere() {
    for (page, path) in [
        ("{{gone}}", "gone"),
        ("{{{gone}}}", "gone"),
        ("{{map.gone}}", "map.gone"),
        ("{{map.k1.v.deeper}}", "map.k1.v.deeper"),
        ("{{list.[7]}}", "list.[7]"),
        ("{{one.two}}", "one.two"),
        ("{{@index}}", "@index"),
        ("{{#if gone}}{{/if}}", "gone"),
        ("{{#if one}}{{else if gone}}{{/if}}{{#if zero}}{{else if gone}}{{/if}}", "gone"),
        ("{{#if one includeZero=gone}}{{/if}}", "gone"),
        ("{{#unless gone}}{{/unless}}", "gone"),
        ("{{#each gone}}{{else}}{{/each}}", "gone"),
        ("{{#with gone}}{{else}}{{/with}}", "gone"),
        ("{{#if (and no gone)}}{{/if}}", "gone"),
        ("{{#if (or one gone)}}{{/if}}", "gone"),
        ("{{#if (not gone)}}{{/if}}", "gone"),
        ("{{not gone}}", "gone"),
        ("{{lookup gone \"a\"}}", "gone"),
        ("{{lookup map gone}}", "gone"),
        ("{{default none gone}}", "gone"),
        ("{{default one gone}}", "gone"),
        ("{{eq one gone}}", "gone"),
        ("{{json gone}}", "gone"),
        ("{{len gone}}", "gone"),
        ("{{upper gone}}", "gone"),
        ("{{echo 1 key=gone}}", "gone"),
        ("{{echo (upper gone)}}", "gone"),
        ("{{has (upper gone)}}", "gone"),
        ("{{#each servers}}{{hots}}{{/each}}", "hots"),
        ("{{#each servers as |s|}}{{s.hots}}{{/each}}", "s.hots"),
        ("{{#each (sorted servers) as |s|}}{{s.hots}}{{/each}}", "s.hots"),
        ("{{#with map}}{{../gone}}{{/with}}", "../gone"),
        ("{{> part gone}}{{#*inline \"part\"}}{{/inline}}", "gone"),
        ("{{#*inline \"part\"}}{{/inline}}{{> part gone}}", "gone"),
        ("{{#*inline \"part\"}}{{/inline}}{{> part x=gone}}", "gone"),
        ("{{#*inline \"part\"}}{{/inline}}{{#> part map.gone}}{{/part}}", "map.gone"),
        ("{{#*inline \"part\"}}{{/inline}}{{> part x=(json gone)}}", "gone"),
    ] {
        check_err(&format!("\n\n {page}"), 3, &format!("there is no `{path}`: give the role that variable"));
    }
    check_err("{{list.first}}", 1, "an array has no member `first`");
    check_err("{{lookup map \"k9\"}}", 1, "`lookup` finds no `\"k9\"`");
}

#[test]
fn default_and_has_take_what_is_missing() {
    check(
        "{{default gone \"d\"}} {{default none 7}} {{default map.gone.deeper yes}} {{default zero 7}} {{default empty \"d\"}}",
        "d 7 true 0 ",
    );
    check("{{has gone}} {{has none}} {{has zero}} {{has map.k1}} {{has @index}}", "false false true true false");
    check("{{#if (has gone)}}{{gone}}{{else}}no{{/if}}", "no");
    check("{{default (lookup map \"k9\") \"d\"}} {{has (lookup map \"k9\")}} {{has (lookup map \"k1\")}}", "d false true");
    check("{{default (lookup (lookup map \"k9\") \"v\") \"d\"}} {{default (lookup gone \"v\") \"d\"}}", "d d");
    check("{{default gone (default gone \"e\")}}", "e");
    check("{{#each (default gone list)}}{{this}}{{/each}}", "abc");
}

#[test]
fn blocks_behave_as_in_handlebars() {
    for (value, truth) in [
        ("zero", "f"),
        ("one", "t"),
        ("half", "t"),
        ("empty", "f"),
        ("name", "t"),
        ("nothing", "f"),
        ("list", "t"),
        ("bare", "f"),
        ("map", "t"),
        ("none", "f"),
        ("no", "f"),
        ("yes", "t"),
    ] {
        check(&format!("{{{{#if {value}}}}}t{{{{else}}}}f{{{{/if}}}}"), truth);
        check(&format!("{{{{#unless {value}}}}}f{{{{else}}}}t{{{{/unless}}}}"), truth);
        check(&format!("{{{{#if (not {value})}}}}f{{{{else}}}}t{{{{/if}}}}"), truth);
    }
    check("{{#if zero includeZero=true}}t{{else}}f{{/if}}", "t");
    check("{{#if no}}1{{else if zero}}2{{else if one}}3{{else}}4{{/if}}", "3");
    check("{{#if no}}1{{else if zero}}2{{else}}4{{/if}}", "4");
    check("{{#if no}}1{{^}}2{{/if}}", "2");
    check("{{#each list}}{{@index}}{{this}}{{#if @first}}<{{/if}}{{#unless @last}},{{/unless}}{{/each}}", "0a<,1b,2c");
    check("{{#each map}}{{@key}}={{v}}{{#unless @last}},{{/unless}}{{/each}}", "k1=1,k2=2");
    check("{{#each map as |value key|}}{{key}}={{value.v}};{{/each}}", "k1=1;k2=2;");
    check("{{#each list as |x i|}}{{i}}{{x}}{{../one}}{{/each}}", "0a11b12c1");
    check(
        "{{#each servers}}{{#each ports}}{{../host}}:{{this}}@{{@../index}} {{else}}{{host}} none{{/each}}{{/each}}",
        "s1:80@0 s1:443@0 s2 none",
    );
    check("{{#each servers as |s|}}{{#each s.ports as |p|}}{{s.host}}:{{p}} {{/each}}{{/each}}", "s1:80 s1:443 ");
    check("{{#each (sorted list) as |x i|}}{{i}}{{x}}{{@index}}{{this}}{{/each}}", "0a0a1b1b2c2c");
    check("{{#each nothing}}x{{/each}}{{#each nothing}}x{{else}}e{{/each}}{{#each none}}x{{else}}n{{/each}}", "en");
    check("{{#with map.k1}}{{v}}{{../one}}{{/with}}{{#with map.k2 as |m|}}{{m.v}}{{/with}}{{#with none}}x{{else}}e{{/with}}", "112e");
    check("{{#each list}}{{#with ../map}}{{@index}}{{/with}}{{/each}}", "012");
    check("{{#each list}}{{#if (eq this \"b\")}}{{@index}}{{/if}}{{/each}}", "1");
    check("{{{{raw}}}}{{#if}}{{{{/raw}}}} \\{{one}}", "{{#if}} {{one}}");
    check("{{#if one}}\n  a\n{{/if}}\n{{~#if one~}} b {{~/if~}}\n", "  a\nb");
}

#[test]
fn values_and_comparisons() {
    check("{{eq 1 1.0}} {{eq one \"1\"}} {{ne name \"a\"}} {{eq map map}} {{eq none null}}", "true false true true true");
    check("{{lt 1 2}} {{lt 2 2}} {{lte 2 2}} {{gt 3 2.5}} {{gte 2 3}} {{lt \"a\" \"b\"}}", "true false true true false true");
    check("{{eq big 9007199254740992}} {{gt big 9007199254740992}}", "false true");
    check("{{eq big 9007199254740992.0}} {{gt big 9007199254740992.0}} {{lt 9007199254740992.0 big}}", "false true true");
    check(
        "{{lt -1 -0.5}} {{gt 0 -0.5}} {{lt 1 1.5}} {{gt 2 1.5}} {{eq -2 -2.0}} {{lt 18446744073709551615 1E300}}",
        "true true true true true true",
    );
    check("{{and one yes}} {{and one zero}} {{or zero yes}} {{or zero no}}", "true false true false");
    check("{{len list}} {{len map}} {{len \"äö\"}}", "3 2 2");
    check("{{lookup list 1}} {{lookup (lookup servers 0) \"host\"}} {{#each list}}{{lookup ../list @index}}{{/each}}", "b s1 abc");
    check("{{#eq one 1}}same{{else}}other{{/eq}} {{#and one zero}}a{{else}}b{{/and}}", "same b");
    check_err("{{lt 1 \"2\"}}", 1, "`lt` compares two numbers or two texts, not a number with a text");
    check_err("{{#each name}}{{/each}}", 1, "`each` takes an array or an object, not a text");
    check_err("{{#if one two}}{{/if}}", 1, "takes 1 argument, not 2");
    check_err("{{eq one}}", 1, "`eq` takes 2 arguments, not 1");
    check_err("{{json one pretty=true}}", 1, "takes no argument named `pretty`");
    check_err("{{#json one}}{{/json}}", 1, "cannot bear a block");
    check_err("{{echo (if one)}}", 1, "is a block and gives no value");
    check_err("{{if one}}", 1, "is a block and gives no value");
    check_err("{{len one}}", 1, "not a number");
    check_err("{{and}}", 1, "takes 1 argument or more");
    check_err(&format!("{{{{and {}}}}}", "one ".repeat(65)), 1, "more than 64 arguments");
}

#[test]
fn filters_are_helpers() {
    check(
        "{{upper \"a<b\"}} {{upper (upper \"c\")}} {{echo 1 map.k1 key=list.0 a=\"b\"}}",
        "A<B C [1,{\"v\":1},{\"a\":\"b\",\"key\":\"a\"}]",
    );
    check("{{echo}} {{#if (eq (upper \"a\") \"A\")}}y{{/if}}", "[] y");
    let err = render("a\n{{#each list}}\n{{fail this}}{{/each}}").expect_err("it fails");
    assert_eq!(
        err.to_string(),
        "role web: template web/v1: page.hbs:3: filter `fail` failed: plugin netmask (e3b0c44298fc): no such network"
    );
}

#[test]
fn partials() {
    let limits = RenderLimits::default();
    let check = |partials: &[(&str, &str)], page: &str, expect: &str| {
        assert_eq!(render_with(partials, page, &limits).as_deref(), Ok(expect), "{page}");
    };
    check(&[("inc/p.hbs", "{{one}}{{@root.node}}")], "{{> inc/p.hbs}}", "1alpha");
    check(&[("p.hbs", "{{host}}:{{x}} ")], "{{#each servers}}{{> p.hbs x=@index}}{{/each}}{{> p.hbs servers.[1] x=9}}", "s1:0 s2:1 s2:9 ");
    check(&[("p.hbs", "a\nb\n")], "x\n  {{> p.hbs}}\ny", "x\n  a\n  b\ny");
    check(&[("p.hbs", "[{{> @partial-block}}]")], "{{#> p.hbs}}{{one}}{{/p.hbs}}", "[1]");
    check(&[], "{{#> gone}}fallback {{one}}{{/gone}}", "fallback 1");
    check(&[("p.hbs", "<{{> nav}}>")], "{{#> p.hbs}}{{#*inline \"nav\"}}n{{one}}{{/inline}}{{/p.hbs}}", "<n1>");
    check(&[("t.hbs", "{{name}}({{#each children}}{{> t.hbs}}{{/each}})")], "{{> t.hbs tree}}", "r(s(t()))");
    check(&[], "{{#*inline \"a\"}}A{{one}}{{/inline}}{{> (lookup list 0)}}", "A1");
    let err = render_with(&[("p.hbs", "\n{{gone}}")], "\n\n{{> p.hbs}}", &limits).expect_err("missing");
    assert_eq!(err.problems()[0].to_string(), "p.hbs:2: there is no `gone`: give the role that variable, or write `default gone …`");
}
