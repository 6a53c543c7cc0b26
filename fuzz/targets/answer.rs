//! A sound answer, made from a model: accepted in each notation, with the one canonical form that the model says. Then with one byte
//! altered: whatever is still accepted keeps the invariants.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use verwalter_core::peers::PeerTable;
use verwalter_fuzz::admitted::{admit_bounded, admit_checked, check_altered};
use verwalter_fuzz::answers::{Model, Notation};
use verwalter_fuzz::tables::{LIMITS, TIGHT, tables};

static TABLES: LazyLock<[PeerTable; 3]> = LazyLock::new(tables);

fuzz_target!(|input: (Model, Option<(u16, u8)>)| {
    let (model, damage) = input;
    let [_, few, many] = &*TABLES;
    let canonical = model.canonical();
    for notation in [Notation::Short, Notation::Long, Notation::Mixed] {
        let text = model.text(notation).into_bytes();
        let admitted = admit_bounded(&text, many, LIMITS).expect("the model is sound");
        assert_eq!(admitted.schedule.canonical(), canonical, "{notation:?}");
    }
    admit_checked(model.text(Notation::Short).as_bytes(), few, TIGHT);
    let Some((place, byte)) = damage else { return };
    let mut text = model.text(Notation::Mixed).into_bytes();
    let place = usize::from(place) % text.len();
    text[place] = byte;
    if let Some(admitted) = admit_checked(&text, few, LIMITS)
        && admitted.schedule.canonical() != canonical
    {
        check_altered(&canonical, admitted.schedule.digest());
    }
});
