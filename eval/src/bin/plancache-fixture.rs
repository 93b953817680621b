//! A provider that answers with recorded runs, and the shop whose tools they call: what
//! `make test-clients` and the latency measurements run against.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use plancache::domain::EffectClass;
use plancache_agents::fixture::Fixture;
use plancache_agents::import::{read_effects, read_runs, read_tools};
use plancache_agents::retail::Retail;
use plancache_agents::tokens::Prompt;
use plancache_eval::score::Scorer;
use plancache_eval::shop::{Shop, beside};
use plancache_eval::tasks::read_tasks;
use tokio::net::TcpListener;

/// Serves recorded runs as an OpenAI-compatible provider.
#[derive(Debug, Parser)]
#[command(name = "plancache-fixture", version)]
struct Options {
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// Folder with db/, tools.json, effects.toml, tasks and recorded runs
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Milliseconds to think before each answer
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "plancache-fixture: {error}");
            ExitCode::from(2)
        }
    }
}

async fn serve(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("data/retail");
    let data = options.data.clone().unwrap_or_else(own);
    let tasks = data.join("tasks_train.jsonl");
    let (described, tools) = read_tools(&data.join("tools.json"))?;
    let runs = read_runs(&data.join("tau_retail_oracle.jsonl"), &tools)?;
    let effects = read_effects(&data.join("effects.toml"))?;
    let reads: Vec<String> =
        effects.into_iter().filter(|(_, class)| *class == EffectClass::Read).map(|(tool, _)| tool).collect();
    let prompt = Prompt { system: String::new(), tools: described.clone() };
    let fixture = Fixture::new(runs, reads, prompt).with_delay(Duration::from_millis(options.delay_ms));
    let fresh = Retail::load(&data)?;
    let scorer = Scorer::load(&tasks, fresh.clone())?;
    let shop = Shop::new(fresh, scorer, read_tasks(&tasks)?, described);
    let listener = TcpListener::bind(&options.listen).await?;
    {
        use std::io::Write as _;
        writeln!(std::io::stdout(), "listening on http://{}/v1", listener.local_addr()?)?;
    }
    fixture.serve_with(listener, beside(shop)).await?;
    Ok(())
}
