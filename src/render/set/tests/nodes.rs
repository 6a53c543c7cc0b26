//! `lookup_node` and `nodes_of`: what a role's templates see of the schedule, and which sets depend on it.

use super::*;

#[test]
fn a_node_has_the_roles_that_are_placed_on_it() {
    check(
        "{{json (lookup_node \"beta\")}}",
        r#"{"roles":{"db":{"dc":"x","instances":1,"template":"db/v1"},"web":{"dc":"x","instances":2,"port":8080,"template":"web/v1","weight":1}}}"#,
    );
    check("{{#with (lookup_node node)}}{{roles.web.weight}} {{roles.web.rack}}{{/with}}", "5 r1");
    check(
        "{{lookup (lookup_node \"beta\" \"web\") \"port\"}} {{json (lookup_node \"beta\" \"db\")}}",
        r#"8080 {"dc":"x","instances":1,"template":"db/v1"}"#,
    );
    check("{{json (nodes_of \"web\")}} {{json (nodes_of \"db\")}} {{json (nodes_of \"idle\")}}", r#"["alpha","beta"] ["beta"] []"#);
    check(
        "{{#each (nodes_of \"web\") as |host|}}{{#with (lookup_node host \"web\")}}server {{host}}:{{port}} weight={{weight}};\n{{/with}}{{/each}}",
        "server alpha:8080 weight=5;\nserver beta:8080 weight=1;\n",
    );
}

#[test]
fn what_is_not_placed_is_named() {
    let hint = "test it with `has (lookup_node …)` or write `default (lookup_node …) …`";
    check_err(
        "\n{{json (lookup_node \"gamma\")}}",
        2,
        &format!("`lookup_node` finds nothing that the schedule in force places on `gamma`: {hint}"),
    );
    check_err("{{json (lookup_node \"gamma\" \"web\")}}", 1, "places on `gamma`");
    check_err(
        "{{json (lookup_node \"alpha\" \"db\")}}",
        1,
        &format!("`lookup_node` finds no role `db` that the schedule in force places on `alpha`: {hint}"),
    );
    check_err("{{json (lookup_node \"a\\nb\")}}", 1, "places on `a\\nb`");
    check_err("{{json (nodes_of \"wbe\")}}", 1, "`nodes_of` finds no role `wbe` in the schedule in force");
    check_err("{{json (lookup_node one)}}", 1, "`lookup_node` takes a hostname, and `one` is a number");
    check_err("{{json (lookup_node node list)}}", 1, "`lookup_node` takes the name of a role, and `list` is an array");
    check_err("{{json (nodes_of none)}}", 1, "`nodes_of` takes the name of a role, and `none` is null");
    check_err("{{json (lookup_node gone)}}", 1, "there is no `gone`");
    check_err("{{json (lookup_node)}}", 1, "`lookup_node` takes 1 or 2 arguments, not 0");
    check_err("{{json (nodes_of node role=one)}}", 1, "`nodes_of` takes no argument named `role`");
    check("{{has (lookup_node \"gamma\")}} {{has (lookup_node \"beta\")}} {{has (lookup_node \"alpha\" \"db\")}}", "false true false");
    check("{{json (default (lookup_node \"gamma\") bare)}} {{default (lookup (lookup_node \"alpha\" \"db\") \"port\") 5432}}", "{} 5432");
    check_err("{{has (lookup_node gone)}}", 1, "there is no `gone`");
    check_err("{{has (lookup_node one)}}", 1, "`lookup_node` takes a hostname, and `one` is a number");
    check_err("{{default none (lookup_node \"gamma\")}}", 1, "places on `gamma`");
    let err = render("{{json (lookup_node \"gamma\")}}").expect_err("it is not there").to_string();
    assert!(err.starts_with("role web: template web/v1: page.hbs:1: `lookup_node` finds nothing"), "{err}");
}

#[test]
fn a_set_says_whether_it_reads_the_schedule() {
    let check = |page: &str, expect: bool| {
        let set = load(&[("a.render.yaml", RENDER_FILE), ("page.hbs", page)], &RenderLimits::default()).expect("sound");
        assert_eq!(set.reads_schedule(), expect, "{page}");
    };
    check("{{node}} {{json (sort_by list)}} lookup_node {{default none \"lookup_node\"}} {{! lookup_node }}", false);
    check("{{json (lookup_node node)}}", true);
    check("{{#if no}}{{else if (has (lookup_node node))}}{{/if}}", true);
    check("{{#each (default none (nodes_of \"web\"))}}{{/each}}", true);
    check("{{#*inline \"p\"}}{{x}}{{/inline}}{{> p x=(len (nodes_of \"web\"))}}", true);
    check("{{yaml one indent=(len (nodes_of \"web\"))}}", true);
    check("{{#> gone}}{{len (nodes_of \"web\")}}{{/gone}}", true);
}

#[test]
fn what_is_looked_up_is_charged() {
    let long = "x".repeat(1_000);
    let hosts: Map<String, Value> = (0..200).map(|n| (format!("n{n:03}"), json!({ "roles": { "web": { "instances": 1 } } }))).collect();
    let many = json!({ "nodes": hosts, "roles": { "web": { "text": long } } });
    let render_in = |schedule: &Value, page: &str, limits: &RenderLimits| {
        let schedule = restored(schedule);
        let mut set = load(&[("a.render.yaml", RENDER_FILE), ("page.hbs", page)], limits).expect("sound");
        let rendered = set.render(&RoleName::new("web").expect("valid"), &vars(), supplies(&schedule, mpsc::channel().0));
        rendered.map(|role| role.files[0].bytes.len()).map_err(|err| err.to_string())
    };
    let render = |page: &str, limits: &RenderLimits| render_in(&many, page, limits);
    let limits = RenderLimits { steps: 150, file_bytes: 1 << 20, role_bytes: 1 << 20, ..RenderLimits::default() };
    assert!(render("{{len (nodes_of \"web\")}}", &limits).expect_err("too many").contains("more than 150 steps"));
    let limits = RenderLimits { file_bytes: 1_000, ..limits };
    assert!(render("{{len (lookup_node \"n000\")}}", &limits).expect_err("too large").contains("1000 bytes in one value"));
    // Each of two roles is small enough; the node that has both is not.
    let both = json!({ "nodes": { "n": { "roles": { "a": {}, "b": {} } } }, "roles": { "a": { "text": long }, "b": { "text": long } } });
    let limits = RenderLimits { file_bytes: 2_000, role_bytes: 1 << 20, ..limits };
    assert_eq!(render_in(&both, "{{len (lookup_node \"n\" \"a\")}}{{len (lookup_node \"n\" \"b\")}}", &limits), Ok(2));
    assert!(render_in(&both, "{{len (lookup_node \"n\")}}", &limits).expect_err("too large").contains("2000 bytes in one value"));
    let limits = RenderLimits { steps: 10_000, file_bytes: 10_000, role_bytes: 10_000, ..limits };
    let all = "{{#each (nodes_of \"web\")}}{{len (lookup_node this \"web\")}}{{/each}}";
    assert!(render(all, &limits).expect_err("too much").contains("40000 bytes in the values of helpers"));
    assert_eq!(render(all, &RenderLimits { role_bytes: 100_000, ..limits }), Ok(200));
}
