//! What one render may use, and that it ends whatever a template does.

use super::*;

#[test]
fn endless_recursion_ends() {
    for (partials, page) in [
        (vec![("p.hbs", "{{#if one}}{{> p.hbs}}{{/if}}")], "{{> p.hbs}}"),
        (vec![("p.hbs", "{{> q.hbs}}"), ("q.hbs", "x{{> p.hbs}}")], "{{> q.hbs}}"),
        (vec![("p.hbs", "{{#each @root.list}}{{> p.hbs}}{{/each}}")], "{{> p.hbs}}"),
        (vec![], "{{#*inline \"p\"}}{{> p}}{{/inline}}{{> p}}"),
        (vec![], "{{#if one}}{{> page.hbs}}{{/if}}"),
        (vec![("p.hbs", "{{#> p.hbs}}{{> p.hbs}}{{/p.hbs}}")], "{{> p.hbs}}"),
        (vec![("p.hbs", "{{#if one}}{{#> p.hbs}}{{#if one}}{{> p.hbs}}{{/if}}{{/p.hbs}}{{/if}}")], "{{> p.hbs}}"),
    ] {
        let err = render_with(&partials, page, &RenderLimits::default()).expect_err(page).to_string();
        assert!(err.contains("end the recursion"), "{page}: {err}");
    }
    let chain = format!("{{{{#if no}}}}{}{{{{else}}}}end{{{{/if}}}}", "{{else if no}}".repeat(60));
    check(&chain, "end");
    let nest = format!("{}x{}", "{{#if one}}".repeat(100), "{{/if}}".repeat(100));
    check(&nest, "x");
    let deepest = "{{#if one}}".repeat(100) + "{{not " + &"(not ".repeat(100) + "one" + &")".repeat(100) + "}}" + &"{{/if}}".repeat(100);
    assert!(render(&deepest).is_ok(), "what passes the check of nesting parses and renders");
    let literal = format!("{{{{len {}{}}}}}", "[".repeat(100), "]".repeat(100));
    check(&literal, "1");
    check_err(&"{{#if one}}".repeat(50_000), 1, "nest deeper than 100");
    check_err(&format!("{{{{json {}", "(".repeat(100_000)), 1, "opening brackets");
}

#[test]
fn output_work_and_time_are_capped() {
    let check = |limits: RenderLimits, partials: &[(&str, &str)], page: &str, fault: Fault| match render_with(partials, page, &limits) {
        Err(RenderError::Template { fault: got, .. }) => assert_eq!(*got, fault, "{page}"),
        other => panic!("{page}: {other:?}"),
    };
    let limits = RenderLimits::default;
    let small = || RenderLimits { file_bytes: 100, ..limits() };
    check(small(), &[], &"x".repeat(101), Fault::Size { limit_bytes: 100, of: "" });
    check(
        small(),
        &[],
        "{{#each list}}{{#each @root.list}}{{#each @root.list}}{{@root.name}}{{/each}}{{/each}}{{/each}}",
        Fault::Size { limit_bytes: 100, of: "" },
    );
    assert_eq!(render_with(&[], &"x".repeat(100), &small()).map(|text| text.len()), Ok(100));
    let loops = format!("{}{}", "{{#each @root.list}}".repeat(40), "{{/each}}".repeat(40));
    check(RenderLimits { steps: 20_000, ..limits() }, &[], &loops, Fault::Steps { limit: 20_000 });
    check(RenderLimits { time: std::time::Duration::ZERO, ..limits() }, &[], "{{one}}", Fault::Time { limit_ms: 0 });
    let doubling = format!("{{{{json {}name{}}}}}", "(json ".repeat(60), ")".repeat(60));
    check(limits(), &[], &doubling, Fault::Size { limit_bytes: 16 << 20, of: " in one value" });
    check(
        small(),
        &[],
        "{{len (echo list list list list list list list list list x=list)}}",
        Fault::Size { limit_bytes: 100, of: " in the arguments of one filter" },
    );
    let held = "{{#> p.hbs}}{{#each @root.list}}{{#each @root.list}}{{@root.name}}{{/each}}{{/each}}{{/p.hbs}}";
    check(RenderLimits { role_bytes: 20, ..limits() }, &[("p.hbs", "")], held, Fault::Size { limit_bytes: 40, of: " in partial blocks" });
}

#[test]
fn all_files_of_a_role_share_a_cap() {
    let two =
        "templates: {a: a.hbs, b: b.hbs}\ncommands:\n- !Copy {src: '{{ files.a }}', dest: a}\n- !Copy {src: '{{ files.b }}', dest: b}\n";
    let files = [("x.render.yaml", two), ("a.hbs", "12345"), ("b.hbs", "123456")];
    let render = |role_bytes| render_set(&mut load(&files, &RenderLimits { role_bytes, ..RenderLimits::default() }).expect("sound"));
    assert_eq!(render(11).expect("it fits").len(), 2);
    let err = render(10).expect_err("too much").to_string();
    assert!(err.contains("b.hbs") && err.contains("5 bytes (what the role's other files leave"), "{err}");
}

#[test]
fn the_session_ends_with_the_render_whatever_happens() {
    for page in ["{{echo 1}}", "{{fail}}", "{{gone}}", "{{panic}}"] {
        let mut set = load(&[("a.render.yaml", RENDER_FILE), ("page.hbs", page)], &RenderLimits::default()).expect("sound");
        let (sender, receiver) = mpsc::channel();
        let result = set.render(&RoleName::new("web").expect("valid"), &vars(), supplies(&schedule(), sender));
        assert_eq!(receiver.try_recv(), Ok(()), "{page}: dropped");
        assert_eq!(result.is_ok(), page == "{{echo 1}}", "{page}: {result:?}");
        assert!(render_set(&mut set).is_ok() == (page == "{{echo 1}}"), "{page}: the set is usable again");
    }
}

#[test]
fn a_message_shows_the_beginning_of_what_a_template_made() {
    for page in [
        "{{lookup map (join (range 100000) \",\")}}",
        "{{json (lookup map (range 100000))}}",
        "{{json (sort_by servers (join (range 100000) \",\"))}}",
        "{{json (lookup_node (join (range 100000) \",\"))}}",
        "{{json (lookup_node node (join (range 100000) \",\"))}}",
        "{{json (nodes_of (join (range 100000) \",\"))}}",
    ] {
        let message = render(page).expect_err("there is none").to_string();
        assert!(message.contains("0,1,2,3") && (message.contains("…`") || message.contains("…\"`")), "{page}: {message:.500}");
        assert!(message.len() < 500, "{page}: {message:.600}");
    }
}
