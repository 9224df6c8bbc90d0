//! The container image, as an OCI archive that `podman load` and registries take. There is nothing in it but the static
//! binary and certificates' place: no shell, no libc, no package manager.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::{pack, sha256};
use crate::build::Architecture;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Writes the archive.
pub(super) fn write(
    tree: &Path,
    folder: &Path,
    version: &str,
    architecture: Architecture,
) -> Result<PathBuf> {
    let work = tempfile::tempdir()?;
    let content = work.path().join("content");
    super::put(&tree.join("usr/bin/expacti"), &content.join("usr/bin/expacti"), 0o755)?;
    super::put(&tree.join("etc/expacti/expacti.toml"), &content.join("etc/expacti/expacti.toml"), 0o644)?;

    let layout = work.path().join("image");
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let layer = work.path().join("layer.tar");
    super::pack_plain(&content, Path::new("."), &layer)?;
    let layer = Blob::keep(&blobs, &layer, LAYER)?;
    let config = json!({
        "architecture": architecture.short(),
        "os": "linux",
        "config": { "Entrypoint": ["/usr/bin/expacti"], "Cmd": ["daemon"], "WorkingDir": "/" },
        // A layer that is not compressed has its own sum as its difference.
        "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
    });
    let config = Blob::write(&blobs, work.path(), &config, CONFIG)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.described(),
        "layers": [layer.described()],
    });
    let manifest = Blob::write(&blobs, work.path(), &manifest, MANIFEST)?;
    let mut described = manifest.described();
    described["annotations"] =
        json!({ "org.opencontainers.image.ref.name": format!("localhost/expacti:{version}") });
    let index = json!({ "schemaVersion": 2, "manifests": [described] });
    fs::write(layout.join("index.json"), index.to_string())?;
    fs::write(layout.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string())?;

    let path = folder.join(format!("expacti-{version}-{}.oci.tar.gz", architecture.name()));
    pack(&layout, Path::new("."), &path)?;
    Ok(path)
}

/// Something that is named by its sum.
struct Blob {
    digest: String,
    size: u64,
    kind: &'static str,
}

impl Blob {
    /// Moves a file to the blobs.
    fn keep(blobs: &Path, file: &Path, kind: &'static str) -> Result<Self> {
        let sum = sha256(file)?;
        let size = fs::metadata(file)?.len();
        fs::copy(file, blobs.join(&sum))?;
        Ok(Self { digest: format!("sha256:{sum}"), size, kind })
    }

    fn write(blobs: &Path, work: &Path, content: &Value, kind: &'static str) -> Result<Self> {
        let file = work.join("blob.json");
        fs::write(&file, content.to_string())?;
        Self::keep(blobs, &file, kind)
    }

    fn described(&self) -> Value {
        json!({ "mediaType": self.kind, "digest": self.digest, "size": self.size })
    }
}
