//! How values of core become columns, and back.

use std::collections::BTreeSet;

use serde::{Serialize, de::DeserializeOwned};

use super::{Reader, Type, Value, Writer};
use crate::kernel::{clock::Timestamp, entropy::Entropy, store::StoreError};

/// A value that one column holds.
pub trait Field: Sized {
    /// The type of the column.
    const KIND: Type;
    /// Whether the column may hold nothing.
    const NULLABLE: bool = false;

    /// What is stored.
    fn write(&self) -> Value;

    /// The reverse of [`Field::write`].
    ///
    /// # Errors
    /// What does not fit, without the value itself.
    fn read(value: Value) -> Result<Self, String>;

    /// Any value, for the contract of stores.
    fn sample(entropy: &dyn Entropy) -> Self;
}

/// A value that several columns hold, such as a state and what that state knows.
pub trait Fields: Sized {
    /// The columns, in the order of [`Fields::write`] and [`Fields::read`].
    const COLUMNS: &'static [super::Column];

    /// Writes every column.
    fn write(&self, row: &mut Writer);

    /// Reads every column.
    ///
    /// # Errors
    /// `Corrupt`.
    fn read(row: &mut Reader) -> Result<Self, StoreError>;

    /// Any value, for the contract of stores.
    fn sample(entropy: &dyn Entropy) -> Self;
}

/// Any value of a type that is carried as JSON, for the contract of stores.
pub trait Sample {
    /// Draws one.
    fn sample(entropy: &dyn Entropy) -> Self;
}

/// What is only carried, never searched.
pub(crate) fn to_json(value: &impl Serialize) -> Value {
    // Everything that is carried has string keys and finite numbers, so this cannot fail.
    Value::Text(serde_json::to_string(value).unwrap_or_default())
}

pub(crate) fn from_json<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    let text = String::read(value)?;
    // serde_json's own message may quote the value, so only the kind of trouble is passed on.
    serde_json::from_str(&text).map_err(|error| {
        format!(
            "{:?} error at byte {} of the JSON",
            error.classify(),
            error.column()
        )
    })
}

fn wrong(expected: &str, value: &Value) -> String {
    match value {
        Value::Null => "missing".into(),
        _ => format!("not {expected}"),
    }
}

impl<T: Field> Field for Option<T> {
    const KIND: Type = T::KIND;
    const NULLABLE: bool = true;

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }

    fn read(value: Value) -> Result<Self, String> {
        if value == Value::Null {
            Ok(None)
        } else {
            T::read(value).map(Some)
        }
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        (entropy.below(4) > 0).then(|| T::sample(entropy))
    }
}

impl Field for String {
    const KIND: Type = Type::Text;

    fn write(&self) -> Value {
        Value::Text(self.clone())
    }

    fn read(value: Value) -> Result<Self, String> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(wrong("a text", &other)),
        }
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        format!("{} \u{1F44B} \"é\"\n", entropy.token())
    }
}

impl Field for i64 {
    const KIND: Type = Type::Int;

    fn write(&self) -> Value {
        Value::Int(*self)
    }

    fn read(value: Value) -> Result<Self, String> {
        match value {
            Value::Int(int) => Ok(int),
            other => Err(wrong("a number", &other)),
        }
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        i64::from_le_bytes(entropy.bytes())
    }
}

/// Numbers of a narrower type.
macro_rules! narrow {
    ($($Int:ty),*) => {$(
        impl Field for $Int {
            const KIND: Type = Type::Int;

            fn write(&self) -> Value {
                Value::Int(i64::from(*self))
            }

            fn read(value: Value) -> Result<Self, String> {
                Self::try_from(i64::read(value)?).map_err(|_| "out of range".into())
            }

            fn sample(entropy: &dyn Entropy) -> Self {
                Self::from_le_bytes(entropy.bytes())
            }
        }
    )*};
}
narrow!(u16, u32);

impl Field for bool {
    const KIND: Type = Type::Bool;

    fn write(&self) -> Value {
        Value::Bool(*self)
    }

    fn read(value: Value) -> Result<Self, String> {
        match value {
            Value::Bool(bool) => Ok(bool),
            // Some stores have no booleans.
            Value::Int(int @ (0 | 1)) => Ok(int == 1),
            other => Err(wrong("a boolean", &other)),
        }
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        entropy.below(2) == 1
    }
}

impl Field for Vec<u8> {
    const KIND: Type = Type::Bytes;

    fn write(&self) -> Value {
        Value::Bytes(self.clone())
    }

    fn read(value: Value) -> Result<Self, String> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(wrong("bytes", &other)),
        }
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        let mut bytes = entropy.bytes::<24>().to_vec();
        bytes.truncate(usize::from(bytes[0]) % 25);
        bytes
    }
}

/// A SHA-256.
impl Field for [u8; 32] {
    const KIND: Type = Type::Bytes;

    fn write(&self) -> Value {
        Value::Bytes(self.to_vec())
    }

    fn read(value: Value) -> Result<Self, String> {
        Vec::<u8>::read(value)?
            .try_into()
            .map_err(|_| "not 32 bytes".into())
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        entropy.bytes()
    }
}

/// Microseconds, UTC: the same number in every store, and no rounding on the way.
impl Field for Timestamp {
    const KIND: Type = Type::Int;

    fn write(&self) -> Value {
        Value::Int(self.as_micros())
    }

    fn read(value: Value) -> Result<Self, String> {
        i64::read(value).map(Self::from_micros)
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        // Within about a century of 1970, with microseconds.
        Self::from_micros(i64::try_from(entropy.below(1 << 51)).unwrap_or(0))
    }
}

/// Sets of small numbers, as a JSON list.
impl Field for BTreeSet<u32> {
    const KIND: Type = Type::Text;

    fn write(&self) -> Value {
        to_json(self)
    }

    fn read(value: Value) -> Result<Self, String> {
        from_json(value)
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        (0..entropy.below(3))
            .map(|_| u32::sample(entropy))
            .collect()
    }
}

impl Sample for serde_json::Value {
    fn sample(entropy: &dyn Entropy) -> Self {
        serde_json::json!({ "b": [1, { "a": null }, entropy.below(1000)], "a": "é", "c": 2.5 })
    }
}

impl Sample for Vec<String> {
    fn sample(entropy: &dyn Entropy) -> Self {
        (0..entropy.below(3))
            .map(|_| String::sample(entropy))
            .collect()
    }
}

/// Text with one spelling, by `Display` and `FromStr`.
macro_rules! field_by_text {
    ($Type:ty, |$entropy:ident| $sample:expr) => {
        impl crate::kernel::record::Field for $Type {
            const KIND: crate::kernel::record::Type = crate::kernel::record::Type::Text;

            fn write(&self) -> crate::kernel::record::Value {
                crate::kernel::record::Value::text(self)
            }

            fn read(value: crate::kernel::record::Value) -> Result<Self, String> {
                let text = <String as crate::kernel::record::Field>::read(value)?;
                text.parse().map_err(|error| format!("{error}"))
            }

            fn sample($entropy: &dyn crate::kernel::entropy::Entropy) -> Self {
                $sample
            }
        }
    };
}

/// A closed set of names, by `as_str`, `parse` and `ALL`.
macro_rules! field_by_name {
    ($Enum:ty) => {
        impl crate::kernel::record::Field for $Enum {
            const KIND: crate::kernel::record::Type = crate::kernel::record::Type::Text;

            fn write(&self) -> crate::kernel::record::Value {
                self.as_str().into()
            }

            fn read(value: crate::kernel::record::Value) -> Result<Self, String> {
                let text = <String as crate::kernel::record::Field>::read(value)?;
                Self::parse(&text).ok_or_else(|| "unknown name".into())
            }

            fn sample(entropy: &dyn crate::kernel::entropy::Entropy) -> Self {
                let nth = usize::try_from(entropy.below(Self::ALL.len() as u64)).unwrap_or(0);
                Self::ALL[nth]
            }
        }
    };
}

pub(crate) use field_by_name;
pub(crate) use field_by_text;
