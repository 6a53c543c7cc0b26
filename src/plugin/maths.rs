//! The maths functions that verwalter 0.13 lent its guests, computed by one portable implementation: the bits of a result must
//! not depend on this machine's libm. No other guest gets them.

use super::abi::MATHS_IMPORTS;
use std::collections::HashSet;

use wasmtime::{AsContextMut, Caller, Linker, Module};

use super::guest::module::written;
use super::imports::enter;
use super::memory::canonical;
use super::store::CallState;

/// One function by the form that it has in the guest.
#[derive(Clone, Copy)]
enum Function {
    Double(fn(f64) -> f64),
    Single(fn(f32) -> f32),
    Doubles(fn(f64, f64) -> f64),
    Singles(fn(f32, f32) -> f32),
    DoubleByInteger(fn(f64, i32) -> f64),
    SingleByInteger(fn(f32, i32) -> f32),
}

use Function::{Double, DoubleByInteger, Doubles, Single, SingleByInteger, Singles};

/// Which forms each name may be imported in: as in the predecessor, the name alone does not say how wide the numbers are.
const FUNCTIONS: [(&[&str], Function); 12] = [
    (&["pow"], Doubles(libm::pow)),
    (&["pow"], Singles(libm::powf)),
    (&["pow"], DoubleByInteger(|base, exponent| libm::pow(base, exponent.into()))),
    (&["pow"], SingleByInteger(|base, exponent| libm::pow(base.into(), exponent.into()) as f32)),
    (&["fmod"], Doubles(libm::fmod)),
    (&["fmod"], Singles(libm::fmodf)),
    (&["exp2", "exp2f"], Double(libm::exp2)),
    (&["exp2", "exp2f"], Single(libm::exp2f)),
    (&["ldexp", "ldexpf"], DoubleByInteger(libm::ldexp)),
    (&["ldexp", "ldexpf"], SingleByInteger(libm::ldexpf)),
    (&["log10", "log10f"], Double(libm::log10)),
    (&["log10", "log10f"], Single(libm::log10f)),
];

impl Function {
    fn form(self) -> &'static str {
        match self {
            Double(_) => "fn(f64) -> f64",
            Single(_) => "fn(f32) -> f32",
            Doubles(_) => "fn(f64, f64) -> f64",
            Singles(_) => "fn(f32, f32) -> f32",
            DoubleByInteger(_) => "fn(f64, i32) -> f64",
            SingleByInteger(_) => "fn(f32, i32) -> f32",
        }
    }

    fn define(self, linker: &mut Linker<CallState>, module: &str, name: &str) -> wasmtime::Result<()> {
        type Guest<'a> = Caller<'a, CallState>;
        let pay = |guest: &mut Guest<'_>| enter(&mut guest.as_context_mut(), 0);
        match self {
            Double(f) => linker.func_wrap(module, name, move |mut guest: Guest<'_>, a: f64| pay(&mut guest).map(|()| canonical(f(a)))),
            Single(f) => linker.func_wrap(module, name, move |mut guest: Guest<'_>, a: f32| pay(&mut guest).map(|()| single(f(a)))),
            Doubles(f) => {
                linker.func_wrap(module, name, move |mut guest: Guest<'_>, a: f64, b: f64| pay(&mut guest).map(|()| canonical(f(a, b))))
            }
            Singles(f) => {
                linker.func_wrap(module, name, move |mut guest: Guest<'_>, a: f32, b: f32| pay(&mut guest).map(|()| single(f(a, b))))
            }
            DoubleByInteger(f) => {
                linker.func_wrap(module, name, move |mut guest: Guest<'_>, a: f64, b: i32| pay(&mut guest).map(|()| canonical(f(a, b))))
            }
            SingleByInteger(f) => {
                linker.func_wrap(module, name, move |mut guest: Guest<'_>, a: f32, b: i32| pay(&mut guest).map(|()| single(f(a, b))))
            }
        }?;
        Ok(())
    }
}

/// Every NaN as the same bits.
fn single(value: f32) -> f32 {
    const NAN: f32 = f32::from_bits(0x7fc0_0000);
    if value.is_nan() { NAN } else { value }
}

/// Defines what `guest` imports of them from `module`, in the forms that it imports them in.
pub(super) fn link(linker: &mut Linker<CallState>, guest: &Module, module: &str) -> wasmtime::Result<()> {
    let mut defined = HashSet::new();
    for import in guest.imports().filter(|import| import.module() == module && MATHS_IMPORTS.contains(&import.name())) {
        let (name, found) = (import.name(), written(&import.ty()));
        let forms = || FUNCTIONS.iter().filter(|(names, _)| names.contains(&name)).map(|(_, function)| *function);
        let Some(function) = forms().find(|function| function.form() == found) else {
            let may: Vec<&str> = forms().map(Function::form).collect();
            return Err(wasmtime::Error::msg(format!("its import `{module}.{name}` must be {}, it is {found}", may.join(" or "))));
        };
        if defined.insert((name, found)) {
            function.define(linker, module, name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded on one machine, and equal on all: the last bit too.
    #[test]
    fn results_are_the_same_everywhere() {
        let check = |found: f64, expect: u64| assert_eq!(found.to_bits(), expect, "{found} is {:#x}", found.to_bits());
        check(libm::pow(1.1, 10.3), 0x4005_5a10_0d65_c866);
        check(libm::pow(0.3, -7.77), 0x40c6_9178_da07_5fe6);
        check(libm::exp2(0.3), 0x3ff3_b2c4_7bff_8329);
        check(libm::log10(2.0), 0x3fd3_4413_509f_79ff);
        check(libm::log10(1000.0), 3.0_f64.to_bits());
        check(libm::ldexp(3.0, -1074), 3);
        check(libm::fmod(1e300, 0.7), (1e300_f64 % 0.7).to_bits());
        let check = |found: f32, expect: u32| assert_eq!(found.to_bits(), expect, "{found} is {:#x}", found.to_bits());
        check(libm::exp2f(0.3), 0x3f9d_9624);
        check(libm::log10f(2.0), 0x3e9a_209b);
        check(libm::powf(1.1, 10.3), 0x402a_d083);
    }

    #[test]
    fn every_name_has_a_form() {
        for name in MATHS_IMPORTS {
            assert!(FUNCTIONS.iter().any(|(names, _)| names.contains(&name)), "{name}");
        }
    }
}
