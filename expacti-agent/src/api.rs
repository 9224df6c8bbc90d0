//! The API: HTTP and JSON on a Unix socket, and over TCP where operators ask for it. Every face speaks through it.

mod agents;
mod aside;
mod cards;
mod events;
mod evidence;
mod extract;
mod guard;
mod limits;
mod openapi;
mod operations;
mod own;
mod peer;
mod people;
mod precedents;
mod problem;
mod records;
mod rule_store;
mod rules;
mod session;
mod sockets;
mod suggestions;
#[cfg(test)]
mod tests;
mod tls;
mod versions;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use expacti_agent::log::Reader;
use expacti_core::Tools;
use expacti_core::docket::{Role, Voter};
use expacti_core::record::BootId;
use expacti_core::record::secrets::Masker;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use self::guard::Caller;
use self::limits::Limits;
use self::peer::Peer;
use self::problem::Problem;
use self::tls::TlsListener;
use crate::clock::epoch_seconds;
use crate::daemon::engine::InForce;
use crate::desk::Desk;
use crate::operations::Operations;
use crate::reviewers::Reviewers;
use crate::web::{self, Guesses, Sessions};

/// Where the daemon listens unless it is told otherwise.
pub(crate) const SOCKET: &str = "/run/expacti/api.sock";

/// Where agents look at their own tickets unless it is told otherwise. Its folder may be mounted into containers.
pub(crate) const OWN_SOCKET: &str = "/run/expacti/own/own.sock";

/// The reviewer who root on the local socket is.
const ROOT: &str = "root";

/// The largest body that is taken.
const BODY: usize = 64 * 1024;

/// Knows which processes are inside an enrolled cgroup.
pub(crate) trait Gated: Send + Sync + 'static {
    /// Whether this process is gated now, by its mark or its cgroup. In doubt it is.
    fn is_gated(&self, pid: u32) -> bool;

    /// Whether anything can be gated at all.
    fn gates(&self) -> bool {
        true
    }

    /// The name of the agent that this process belongs to, for its look at its own tickets.
    fn agent_of(&self, _pid: u32) -> Option<String> {
        None
    }
}

/// How the API treats those who ask.
#[derive(Clone, Debug)]
pub(crate) struct ApiConfig {
    /// Host names by which it may be called.
    pub(crate) hosts: Vec<String>,
    /// Root on the local socket is a reviewer and administrator without a token.
    pub(crate) root_is_admin: bool,
    /// Requests that one peer may make in a second, in the long run.
    pub(crate) requests_per_second: u32,
    /// Requests that one peer may make at once.
    pub(crate) burst: u32,
    /// The name of this node.
    pub(crate) node: String,
}

impl Default for ApiConfig {
    fn default() -> Self {
        let hosts = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
        Self { hosts, root_is_admin: true, requests_per_second: 50, burst: 200, node: String::new() }
    }
}

/// A TCP address to serve on.
#[derive(Clone, Debug)]
pub(crate) struct TcpConfig {
    /// The address. Anything but loopback needs `tls`.
    pub(crate) address: SocketAddr,
    /// Certificate chain and key, as PEM files.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
}

/// Why it does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The socket cannot be made.
    #[error("{}: {source}", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another daemon serves there.
    #[error("{}: another daemon serves here already", .0.display())]
    Taken(PathBuf),
    /// The address cannot be listened on.
    #[error("{address}: {source}")]
    Address {
        /// Where.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// Plain HTTP would leave the host.
    #[error("{0} is not a loopback address: give a certificate and its key, or listen on 127.0.0.1")]
    NeedsTls(SocketAddr),
    /// The certificate or key is of no use.
    #[error("{}: {why}; it has to be a PEM file", path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Everything that requests need.
pub(crate) struct Api {
    desk: Desk,
    reviewers: Arc<Reviewers>,
    gated: Arc<dyn Gated>,
    config: ApiConfig,
    masker: Masker,
    limits: Limits,
    hashing: Semaphore,
    searching: Semaphore,
    epoch: String,
    sessions: Sessions,
    guesses: Guesses,
    records: OnceLock<(Reader, BootId)>,
    engine: OnceLock<Arc<InForce>>,
    proof: evidence::Proof,
    operations: OnceLock<Arc<dyn Operations>>,
}

impl Api {
    /// `masker` hides secrets in what is shown, as the exec log hides them in what it keeps. `epoch` tells this life of the daemon from every other, such as a random number.
    pub(crate) fn new(
        desk: Desk,
        reviewers: Arc<Reviewers>,
        gated: Arc<dyn Gated>,
        config: ApiConfig,
        masker: Masker,
        epoch: String,
    ) -> Arc<Self> {
        let limits = Limits::new(config.requests_per_second, config.burst);
        let sessions = Sessions::open(reviewers.path().with_file_name("sessions.json"));
        Arc::new(Self {
            desk,
            reviewers,
            gated,
            config,
            masker,
            limits,
            hashing: Semaphore::new(2),
            searching: Semaphore::new(2),
            epoch,
            sessions,
            guesses: Guesses::default(),
            records: OnceLock::new(),
            engine: OnceLock::new(),
            proof: evidence::Proof::default(),
            operations: OnceLock::new(),
        })
    }

    /// From now on the exec log can be looked at, in which what waits now is of this boot, and the rules asked. Only the
    /// first call counts.
    pub(crate) fn look_back(&self, records: Reader, boot: BootId, engine: Arc<InForce>) {
        let _ = self.records.set((records, boot));
        let _ = self.engine.set(engine);
    }

    /// What tools do, as the engine knows them.
    fn tools(&self) -> Arc<Tools> {
        static EMBEDDED: LazyLock<Arc<Tools>> = LazyLock::new(|| Arc::new(Tools::embedded()));
        self.engine.get().map_or_else(|| Arc::clone(&EMBEDDED), |engine| Arc::clone(&engine.now().tools))
    }

    /// Serves on a Unix socket until the task is dropped. Its folder is made if need be, for root alone; the socket is
    /// open to everybody who reaches it, because each request is checked by the peer's process.
    pub(crate) fn serve_unix(
        self: &Arc<Self>,
        path: &Path,
    ) -> Result<impl Future<Output = io::Result<()>> + use<>, ServeError> {
        let listener = bind(path)?;
        let service = self.router().into_make_service_with_connect_info::<Peer>();
        Ok(axum::serve(listener, service).into_future())
    }

    /// Serves over TCP until the task is dropped.
    pub(crate) async fn serve_tcp(
        self: &Arc<Self>,
        config: &TcpConfig,
    ) -> Result<(SocketAddr, impl Future<Output = io::Result<()>> + use<>), ServeError> {
        let address = config.address;
        if config.tls.is_none() && !address.ip().is_loopback() {
            return Err(ServeError::NeedsTls(address));
        }
        let failed = |source| ServeError::Address { address, source };
        let acceptor =
            config.tls.as_ref().map(|(certificate, key)| tls::acceptor(certificate, key)).transpose()?;
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let service = self.router().into_make_service_with_connect_info::<Peer>();
        let tls = acceptor.map(|acceptor| (acceptor, service.clone()));
        let serving = async move {
            match tls {
                Some((acceptor, service)) => {
                    axum::serve(TlsListener::new(listener, acceptor)?, service).await
                }
                None => axum::serve(listener, service).await,
            }
        };
        Ok((bound, serving))
    }

    fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/v1/cards", get(cards::list))
            .route("/v1/cards/{id}", get(cards::show))
            .route("/v1/cards/{id}/votes", post(cards::vote))
            .route("/v1/cards/{id}/similar", get(precedents::similar))
            .route("/v1/cards/{id}/rule", get(precedents::rule))
            .route("/v1/tickets/{id}", get(cards::ticket))
            .route("/v1/agents", get(agents::list).post(operations::enrol))
            .route("/v1/agents/{name}", delete(operations::withdraw))
            .route("/v1/agents/{name}/stop", post(agents::stop))
            .route("/v1/agents/{name}/resume", post(agents::resume))
            .route("/v1/agents/{name}/kill", post(agents::kill))
            .route("/v1/records", get(records::list))
            .route("/v1/records/{id}", get(records::show))
            .route("/v1/records/export", get(evidence::take))
            .route("/v1/chain", get(evidence::chain).post(evidence::prove))
            .route("/v1/stats", get(records::stats))
            .route("/v1/rules", get(rules::list))
            .route("/v1/rules/try", post(rules::attempt))
            .route("/v1/rules/check", post(rules::check))
            .route("/v1/rules/stored", get(rule_store::show).put(rule_store::keep))
            .route("/v1/rules/history", get(rule_store::history))
            .route("/v1/rules/suggestions", get(suggestions::list))
            .route("/v1/rules/suggestions/{name}/accept", post(suggestions::accept))
            .route("/v1/grants", get(agents::grants))
            .route("/v1/grants/{id}", delete(agents::revoke_grant))
            .route("/v1/me", get(people::me))
            .route("/v1/session", get(session::show).post(session::begin).delete(session::end))
            .route("/v1/reviewers", get(people::list).post(people::add))
            .route("/v1/reviewers/{name}", delete(people::revoke))
            .route("/v1/events", get(events::stream))
            .route("/v1/reload", post(operations::reload))
            .route("/v1/metrics", get(operations::metrics))
            .route("/v1/ready", get(operations::ready))
            .route("/v1/health", get(openapi::health))
            .route("/v1/openapi.json", get(openapi::document))
            .merge(web::router())
            .fallback(async || {
                Problem::not_found("there is nothing here; /v1/openapi.json says what there is")
            })
            .method_not_allowed_fallback(async || {
                let detail = "this method does nothing here; /v1/openapi.json says which do";
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
            })
            .layer(DefaultBodyLimit::max(BODY))
            .layer(from_fn_with_state(Arc::clone(self), guard::admit))
            .with_state(Arc::clone(self))
    }

    fn by_uid(&self, uid: u32, now: u64) -> Option<Voter> {
        if uid == 0 && self.config.root_is_admin {
            let roles = BTreeSet::from(Role::ALL);
            return Some(Voter { name: ROOT.to_owned(), roles, teams: BTreeSet::new() });
        }
        self.reviewers.by_uid(uid, now)
    }

    /// Rights end while a stream is open, too.
    fn may_still_watch(&self, caller: &Caller) -> bool {
        let name = &caller.voter.name;
        let is_root = matches!(&caller.peer, Peer::Local { uid, .. } if self.by_uid(*uid, epoch_seconds())
            .is_some_and(|voter| voter.name == *name));
        let session = caller.session.as_ref();
        let is_signed_in =
            session.is_none_or(|session| self.sessions.is_alive(&session.key, epoch_seconds()));
        let is_known =
            || self.reviewers.list().iter().any(|known| known.voter.name == *name && known.revoked.is_none());
        self.refuse_gated(&caller.peer).is_ok() && is_signed_in && (is_root || is_known())
    }

    fn event_id(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }

    /// The number in an id, where it is of this life of the daemon.
    fn event_number(&self, id: &str) -> Option<u64> {
        let (epoch, number) = id.rsplit_once('-')?;
        (epoch == self.epoch).then(|| number.parse().ok()).flatten()
    }
}

/// Makes a socket, unless somebody serves there. Its folder is made if need be.
fn bind(path: &Path) -> Result<UnixListener, ServeError> {
    let failed = |source| ServeError::Socket { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(failed)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(ServeError::Taken(path.to_owned()));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)).map_err(failed)?;
    Ok(listener)
}
