//! `rdiag alerts`: rules that can fire.

use rdiag::pack::Version;
use rdiag::serve::rules::{self, Shape, Wanted};

use crate::args::{Common, Output};
use crate::output::{self, Failure};

/// Alert rules for the ring, corrected where upstream's cannot fire
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    rdiag alerts | kubectl apply -n monitoring -f -\n  \
    rdiag alerts --plain > thanos-receive.rules.yaml\n  \
    rdiag alerts --thanos-version 0.36.1 --web.external-url https://rdiag.example")]
pub(crate) struct Args {
    /// A rule file of Prometheus instead of a PrometheusRule
    #[arg(long)]
    plain: bool,
    /// Version of Thanos, for the names and quirks of its metrics; without, rules that fit all
    #[arg(long, value_name = "VERSION")]
    thanos_version: Option<String>,
    /// Matcher of the receivers' series
    #[arg(long, value_name = "MATCHER", default_value_t = Wanted::default().receive)]
    receive: String,
    /// Matcher of their volumes
    #[arg(long, value_name = "MATCHER", default_value_t = Wanted::default().claims)]
    claims: String,
    /// Matcher of their pods
    #[arg(long, value_name = "MATCHER", default_value_t = Wanted::default().pods)]
    pods: String,
    /// Where the pages of `rdiag serve` are, for links in annotations
    #[arg(
        long = "web.external-url",
        alias = "external-url",
        value_name = "URL",
        env = "RDIAG_EXTERNAL_URL"
    )]
    external_url: Option<String>,
}

pub(crate) fn run(common: &Common, args: &Args) -> Result<bool, Failure> {
    let version = args.thanos_version.as_deref().map(|text| {
        Version::parse(text).ok_or_else(|| {
            Failure::Usage(format!(
                "--thanos-version {text}: not a version; write it like 0.38.0"
            ))
        })
    });
    let wanted = Wanted {
        version: version.transpose()?,
        receive: args.receive.clone(),
        claims: args.claims.clone(),
        pods: args.pods.clone(),
        external_url: args.external_url.clone(),
    };
    let shape = if args.plain {
        Shape::Plain
    } else {
        Shape::Operator
    };
    match common.output {
        Output::Text | Output::Yaml => output::print(rules::yaml(&wanted, shape).as_bytes())?,
        Output::Json => output::print_json(&rules::json(&wanted, shape))?,
        _ => {
            return Err(Failure::Usage(
                "alerts are printed as yaml or json".to_owned(),
            ));
        }
    }
    Ok(false)
}
