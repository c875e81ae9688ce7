//! The declaration of a record, and of a state that knows more than its name.

/// Declares an entity and how it is stored, in one place.
///
/// Each line is a field, and behind the arrow its column. The word before it says how it is kept:
///
/// | Word | Means |
/// |---|---|
/// | `key` | a part of the primary key; the organization first |
/// | `fixed` | keeps the value that it was inserted with |
/// | `column` | an update writes it |
/// | `json`, `fixed_json`, `json_or_null` | carried as JSON, never searched |
/// | `group` | several columns, named by the type's [`Fields`](super::Fields) |
/// | `version` | what a change is guarded by; the store counts it |
///
/// `unique` lists what else must be unique, `index` what else an index of both databases begins
/// with, as far as a [`Selector`](crate::kernel::selector::Selector) goes by it; `derived` are columns that repeat a part of the record,
/// to be searched.
macro_rules! record {
    (@columns key $ty:ty, $column:literal) => { &[$crate::kernel::record::Column::of::<$ty>($column).key()] };
    (@columns fixed $ty:ty, $column:literal) => { &[$crate::kernel::record::Column::of::<$ty>($column).fixed()] };
    (@columns column $ty:ty, $column:literal) => { &[$crate::kernel::record::Column::of::<$ty>($column)] };
    (@columns version $ty:ty, $column:literal) => { &[$crate::kernel::record::Column::of::<$ty>($column)] };
    (@columns json $ty:ty, $column:literal) => { &[$crate::kernel::record::Column::json($column, false)] };
    (@columns fixed_json $ty:ty, $column:literal) => { &[$crate::kernel::record::Column::json($column, false).fixed()] };
    (@columns json_or_null $ty:ty, $column:literal) => { &[$crate::kernel::record::Column::json($column, true)] };
    (@columns group $ty:ty, ..) => { <$ty as $crate::kernel::record::Fields>::COLUMNS };

    (@write json $row:ident, $value:expr) => { $row.put_json($value) };
    (@write fixed_json $row:ident, $value:expr) => { $row.put_json($value) };
    (@write json_or_null $row:ident, $value:expr) => { $row.put_json_or_null($value.as_ref()) };
    (@write group $row:ident, $value:expr) => { $crate::kernel::record::Fields::write($value, &mut $row) };
    (@write $kind:ident $row:ident, $value:expr) => { $row.put($value) };

    (@read json $row:ident) => { $row.take_json()? };
    (@read fixed_json $row:ident) => { $row.take_json()? };
    (@read json_or_null $row:ident) => { $row.take_json_or_null()? };
    (@read group $row:ident) => { $crate::kernel::record::Fields::read(&mut $row)? };
    (@read $kind:ident $row:ident) => { $row.take()? };

    (@versioned $Name:ident [key $org:ident key $id:ident $($rest:tt)*]) => {
        $crate::kernel::record::record!(@versioned $Name $id [$($rest)*]);
    };
    (@versioned $Name:ident $id:ident [version $version:ident $($rest:tt)*]) => {
        impl $crate::kernel::record::Versioned for $Name {
            fn id(&self) -> $crate::kernel::record::Value {
                $crate::kernel::record::Field::write(&self.$id)
            }

            fn version(&self) -> i64 {
                self.$version
            }
        }
    };
    (@versioned $Name:ident $id:ident [$kind:ident $field:ident $($rest:tt)*]) => {
        $crate::kernel::record::record!(@versioned $Name $id [$($rest)*]);
    };
    (@versioned $Name:ident $($other:tt)*) => {};

    (@sample json $ty:ty, $entropy:ident) => { <$ty as $crate::kernel::record::Sample>::sample($entropy) };
    (@sample fixed_json $ty:ty, $entropy:ident) => { <$ty as $crate::kernel::record::Sample>::sample($entropy) };
    (@sample json_or_null $ty:ty, $entropy:ident) => { Some($crate::kernel::record::Sample::sample($entropy)) };
    (@sample group $ty:ty, $entropy:ident) => { <$ty as $crate::kernel::record::Fields>::sample($entropy) };
    (@sample version $ty:ty, $entropy:ident) => { 0 };
    (@sample $kind:ident $ty:ty, $entropy:ident) => { <$ty as $crate::kernel::record::Field>::sample($entropy) };

    (
        $(#[$meta:meta])*
        pub struct $Name:ident in $table:literal {
            $($(#[$doc:meta])* $kind:ident $vis:vis $field:ident: $ty:ty => $column:tt,)*
        }
        $(unique { $([$($unique:literal),+ $(,)?])* })?
        $(index { $([$($index:literal),+ $(,)?])* })?
        $(derived { $($derived:ident $name:literal: $derived_ty:ty = $derive:expr;)* })?
    ) => {
        $(#[$meta])*
        pub struct $Name {
            $($(#[$doc])* $vis $field: $ty,)*
        }

        $crate::kernel::record::record!(@versioned $Name [$($kind $field)*]);

        impl $crate::kernel::record::Record for $Name {
            fn table() -> &'static $crate::kernel::record::Table {
                use $crate::kernel::record::{Column, Table, concat, count};
                const GROUPS: &[&[Column]] = &[
                    $($crate::kernel::record::record!(@columns $kind $ty, $column),)*
                    $($($crate::kernel::record::record!(@columns $derived $derived_ty, $name),)*)?
                ];
                static COLUMNS: [Column; count(GROUPS)] = concat(GROUPS);
                static TABLE: Table = Table { name: $table, columns: &COLUMNS, unique: &[$($(&[$($unique),+]),*)?], indexes: &[$($(&[$($index),+]),*)?] };
                &TABLE
            }

            fn to_row(&self) -> $crate::kernel::record::Row {
                let table = Self::table();
                let mut row = $crate::kernel::record::Writer::new(table);
                $($crate::kernel::record::record!(@write $kind row, &self.$field);)*
                $($(
                    let derive: fn(&Self) -> $derived_ty = $derive;
                    $crate::kernel::record::record!(@write $derived row, &derive(self));
                )*)?
                row.row(table)
            }

            fn from_row(row: $crate::kernel::record::Row) -> Result<Self, $crate::kernel::store::StoreError> {
                let mut row = $crate::kernel::record::Reader::new(row);
                $(let $field: $ty = $crate::kernel::record::record!(@read $kind row);)*
                Ok(Self { $($field),* })
            }

            fn sample(
                org: $crate::kernel::id::OrgId,
                entropy: &dyn $crate::kernel::entropy::Entropy,
            ) -> $crate::kernel::record::Row {
                let any = Self { $($field: $crate::kernel::record::record!(@sample $kind $ty, entropy),)* };
                let mut row = any.to_row();
                row.values[0] = $crate::kernel::record::Value::text(org);
                row
            }
        }
    };
}

/// Declares how an enum is kept in several columns: its name in the first, what a variant knows in
/// the others, which hold nothing for the variants that do not know it.
///
/// Behind the arrow of a variant's field is its column, declared below with its type.
macro_rules! fields {
    (
        $Enum:ident by $tag:literal {
            $($name:literal => $Variant:ident $({ $($field:ident: $column:ident),+ $(,)? })?,)+
        } in {
            $($slot:ident: $ty:ty,)*
        }
    ) => {
        impl $crate::kernel::record::Fields for $Enum {
            const COLUMNS: &'static [$crate::kernel::record::Column] = &[
                $crate::kernel::record::Column::of::<String>($tag),
                $($crate::kernel::record::Column::of::<Option<$ty>>(stringify!($slot)),)*
            ];

            fn write(&self, row: &mut $crate::kernel::record::Writer) {
                struct Slots {
                    $($slot: $crate::kernel::record::Value,)*
                }
                let mut slots = Slots { $($slot: $crate::kernel::record::Value::Null,)* };
                let name = match self {
                    $(Self::$Variant $({ $($field),+ })? => {
                        $($(slots.$column = $crate::kernel::record::Field::write($field);)+)?
                        $name
                    })+
                };
                row.put_value(name);
                $(row.put_value(slots.$slot);)*
            }

            fn read(row: &mut $crate::kernel::record::Reader) -> Result<Self, $crate::kernel::store::StoreError> {
                let name: String = row.take()?;
                $(let $slot: Option<$ty> = row.take()?;)*
                match name.as_str() {
                    $($name => Ok(Self::$Variant $({
                        $($field: $column.ok_or_else(|| row.corrupt(concat!(stringify!($column), " is missing")))?,)+
                    })?),)+
                    _ => Err(row.corrupt(concat!("unknown name in ", $tag))),
                }
            }

            fn sample(entropy: &dyn $crate::kernel::entropy::Entropy) -> Self {
                $(let $slot = || <$ty as $crate::kernel::record::Field>::sample(entropy);)*
                let any = [$(Self::$Variant $({ $($field: $column()),+ })?),+];
                let nth = usize::try_from(entropy.below(any.len() as u64)).unwrap_or(0);
                let [first, ..] = &any;
                any.get(nth).unwrap_or(first).clone()
            }
        }
    };
}

pub(crate) use {fields, record};
