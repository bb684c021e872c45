//! E-mail, to a stand-in for a mail server.

use rdiag::serve::config::{Email, SmtpTls};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::*;

/// Takes mails; the first attempts are put off, as greylisting does.
async fn mail_server(put_off: usize) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, mails) = (
        listener.local_addr().unwrap(),
        Arc::<Mutex<Vec<String>>>::default(),
    );
    let kept = mails.clone();
    tokio::spawn(async move {
        let mut left = put_off;
        while let Ok((stream, _)) = listener.accept().await {
            let refuse = left > 0;
            left = left.saturating_sub(1);
            let _ = talk(stream, refuse, &kept).await;
        }
    });
    (address, mails)
}

async fn talk(stream: TcpStream, refuse: bool, kept: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await?;
    let mut line = String::new();
    let mut data: Option<String> = None;
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match (&mut data, line.as_str()) {
            (Some(text), ".\r\n") => {
                kept.lock().unwrap().push(std::mem::take(text));
                data = None;
                "250 taken\r\n"
            }
            (Some(text), line) => {
                text.push_str(line);
                continue;
            }
            (None, line) if line.starts_with("EHLO") => "250-test\r\n250 8BITMIME\r\n",
            (None, line) if line.starts_with("RCPT") && refuse => "450 later\r\n",
            (None, line) if line.starts_with("DATA") => {
                data = Some(String::new());
                "354 go on\r\n"
            }
            (None, line) if line.starts_with("QUIT") => return Ok(()),
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

#[tokio::test]
async fn a_mail_is_sent_again_until_it_is_taken_and_no_label_becomes_a_header() {
    let folder = TempDir::new().unwrap();
    let (address, mails) = mail_server(1).await;
    let mut telling = config(folder.path());
    telling.receivers = vec![Receiver {
        name: "mail".to_owned(),
        way: Way::Email(Email {
            name: "mail".to_owned(),
            smarthost: address.to_string(),
            tls: SmtpTls::None,
            from: "rdiag <rdiag@corp.test>".to_owned(),
            to: vec!["oncall@corp.test".to_owned()],
            username: None,
            password_file: None,
            password_env: None,
        }),
    }];
    let server = Server::start(telling, PACK.clone()).await.unwrap();
    let at = server.address();
    let mut payload = delivery("g", "firing", vec![alert("Down", "f", "firing")]);
    payload["commonLabels"]["alertname"] =
        json!("Down\r\nBcc: everybody@corp.test\r\n\r\n<script>");
    assert_eq!(post(at, &payload).await, 202);
    let taken = async {
        while mails.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, taken)
        .await
        .expect("it is taken");
    let mail = mails.lock().unwrap()[0].clone();
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("Subject: ") && head.contains("To: oncall@corp.test"),
        "{head}"
    );
    assert!(
        !head
            .to_lowercase()
            .lines()
            .any(|line| line.starts_with("bcc:")),
        "{head}"
    );
    assert!(
        body.contains("text/html") && body.contains("disk-full"),
        "{body}"
    );
    server.stop().await;
}
