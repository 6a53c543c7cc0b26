//! The lab: a build of a plugin outside any daemon, asked what its author wrote down or what a generator makes up, through the same
//! documents, calls and checks of answers as in a round. It decides nothing for anybody and reads no configuration tree.
//!
//! | module | owns |
//! |---|---|
//! | [`input`] | cases' documents as what a round would know |
//! | [`question`], [`outcome`] | what is asked of a plugin and handed over for it; what the host would take of the answer |
//! | [`case`], [`golden`], [`difference`] | cases as they lie on disk, whether a plugin answers as they say, and where not |
//! | [`random`], [`cluster`], [`placements`], [`scenes`] | made-up clusters, schedules and rounds of any size |
//! | [`inputs`], [`property`] | what every plugin should hold, and on what that is checked |
//! | [`mod@bench`], [`baseline`] | what calls cost, and whether they cost more than before |
//! | [`conformance`] | the sample plugins of every language against their cases |

pub mod baseline;
pub mod bench;
pub mod case;
pub mod cluster;
pub mod conformance;
pub mod difference;
pub mod golden;
pub mod input;
pub mod inputs;
pub mod outcome;
pub mod placements;
pub mod property;
pub mod question;
pub mod random;
pub mod scenes;
