use clap::Args;

use super::output::Output;
use super::stop::stopped;
use super::{Failure, Status};
use crate::models::{FillerChoice, LocalModel, LocalSettings, ModelServer};

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Name in the catalogue, or a GGUF file [default: the catalogue's own]
    model: Option<String>,
    /// Loopback address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8485")]
    listen: String,
    /// The longest conversation with its answer, in tokens
    #[arg(long, value_name = "N", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(512..))]
    context: u32,
}

pub(super) fn run(verb: &Serve, settings: FillerChoice, out: &mut Output<'_>) -> Result<Status, Failure> {
    let named = verb.model.as_deref().map(FillerChoice::parse);
    let choice = FillerChoice { dir: settings.dir.clone(), ..named.unwrap_or(settings) };
    let file = choice.local_file()?;
    let model = LocalModel::open(&file, LocalSettings { context: verb.context, ..LocalSettings::default() })?;
    let server = ModelServer::new(model)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = ModelServer::listen(&verb.listen).await?;
        out.line(format!("listening on http://{}/v1", listener.local_addr()?))?;
        out.flush()?;
        server.serve(listener, stopped()).await?;
        Ok(Status::Done)
    })
}
