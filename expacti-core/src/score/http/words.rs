//! What addresses and bodies say by their words.

use std::collections::HashSet;

use memchr::memmem;

use crate::score::net::parts;

/// Characters of a body that are looked at.
const MAX_BODY: usize = 16 * 1024;
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

/// Elasticsearch and its like: a whole index, or all of them.
pub(super) fn takes_all(url: &str) -> bool {
    let path = path_of(url).trim_matches('/');
    path.contains('*') || path == "_all" || url.contains(":9200/") && !path.contains('/') && !path.is_empty()
}

/// Addresses of rights and protections.
pub(super) fn changes_rights(url: &str) -> bool {
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
        "/git/refs",
        "/silences",
        "/downtime",
        "/suppressions",
        "/security_level",
        "/settings/ssl",
        "/multifactor",
        "/factors",
        "/access_tokens",
        "/service_accounts",
        "/ssh_keys",
        "/ssh-keys",
        "/protected_",
        "/branch_protection",
        "/access_rules",
        "/nameservers",
        "/force-leave/",
    ];
    let path = path_of(url);
    path.contains('/') && RIGHTS.iter().any(|part| memmem::find(path.as_bytes(), part.as_bytes()).is_some())
}

/// Whether a body says that something is opened, switched off or handed over: `{"private": false}`, `role=admin`.
pub(super) fn opens(body: &str, protections: &HashSet<String>) -> bool {
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
        "status:closed",
        "force:true",
        "purge:true",
        "cascade:true",
        "hard_delete:true",
        "paused:true",
        "is_paused:true",
        "dry_run:false",
        "value:off",
    ];
    let plain = body.chars().filter(|c| !matches!(c, '"' | '\'' | ' ' | '\n' | '\\'));
    let plain: String =
        plain.map(|c| if c == '=' { ':' } else { c.to_ascii_lowercase() }).take(MAX_BODY).collect();
    if !plain.contains(':') {
        return false;
    }
    let plain = plain.replace("::", ":");
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    // `replicas:0`, but not `replicas:05`; `role:admin`, but not `role:adminassistant`.
    let text = plain.as_str();
    let places = |mark: &'static str| {
        let found = text.match_indices(mark).map(|(at, _)| at);
        found.filter(move |at| !text[at + mark.len()..].starts_with(in_name))
    };
    OPENING.iter().any(|mark| places(mark).next().is_some())
        || [":false", ":off", ":disabled"].into_iter().flat_map(places).any(|end| {
            // `mfa_required: false`
            let start = text[..end].rfind(|c| !in_name(c)).map_or(0, |at| at + 1);
            text.get(start..end).is_some_and(|name| parts(name).any(|part| protections.contains(&part)))
        })
}

/// Whether the last part of an address is a verb that ends something: `/accounts/1/close`.
pub(super) fn ends_something(url: &str) -> bool {
    const VERBS: [&str; 36] = [
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
        "unlock",
        "reinstall",
        "reimage",
        "rescue",
        "empty",
        "gc",
        "ban",
        "demote",
    ];
    let path = path_of(url).split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    VERBS.contains(&last)
}

/// Whether what is made at an address is a payment, or one that goes back.
pub(super) fn moves_money(url: &str) -> bool {
    const KINDS: [&str; 7] =
        ["refunds", "payouts", "transfers", "charges", "payment_intents", "topups", "withdrawals"];
    let path = path_of(url).split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    KINDS.contains(&last)
}

/// Whether a body leaves nothing where something was: `{"records": []}`, `{"owner": null}`.
pub(super) fn empties(body: &str) -> bool {
    let plain: String = body.chars().filter(|c| !c.is_whitespace()).take(MAX_BODY).collect();
    plain.contains("\":[]")
        || plain.contains("\":null")
        || plain.contains("\":{}")
        || plain == "{}"
        || plain == "[]"
}

/// Whether a parameter of an address names what to do, and that destroys: `?action=unload`.
pub(super) fn orders(url: &str) -> bool {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters).split('&');
    parameters.filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        matches!(name, "action" | "cmd" | "command" | "op" | "operation" | "do")
            && (DESTRUCTIVE.contains(&value) || value == "unload")
    })
}

pub(super) fn is_near(url: &str) -> bool {
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

pub(super) fn path_of(url: &str) -> &str {
    let after = |text| memmem::find(text, b"://");
    let rest = match after(url.as_bytes()) {
        Some(at) => {
            let rest = &url[at + "://".len()..];
            &rest[..after(rest.as_bytes()).unwrap_or(rest.len())]
        }
        None => url,
    };
    rest.find('/').map_or("", |at| &rest[at..])
}

/// The class of a GraphQL text, if it is one.
pub(super) fn graphql(text: &str) -> Option<&'static str> {
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
pub(super) fn names_destruction(text: &str) -> bool {
    DESTRUCTIVE.iter().any(|verb| {
        memmem::find_iter(text.as_bytes(), verb).any(|at| {
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
