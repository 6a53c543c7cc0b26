//! Closed sets of causes for which packets are dropped, each with the name that it has as a label.

/// An enum `Cause` of these, which knows them all and their names.
macro_rules! causes {
    ($what:literal $($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        #[doc = $what]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Cause {
            $($(#[$doc])* $variant,)*
        }

        impl Cause {
            /// All of them.
            pub const ALL: &'static [Cause] = &[$(Cause::$variant),*];

            /// Its name in metrics.
            pub fn name(self) -> &'static str {
                match self { $(Cause::$variant => $name,)* }
            }
        }
    };
}

pub(super) use causes;
