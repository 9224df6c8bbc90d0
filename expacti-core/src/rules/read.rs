//! TOML with the place and the path of every value, for messages that help.

mod item;
mod nearest;
mod table;

pub(crate) use self::table::{Item, Problems, Table};
