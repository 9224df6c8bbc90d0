//! Podman, which has no daemon: what it knows is in a database of its own, below its storage.
//!
//! Its service is not asked. It looks at a container under the container's lock, and whoever starts the container holds that
//! until the start is through, which waits for us.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expacti_core::request::Container;
use serde::Deserialize;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::{Identity, PATIENCE, Said, Unknown, wait_for};

/// The database in its storage, since Podman 4.8.
const DATABASE: &str = "db.sql";

/// What it keeps of a container, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Config {
    name: String,
    #[serde(rename = "rootfsImageName")]
    image: String,
    #[serde(rename = "rootfs")]
    folder: String,
    labels: BTreeMap<String, String>,
    #[serde(rename = "IsInfra", alias = "isInfra", alias = "pause")]
    is_infrastructure: bool,
}

/// Whose container it is.
pub(super) fn ask(storages: &[PathBuf], id: &str) -> Result<Said, Unknown> {
    let mut missing = Unknown("no storage of podman is configured".to_owned());
    for storage in storages {
        match wait_for(look(storage, id)) {
            Ok(said) => return Ok(said),
            Err(why) => missing = why,
        }
    }
    Err(missing)
}

async fn look(storage: &Path, id: &str) -> Result<Said, Unknown> {
    let path = storage.join(DATABASE);
    let failed = |error: sqlx::Error| Unknown(format!("{}: {error}", path.display()));
    let options = SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(PATIENCE);
    let mut database = options.disable_statement_logging().connect().await.map_err(failed)?;
    // It is kept as bytes in a column of texts.
    let query = "SELECT CAST(c.JSON AS TEXT) AS container, p.Name AS pod FROM ContainerConfig c \
                 LEFT JOIN PodConfig p ON p.ID = c.PodID WHERE c.ID = ?";
    let row = sqlx::query(query).bind(id).fetch_optional(&mut database).await.map_err(failed)?;
    let Some(row) = row else {
        return Err(Unknown(format!("{} knows no container {id}", path.display())));
    };
    let json: String = row.try_get("container").map_err(failed)?;
    let pod: Option<String> = row.try_get("pod").map_err(failed)?;
    // It was only read: what closing says changes nothing.
    let _closed = database.close().await;
    said(id, &json, pod).map_err(|error| Unknown(format!("{}: {error}", path.display())))
}

fn said(id: &str, json: &str, pod: Option<String>) -> Result<Said, serde_json::Error> {
    let config: Config = serde_json::from_str(json)?;
    if config.is_infrastructure {
        return Ok(Said::Infrastructure);
    }
    let shown = Container {
        runtime: "podman".to_owned(),
        id: id.to_owned(),
        name: config.name,
        // Without an image it runs from a folder.
        image: if config.image.is_empty() { config.folder } else { config.image },
        pod,
        ..Container::default()
    };
    let identity = Identity { shown, labels: config.labels, ..Identity::default() };
    Ok(Said::Known(Box::new(identity.complete())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database as Podman 5 makes it, as far as it is read.
    async fn database(folder: &Path, rows: &[(&str, Option<&str>, &str)]) {
        let options = SqliteConnectOptions::new().filename(folder.join(DATABASE)).create_if_missing(true);
        let mut database = options.connect().await.unwrap();
        for table in [
            "CREATE TABLE ContainerConfig(ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, PodID TEXT, JSON TEXT NOT NULL)",
            "CREATE TABLE PodConfig(ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, JSON TEXT NOT NULL)",
            "INSERT INTO PodConfig VALUES ('p', 'web', '{}')",
        ] {
            sqlx::query(table).execute(&mut database).await.unwrap();
        }
        for (id, pod, json) in rows {
            let insert = sqlx::query("INSERT INTO ContainerConfig VALUES (?, ?, ?, ?)");
            insert.bind(id).bind(id).bind(pod).bind(json.as_bytes()).execute(&mut database).await.unwrap();
        }
        database.close().await.unwrap();
    }

    #[test]
    fn its_database_says_whose_a_container_is() {
        let folder = tempfile::tempdir().unwrap();
        let rows = [
            (
                "1",
                Some("p"),
                r#"{"name":"ci","rootfsImageName":"localhost/busybox:latest","labels":{"agent":"yes"},"spec":{}}"#,
            ),
            ("2", None, r#"{"name":"bare","rootfs":"/srv/root"}"#),
            ("3", Some("p"), r#"{"name":"p-infra","pause":true}"#),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(database(folder.path(), &rows));
        let storages = [PathBuf::from("/nowhere"), folder.path().to_owned()];
        let Ok(Said::Known(first)) = ask(&storages, "1") else { panic!("the first is known") };
        let shown = &first.shown;
        assert_eq!(
            (shown.name.as_str(), shown.image.as_str(), shown.pod.as_deref(), shown.labels["agent"].as_str()),
            ("ci", "localhost/busybox:latest", Some("web"), "yes")
        );
        let Ok(Said::Known(second)) = ask(&storages, "2") else { panic!("the second is known") };
        assert_eq!(second.shown.image, "/srv/root");
        assert_eq!(ask(&storages, "3"), Ok(Said::Infrastructure));
        let unknown = ask(&storages, "4").unwrap_err().to_string();
        assert!(unknown.ends_with("db.sql knows no container 4"), "{unknown}");
    }
}
