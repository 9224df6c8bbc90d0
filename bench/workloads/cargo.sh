# `cargo build` of a program with a build script and two crates, and a run of it
mkdir -p small/src small/.cargo && cd small
cat > .cargo/config.toml << 'END'
source.crates-io.replace-with = "here"
source.here.directory = "/opt/materials/usr/share/cargo/registry"
END
cat > Cargo.toml << 'END'
[package]
name = "small"
version = "0.1.0"
edition = "2021"
[dependencies]
cfg-if = "1"
itoa = "1"
END
echo 'fn main() { println!("cargo::rustc-env=BUILT=1"); }' > build.rs
echo 'fn main() { println!("{}{}", env!("BUILT"), itoa::Buffer::new().format(23)); }' > src/main.rs
cargo build --quiet --offline
[[ $(target/debug/small) == 123 ]]
