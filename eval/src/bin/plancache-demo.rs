//! The demo (see `plancache_eval::demo`).

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;
use plancache_eval::demo::{Options, Screen, Stage, run};

#[tokio::main]
async fn main() -> ExitCode {
    match demo(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output had enough of it.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "plancache-demo: {error}");
            ExitCode::from(2)
        }
    }
}

async fn demo(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut log = options
        .log
        .as_ref()
        .map(|path| File::create(path).map_err(|e| format!("the log {} cannot be made: {e}", path.display())))
        .transpose()?
        .map(BufWriter::new);
    let stage = Stage::set(options).await?;
    let mut screen = Screen::new(stage.tasks(), options.json);
    let mut broken = Ok(());
    let report = run(&stage, options, |result| {
        let logged = log.as_mut().map_or(Ok(()), |log| writeln!(log, "{}", result.log_line()));
        let shown = screen.task(result);
        if broken.is_ok() {
            broken = logged.and(shown);
        }
    })
    .await?;
    broken?;
    if let Some(mut log) = log {
        log.flush()?;
    }
    screen.summary(&report)?;
    screen.next_steps(options.store.as_deref())?;
    Ok(())
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}
