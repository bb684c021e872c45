//! E-mail by SMTP.

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message as Mail, Tokio1Executor};

use super::message::Message;
use super::{Failed, PATIENCE};
use crate::collect::web;
use crate::report::{self, Format, Style};
use crate::serve::config::{Email, SmtpTls};
use crate::serve::store::Notice;

/// Columns of the text part.
const WIDTH: usize = 78;

/// Sends the report as text and as a page. All mails of an incident are one thread.
pub(super) async fn send(email: &Email, notice: &Notice, message: &Message) -> Result<(), Failed> {
    let mail = compose(email, notice.id, message).map_err(Failed::lasting)?;
    let transport = transport(email)?;
    match transport.send(mail).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let why = crate::serve::worker::chain(&error);
            Err(if error.is_permanent() {
                Failed::lasting(why)
            } else {
                Failed::passing(why)
            })
        }
    }
}

/// The mail as it would be sent between two addresses of nobody.
pub(super) fn preview(message: &Message) -> Result<String, String> {
    let email = Email {
        name: "preview".to_owned(),
        smarthost: "localhost:25".to_owned(),
        tls: SmtpTls::None,
        from: "rdiag@example.org".to_owned(),
        to: vec!["oncall@example.org".to_owned()],
        username: None,
        password_file: None,
        password_env: None,
    };
    let mail = compose(&email, 1, message)?;
    Ok(String::from_utf8_lossy(&mail.formatted()).into_owned())
}

fn compose(email: &Email, notice: i64, message: &Message) -> Result<Mail, String> {
    let mailbox = |text: &str| {
        text.parse::<Mailbox>()
            .map_err(|e| format!("{text:?} is no address: {e}"))
    };
    let from = mailbox(&email.from)?;
    let host = from.email.domain().to_owned();
    let thread = format!(
        "<rdiag-incident-{}-{}@{host}>",
        message.incident.id, message.incident.opened_at
    );
    let mut builder = Mail::builder().from(from);
    for to in &email.to {
        builder = builder.to(mailbox(to)?);
    }
    // What does not show is made visible before it gets here, so that no label can begin a new header.
    let subject: String = format!(
        "[{}] {}: {}",
        message.word(),
        message.alert(),
        message.answer()
    )
    .chars()
    .take(200)
    .collect();
    builder = builder
        .subject(subject)
        .message_id(Some(format!(
            "<rdiag-notice-{}-{}@{host}>",
            notice, message.incident.opened_at
        )))
        .in_reply_to(thread.clone())
        .references(thread);
    let mut text = format!(
        "{} {}\n{}\n",
        message.word(),
        message.alert(),
        message.answer()
    );
    if let Some(url) = &message.url {
        text.push_str(&format!("{url}\n"));
    }
    let style = Style {
        width: WIDTH,
        ..Style::default()
    };
    let body = match &message.report {
        Some(found) => {
            text.push_str(&format!("\n{}", report::render(found, Format::Text, style)));
            MultiPart::alternative_plain_html(text, report::render(found, Format::Html, style))
        }
        None => {
            let html = format!("<pre>{}</pre>", report::escape::html(&text));
            MultiPart::alternative_plain_html(text, html)
        }
    };
    builder
        .multipart(body)
        .map_err(|e| format!("the mail could not be made: {e}"))
}

/// Whom to trust: as the other clients do.
fn parameters(host: &str) -> Result<TlsParameters, smtp::Error> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if !web::system_has_roots() {
        for root in web::built_in_roots() {
            builder = builder.add_root_certificate(Certificate::from_der(root.to_vec())?);
        }
    }
    builder.build()
}

fn transport(email: &Email) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failed> {
    let (host, port) = email
        .smarthost
        .rsplit_once(':')
        .unwrap_or((&email.smarthost, "587"));
    let port: u16 = port
        .parse()
        .map_err(|_| Failed::lasting(format!("{:?} is no port", port)))?;
    let parameters =
        || parameters(host).map_err(|e| Failed::lasting(format!("TLS cannot be used: {e}")));
    let tls = match email.tls {
        SmtpTls::Starttls => Tls::Required(parameters()?),
        SmtpTls::Wrapped => Tls::Wrapper(parameters()?),
        SmtpTls::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let Some(user) = &email.username {
        let password = email
            .password()
            .map(|p| p.read())
            .transpose()
            .map_err(Failed::passing)?;
        builder = builder.credentials(Credentials::new(user.clone(), password.unwrap_or_default()));
    }
    Ok(builder.build())
}
