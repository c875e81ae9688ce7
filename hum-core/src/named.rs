//! Enums whose variants have names that are stored and shown: written once, read back from text.

macro_rules! named {
    ($(#[$meta:meta])* pub enum $Enum:ident { $($(#[$doc:meta])* $Variant:ident = $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Enum {
            $($(#[$doc])* $Variant,)*
        }

        impl $Enum {
            /// Every one, in the order of the source.
            pub const ALL: &[Self] = &[$(Self::$Variant,)*];

            /// The name that is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $name,)* }
            }

            /// The reverse of `as_str`; `None` for other text, such as a name that another build knows.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|named| named.as_str() == text)
            }
        }
    };
}

pub(crate) use named;
