use tracing_subscriber::EnvFilter;

/// Writes log lines to standard error, filtered by `PLANCACHE_LOG` (as `warn,plancache=debug`),
/// else by `default`. `json` writes one object a line. Does nothing if logging was set up before.
pub fn log_to_stderr(default: &str, json: bool) {
    let filter = EnvFilter::try_from_env("PLANCACHE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set_up = if json { lines.json().try_init() } else { lines.try_init() };
    // Another subscriber is already there: the host program's own, which is to be kept.
    drop(set_up);
}
