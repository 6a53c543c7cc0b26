//! One series' values by moment: closed blocks coded, the newest as it came. It knows no times and no labels.

use std::collections::VecDeque;

use super::codec::{self, BLOCK};

/// The values of one series. The moment `m` stands in block `m / BLOCK`; NaN stands for a missing value.
#[derive(Debug, Clone)]
pub(super) struct Track {
    /// The number of the first block in `coded`.
    begin: usize,
    /// Closed blocks, back to back.
    coded: Vec<u8>,
    /// How many bytes each takes.
    lengths: VecDeque<u16>,
    /// The block after them, as far as it goes.
    open: Vec<f64>,
}

impl Track {
    /// A series whose first value is `value`.
    pub(super) fn new(moment: usize, value: f64) -> Track {
        let mut track = Track { begin: moment / BLOCK, coded: Vec::new(), lengths: VecDeque::new(), open: Vec::new() };
        track.put(moment, value);
        track
    }

    /// The moment after the newest value.
    pub(super) fn end(&self) -> usize {
        self.open_block() * BLOCK + self.open.len()
    }

    fn open_block(&self) -> usize {
        self.begin + self.lengths.len()
    }

    /// Sets the value of `moment`, unless it or a later one has a value already.
    pub(super) fn put(&mut self, moment: usize, value: f64) {
        if moment < self.end() {
            return;
        }
        while self.open_block() < moment / BLOCK {
            self.close();
        }
        self.open.resize(moment % BLOCK, f64::NAN);
        self.open.push(value);
        if self.open.len() == BLOCK {
            self.close();
        }
    }

    fn close(&mut self) {
        let mut bytes = Vec::with_capacity(BLOCK * 2);
        codec::encode(&self.open, &mut bytes);
        // An hour has few blocks: doubling would waste more than it saves.
        self.coded.reserve_exact(bytes.len());
        self.coded.extend_from_slice(&bytes);
        self.lengths.push_back(u16::try_from(bytes.len()).expect("a block of 64 values has at most 650 bytes"));
        self.open.clear();
    }

    /// Drops the blocks that end before `moment`.
    pub(super) fn forget_before(&mut self, moment: usize) {
        let mut dropped = 0;
        while (self.begin + 1) * BLOCK <= moment
            && let Some(length) = self.lengths.pop_front()
        {
            dropped += usize::from(length);
            self.begin += 1;
        }
        self.coded.drain(..dropped);
    }

    /// The values with their moments, newest first, missing ones left out.
    pub(super) fn backwards(&self) -> Backwards<'_> {
        let mut values = [f64::NAN; BLOCK];
        values[..self.open.len()].copy_from_slice(&self.open);
        Backwards { track: self, block: self.open_block(), coded: self.coded.len(), values, left: self.open.len() }
    }

    /// Memory that the values take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Track>() + self.coded.capacity() + self.lengths.capacity() * size_of::<u16>() + self.open.capacity() * size_of::<f64>()
    }
}

/// See [`Track::backwards`]. A block is decoded when its newest value is asked for.
#[derive(Debug)]
pub(super) struct Backwards<'a> {
    track: &'a Track,
    /// The block in `values`, and where its bytes begin; the open one's would begin at their end.
    block: usize,
    coded: usize,
    values: [f64; BLOCK],
    /// How many of `values` are still to come.
    left: usize,
}

impl Iterator for Backwards<'_> {
    type Item = (usize, f64);

    fn next(&mut self) -> Option<(usize, f64)> {
        loop {
            while self.left > 0 {
                self.left -= 1;
                let value = self.values[self.left];
                if !value.is_nan() {
                    return Some((self.block * BLOCK + self.left, value));
                }
            }
            let before = self.block.checked_sub(self.track.begin + 1)?;
            let end = self.coded;
            self.coded -= usize::from(self.track.lengths[before]);
            self.block -= 1;
            codec::decode(&self.track.coded[self.coded..end], &mut self.values);
            self.left = BLOCK;
        }
    }
}
