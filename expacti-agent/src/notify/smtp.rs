//! Just enough SMTP to hand in a message to a mail server that knows us: encrypted, signed in, one message.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;

use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::http::connector;
use super::message::Message;

/// Bytes of a reply's line, and lines of a reply.
const LINE: u64 = 2_048;
const LINES: usize = 64;

/// How a mail server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mailer {
    pub(super) host: String,
    pub(super) port: u16,
    /// Encrypted from the first byte on (`smtps`), or by STARTTLS.
    pub(super) tls_at_once: bool,
    pub(super) user: Option<(String, String)>,
    pub(super) from: String,
    pub(super) recipients: Vec<String>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A conversation with a server.
struct Session(BufReader<Boxed>);

/// Encrypted or not.
type Boxed = Pin<Box<dyn Stream>>;

impl Mailer {
    /// Reads `smtps://HOST[:465]` or `smtp://HOST[:587]`.
    pub(super) fn server(url: &str) -> Option<(String, u16, bool)> {
        let url: Uri = url.parse().ok()?;
        let (port, tls_at_once) = match url.scheme_str()? {
            "smtps" => (465, true),
            "smtp" => (587, false),
            _ => return None,
        };
        let host = url.host()?.trim_matches(['[', ']']).to_owned();
        let is_bare = matches!(url.path_and_query().map(PathAndQuery::as_str), None | Some("" | "/"));
        (is_bare && !host.is_empty()).then_some((host, url.port_u16().unwrap_or(port), tls_at_once))
    }

    /// Whether this can stand in an envelope and in a header.
    pub(super) fn is_address(text: &str) -> bool {
        let plain = |c: char| c.is_ascii_graphic() && !"<>,;:\"()[]\\".contains(c);
        text.chars().all(plain)
            && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
    }

    pub(super) async fn hand_in(&self, message: &Message) -> io::Result<()> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let is_here =
            self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        self.talk(stream, &connector()?, !is_here, &self.letter(message)).await
    }

    /// Where it `must_encrypt`, nothing is said to a server that cannot.
    async fn talk(
        &self,
        stream: TcpStream,
        tls: &TlsConnector,
        must_encrypt: bool,
        letter: &str,
    ) -> io::Result<()> {
        let mut session = if self.tls_at_once {
            Session::over(self.encrypted(tls, Box::pin(stream)).await?)
        } else {
            Session::over(Box::pin(stream))
        };
        session.expect(b'2').await?;
        let mut can = session.say("EHLO expacti", b'2').await?;
        let can_encrypt = can.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS"));
        if !self.tls_at_once && can_encrypt {
            session.say("STARTTLS", b'2').await?;
            session = Session::over(self.encrypted(tls, session.into_inner()?).await?);
            can = session.say("EHLO expacti", b'2').await?;
        } else if !self.tls_at_once && must_encrypt {
            return Err(io::Error::other("the mail server does not encrypt"));
        }
        if let Some((user, password)) = &self.user {
            if !can.iter().any(|line| {
                line.to_ascii_uppercase().starts_with("AUTH") && line.to_ascii_uppercase().contains("PLAIN")
            }) {
                return Err(io::Error::other("the mail server takes no AUTH PLAIN"));
            }
            let proof = BASE64.encode(format!("\0{user}\0{password}"));
            session.say(&format!("AUTH PLAIN {proof}"), b'2').await?;
        }
        session.say(&format!("MAIL FROM:<{}>", self.from), b'2').await?;
        for recipient in &self.recipients {
            session.say(&format!("RCPT TO:<{recipient}>"), b'2').await?;
        }
        session.say("DATA", b'3').await?;
        session.say(&format!("{letter}\r\n."), b'2').await?;
        // It has the message; whether it says goodbye does not matter.
        let _goodbye = session.say("QUIT", b'2').await;
        Ok(())
    }

    async fn encrypted(&self, tls: &TlsConnector, stream: Boxed) -> io::Result<Boxed> {
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        Ok(Box::pin(tls.connect(name, stream).await?))
    }

    /// Headers and body. The body is base64, so that nothing in a command can be taken for mail.
    fn letter(&self, message: &Message) -> String {
        let subject = format!("[expacti] {}", message.title());
        let cut = if message.command_is_whole { "" } else { " [...]" };
        let text = format!(
            "{}\n\n    {}{cut}\n\n{}\n\n{}\n",
            message.title(),
            message.command,
            message.because.join("\n"),
            message.link.as_deref().unwrap_or("expacti pending"),
        );
        let mut body = String::new();
        for line in BASE64.encode(text).as_bytes().chunks(76) {
            body.push_str(&String::from_utf8_lossy(line));
            body.push_str("\r\n");
        }
        let date = jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap_or_default();
        format!(
            "From: <{}>\r\nTo: {}\r\nSubject: =?utf-8?B?{}?=\r\nDate: {date}\r\nAuto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}",
            self.from,
            self.recipients.iter().map(|one| format!("<{one}>")).collect::<Vec<_>>().join(", "),
            // A word of this kind has 75 characters at most.
            BASE64.encode(subject.chars().filter(char::is_ascii).take(40).collect::<String>()),
        )
    }
}

impl Session {
    fn over(stream: Boxed) -> Self {
        Self(BufReader::new(stream))
    }

    /// The stream below. What the server said too early, when anybody could say it, is never taken for encrypted.
    fn into_inner(self) -> io::Result<Boxed> {
        if self.0.buffer().is_empty() {
            return Ok(self.0.into_inner());
        }
        Err(io::Error::other("the mail server said something before it was asked"))
    }

    async fn say(&mut self, line: &str, expected: u8) -> io::Result<Vec<String>> {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.0.flush().await?;
        self.expect(expected).await
    }

    /// The lines of a reply whose code begins like this, without the code.
    async fn expect(&mut self, expected: u8) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            (&mut self.0).take(LINE).read_until(b'\n', &mut line).await?;
            let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            if line.first() != Some(&expected) || lines.len() == LINES {
                return Err(io::Error::other(format!("the mail server says {text:?}")));
            }
            lines.push(text.get(4..).unwrap_or_default().to_owned());
            if line.get(3) != Some(&b'-') {
                return Ok(lines);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::testing::Certificate;

    fn mailer(port: u16, user: Option<(String, String)>) -> Mailer {
        Mailer {
            host: "127.0.0.1".into(),
            port,
            tls_at_once: false,
            user,
            from: "gate@example.org".into(),
            recipients: vec!["a@example.org".into(), "b@example.org".into()],
        }
    }

    fn message() -> Message {
        Message {
            kind: expacti_core::docket::NoticeKind::NeedsReview,
            ticket: 7,
            agent: "claude".into(),
            level: expacti_core::evaluation::Level::High,
            score: 77,
            command: "git push\n.\nQUIT".into(),
            command_is_whole: true,
            because: vec!["replaces history".into()],
            link: None,
        }
    }

    /// A server that offers this in clear, and gives back what it was told.
    async fn serve(listener: TcpListener, offers: &str) -> Vec<String> {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream: BufReader<Boxed> = BufReader::new(Box::pin(stream));
        stream.write_all(b"220 hello\r\n").await.unwrap();
        let mut told = Vec::new();
        listen(&mut stream, offers, &mut told).await;
        told
    }

    /// The same with this certificate, shown at once or after STARTTLS. What was told in clear has a `!`.
    async fn serve_tls(listener: TcpListener, certificate: Certificate, at_once: bool) -> Vec<String> {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream: Boxed = Box::pin(stream);
        let mut told = Vec::new();
        if !at_once {
            let mut clear = BufReader::new(stream);
            clear.write_all(b"220 hello\r\n").await.unwrap();
            listen(&mut clear, "250-here\r\n250 STARTTLS\r\n", &mut told).await;
            for line in &mut told {
                line.insert(0, '!');
            }
            stream = clear.into_inner();
        }
        // A client that does not trust us hangs up.
        let Ok(encrypted) = certificate.shown().accept(stream).await else { return told };
        let mut encrypted: BufReader<Boxed> = BufReader::new(Box::pin(encrypted));
        if at_once {
            encrypted.write_all(b"220 hello\r\n").await.unwrap();
        }
        listen(&mut encrypted, "250-here\r\n250 AUTH PLAIN\r\n", &mut told).await;
        told
    }

    /// Answers until the client hangs up, or wants to go on encrypted.
    async fn listen(stream: &mut BufReader<Boxed>, offers: &str, told: &mut Vec<String>) {
        let mut in_letter = false;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_owned();
            let answer = match line.as_str() {
                "." if in_letter => {
                    in_letter = false;
                    "250 taken\r\n"
                }
                _ if in_letter => "",
                "EHLO expacti" => offers,
                "DATA" => {
                    in_letter = true;
                    "354 go on\r\n"
                }
                _ => "250 fine\r\n",
            };
            let wants_tls = line == "STARTTLS";
            told.push(line);
            stream.write_all(answer.as_bytes()).await.unwrap();
            if wants_tls {
                return;
            }
        }
    }

    /// Hands a letter to a server with a certificate of this name, as a client that trusts `trusted`.
    async fn hand_in_encrypted(
        name: &str,
        trusted: impl FnOnce(&Certificate) -> TlsConnector,
        at_once: bool,
    ) -> (io::Result<()>, Vec<String>) {
        let certificate = Certificate::of(name);
        let tls = trusted(&certificate);
        let (listener, port) = listener().await;
        let server = tokio::spawn(serve_tls(listener, certificate, at_once));
        let user = Some(("me".to_owned(), "secret".to_owned()));
        let mailer = Mailer { host: "mail.example".into(), tls_at_once: at_once, ..mailer(port, user) };
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let done = mailer.talk(stream, &tls, true, "letter").await;
        (done, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_letter_goes_encrypted_from_the_first_byte_or_by_starttls() {
        for at_once in [true, false] {
            let (done, told) = hand_in_encrypted("mail.example", Certificate::trusted, at_once).await;
            done.unwrap();
            let clear: &[&str] = if at_once { &[] } else { &["!EHLO expacti", "!STARTTLS"] };
            let encrypted = ["EHLO expacti", "AUTH PLAIN AG1lAHNlY3JldA==", "MAIL FROM:<gate@example.org>"];
            assert_eq!(told[..clear.len() + 3], [clear, &encrypted].concat(), "at once: {at_once}");
            assert!(told.contains(&"letter".to_owned()), "{told:?}");
        }
    }

    #[tokio::test]
    async fn a_server_that_cannot_show_who_it_is_hears_no_password_and_no_letter() {
        let stranger = |_: &Certificate| Certificate::of("mail.example").trusted();
        for at_once in [true, false] {
            let greeting: &[&str] = if at_once { &[] } else { &["!EHLO expacti", "!STARTTLS"] };
            let (untrusted, told) = hand_in_encrypted("mail.example", stranger, at_once).await;
            let why = untrusted.unwrap_err().to_string();
            assert!(why.contains("UnknownIssuer") || why.contains("BadSignature"), "{why}");
            assert_eq!(told, greeting, "at once: {at_once}");
            let (other_name, told) =
                hand_in_encrypted("elsewhere.example", Certificate::trusted, at_once).await;
            let why = other_name.unwrap_err().to_string();
            assert!(why.contains("not valid for name"), "{why}");
            assert_eq!(told, greeting, "at once: {at_once}");
        }
    }

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn a_message_is_handed_in_for_everybody() {
        let (listener, port) = listener().await;
        let server = tokio::spawn(serve(listener, "250-here\r\n250 AUTH LOGIN PLAIN\r\n"));
        let user = Some(("me".to_owned(), "secret".to_owned()));
        mailer(port, user).hand_in(&message()).await.unwrap();
        let told = server.await.unwrap();
        assert_eq!(
            told[..6],
            [
                "EHLO expacti",
                // printf '\0me\0secret' | base64
                "AUTH PLAIN AG1lAHNlY3JldA==",
                "MAIL FROM:<gate@example.org>",
                "RCPT TO:<a@example.org>",
                "RCPT TO:<b@example.org>",
                "DATA",
            ]
        );
        let at = told.iter().position(String::is_empty).unwrap();
        let body: String = told[at + 1..].iter().take_while(|line| *line != ".").cloned().collect();
        let text = String::from_utf8(BASE64.decode(body).unwrap()).unwrap();
        assert!(text.contains("git push\n.\nQUIT") && text.contains("replaces history"), "{text}");
        assert_eq!(told.iter().filter(|line| *line == "QUIT").count(), 1);
        assert!(told[6..at].iter().all(|line| line.len() <= 100), "{told:?}");
    }

    #[tokio::test]
    async fn a_server_that_does_not_encrypt_hears_nothing() {
        let (listener, port) = listener().await;
        let server = tokio::spawn(serve(listener, "250 here\r\n"));
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let refused =
            mailer(port, None).talk(stream, &connector().unwrap(), true, "letter").await.unwrap_err();
        assert!(refused.to_string().contains("does not encrypt"), "{refused}");
        assert_eq!(server.await.unwrap(), ["EHLO expacti"]);
    }

    #[test]
    fn servers_and_addresses_are_read_strictly() {
        assert_eq!(Mailer::server("smtps://mail.example"), Some(("mail.example".into(), 465, true)));
        assert_eq!(Mailer::server("smtp://[::1]:25"), Some(("::1".into(), 25, false)));
        for wrong in ["http://mail.example", "smtp://", "mail.example", "smtp://mail.example/x"] {
            assert_eq!(Mailer::server(wrong), None, "{wrong}");
        }
        assert!(Mailer::is_address("a+b@example.org"));
        for wrong in ["a", "@b", "a@", "a@b\r\nRCPT TO:<c@d>", "<a@b>", "a b@c"] {
            assert!(!Mailer::is_address(wrong), "{wrong}");
        }
    }
}
