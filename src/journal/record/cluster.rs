//! Peers and columns as bytes: each peer's JSON text as it is kept ready, each column's doubles as their bits. No number becomes text.

use std::sync::Arc;

use verwalter_core::ids::UnixMillis;
use verwalter_core::metrics::{Column, ColumnId, Columns};
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::snapshot::{HostColumns, Snapshot};

use super::blocks::{Cursor, put_bytes, put_number};
use super::{COLUMNS, HOST_COLUMNS, RecordError};

/// The snapshot's moment, how many peers, and their rows.
pub(super) fn put_peers(snapshot: &Snapshot, out: &mut Vec<u8>) {
    let peers = snapshot.peers();
    put_number(snapshot.at.0, out);
    put_number(peers.len() as u64, out);
    for (_, row) in peers.json_rows() {
        put_bytes(row.as_bytes(), out);
    }
}

pub(super) fn peers(mut cursor: Cursor<'_>) -> Result<(PeerTable, UnixMillis), RecordError> {
    let at = UnixMillis(cursor.number()?);
    let count = cursor.number()?;
    let mut peers: Vec<Peer> = Vec::new();
    for index in 0..count {
        let row = cursor.bytes()?;
        peers.push(serde_json::from_slice(row).map_err(|source| RecordError::Peer { index, source })?);
    }
    cursor.end()?;
    let (table, clashes) = PeerTable::new(peers);
    match clashes.into_iter().next() {
        Some(clash) => Err(RecordError::Hostname(clash)),
        None => Ok((table, at)),
    }
}

/// The rows of those that do not answer, to the end.
pub(super) fn put_absent(snapshot: &Snapshot, out: &mut Vec<u8>) {
    for (_, row) in snapshot.peers().absent_rows() {
        put_bytes(row.as_bytes(), out);
    }
}

pub(super) fn absent(mut cursor: Cursor<'_>) -> Result<Vec<Arc<Peer>>, RecordError> {
    let mut peers = Vec::new();
    while !cursor.is_empty() {
        let row = cursor.bytes()?;
        let index = peers.len() as u64;
        peers.push(serde_json::from_slice(row).map_err(|source| RecordError::Peer { index, source })?);
    }
    Ok(peers)
}

/// How many columns, and of each: its name as JSON text, how many values and the values, how many series, the length of each and
/// their values one after the other.
pub(super) fn put_columns(snapshot: &Snapshot, out: &mut Vec<u8>) {
    put_number(snapshot.columns().len() as u64, out);
    for (id, column) in snapshot.columns() {
        put_bytes(&serde_json::to_vec(id).expect("a column's name has text keys"), out);
        put_number(column.values.len() as u64, out);
        put_doubles(&column.values, out);
        put_number(column.series_len() as u64, out);
        let mut all = Vec::new();
        for peer in 0..column.series_len() {
            let series = column.series(peer);
            put_number(series.len() as u64, out);
            all.extend_from_slice(&series);
        }
        put_doubles(&all, out);
    }
}

/// The host's columns, each as its name, how many values and the values.
pub(super) fn put_host_columns(snapshot: &Snapshot, out: &mut Vec<u8>) {
    for (name, values) in snapshot.host_columns() {
        put_bytes(name.as_bytes(), out);
        put_number(values.len() as u64, out);
        put_doubles(values, out);
    }
}

pub(super) fn host_columns(mut cursor: Cursor<'_>) -> Result<HostColumns, RecordError> {
    let mut columns = HostColumns::new();
    while !cursor.is_empty() {
        let name = cursor.text()?.to_owned();
        let count = cursor.number()?;
        if columns.insert(name, Arc::new(doubles(cursor.words(count)?).collect())).is_some() {
            return Err(RecordError::Excess(HOST_COLUMNS));
        }
    }
    Ok(columns)
}

pub(super) fn columns(mut cursor: Cursor<'_>) -> Result<Columns, RecordError> {
    let mut columns = Columns::new();
    for index in 0..cursor.number()? {
        let id: ColumnId = serde_json::from_slice(cursor.bytes()?).map_err(|source| RecordError::Rule { index, source })?;
        let count = cursor.number()?;
        let values = Arc::new(doubles(cursor.words(count)?).collect());
        let count = cursor.number()?;
        let mut series = Vec::new();
        for length in cursor.words(count)? {
            series.push(doubles(cursor.words(u64::from_le_bytes(*length))?).collect());
        }
        if columns.insert(id, Arc::new(Column::with_series(values, series))).is_some() {
            return Err(RecordError::Excess(COLUMNS));
        }
    }
    cursor.end()?;
    Ok(columns)
}

/// Bits, not numbers: which NaN it was is kept too.
fn put_doubles(values: &[f64], out: &mut Vec<u8>) {
    out.extend(values.iter().flat_map(|value| value.to_bits().to_le_bytes()));
}

fn doubles(words: &[[u8; 8]]) -> impl ExactSizeIterator<Item = f64> {
    words.iter().map(|word| f64::from_bits(u64::from_le_bytes(*word)))
}
