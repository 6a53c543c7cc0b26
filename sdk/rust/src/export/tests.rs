//! What the macros export, driven natively.

use crate::host::Stub;
use crate::{Answer, ArgsError, Error, Input, Question, RawArgs, Render, Review, RoleName, Roles, Schedule, Verdict};

mod scheduler {
    use super::*;

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        least: u32,
    }

    fn schedule(input: &Input<'_>) -> Result<Answer, Error> {
        if input.round() == 13 {
            return Err(Error::own("not today"));
        }
        Ok(Answer::new(Schedule::new(input)?))
    }

    fn check_config(config: &Config) -> Result<(), String> {
        if config.least > 0 { Ok(()) } else { Err("`least` must be 1 or more".to_owned()) }
    }

    crate::scheduler! { schedule: schedule, check_config: check_config, input: columns, reads: [runtime, parents] }

    #[test]
    fn describes_itself_as_the_host_reads_it() {
        use crate::export::Described as _;
        let description: verwalter_core::contract::Description = serde_json::from_str(&VerwalterPlugin::describe()).expect("a description");
        assert_eq!((description.name.as_str(), description.kind), ("verwalter-plugin", Some(verwalter_core::ports::Kind::Scheduler)));
        assert_eq!(description.input, Some(verwalter_core::contract::InputMode::Columns));
        use verwalter_core::contract::InputKey;
        assert_eq!(description.reads, Some(vec![InputKey::Runtime, InputKey::Parents]));
    }

    #[test]
    fn checks_its_configuration() {
        use crate::export::Described as _;
        let check = |config: &str, expect: &str| assert_eq!(VerwalterPlugin::check_config(config).err().unwrap_or_default(), expect);
        check(r#"{"least":1}"#, "");
        check(r#"{"least":0}"#, "`least` must be 1 or more");
        check(r#"{"most":1}"#, "config: unknown field `most`, expected `least` at line 1 column 7");
    }

    #[test]
    fn decides() {
        let document = |round: u32| format!(r#"{{"v":1,"now":1,"round":{round},"term":1,"current_host":"a","current_id":"x"}}"#);
        let check = |round, expect: Result<&str, &str>| {
            let got = crate::export::schedule(schedule, &Stub::new(["a"]), &document(round));
            assert_eq!(got.as_deref().map_err(String::as_str), expect);
        };
        check(1, Ok(r#"{"v":1,"schedule":{"roles":{}}}"#));
        check(13, Err("not today"));
    }
}

mod policy {
    use super::*;

    fn review(review: &Review<'_>) -> Result<Verdict, Error> {
        let mut verdict = Verdict::allow();
        for (role, _, _) in review.diff().removed() {
            verdict.deny(format!("{role} would shrink"));
        }
        Ok(verdict)
    }

    crate::policy! { review: review, input: columns, reads: [] }

    #[test]
    fn judges() {
        let document = |removed: &str| {
            let head = r#""v":1,"now":1,"round":1,"term":1,"current_host":"a","current_id":"x","schedule":{},"previous":{}"#;
            format!(r#"{{{head},"diff":{{"removed":{removed}}}}}"#)
        };
        let check = |removed, expect: Result<&str, &str>| {
            let got = crate::export::review(review, &Stub::default(), &document(removed));
            assert_eq!(got.as_deref().map_err(String::as_str), expect);
        };
        check("{}", Ok(r#"{"v":1,"verdict":"allow"}"#));
        check(r#"{"web":{"a":1}}"#, Ok(r#"{"v":1,"verdict":"deny","reasons":["web would shrink"]}"#));
        use crate::export::Described as _;
        assert_eq!(
            VerwalterPlugin::describe(),
            format!(
                r#"{{"name":"verwalter-plugin","version":"{}","kind":"policy","input":"columns","reads":[]}}"#,
                env!("CARGO_PKG_VERSION")
            )
        );
        assert_eq!(VerwalterPlugin::check_config("{}"), Ok(()));
    }
}

mod query {
    use super::*;

    fn query(question: &Question<'_>) -> Result<f64, Error> {
        if question.path() == "nan" { Ok(f64::NAN) } else { Err(Error::own(question.path())) }
    }

    fn render_roles(render: &Render<'_>) -> Result<Option<Roles>, Error> {
        if render.hostname() == "a" {
            return Ok(None);
        }
        let mut roles = Roles::new();
        roles.all([RoleName::new("web")?])?;
        Ok(Some(roles))
    }

    crate::query! { query: query, render_roles: render_roles }

    #[test]
    fn answers() {
        use crate::export::Query as _;
        let ask = |path: &str| {
            let rest = r#""method":"GET","hostname":"a","config":{}"#;
            VerwalterPlugin::query(&format!(r#"{{"v":1,"now":1,"path":"{path}",{rest}}}"#))
        };
        assert_eq!(ask("x").expect_err("the plugin's own"), "x");
        assert_eq!(ask("nan").expect_err("no JSON"), "the answer: NaN is no JSON number; leave the key out or write null");
        let choose =
            |host: &str| VerwalterPlugin::render_roles(&format!(r#"{{"v":1,"now":1,"hostname":"{host}","schedule":{{}},"machine":{{}}}}"#));
        assert_eq!(choose("a").as_deref(), Ok("null"));
        assert_eq!(choose("b").as_deref(), Ok(r#"{"v":1,"to_render":{},"all_roles":["web"]}"#));
    }
}

mod filters {
    use super::*;

    fn upper(args: RawArgs<'_>) -> Result<String, ArgsError> {
        Ok(args.read(&["text"])?.text(0)?.to_uppercase())
    }

    fn nan(_: RawArgs<'_>) -> Result<f64, ArgsError> {
        Ok(f64::NAN)
    }

    crate::filters! { "upper" => upper, "nan" => nan }

    #[test]
    fn are_called_by_name() {
        use crate::export::Filters as _;
        assert_eq!(VerwalterPlugin::NAMES, ["upper", "nan"]);
        let check = |name: &str, args: &str, expect: Result<&str, &str>| {
            assert_eq!(VerwalterPlugin::apply(name, args).as_deref().map_err(String::as_str), expect);
        };
        check("upper", r#"["ä\"x"]"#, Ok(r#""Ä\"X""#));
        check("upper", "[1]", Err("upper: argument 1 (`text`): expected a text, got the number 1"));
        check("nan", "[]", Err("nan: the result: NaN is no JSON number; leave the key out or write null"));
        check("lower", "[]", Err("there is no filter `lower`; this plugin has upper, nan"));
    }
}
