//! TEMPLATES.md names every helper and nothing else, and its examples give what they say. Filters cannot have any of the names.

use super::*;

const GUIDE: &str = include_str!("../../../../TEMPLATES.md");

/// The rows of the tables: the helper's name and its example, a template and what it becomes.
fn rows() -> Vec<(&'static str, &'static str, String)> {
    let mut rows = Vec::new();
    for line in GUIDE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, _, _, example] = cells.as_slice() else { panic!("a row has a name, arguments, what it gives and an example: {line}") };
        let (page, expect) = example.split_once(" → ").expect(line);
        let bare = |cell: &'static str| cell.trim().strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).expect(line);
        rows.push((bare(name), bare(page), bare(expect).replace('⏎', "\n")));
    }
    rows
}

#[test]
fn every_helper_is_documented() {
    let documented: BTreeSet<&str> = rows().iter().map(|(name, ..)| *name).collect();
    let known: BTreeSet<&str> = helpers::BLOCKS.into_iter().chain(helpers::VALUES).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_examples_give_what_they_say() {
    let (_, rest) = GUIDE.split_once("```json\n").expect("the guide has variables");
    let (variables, _) = rest.split_once("```").expect("they end");
    let variables: Value = serde_json::from_str(variables).expect("JSON");
    for (name, page, expect) in rows() {
        assert!(page.contains(name), "`{name}`: its example is of something else: {page}");
        assert_eq!(render_vars(page, &variables).as_deref(), Ok(&*expect), "{page}");
    }
    let blocks: Vec<&str> = GUIDE.split("```yaml\n").skip(1).map(|block| block.split("```").next().expect("it ends")).collect();
    let (page, becomes) = (blocks[0].split_once('\n').expect("a comment comes first").1, blocks[1]);
    assert_eq!(render_vars(page, &variables).as_deref(), Ok(becomes));
    let upstream = GUIDE.split("```\nupstream").nth(1).and_then(|rest| rest.split("```").next()).expect("the guide has an upstream");
    let becomes = "upstream web {\n    server alpha:8080 weight=1;\n    server beta:8080 weight=2;\n}\n";
    assert_eq!(render_vars(&format!("upstream{upstream}"), &variables).as_deref(), Ok(becomes));
}

#[test]
fn a_filter_with_the_name_of_a_built_in_helper_fails_those_who_call_it() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir_all(temp.path().join("web/v1")).expect("mkdir");
    fs::write(temp.path().join("web/v1/a.render.yaml"), "{}").expect("write");
    let reference = TemplateRef::new("web/v1").expect("valid");
    let load = |template: &str, filter: &str| {
        fs::write(temp.path().join("web/v1/a.hbs"), template).expect("write");
        TemplateSet::load(temp.path(), &reference, &[filter.to_owned()], &RenderLimits::default()).map(drop).map_err(|err| err.to_string())
    };
    for name in helpers::BLOCKS.into_iter().chain(helpers::VALUES) {
        let refusal = format!("the filter `{name}` has the name of a built-in helper: rename it in its plugin");
        assert!(refuse_filter(name).is_some_and(|why| why.starts_with(&refusal)), "{name}");
        let err = load(&format!("{{{{{name}}}}}"), name).expect_err(name);
        assert!(err.contains(&format!("a.hbs:1: {refusal}")), "{err}");
        let err = load(&format!("{{{{len ({name} 1)}}}}"), name).expect_err(name);
        assert!(err.contains(&refusal), "{err}");
        assert_eq!(load("plain", name), Ok(()), "{name}");
    }
}

#[test]
fn misspelt_names_are_told_before_anything_is_rendered() {
    check_err("\n{{sortby list}}", 2, "there is no helper `sortby`");
    check_err("{{len (sort-by list)}}", 1, "(did you mean `sort_by`?)");
    check_err("{{len (lookup_nodes node)}}", 1, "(did you mean `lookup_node`?)");
    check_err("{{quot name}}", 1, "(did you mean `quote`?)");
}
