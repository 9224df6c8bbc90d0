//! The kernel's own description of its types: just enough of it to find where a field lies.
//!
//! The format is fixed by `include/uapi/linux/btf.h`. aya reads it too, but shows no members.

use std::collections::HashMap;

use thiserror::Error;

/// Why a field's place cannot be told.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BtfError {
    /// Not BTF, or cut short.
    #[error("the kernel's type information is not readable: {0}")]
    Malformed(&'static str),
    /// A newer format.
    #[error("the kernel's type information holds a kind of type that is not known: {0}")]
    UnknownKind(u32),
    /// No such struct.
    #[error("the kernel has no struct {0}")]
    NoStruct(String),
    /// Several, so that the right one cannot be told.
    #[error("the kernel has several structs named {0}")]
    Ambiguous(String),
    /// No such field.
    #[error("the kernel's struct {0} has no field {1}")]
    NoField(String, String),
    /// It does not begin at a byte.
    #[error("the kernel's field {0}.{1} is a bit field")]
    BitField(String, String),
}

/// Type information that was checked and indexed.
pub(crate) struct Btf<'a> {
    strings: &'a [u8],
    /// By type id; id 0 is void.
    types: Vec<Type<'a>>,
    structs: HashMap<&'a [u8], Vec<usize>>,
}

/// One type: what its fixed part says, and the bytes behind it.
#[derive(Clone, Copy)]
struct Type<'a> {
    kind: u32,
    name: u32,
    has_bit_fields: bool,
    refers_to: usize,
    members: &'a [u8],
}

mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const PTR: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const FWD: u32 = 7;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const VOLATILE: u32 = 9;
    pub(super) const CONST: u32 = 10;
    pub(super) const RESTRICT: u32 = 11;
    pub(super) const FUNC: u32 = 12;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const FLOAT: u32 = 16;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

const MEMBER: usize = 12;

impl<'a> Btf<'a> {
    /// Reads `/sys/kernel/btf/vmlinux` as bytes.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, BtfError> {
        const MAGIC: u32 = 0xeb9f;
        let head: [u32; 6] = [
            word(bytes, 0)? & 0xffff,
            word(bytes, 4)?,
            word(bytes, 8)?,
            word(bytes, 12)?,
            word(bytes, 16)?,
            word(bytes, 20)?,
        ];
        let [magic, header_len, types_at, types_len, strings_at, strings_len] = head;
        if magic != MAGIC {
            return Err(BtfError::Malformed("wrong magic number"));
        }
        let section = |at: u32, len: u32| {
            let start = header_len as usize + at as usize;
            bytes.get(start..start + len as usize).ok_or(BtfError::Malformed("a section lies outside"))
        };
        let strings = section(strings_at, strings_len)?;
        let mut rest = section(types_at, types_len)?;
        let mut types = vec![Type { kind: 0, name: 0, has_bit_fields: false, refers_to: 0, members: &[] }];
        let mut structs: HashMap<&[u8], Vec<usize>> = HashMap::new();
        while !rest.is_empty() {
            let (name, info, refers_to) = (word(rest, 0)?, word(rest, 4)?, word(rest, 8)?);
            let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            let behind = trailing(kind, count)?;
            let members = rest.get(12..12 + behind).ok_or(BtfError::Malformed("a type is cut short"))?;
            if kind == kind::STRUCT && name != 0 {
                structs.entry(string(strings, name)?).or_default().push(types.len());
            }
            types.push(Type {
                kind,
                name,
                has_bit_fields: info >> 31 == 1,
                refers_to: refers_to as usize,
                members,
            });
            rest = &rest[12 + behind..];
        }
        Ok(Self { strings, types, structs })
    }

    /// Where a field lies in a struct, in bytes. The field may be a path, as in `thread_info.status`, and members of
    /// anonymous structs and unions count as members of what is around them.
    pub(crate) fn offset(&self, name: &str, field: &str) -> Result<u32, BtfError> {
        let mut current = match self.structs.get(name.as_bytes()).map(Vec::as_slice) {
            Some([one]) => *one,
            Some(_) => return Err(BtfError::Ambiguous(name.to_owned())),
            None => return Err(BtfError::NoStruct(name.to_owned())),
        };
        let mut bits = 0;
        for part in field.split('.') {
            let (at, inner) = self
                .member(current, part)?
                .ok_or_else(|| BtfError::NoField(name.to_owned(), field.to_owned()))?;
            bits += at;
            current = inner;
        }
        if bits % 8 != 0 {
            return Err(BtfError::BitField(name.to_owned(), field.to_owned()));
        }
        Ok(bits / 8)
    }

    /// Keeps the names of which the kernel has neither a function nor a name for a type.
    pub(crate) fn retain_absent(&self, names: &mut Vec<String>) -> Result<(), BtfError> {
        for this in &self.types {
            if matches!(this.kind, kind::FUNC | kind::TYPEDEF) {
                let name = string(self.strings, this.name)?;
                names.retain(|wanted| wanted.as_bytes() != name);
            }
        }
        Ok(())
    }

    /// A member's place in bits and its type.
    fn member(&self, of: usize, wanted: &str) -> Result<Option<(u32, usize)>, BtfError> {
        let of = self.types[self.unqualified(of)?];
        if of.kind != kind::STRUCT && of.kind != kind::UNION {
            return Ok(None);
        }
        for member in of.members.chunks_exact(MEMBER) {
            let (name, inner, place) = (word(member, 0)?, word(member, 4)? as usize, word(member, 8)?);
            let at = if of.has_bit_fields { place & 0x00ff_ffff } else { place };
            if name == 0 {
                if let Some((within, found)) = self.member(inner, wanted)? {
                    return Ok(Some((at + within, found)));
                }
            } else if string(self.strings, name)? == wanted.as_bytes() {
                return Ok(Some((at, inner)));
            }
        }
        Ok(None)
    }

    /// The type behind names and qualifiers.
    fn unqualified(&self, mut id: usize) -> Result<usize, BtfError> {
        // A chain is never longer than there are types; a longer one goes in a circle.
        for _ in 0..self.types.len() {
            let this = self.types.get(id).ok_or(BtfError::Malformed("a type refers to none"))?;
            match this.kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = this.refers_to;
                }
                _ => return Ok(id),
            }
        }
        Err(BtfError::Malformed("types refer to each other in a circle"))
    }
}

/// Bytes behind the fixed part of a type.
fn trailing(kind: u32, count: usize) -> Result<usize, BtfError> {
    Ok(match kind {
        kind::INT | kind::VAR | kind::DECL_TAG => 4,
        kind::ARRAY => 12,
        kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => MEMBER * count,
        kind::ENUM | kind::FUNC_PROTO => 8 * count,
        kind::PTR
        | kind::FWD
        | kind::TYPEDEF
        | kind::VOLATILE
        | kind::CONST
        | kind::RESTRICT
        | kind::FUNC
        | kind::FLOAT
        | kind::TYPE_TAG => 0,
        unknown => return Err(BtfError::UnknownKind(unknown)),
    })
}

fn word(bytes: &[u8], at: usize) -> Result<u32, BtfError> {
    let bytes = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    bytes.map(u32::from_ne_bytes).ok_or(BtfError::Malformed("it ends too early"))
}

fn string(strings: &[u8], at: u32) -> Result<&[u8], BtfError> {
    let rest = strings.get(at as usize..).ok_or(BtfError::Malformed("a name lies outside"))?;
    Ok(rest.split(|byte| *byte == 0).next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
