//! From placements to the answer: variables, reasons, what moved. It decides nothing.

mod record;

use std::num::NonZeroU32;

use verwalter_plugin::json::write_integer;
use verwalter_plugin::{Answer, Error, Input, Schedule, log};

use crate::config::Config;
use crate::decide::{Placed, Placements, View};
use crate::roles::Role;
use record::Records;

/// So many lines say what moved; more nobody reads, and the schedule itself has them all.
const MAX_CHANGES: usize = 100;

/// Writes the decision down.
pub fn write(input: &Input<'_>, config: &Config, roles: &[Role], view: &View<'_>, placements: &Placements) -> Result<Answer, Error> {
    let mut schedule = Schedule::new(input)?;
    let mut changes = Changes { lines: Vec::new(), more: 0 };
    let mut shortages = Vec::new();
    let records = Records::read(input, config)?;
    for ((role, wanted), decided) in roles.iter().zip(view.roles).zip(&placements.roles) {
        let mut parts = schedule.role(role.name.clone());
        for (key, value) in &role.vars {
            parts.set(key, value).map_err(|err| Error::own(format!("runtime metadata of role `{}`: vars: {err}", role.name)))?;
        }
        parts.reserve(decided.placed.len(), decided.placed.len() * 40);
        let kept_records = records.of_role(input, role.name.as_str())?;
        for placed in &decided.placed {
            let peer = placed.peer as usize;
            let instances = NonZeroU32::new(placed.instances).expect("only peers with an instance are listed");
            let mut place = parts.place(peer, instances)?;
            if let Some(figures) = records.figures(&kept_records, placed) {
                place.set("placed", &figures)?;
            }
            place.why_with(|out| why(view, placed, out));
        }
        changes.of_role(input, role, wanted.placed, &decided.placed);
        if decided.missing > 0 {
            shortages.push(format!(
                "{}: {} of {} instances are not placed: no peer has room (only, per_node_max, needs)",
                role.name, decided.missing, role.instances
            ));
        }
    }
    let mut answer = Answer::new(schedule);
    for line in changes.lines {
        answer.change(line);
    }
    if changes.more > 0 {
        answer.change(format!("and {} more", changes.more));
    }
    for shortage in shortages {
        log::warn(&shortage);
        answer.log(&shortage);
    }
    Ok(answer)
}

/// `kept`, or `new: 812 MiB and 93 % CPU free`, or `2 kept, 1 new: …`. Whole numbers: they are written thousands of times.
fn why(view: &View<'_>, placed: &Placed, out: &mut String) {
    if placed.kept == placed.instances {
        return out.push_str("kept");
    }
    if placed.kept > 0 {
        write_integer(placed.kept.into(), out);
        out.push_str(" kept, ");
        write_integer((placed.instances - placed.kept).into(), out);
        out.push(' ');
    }
    out.push_str("new");
    let peer = placed.peer as usize;
    let memory = view.memory_free.get(peer);
    let cpu = view.cpu_busy.get(peer);
    if memory.is_some_and(|n| n.is_nan()) || cpu.is_some_and(|n| n.is_nan()) {
        return out.push_str(": no samples, taken last");
    }
    let mut separator = ": ";
    if let Some(bytes) = memory {
        out.push_str(separator);
        separator = " and ";
        write_integer((bytes / 1_048_576.0) as u64, out);
        out.push_str(" MiB");
    }
    if let Some(busy) = cpu {
        out.push_str(separator);
        // A hundred-thousandth more, so that 1 − 0.07 is not 92 %.
        write_integer(((1.0 - busy) * 100.0 + 1e-5) as u64, out);
        out.push_str(" % CPU");
    }
    if memory.is_some() || cpu.is_some() {
        out.push_str(" free");
    }
}

struct Changes {
    lines: Vec<String>,
    more: usize,
}

impl Changes {
    /// One line a peer whose number changed, by hostname. `before` may be empty: nothing stood anywhere.
    fn of_role(&mut self, input: &Input<'_>, role: &Role, before: &[u32], after: &[Placed]) {
        let mut after = after.iter().peekable();
        for peer in 0..input.len() {
            let now = after.next_if(|placed| placed.peer as usize == peer).map_or(0, |placed| placed.instances);
            let then = before.get(peer).copied().unwrap_or(0);
            if now == then {
                continue;
            }
            if self.lines.len() == MAX_CHANGES {
                self.more += 1;
                continue;
            }
            let host = input.hostname(peer).unwrap_or_default();
            self.lines.push(if now > then {
                format!("{}: +{} on {host}", role.name, now - then)
            } else {
                format!("{}: -{} on {host}", role.name, then - now)
            });
        }
    }
}
