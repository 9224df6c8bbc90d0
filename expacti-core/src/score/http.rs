//! What a request over HTTP does, by method, address and body.

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
/// Characters of a body that are looked at.
const MAX_BODY: usize = 16 * 1024;
/// Services of clouds that hand out credentials to whoever runs on their machines.
const METADATA: [&str; 5] =
    ["169.254.169.254", "metadata.google.internal", "100.100.100.200", "169.254.170.2", "fd00:ec2::254"];
/// Words in an address or a mutation's name that say it destroys.
const DESTRUCTIVE: [&str; 22] = [
    "power_off",
    "poweroff",
    "power_cycle",
    "reboot",
    "rebuild",
    "rollback",
    "deactivate",
    "decommission",
    "delete",
    "destroy",
    "drop",
    "purge",
    "terminate",
    "wipe",
    "truncate",
    "flush",
    "erase",
    "remove",
    "reset",
    "revoke",
    "shutdown",
    "uninstall",
];

pub(super) fn candidates<'t>(look: &Look<'t>) -> Vec<Candidate<'t>> {
    if !look.tool.is_some_and(|tool| tool.http) {
        return Vec::new();
    }
    classes(look)
        .into_iter()
        .filter_map(|class| Some(of_statement(&format!("http.{class}"), look.known.requests.get(class)?)))
        .collect()
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
    if urls.iter().any(|url| METADATA.iter().any(|host| url.contains(host))) {
        found.push("metadata");
    }
    if arguments.has(&owned(&["--unix-socket"])) {
        let sockets = owned(&["--unix-socket"]);
        if arguments.values(&sockets).any(|(path, _)| {
            path.contains("docker.sock") || path.contains("podman") || path.contains("containerd")
        }) {
            found.push("socket");
        }
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
        "PUT" | "PATCH" | "POST" if !near && gives_rights(&urls, &text, &free) => "rights",
        "PUT" | "PATCH" | "POST" if !near && urls.iter().any(|url| ends_something(url)) => "stop",
        "POST" if !near && urls.iter().any(|url| moves_money(url)) && !is_trial(look) => "money",
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

/// Elasticsearch and its like: a whole index, or all of them.
fn takes_all(url: &str) -> bool {
    let path = path_of(url).trim_matches('/');
    path.contains('*') || path == "_all" || url.contains(":9200/") && !path.contains('/') && !path.is_empty()
}

fn gives_rights(urls: &[String], body: &str, free: &[&str]) -> bool {
    urls.iter().any(|url| changes_rights(url)) || opens(body) || free.iter().any(|item| opens(item))
}

/// Addresses of rights and protections.
fn changes_rights(url: &str) -> bool {
    const RIGHTS: &[&str] = &[
        "/protection",
        "/rulesets",
        "/collaborators",
        "/permissions",
        "/members",
        "/deploy-keys",
        "/deploykeys",
        "/hooks",
        "/visibility",
        "/transfer",
        "/_security",
        "/_cluster/settings",
        "/_close",
        "/_snapshot",
        "/iam/",
        "/policies",
        "/role",
        "/firewall",
        "/dns_records",
        "/apikeys",
        "/api-keys",
        "/api_keys",
        "/admin/users",
        "/config-vars",
        "/_settings",
        "/_aliases",
        "/_restore",
        "/approve",
        "/impersonate",
        "/env-vars",
        "/secrets",
        "/grants",
        "/acl",
        "/maintenance",
    ];
    RIGHTS.iter().any(|part| path_of(url).contains(part))
}

/// Whether a body says that something is opened, switched off or handed over: `{"private": false}`, `role=admin`.
fn opens(body: &str) -> bool {
    const OPENING: &[&str] = &[
        "private:false",
        "public:true",
        "visibility:public",
        "archived:true",
        "enabled:false",
        "disabled:true",
        "suspended:true",
        "deleted:true",
        "active:false",
        "protected:false",
        "protection:false",
        "is_admin:true",
        "isadmin:true",
        "superuser:true",
        "role:admin",
        "role:owner",
        "permission:admin",
        "access:public",
        "replicas:0",
        "status:disabled",
        "status:suspended",
        "status:cancelled",
        "status:canceled",
        "status:archived",
        "status:deleted",
    ];
    let plain = body.chars().filter(|c| !matches!(c, '"' | '\'' | ' ' | '\n' | '\\'));
    let plain: String =
        plain.map(|c| if c == '=' { ':' } else { c.to_ascii_lowercase() }).take(MAX_BODY).collect();
    let plain = plain.replace("::", ":");
    OPENING.iter().any(|mark| {
        plain.match_indices(mark).any(|(at, _)| {
            // `replicas:0`, but not `replicas:05`; `role:admin`, but not `role:adminassistant`.
            !plain[at + mark.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        })
    })
}

/// Whether the last part of an address is a verb that ends something: `/accounts/1/close`.
fn ends_something(url: &str) -> bool {
    const VERBS: [&str; 28] = [
        "close",
        "pause",
        "saferestart",
        "safeexit",
        "dodelete",
        "scripttext",
        "cancel",
        "disable",
        "suspend",
        "stop",
        "refund",
        "unpublish",
        "kill",
        "archive",
        "block",
        "detach",
        "expire",
        "abort",
        "halt",
        "seal",
        "leave",
        "quietdown",
        "shutdown",
        "failover",
        "stepdown",
        "step-down",
        "freeze",
        "lock",
    ];
    let path = path_of(url).split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    VERBS.contains(&last)
}

/// Whether what is made at an address is a payment, or one that goes back.
fn moves_money(url: &str) -> bool {
    const KINDS: [&str; 7] =
        ["refunds", "payouts", "transfers", "charges", "payment_intents", "topups", "withdrawals"];
    let path = path_of(url).split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    KINDS.contains(&last)
}

/// Whether the key that is used says that nothing is real.
fn is_trial(look: &Look<'_>) -> bool {
    look.seen.words.iter().take(64).any(|word| {
        let text = word.text.to_lossy().to_ascii_lowercase();
        text.contains("sk_test_") || text.contains("$stripe_test")
    })
}

/// Whether a parameter of an address names what to do, and that destroys: `?action=unload`.
fn orders(url: &str) -> bool {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters).split('&');
    parameters.filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        matches!(name, "action" | "cmd" | "command" | "op" | "operation" | "do")
            && (DESTRUCTIVE.contains(&value) || value == "unload")
    })
}

fn is_file(body: &str) -> bool {
    body.starts_with('@') || body.contains("=@")
}

fn is_near(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or(url);
    let host = host.split(['/', '?']).next().unwrap_or(host);
    let host = host.rsplit('@').next().unwrap_or(host);
    if host.starts_with("[::1]") {
        return true;
    }
    let host = host.split(':').next().unwrap_or(host);
    matches!(host, "" | "localhost" | "0.0.0.0" | "::1" | "host.docker.internal")
        || host.starts_with("127.")
        || host.ends_with(".localhost")
}

fn path_of(url: &str) -> &str {
    let rest = url.split("://").nth(1).unwrap_or(url);
    rest.find('/').map_or("", |at| &rest[at..])
}

/// The class of what a GraphQL text does to a service on this machine.
fn nearby(class: &'static str) -> &'static str {
    match class {
        "graphql-destroy" => "delete-near",
        "graphql-mutation" => "post-near",
        class => class,
    }
}

/// The class of a GraphQL text, if it is one.
fn graphql(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    if lower.contains("mutation") {
        return Some(if names_destruction(&lower.replace("mutation", " ")) {
            "graphql-destroy"
        } else {
            "graphql-mutation"
        });
    }
    (lower.contains("\"query\"")
        && lower.contains('{')
        && lower.contains("query")
        && !lower.contains("match_all")
        && lower.contains("{ "))
    .then_some("graphql-query")
}

/// Whether a word, or a part of a name in camel or snake case, says that it destroys.
fn names_destruction(text: &str) -> bool {
    DESTRUCTIVE.iter().any(|verb| {
        text.match_indices(verb).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            // deleteVolume and volumeDelete, delete_volume, /delete, but neither "undelete" nor "deleted".
            let mut after = text[at + verb.len()..].chars();
            let (next, then) = (after.next(), after.next());
            let inflected = matches!(next, Some('d' | 'r' | 's')) && !then.is_some_and(char::is_alphabetic)
                || text[at + verb.len()..].starts_with("ped");
            let begins = before.is_none_or(|c| c != 'n');
            let ends = !inflected;
            begins && ends
        })
    })
}
