use super::*;

/// Builds type information by hand.
#[derive(Default)]
struct Builder {
    types: Vec<u8>,
    strings: Vec<u8>,
}

impl Builder {
    fn new() -> Self {
        Self { types: Vec::new(), strings: vec![0] }
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        at
    }

    fn words(&mut self, words: &[u32]) {
        self.types.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    }

    fn aggregate(&mut self, kind: u32, name: &str, members: &[(&str, u32, u32)], bit_fields: bool) {
        let name = self.name(name);
        let count = u32::try_from(members.len()).unwrap();
        self.words(&[name, u32::from(bit_fields) << 31 | kind << 24 | count, 64]);
        for (member, inner, place) in members {
            let member = self.name(member);
            self.words(&[member, *inner, *place]);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let (types, strings) = (self.types.len(), self.strings.len());
        let mut bytes: Vec<u8> = [0x0001_eb9f, 24, 0, types, types, strings]
            .iter()
            .flat_map(|word| u32::try_from(*word).unwrap().to_ne_bytes())
            .collect();
        bytes.extend_from_slice(&self.types);
        bytes.extend_from_slice(&self.strings);
        bytes
    }
}

/// 1: int; 2: struct inner { a, b }; 3: anonymous union { int u; inner v }; 4: typedef to 2; 5: struct outer.
fn sample() -> Vec<u8> {
    let mut btf = Builder::new();
    let int = btf.name("int");
    btf.words(&[int, kind::INT << 24, 4, 32]);
    btf.aggregate(kind::STRUCT, "inner", &[("a", 1, 0), ("b", 1, 32)], false);
    btf.aggregate(kind::UNION, "", &[("u", 1, 0), ("v", 2, 0)], false);
    let inner_t = btf.name("inner_t");
    btf.words(&[inner_t, kind::TYPEDEF << 24, 2]);
    btf.aggregate(
        kind::STRUCT,
        "outer",
        &[("first", 1, 0), ("", 3, 64), ("named", 4, 128), ("bit", 1, 1 << 24 | 0xc1)],
        true,
    );
    btf.bytes()
}

#[test]
fn fields_are_found_through_names_and_anonymous_members() {
    let bytes = sample();
    let btf = Btf::parse(&bytes).unwrap();
    for (field, offset) in [("first", 0), ("u", 8), ("v.b", 12), ("named", 16), ("named.b", 20)] {
        assert_eq!(btf.offset("outer", field), Ok(offset), "{field}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let bytes = sample();
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.offset("other", "x"), Err(BtfError::NoStruct("other".into())));
    assert_eq!(btf.offset("outer", "first.x"), Err(BtfError::NoField("outer".into(), "first.x".into())));
    assert_eq!(btf.offset("outer", "bit"), Err(BtfError::BitField("outer".into(), "bit".into())));
}

#[test]
fn two_structs_of_one_name_are_refused() {
    let mut btf = Builder::new();
    btf.aggregate(kind::STRUCT, "twin", &[("a", 0, 0)], false);
    btf.aggregate(kind::STRUCT, "twin", &[("b", 0, 0), ("a", 0, 32)], false);
    let bytes = btf.bytes();
    assert_eq!(Btf::parse(&bytes).unwrap().offset("twin", "a"), Err(BtfError::Ambiguous("twin".into())));
}

#[test]
fn absent_functions_and_types_are_told() {
    let mut btf = Builder::new();
    let hook = btf.name("bpf_lsm_bpf");
    btf.words(&[hook, kind::FUNC << 24, 0]);
    let tracepoint = btf.name("btf_trace_exit");
    btf.words(&[tracepoint, kind::TYPEDEF << 24, 0]);
    // A struct of that name is no hook.
    btf.aggregate(kind::STRUCT, "bpf_lsm_other", &[], false);
    let bytes = btf.bytes();
    let mut wanted =
        ["bpf_lsm_bpf", "bpf_lsm_other", "btf_trace_exit", "bpf_lsm"].map(str::to_owned).to_vec();
    Btf::parse(&bytes).unwrap().retain_absent(&mut wanted).unwrap();
    assert_eq!(wanted, ["bpf_lsm_other", "bpf_lsm"]);
}

#[test]
fn no_cut_makes_it_panic() {
    let whole = sample();
    for len in 0..whole.len() {
        if let Ok(btf) = Btf::parse(&whole[..len]) {
            let _either = btf.offset("outer", "v.b");
        }
    }
}
