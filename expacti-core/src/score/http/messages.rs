//! Addresses of services that tell people something.

use super::words::path_of;

/// Hosts whose only work that is, or beginnings of what follows a host where they do other work too.
const SERVICES: [&str; 31] = [
    "hooks.slack.com/",
    "slack.com/api/chat.",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "api.telegram.org/",
    "api.sendgrid.com/v3/mail/",
    "api.sendgrid.com/v3/marketing/",
    "api.mailgun.net/",
    "api.eu.mailgun.net/",
    "api.twilio.com/",
    "api.postmarkapp.com/",
    "api.resend.com/",
    "api.brevo.com/",
    "api.mailjet.com/",
    "api.sparkpost.com/",
    "mandrillapp.com/api/",
    "rest.nexmo.com/",
    "api.nexmo.com/",
    "rest.messagebird.com/",
    "api.plivo.com/",
    "api.pushover.net/",
    "onesignal.com/api/",
    "api.onesignal.com/",
    "fcm.googleapis.com/",
    "api.line.me/",
    "graph.facebook.com/",
    "chat.googleapis.com/",
    "webhook.office.com/",
    "ntfy.sh/",
    "api.customer.io/",
    "exp.host/--/api/v2/push/",
];
/// Ends of paths behind which a message is sent, whatever else the service does.
const SENDING: [&str; 14] = [
    "send",
    "messages",
    "messages.json",
    "calls.json",
    "sendmessage",
    "email",
    "emails",
    "sms",
    "notifications",
    "push",
    "chat.postmessage",
    "transmissions",
    "smtp",
    "messages:send",
];
/// Words of a path that mean everybody.
const ALL: [&str; 16] = [
    "batch",
    "bulk",
    "broadcast",
    "broadcasts",
    "multicast",
    "campaigns",
    "singlesends",
    "newsletter",
    "newsletters",
    "sendbulk",
    "send-bulk",
    "send_bulk",
    "mass",
    "notify-all",
    "send-all",
    "blast",
];
/// What bodies say where they mean everybody.
const ALL_IN_BODY: [&str; 5] = ["included_segments", "@everyone", "\"/topics/", "\"topic\"", "to=all@"];

/// The class of a request that changes something, if it tells somebody something.
pub(super) fn class(urls: &[String], body: &str) -> Option<&'static str> {
    let url = urls.iter().find(|url| tells(url))?;
    let plain = path_of(url).split(['?', '#']).next().unwrap_or_default();
    let all = plain.split(['/', ':', '.']).any(|part| ALL.contains(&part))
        || ALL_IN_BODY.iter().any(|mark| body.contains(mark));
    Some(if all { "message-all" } else { "message" })
}

fn tells(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    // What a host ends with may be the service: `acme.webhook.office.com`.
    let mut ends = std::iter::once(0).chain(host.match_indices('.').map(|(at, _)| at + 1));
    if ends
        .any(|at| rest.get(at..).is_some_and(|end| SERVICES.iter().any(|service| end.starts_with(service))))
    {
        return true;
    }
    // `https://shop.example.com/api/newsletter/send`
    let path = path_of(url).split(['?', '#']).next().unwrap_or_default();
    let mut parts = path.trim_end_matches('/').rsplit('/');
    let last = parts.next().unwrap_or_default();
    SENDING.contains(&last) && parts.any(|part| ALL.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn messages_are_known_by_their_addresses() {
        for (url, body, expected) in [
            ("https://hooks.slack.com/services/t/b/x", "{\"text\":\"done\"}", Some("message")),
            ("https://acme.webhook.office.com/x", "", Some("message")),
            ("https://api.sendgrid.com/v3/mail/send", "", Some("message")),
            ("https://api.sendgrid.com/v3/contactdb/lists", "", None),
            ("https://api.postmarkapp.com/email/batch", "", Some("message-all")),
            ("https://us1.api.mailchimp.com/3.0/campaigns/42/actions/send", "", Some("message-all")),
            ("https://shop.example.com/admin/newsletter/7/send", "", Some("message-all")),
            (
                "https://onesignal.com/api/v1/notifications",
                "{\"included_segments\":[\"all\"]}",
                Some("message-all"),
            ),
            ("https://api.telegram.org/bot1:x/sendmessage", "chat_id=1", Some("message")),
            ("https://example.com/api.resend.com/x", "", None),
            ("https://eu.slack.com/api/chat.postmessage", "", Some("message")),
            ("https://notapi.resend.com/x", "", None),
            ("https://example.com/batch", "", None),
            ("https://example.com/messages", "", None),
        ] {
            assert_eq!(class(&[url.to_owned()], body), expected, "{url}");
        }
    }
}
