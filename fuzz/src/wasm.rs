//! Files that begin like WebAssembly, made from a description: bytes at random seldom get past the header. Written by hand, since an
//! encoder would refuse what is to be tried.

use arbitrary::{Arbitrary, Result, Unstructured};

/// One module or component.
#[derive(Debug, Arbitrary)]
pub struct File {
    component: bool,
    sections: Vec<Section>,
    /// Bytes after the last section.
    tail: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
enum Section {
    /// A module's.
    Imports(Vec<(Name, Name, Vec<u8>)>),
    /// A module's or, with another number, a component's.
    Exports(Vec<(Name, Kind, u8)>),
    ComponentImports(Vec<(Name, Kind, u8)>),
    ComponentExports(Vec<(Name, Kind, u8)>),
    /// The section that holds a module (1) or a component (4) in a component.
    Nested(bool, Box<File>),
    Any(u8, Vec<u8>),
    /// A section that says that it is longer or shorter than it is.
    Lying(u8, u32, Vec<u8>),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
struct Kind(u8);

#[derive(Debug)]
struct Name(String);

const NAMES: [&str; 30] = [
    "vw_abi_1",
    "memory",
    "vw_alloc",
    "vw_free",
    "vw_schedule",
    "vw_review",
    "vw_filters",
    "vw_apply",
    "vw_query",
    "vw_render_roles",
    "verwalter",
    "log",
    "wasi_snapshot_preview1",
    "fd_write",
    "random_get",
    "env",
    "log_panic",
    "pow",
    "alloc",
    "dealloc",
    "scheduler",
    "init",
    "render_roles",
    "query",
    "column",
    "verwalter:plugin/querying@1.0.0",
    "verwalter:plugin/scheduling@1.0.0",
    "verwalter:plugin/filtering@1.0.0",
    "verwalter:plugin/snapshot@1.0.0",
    "verwalter:plugin/log@1.0.0",
];

impl<'a> Arbitrary<'a> for Name {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Name> {
        let known = u.int_in_range(0..=NAMES.len())?;
        Ok(Name(match NAMES.get(known) {
            Some(name) => (*name).to_owned(),
            None => u.arbitrary()?,
        }))
    }
}

impl File {
    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = b"\0asm".to_vec();
        out.extend(if self.component { [0x0d, 0, 1, 0] } else { [1, 0, 0, 0] });
        for section in &self.sections {
            section.write(&mut out);
        }
        out.extend(&self.tail);
        out
    }
}

impl Section {
    fn write(&self, out: &mut Vec<u8>) {
        let (id, content) = match self {
            Section::Imports(list) => (
                2,
                items(list, |(module, name, kind), out| {
                    module.write(out);
                    name.write(out);
                    out.extend(kind);
                }),
            ),
            Section::Exports(list) => (
                7,
                items(list, |(name, kind, index), out| {
                    name.write(out);
                    out.extend([kind.0 % 5, *index]);
                }),
            ),
            // A component's names begin with their own kind of spelling: 0 is the plain one.
            Section::ComponentImports(list) => (
                10,
                items(list, |(name, kind, index), out| {
                    out.push(0);
                    name.write(out);
                    out.extend([kind.0 % 6, *index]);
                }),
            ),
            Section::ComponentExports(list) => (
                11,
                items(list, |(name, kind, index), out| {
                    out.push(0);
                    name.write(out);
                    out.extend([kind.0 % 6, *index, 0]);
                }),
            ),
            Section::Nested(component, file) => (if *component { 4 } else { 1 }, file.bytes()),
            Section::Any(id, content) => (id % 16, content.clone()),
            Section::Lying(id, length, content) => {
                out.push(id % 16);
                leb(*length, out);
                out.extend(content);
                return;
            }
        };
        out.push(id);
        leb(content.len() as u32, out);
        out.extend(content);
    }
}

impl Name {
    fn write(&self, out: &mut Vec<u8>) {
        leb(self.0.len() as u32, out);
        out.extend(self.0.as_bytes());
    }
}

fn items<T>(list: &[T], write: impl Fn(&T, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    leb(list.len() as u32, &mut out);
    list.iter().for_each(|item| write(item, &mut out));
    out
}

fn leb(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
