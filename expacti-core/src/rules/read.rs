//! TOML with the place and the path of every value, for messages that help. Rules are read by it, and the configuration.

mod item;
mod nearest;
mod table;

pub use self::nearest::nearest;
pub use self::table::{Item, Problems, Table};
