//! Tracing and metrics: how the process talks to its operators. Knows no module of ours but `config`.

use crate::config::Log;
use crate::config::LogFormat;
use metrics_exporter_prometheus::Matcher;
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_exporter_prometheus::PrometheusHandle;
use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// What of others' log lines is noise; `log.level` comes after it and may say otherwise.
const QUIET: &str = "qdrant_edge=error";
/// Seconds; from a cache hit to a long answer on a CPU.
const BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// How often measurements are added up.
const UPKEEP: Duration = Duration::from_secs(30);

/// Begins to write log lines to standard error; a second call changes nothing.
pub fn start_logging(log: &Log) {
    // The embedded engine warns at every poll that flags of its server are not set; only its errors concern anybody.
    let directives = format!("{QUIET},{}", log.level);
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let _already_started = match log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

/// The process's metrics, in Prometheus's text form through [`PrometheusHandle::render`].
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)
                .expect("the buckets are not empty")
                .install_recorder()
                .expect("the only recorder of this process")
        })
        .clone()
}

/// Until stopped, adds up what was measured since somebody last asked, so that it takes no memory where nobody does.
pub async fn keep_metrics(stop: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        metrics().run_upkeep();
    }
}
