//! The lab: a build of a plugin outside any daemon, asked what its author wrote down or what a generator makes up, through the same
//! documents, calls and checks of answers as in a round. It decides nothing for anybody and reads no configuration tree.
//!
//! | module | owns |
//! |---|---|
//! | [`input`] | cases' documents as what a round would know |
//! | [`question`] | what is asked of a plugin, and the documents that are handed over |
//! | [`outcome`] | what the host would take of the answer |
//! | [`case`], [`golden`] | cases as they lie on disk, and whether a plugin answers as they say |
//! | [`difference`] | where two answers part, for people |

pub mod case;
pub mod cluster;
pub mod difference;
pub mod golden;
pub mod input;
pub mod outcome;
pub mod property;
pub mod question;
pub mod random;
pub mod scenes;
