//! What a request over HTTP does, by method, address and body.

mod messages;
mod words;

use words::{
    changes_rights, empties, ends_something, graphql, is_near, moves_money, names_destruction, opens, orders,
    path_of, takes_all,
};

use super::messages::goes_to_many;
use super::statements::of_statement;
use super::{Candidate, Look, paths};

/// Options that name the method, the body and the address, in whichever client.
const METHOD: [&str; 3] = ["-X", "--request", "--method"];
const BODY: [&str; 14] = [
    "-d",
    "--data",
    "--data-raw",
    "--data-binary",
    "--data-ascii",
    "--data-urlencode",
    "--json",
    "-F",
    "--form",
    "--form-string",
    "--post-data",
    "--body-data",
    "--post-file",
    "--raw",
];
const UPLOAD: [&str; 4] = ["-T", "--upload-file", "--body-file", "--post-file"];
/// Services of clouds that hand out credentials to whoever runs on their machines.
const METADATA: [&str; 5] =
    ["169.254.169.254", "metadata.google.internal", "100.100.100.200", "169.254.170.2", "fd00:ec2::254"];
pub(super) fn candidates<'t>(look: &Look<'t>) -> Vec<Candidate<'t>> {
    if !look.tool.is_some_and(|tool| tool.http) {
        return Vec::new();
    }
    classes(look)
        .into_iter()
        .filter_map(|class| Some(of_statement(&format!("http.{class}"), look.known.requests.get(class)?)))
        .collect()
}

/// Whether all addresses that a command names are on this machine.
pub(super) fn asks_only_here(look: &Look<'_>) -> bool {
    let option = ["--url".to_owned()];
    let free = look.arguments.free().iter().map(|word| word.text.as_ref());
    let mut urls = free.chain(look.arguments.values(&option).map(|(url, _)| url)).peekable();
    urls.peek().is_some() && urls.all(is_near)
}

fn classes(look: &Look<'_>) -> Vec<&'static str> {
    let arguments = &look.arguments;
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let bodies: Vec<String> = arguments.values(&owned(&BODY)).map(|(text, _)| text.to_owned()).collect();
    let mut free: Vec<&str> = arguments.free().iter().map(|word| word.text.as_ref()).collect();
    let mut method = arguments.values(&owned(&METHOD)).last().map(|(text, _)| text.to_ascii_uppercase());
    if let Some(named) = method_named_first(&mut free) {
        method = method.or(Some(named));
    }
    if method.is_none() && look.seen.program.name.starts_with("http") && free.len() > 1 {
        method = free[1..]
            .iter()
            .any(|item| item.contains('=') && !item.contains("=="))
            .then(|| "POST".to_owned());
    }
    let head = arguments.has(&owned(&["-I", "--head"]));
    let as_get = arguments.has(&owned(&["-G", "--get"]));
    let uploads =
        arguments.has(&owned(&UPLOAD)) || bodies.iter().any(|body| body.contains('@') && is_file(body));
    let method = method.unwrap_or_else(|| {
        let method = match () {
            () if head => "HEAD",
            () if arguments.has(&owned(&["-T", "--upload-file"])) => "PUT",
            () if !bodies.is_empty() && !as_get => "POST",
            () => "GET",
        };
        method.to_owned()
    });
    let urls: Vec<String> = free
        .iter()
        .copied()
        .chain(arguments.values(&owned(&["--url"])).map(|(url, _)| url))
        .map(str::to_ascii_lowercase)
        .collect();
    let near = !urls.is_empty() && urls.iter().all(|url| is_near(url));
    let mut found = Vec::new();
    if urls.iter().any(|url| is_metadata(url)) {
        found.push("metadata");
    }
    if asks_engine(look) {
        found.push("socket");
    }
    let text = bodies.join(" ");
    let headers = owned(&["-H", "--header"]);
    let overrides = |(header, _): (&str, bool)| {
        let header = header.to_ascii_lowercase();
        header
            .starts_with("x-http-method-override")
            .then(|| header.rsplit(':').next().unwrap_or_default().trim().to_ascii_uppercase())
    };
    let method = arguments.values(&headers).find_map(overrides).unwrap_or(method);
    let changes = !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS");
    if let Some(class) = graphql(&text).or_else(|| graphql(&urls.join(" "))) {
        found.push(if near { nearby(class) } else { class });
        return found;
    }
    let told = if changes && !near { told(look, &urls, &text) } else { None };
    let address_destroys = urls.iter().any(|url| names_destruction(path_of(url)));
    found.push(match method.as_str() {
        "DELETE" if urls.iter().any(|url| takes_all(url)) => "delete-all",
        "DELETE" => {
            if near {
                "delete-near"
            } else {
                "delete"
            }
        }
        "PUT" | "PATCH" | "POST" if !near && gives_rights(look, &urls, &text, &free) => "rights",
        "PUT" | "PATCH" | "POST" if !near && urls.iter().any(|url| ends_something(url)) => "stop",
        "POST" if !near && urls.iter().any(|url| moves_money(url)) && !is_trial(look) => "money",
        "PUT" | "PATCH" | "POST" if told.is_some() => told.unwrap_or_default(),
        "PUT" | "PATCH" if !near && empties(&text) => "put-empty",
        "PUT" | "PATCH" => {
            if near {
                "put-near"
            } else {
                "put"
            }
        }
        "GET" | "HEAD" | "OPTIONS" if urls.iter().any(|url| orders(url)) && !near => "destructive",
        "GET" | "HEAD" | "OPTIONS" => "get",
        "PURGE" if !near => "destructive",
        _ if urls.iter().any(|url| url.contains("_delete_by_query")) => "delete-all",
        _ if (address_destroys || names_destruction(&text.to_ascii_lowercase())) && !near => "destructive",
        _ if address_destroys => "delete-near",
        _ => {
            if near {
                "post-near"
            } else {
                "post"
            }
        }
    });
    if uploads && changes && !near {
        found.push(if uploads_elsewhere(look, &bodies) { "upload-elsewhere" } else { "upload" });
    }
    found
}

/// Whether it talks to the socket of a container engine.
fn asks_engine(look: &Look<'_>) -> bool {
    let sockets = ["--unix-socket".to_owned()];
    look.arguments.values(&sockets).any(|(path, _)| {
        path.contains("docker.sock") || path.contains("podman") || path.contains("containerd")
    })
}

/// The class of a request that tells somebody something.
fn told(look: &Look<'_>, urls: &[String], body: &str) -> Option<&'static str> {
    let class = messages::class(urls, body)?;
    Some(if goes_to_many(look) { "message-all" } else { class })
}

/// Whether an address is that of a metadata service, by its full name or by the one that search domains complete.
fn is_metadata(url: &str) -> bool {
    let host = url.strip_prefix("http://").and_then(|rest| rest.split(['/', '?', '#', ':']).next());
    METADATA.iter().any(|host| url.contains(host))
        || host == Some("metadata")
        || url.starts_with("metadata/computemetadata")
}

/// httpie: `http DELETE url`, and items behind it make it a POST. Takes the method away.
fn method_named_first(free: &mut Vec<&str>) -> Option<String> {
    let first = free.first()?;
    let names = first.len() > 2 && first.bytes().all(|b| b.is_ascii_uppercase())
        || ["delete", "put", "patch", "post", "get", "head"].contains(first);
    names.then(|| free.remove(0).to_ascii_uppercase())
}

/// Whether a file that is uploaded lies neither in the work tree nor among temporary files.
fn uploads_elsewhere(look: &Look<'_>, bodies: &[String]) -> bool {
    let options = UPLOAD.map(str::to_owned);
    let named = look.arguments.values(&options).map(|(file, _)| file);
    let in_bodies = bodies.iter().filter_map(|body| {
        let (_, file) = body.split_once('@')?;
        file.split(';').next()
    });
    named
        .chain(in_bodies)
        .take(16)
        .any(|file| file != "-" && (paths::lies_elsewhere(look, file) || paths::holds_data(look, file)))
}

fn gives_rights(look: &Look<'_>, urls: &[String], body: &str, free: &[&str]) -> bool {
    let opens = |text: &str| opens(text, &look.known.verbs.protections);
    urls.iter().any(|url| changes_rights(url)) || opens(body) || free.iter().any(|item| opens(item))
}

/// Whether the key that is used says that nothing is real.
fn is_trial(look: &Look<'_>) -> bool {
    look.seen.words.iter().take(64).any(|word| {
        let text = word.text.to_lossy().to_ascii_lowercase();
        text.contains("sk_test_") || text.contains("$stripe_test")
    })
}

fn is_file(body: &str) -> bool {
    body.starts_with('@') || body.contains("=@")
}

/// The class of what a GraphQL text does to a service on this machine.
fn nearby(class: &'static str) -> &'static str {
    match class {
        "graphql-destroy" => "delete-near",
        "graphql-mutation" => "post-near",
        class => class,
    }
}
