//! Arithmetic on addresses and networks, IPv4 and IPv6. No name is ever resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;
use verwalter_plugin::{Args, ArgsError, RawArgs};

use crate::FilterError;

/// An address as a number, with its family's width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address {
    bits: u128,
    /// 32 or 128.
    width: u8,
}

impl Address {
    fn parse(text: &str) -> Option<Address> {
        Some(match text.parse().ok()? {
            IpAddr::V4(v4) => Address { bits: u32::from(v4).into(), width: 32 },
            IpAddr::V6(v6) => Address { bits: v6.into(), width: 128 },
        })
    }

    fn written(self) -> String {
        match u32::try_from(self.bits) {
            Ok(bits) if self.width == 32 => Ipv4Addr::from(bits).to_string(),
            _ => Ipv6Addr::from(self.bits).to_string(),
        }
    }

    /// The greatest address of the family.
    fn most(self) -> u128 {
        u128::MAX >> (128 - self.width)
    }

    fn with(self, bits: u128) -> Address {
        Address { bits, ..self }
    }
}

/// A network: its first address and the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    first: Address,
    prefix: u8,
}

impl Network {
    /// Reads `ADDRESS/PREFIX`. Bits behind the prefix may be set, as they are on an interface.
    fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = text.split_once('/')?;
        let address = Address::parse(address)?;
        if prefix.is_empty() || prefix.len() > 3 || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= address.width)?;
        Some(Network { first: address.with(address.bits & mask(prefix, address.width)), prefix })
    }

    fn last(self) -> Address {
        self.first.with(self.first.bits | (self.first.most() & !mask(self.prefix, self.first.width)))
    }
}

/// `prefix` ones, then zeros, in the low `width` bits.
fn mask(prefix: u8, width: u8) -> u128 {
    let most = u128::MAX >> (128 - width);
    // A shift by the whole width is not defined.
    most.checked_shr(prefix.into()).map_or(most, |hosts| most & !hosts)
}

fn network(args: &Args, index: usize) -> Result<Network, ArgsError> {
    Network::parse(args.text(index)?).ok_or_else(|| args.wrong(index, "a network like 10.0.0.0/8 or fd00::/64"))
}

fn address(args: &Args, index: usize) -> Result<Address, ArgsError> {
    Address::parse(args.text(index)?).ok_or_else(|| args.wrong(index, "an address like 10.0.0.1 or fd00::1"))
}

/// Whether an address, or the whole of another network, lies in a network. Families never contain each other.
pub(crate) fn cidr_contains(args: RawArgs<'_>) -> Result<bool, FilterError> {
    let args = args.read(&["network", "address"])?;
    let outer = network(&args, 0)?;
    let text = args.text(1)?;
    let (first, last) = match Network::parse(text) {
        Some(inner) => (inner.first, inner.last()),
        None => {
            let one = Address::parse(text).ok_or_else(|| args.wrong(1, "an address like 10.0.0.1, or a network like 10.1.0.0/16"))?;
            (one, one)
        }
    };
    let inside = |address: Address| outer.first.bits <= address.bits && address.bits <= outer.last().bits;
    Ok(first.width == outer.first.width && inside(first) && inside(last))
}

/// The `n`th address of a network: 0 is the network's own, −1 its last.
pub(crate) fn cidr_host(args: RawArgs<'_>) -> Result<String, FilterError> {
    let args = args.read(&["network", "n"])?;
    let network = network(&args, 0)?;
    let n = args.integer(1)?;
    let from = if n < 0 { network.last() } else { network.first };
    let steps = if n < 0 { n + 1 } else { n };
    let bits = add(from, steps).filter(|bits| (network.first.bits..=network.last().bits).contains(bits));
    bits.map(|bits| from.with(bits).written())
        .ok_or_else(|| FilterError::Outside(format!("address {n}"), format!("the network {}/{}", network.first.written(), network.prefix)))
}

/// The mask of a prefix length, or of a network's.
pub(crate) fn netmask(args: RawArgs<'_>) -> Result<String, FilterError> {
    let args = args.read(&["prefix", "family"])?;
    if let Value::String(text) = args.any(0)?
        && let Some(network) = Network::parse(text)
    {
        return Ok(network.first.with(mask(network.prefix, network.first.width)).written());
    }
    let width = match args.value(1).map(|_| args.integer(1)).transpose()? {
        None | Some(4) => 32,
        Some(6) => 128,
        Some(_) => return Err(args.wrong(1, "4 or 6").into()),
    };
    let prefix = args.integer(0).ok().and_then(|n| u8::try_from(n).ok()).filter(|prefix| *prefix <= width);
    let prefix = prefix.ok_or_else(|| args.wrong(0, format!("a prefix length of 0 to {width}, or a network like 10.0.0.0/8")))?;
    Ok(Address { bits: mask(prefix, width), width }.written())
}

/// The address `n` further on.
pub(crate) fn ip_add(args: RawArgs<'_>) -> Result<String, FilterError> {
    let args = args.read(&["address", "n"])?;
    let from = address(&args, 0)?;
    let n = args.integer(1)?;
    let outside = || FilterError::Outside(format!("{} and {n}", from.written()), if from.width == 32 { "IPv4" } else { "IPv6" }.to_owned());
    add(from, n).map(|bits| from.with(bits).written()).ok_or_else(outside)
}

/// `None` where the family has no such address.
fn add(from: Address, n: i128) -> Option<u128> {
    from.bits.checked_add_signed(n).filter(|bits| *bits <= from.most())
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    #[test]
    fn containment() {
        for (outer, inner, expect) in [
            ("10.0.0.0/8", "10.255.255.255", "true"),
            ("10.0.0.0/8", "11.0.0.0", "false"),
            ("10.1.2.3/8", "10.0.0.0", "true"),
            ("0.0.0.0/0", "255.255.255.255", "true"),
            ("10.0.0.1/32", "10.0.0.1", "true"),
            ("10.0.0.0/8", "10.1.0.0/16", "true"),
            ("10.1.0.0/16", "10.0.0.0/8", "false"),
            ("::/0", "10.0.0.1", "false"),
            ("0.0.0.0/0", "::1", "false"),
            ("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "true"),
            ("fd00::/64", "fd00::1:2", "true"),
            ("fd00::/64", "fd00:0:0:1::", "false"),
        ] {
            check("cidr_contains", &format!(r#"["{outer}","{inner}"]"#), expect);
        }
        let network = "cidr_contains: argument 1 (`network`): expected a network like 10.0.0.0/8 or fd00::/64, got the text ";
        for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "fd00::/129", "10.0.0/8", "x/8", "10.0.0.0/8/8"] {
            check("cidr_contains", &format!(r#"["{bad}","10.0.0.1"]"#), &format!("{network}\"{bad}\""));
        }
        let expect =
            "cidr_contains: argument 2 (`address`): expected an address like 10.0.0.1, or a network like 10.1.0.0/16, got the text \"x\"";
        check("cidr_contains", r#"["10.0.0.0/8","x"]"#, expect);
        check("cidr_contains", r#"["10.0.0.0/8",1]"#, "cidr_contains: argument 2 (`address`): expected a text, got the number 1");
    }

    #[test]
    fn hosts_of_a_network() {
        for (network, n, expect) in [
            ("10.0.0.0/24", "1", r#""10.0.0.1""#),
            ("10.0.0.77/24", "0", r#""10.0.0.0""#),
            ("10.0.0.0/24", "255", r#""10.0.0.255""#),
            ("10.0.0.0/24", "-1", r#""10.0.0.255""#),
            ("10.0.0.0/24", "-256", r#""10.0.0.0""#),
            ("10.0.0.0/24", "\"7\"", r#""10.0.0.7""#),
            ("10.0.0.0/24", "256", "cidr_host: address 256 lies outside the network 10.0.0.0/24"),
            ("10.0.0.0/24", "-257", "cidr_host: address -257 lies outside the network 10.0.0.0/24"),
            ("fd00::/64", "65536", r#""fd00::1:0""#),
            ("::/0", "-1", r#""ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff""#),
            ("10.0.0.0/24", "1.5", "cidr_host: argument 2 (`n`): expected a whole number, got the number 1.5"),
        ] {
            check("cidr_host", &format!(r#"["{network}",{n}]"#), expect);
        }
    }

    #[test]
    fn masks() {
        for (args, expect) in [
            ("24", r#""255.255.255.0""#),
            ("0", r#""0.0.0.0""#),
            ("32", r#""255.255.255.255""#),
            ("\"20\"", r#""255.255.240.0""#),
            ("\"10.0.0.0/9\"", r#""255.128.0.0""#),
            ("\"fd00::/48\"", r#""ffff:ffff:ffff::""#),
            ("64,6", r#""ffff:ffff:ffff:ffff::""#),
            ("128,{\"family\":6}", r#""ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff""#),
            ("33", "netmask: argument 1 (`prefix`): expected a prefix length of 0 to 32, or a network like 10.0.0.0/8, got the number 33"),
            ("-1", "netmask: argument 1 (`prefix`): expected a prefix length of 0 to 32, or a network like 10.0.0.0/8, got the number -1"),
            ("24,5", "netmask: argument 2 (`family`): expected 4 or 6, got the number 5"),
        ] {
            check("netmask", &format!("[{args}]"), expect);
        }
    }

    #[test]
    fn sums() {
        for (args, expect) in [
            (r#""10.0.0.255",1"#, r#""10.0.1.0""#),
            (r#""10.0.1.0",-1"#, r#""10.0.0.255""#),
            (r#""255.255.255.255",1"#, "ip_add: 255.255.255.255 and 1 lies outside IPv4"),
            (r#""0.0.0.0",-1"#, "ip_add: 0.0.0.0 and -1 lies outside IPv4"),
            (r#""::ffff:ffff",1"#, r#""::1:0:0""#),
            (r#""ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",1"#, "ip_add: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff and 1 lies outside IPv6"),
            (
                r#""10.0.0.1/8",1"#,
                "ip_add: argument 1 (`address`): expected an address like 10.0.0.1 or fd00::1, got the text \"10.0.0.1/8\"",
            ),
            (r#""10.0.0.1""#, "ip_add: argument 2 (`n`) is missing: expected a whole number"),
        ] {
            check("ip_add", &format!("[{args}]"), expect);
        }
    }
}
