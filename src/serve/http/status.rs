//! The page about the server itself.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::pages::{page, plural, size};
use super::{Refusal, Web};
use crate::serve::app::App;
use crate::serve::store::StoreError;

#[derive(Template)]
#[template(path = "status.html", config = "src/serve/templates/askama.toml")]
struct StatusPage {
    here: &'static str,
    groups: Vec<StatusGroup>,
}

struct StatusGroup {
    heading: &'static str,
    rows: Vec<(String, String)>,
}

/// How the server itself does.
pub(super) async fn status(State(web): State<Web>) -> Result<Response, Refusal> {
    let groups = web.app.blocking(status_groups).await?;
    page(&StatusPage {
        here: "status",
        groups,
    })
}

#[expect(clippy::too_many_lines, reason = "one table")]
fn status_groups(app: &App) -> Result<Vec<StatusGroup>, StoreError> {
    let counts = app.store.counts()?;
    let config = &app.config;
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let days = |duration: std::time::Duration| {
        plural(
            i64::try_from(duration.as_secs() / 86_400).unwrap_or(0),
            "day",
        )
    };
    let pack = app.engine.pack();
    let receivers = config
        .receivers
        .iter()
        .map(|r| pair(&r.name, r.way.word().to_owned()))
        .collect();
    let groups = vec![
        StatusGroup {
            heading: "Work",
            rows: vec![
                pair(
                    "Incidents",
                    format!("{} firing, {} resolved", counts.firing, counts.resolved),
                ),
                pair("Waiting for a first look", counts.to_look_at.to_string()),
                pair(
                    "Deliveries since the start",
                    app.metrics.deliveries().to_string(),
                ),
                pair("Notifications waiting", counts.notices.to_string()),
                pair("Notifications given up", counts.given_up.to_string()),
            ],
        },
        StatusGroup {
            heading: "Server",
            rows: vec![
                pair("Version", env!("CARGO_PKG_VERSION").to_owned()),
                pair("Looks at", config.source.describe()),
                pair(
                    "Pack",
                    format!(
                        "{} signatures, {} causes",
                        pack.signatures.len(),
                        pack.causes.len()
                    ),
                ),
                pair(
                    "Bundles",
                    format!(
                        "{}, kept {}",
                        size(counts.bundle_bytes),
                        days(config.keep_bundles)
                    ),
                ),
                pair("Closed incidents kept", days(config.keep_incidents)),
                pair(
                    "Asks for credentials",
                    if config.asks_for_credentials() {
                        "yes"
                    } else {
                        "no"
                    }
                    .to_owned(),
                ),
            ],
        },
        StatusGroup {
            heading: "Who is told",
            rows: receivers,
        },
    ];
    Ok(groups
        .into_iter()
        .filter(|group| !group.rows.is_empty())
        .collect())
}
