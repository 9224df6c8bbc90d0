//! A folder of things that take long to make: each is made once, whole or not at all.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The folder itself.
#[derive(Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `$EXPACTI_CACHE`, or `expacti` in the user's cache folder.
    pub(crate) fn open() -> Result<Self> {
        let root = if let Some(folder) = env::var_os("EXPACTI_CACHE") {
            env::current_dir()?.join(folder)
        } else if let Some(folder) = env::var_os("XDG_CACHE_HOME").filter(|f| !f.is_empty()) {
            PathBuf::from(folder).join("expacti")
        } else {
            env::home_dir()
                .context("no home folder is known: say where to keep tools with EXPACTI_CACHE")?
                .join(".cache/expacti")
        };
        fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where `name`, made by `recipe`, lies once it is made. Another recipe is another folder.
    pub(crate) fn place(&self, name: &str, recipe: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        recipe.hash(&mut hasher);
        self.root.join(format!("{name}-{:016x}", hasher.finish()))
    }

    /// The folder of `name`, made by `make` if it is not there.
    ///
    /// Made under another name and renamed, so that what was interrupted is never taken for whole. Whoever comes
    /// meanwhile, thread or process, waits.
    pub(crate) fn get(
        &self,
        name: &str,
        recipe: &str,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let place = self.place(name, recipe);
        if place.exists() {
            return Ok(place);
        }
        let _lock = self.lock(name)?;
        if place.exists() {
            return Ok(place);
        }
        let partial = self.root.join(format!("{name}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial).with_context(|| format!("cannot remove {}", partial.display()))?;
        }
        fs::create_dir(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
        make(&partial)?;
        fs::rename(&partial, &place)?;
        Ok(place)
    }

    /// An exclusive lock among all who use this cache, held until dropped.
    pub(crate) fn lock(&self, name: &str) -> Result<File> {
        let path = self.root.join(format!("{name}.lock"));
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }
}
