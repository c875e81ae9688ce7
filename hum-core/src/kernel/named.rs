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

            /// The reverse of `as_str`; `None` for other text, such as a name that another build
            /// knows.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|named| named.as_str() == text)
            }
        }

        crate::kernel::record::field_by_name!($Enum);
    };
}

/// Serializes a named enum as its name.
macro_rules! named_serde {
    ($Enum:ident) => {
        impl serde::Serialize for $Enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $Enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text)
                    .ok_or_else(|| serde::de::Error::custom(concat!("not a ", stringify!($Enum))))
            }
        }
    };
}

pub(crate) use named;
pub(crate) use named_serde;
