//! A row of numbers as bytes: bits of doubles, big-endian, so that NaN and every digit arrive. Never grows beyond the room it is given.

use crate::agent::wire::{Malformed, Reader, put_u16, put_u32};
use crate::source::{GroupValue, LeftOut, Row, Samples};

/// What a row became.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packed {
    pub(crate) row: Row,
    /// How many lists of samples found no room.
    pub(crate) cut: u16,
}

/// The row in at most `room` bytes. Values come first, then groups, then samples; groups without room count as left out.
///
/// `None`: not even the values have room.
pub(crate) fn write(row: &Row, room: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    put_count(&mut out, row.values.len());
    row.values.iter().for_each(|value| put_f64(&mut out, *value));
    put_count(&mut out, row.unmatched.len());
    row.unmatched.iter().for_each(|query| put_u16(&mut out, *query));
    // Every query may have groups left out; room for saying so is kept.
    let mut left_out = row.left_out.clone();
    let end = |left_out: &[LeftOut]| 2 + 6 * left_out.len() + 4 + 2;
    if out.len() + 4 + end(&left_out) > room {
        return None;
    }
    let tally = reserve(&mut out);
    let mut count = 0_u32;
    let mut beyond = None;
    for (place, group) in row.groups.iter().enumerate() {
        let before = out.len();
        put_group(&mut out, group.query, &group.group);
        put_f64(&mut out, group.value);
        // One more line in case the next group has no room.
        if out.len() + end(&left_out) + 6 > room {
            out.truncate(before);
            beyond = Some(place);
            break;
        }
        count += 1;
    }
    out[tally..tally + 4].copy_from_slice(&count.to_be_bytes());
    for group in beyond.map_or(&[][..], |place| &row.groups[place..]) {
        match left_out.binary_search_by_key(&group.query, |left| left.query) {
            Ok(place) => left_out[place].groups += 1,
            Err(place) if out.len() + end(&left_out) + 6 <= room => left_out.insert(place, LeftOut { query: group.query, groups: 1 }),
            Err(_) => break,
        }
    }
    put_count(&mut out, left_out.len());
    for LeftOut { query, groups } in &left_out {
        put_u16(&mut out, *query);
        put_u32(&mut out, *groups);
    }
    let tally = reserve(&mut out);
    let mut count = 0_u32;
    for samples in &row.samples {
        let before = out.len();
        put_group(&mut out, samples.query, &samples.group);
        put_count(&mut out, samples.values.len());
        samples.values.iter().for_each(|value| put_f64(&mut out, *value));
        if out.len() + 2 > room {
            out.truncate(before);
            break;
        }
        count += 1;
    }
    out[tally..tally + 4].copy_from_slice(&count.to_be_bytes());
    put_count(&mut out, row.samples.len() - count as usize);
    Some(out)
}

/// Reads what [`write`] wrote. Memory grows with the bytes that are there, not with what they announce.
pub(crate) fn read(bytes: &[u8]) -> Result<Packed, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut row = Row::default();
    for _ in 0..reader.u16()? {
        row.values.push(f64::from_bits(reader.u64()?));
    }
    for _ in 0..reader.u16()? {
        row.unmatched.push(reader.u16()?);
    }
    for _ in 0..reader.u32()? {
        let (query, group) = group(&mut reader)?;
        row.groups.push(GroupValue { query, group, value: f64::from_bits(reader.u64()?) });
    }
    for _ in 0..reader.u16()? {
        row.left_out.push(LeftOut { query: reader.u16()?, groups: reader.u32()? });
    }
    for _ in 0..reader.u32()? {
        let (query, group) = group(&mut reader)?;
        let mut values = Vec::new();
        for _ in 0..reader.u16()? {
            values.push(f64::from_bits(reader.u64()?));
        }
        row.samples.push(Samples { query, group, values });
    }
    let cut = reader.u16()?;
    reader.end()?;
    Ok(Packed { row, cut })
}

fn put_f64(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_be_bytes());
}

/// A set has at most 4,096 queries and a list at most 120 samples.
fn put_count(out: &mut Vec<u8>, count: usize) {
    put_u16(out, u16::try_from(count).unwrap_or(u16::MAX));
}

fn reserve(out: &mut Vec<u8>) -> usize {
    put_u32(out, 0);
    out.len() - 4
}

fn put_group(out: &mut Vec<u8>, query: u16, group: &[String]) {
    put_u16(out, query);
    out.push(u8::try_from(group.len()).unwrap_or(u8::MAX));
    for value in group.iter().take(usize::from(u8::MAX)) {
        // The text of a label as it is read from the system: far below 64 KiB.
        let value = &value[..value.floor_char_boundary(usize::from(u16::MAX))];
        put_count(out, value.len());
        out.extend_from_slice(value.as_bytes());
    }
}

fn group(reader: &mut Reader<'_>) -> Result<(u16, Vec<String>), Malformed> {
    let query = reader.u16()?;
    let mut group = Vec::new();
    for _ in 0..reader.u8()? {
        let len = reader.u16()?;
        let text = std::str::from_utf8(reader.take(usize::from(len))?);
        group.push(text.map_err(|_| Malformed::Field("a label that is not UTF-8"))?.to_owned());
    }
    Ok((query, group))
}

#[cfg(test)]
mod tests;
