//! What a machine does to a role: disks, permissions, commands, health, processes that are killed. Each is one clear line, the old state stays in
//! force and services were told last of it, other roles go on, and once it is mended the role comes right by itself.

mod processes;
mod refusals;

use std::fs;
use std::path::Path;

use crate::support::{Node, Site, eventually};

/// Two roles: `web`, with two files below `disk/` and a service that writes down what it is told, and `zone`, deployed after it.
struct Two {
    site: Site,
    node: Node,
    listen: u32,
}

impl Two {
    /// `check` is the one of the file `disk/d/page`, and `lines` come after the service is told.
    fn start(check: &str, lines: &str, script: &str) -> Two {
        let site = Site::prepared();
        Two::write(&site, check, lines, script);
        let node = site.run(&[]);
        Two::started(site, node)
    }

    fn started(site: Site, mut node: Node) -> Two {
        node.ready();
        node.healthy();
        assert_eq!(site.read("disk/d/page").as_deref(), Some("listen 8080\n"));
        Two { site, node, listen: 8080 }
    }

    /// `script` is the text of the file `service`.
    fn write(site: &Site, check: &str, lines: &str, script: &str) {
        fs::create_dir_all(site.path("disk/d")).expect("made");
        let put = |below: &str, text: &str| site.write(below, text.replace("HERE", &here(site)));
        put("etc/sandbox/local.yaml", "writes: [HERE/disk]\ncommands: { programs: [/bin/sh] }\n");
        put("etc/templates/web/v1/page.hbs", "listen {{ listen }}\n");
        // More than a page, so that it needs room.
        put("etc/templates/web/v1/extra.hbs", &format!("{{{{ listen }}}}\n{}\n", "more ".repeat(2000)));
        let copies = format!(
            "templates: {{ page: page.hbs, extra: extra.hbs }}\ncommands:\n- !Copy {{ src: '{{{{ files.extra }}}}', dest: HERE/disk/extra }}\n\
             - !Copy {{ src: '{{{{ files.page }}}}', dest: HERE/disk/d/page{check} }}\n- !Sh 'cat HERE/disk/d/page >>HERE/told'\n"
        );
        put("etc/templates/web/v1/web.render.yaml", &(copies + lines));
        put("service", script);
        put("etc/runtime/zone.yaml", "instances: 1\ntemplate: zone/v1\nvars: { words: 8080 }\n");
        put("etc/templates/zone/v1/zone.hbs", "{{ words }}\n");
        put(
            "etc/templates/zone/v1/zone.render.yaml",
            "templates: { zone: zone.hbs }\ncommands:\n- !Copy { src: '{{ files.zone }}', dest: zone }\n",
        );
    }

    /// Asks for another state of both roles.
    fn change(&mut self) {
        let (from, to) = (self.listen, self.listen + 1);
        self.site.edit("etc/runtime/zone.yaml", &format!("words: {from}"), &format!("words: {to}"));
        self.site.edit("etc/runtime/web.yaml", &format!("listen: {from}"), &format!("listen: {to}"));
        self.listen = to;
    }

    /// `fault` keeps the role from changing, with an error that is `told` (`HERE` stands for the site); once it is mended the change comes.
    fn holds(&mut self, fault: impl FnOnce(&Site, u32), told: &str, mend: impl FnOnce(&Site)) {
        self.holds_as(fault, |error| assert_eq!(error, told), mend);
    }

    fn holds_as(&mut self, fault: impl FnOnce(&Site, u32), told: impl FnOnce(&str), mend: impl FnOnce(&Site)) {
        fault(&self.site, self.listen + 1);
        self.change();
        self.fails(told);
        mend(&self.site);
        self.comes_right();
    }

    /// The change failed, and everything is as it was.
    fn fails(&mut self, told: impl FnOnce(&str)) {
        let (old, new) = (self.listen - 1, self.listen);
        let error = self.node.error("role web");
        let site = &self.site;
        self.node.eventually("the other role is deployed", |_| (site.read("out/zone")? == format!("{new}\n")).then_some(()));
        assert!(!error.contains('\n'), "{error}");
        told(&error.replace(&here(&self.site), "HERE"));
        let status = self.node.get("/v1/status").json();
        assert_eq!((&status["failed_roles"], &status["num_errors"]), (&serde_json::json!(["web"]), &1.into()), "{status:#}");
        self.is(old);
    }

    /// The change is made without another word.
    fn comes_right(&mut self) {
        let new = format!("listen {}\n", self.listen);
        let site = &self.site;
        self.node.eventually("it is tried again", |_| (site.read("disk/d/page")? == new).then_some(()));
        self.node.healthy();
        self.is(self.listen);
    }

    /// Both files are of this state, byte for byte, and services were told last of it.
    fn is(&self, listen: u32) {
        let page = format!("listen {listen}\n");
        assert_eq!(self.site.read("disk/d/page").as_ref(), Some(&page));
        assert_eq!(self.site.read("disk/extra"), Some(format!("{listen}\n{}\n", "more ".repeat(2000))));
        eventually("services are told", || self.site.read("told")?.ends_with(&page).then_some(()));
        eventually("nothing waits", || (!self.site.path("disk/.vw-staging").exists()).then_some(()));
    }

    /// Ends the node: nothing of it panicked.
    fn stop(mut self) {
        self.node.stop();
    }
}

fn here(site: &Site) -> String {
    site.path("").display().to_string().trim_end_matches('/').to_owned()
}

/// What the scripts of [`script`] do their worst for: this state of the page.
fn broken(site: &Site, listen: u32) {
    site.write("broken", format!("listen {listen}\n"));
}

fn mended(site: &Site) {
    fs::remove_file(site.path("broken")).expect("it is there");
}

/// Where the page is what is broken, `worst`. `page` is where it lies.
fn script(page: &str, worst: &str) -> String {
    format!("if cmp -s HERE/broken {page}; then {worst}; fi\n")
}

/// The children of a process that were started with this word.
fn children(parent: u32, word: &str) -> Vec<i32> {
    let processes = fs::read_dir("/proc").expect("it is mounted").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_ours = |pid: &i32| {
        let read = |file: &str| fs::read_to_string(Path::new("/proc").join(pid.to_string()).join(file)).unwrap_or_default();
        // The name in parentheses may have anything in it.
        let stat = read("stat");
        let of = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)).and_then(|of| of.parse().ok());
        of == Some(parent) && read("cmdline").split('\0').any(|argument| argument == word)
    };
    pids.filter(is_ours).collect()
}
