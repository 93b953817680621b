#[cfg(feature = "proxy")]
mod upstream;

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::output::Output;
use super::session::{Access, Session};
use super::{Common, Failure, Status};
use crate::config::Config;
use crate::domain::{Lifecycle, TemplateRecord};
use crate::models::Catalogue;
use crate::validate;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Also ask the planner's endpoint that serves this model what settings it needs: four short
    /// requests, which the provider charges for
    #[cfg(feature = "proxy")]
    #[arg(long, value_name = "MODEL")]
    upstream: Option<String>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Good,
    /// Works, but not as well as it could.
    Note,
    Bad,
}

fn good(what: &'static str, found: String) -> Check {
    Check { what, state: State::Good, found, remedy: None }
}

fn note(what: &'static str, found: String, remedy: impl Into<String>) -> Check {
    Check { what, state: State::Note, found, remedy: Some(remedy.into()) }
}

fn bad(what: &'static str, found: String, remedy: impl Into<String>) -> Check {
    Check { what, state: State::Bad, found, remedy: Some(remedy.into()) }
}

pub(super) fn run(verb: &Doctor, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
    let mut checks = Vec::new();
    match Config::load(common.config.as_deref(), common.overrides()) {
        Err(error) => checks.push(bad("settings", super::chain(&error), "correct the settings file")),
        Ok(config) => {
            checks.push(settings(common, &config));
            match Session::open(common, Access::Read) {
                Err(error) => checks.push(bad("store", error.to_string(), "see above")),
                Ok(session) => store(&session, &mut checks),
            }
            checks.push(model(&config));
            verb.upstream(&config, &mut checks);
        }
    }
    let sick = checks.iter().any(|check| check.state == State::Bad);
    if out.json() {
        out.value(&checks)?;
    } else {
        for check in &checks {
            let mark = match check.state {
                State::Good => "good",
                State::Note => "note",
                State::Bad => "BAD ",
            };
            out.line(format!("{mark}  {}: {}", check.what, check.found))?;
            if let Some(remedy) = &check.remedy {
                out.line(format!("      {remedy}"))?;
            }
        }
    }
    Ok(if sick { Status::Findings } else { Status::Done })
}

impl Doctor {
    #[cfg(feature = "proxy")]
    fn upstream(&self, config: &Config, checks: &mut Vec<Check>) {
        if let Some(model) = &self.upstream {
            upstream::checks(config, model, checks);
        }
    }

    #[cfg(not(feature = "proxy"))]
    fn upstream(&self, _: &Config, _: &mut [Check]) {}
}

fn settings(common: &Common, config: &Config) -> Check {
    let default = Path::new(crate::config::DEFAULT_FILE);
    let from = match &common.config {
        Some(path) => path.display().to_string(),
        None if default.is_file() => default.display().to_string(),
        None => "defaults".to_owned(),
    };
    good(
        "settings",
        format!("{from}, mode {:?}, namespace {}", config.policy.mode, config.namespace).to_lowercase(),
    )
}

fn store(session: &Session, checks: &mut Vec<Check>) {
    let folder = session.folder.display();
    if !session.folder.exists() {
        checks.push(note(
            "store",
            format!("{folder} does not exist yet"),
            "it is made when the first run is learnt: `plancache runs import`, or a layer in an agent",
        ));
        return;
    }
    let aside = session.engine.set_aside();
    if aside.is_empty() {
        checks.push(good("store", format!("{folder} opens, nothing is set aside")));
    } else {
        let listed: Vec<String> = aside.iter().map(|a| format!("{} ({})", a.key, a.why)).collect();
        checks.push(bad(
            "store",
            format!("{} records could not be read: {}", aside.len(), listed.join("; ")),
            "they are kept aside and not used; what they taught is learnt again from new runs",
        ));
    }
    let records = session.engine.templates(None);
    checks.push(templates(&records));
    if let Some(check) = effects(session, &records) {
        checks.push(check);
    }
}

fn templates(records: &[std::sync::Arc<TemplateRecord>]) -> Check {
    let invalid: Vec<String> = records
        .iter()
        .filter_map(|r| Some(format!("{}: {}", r.template.id, validate::template(&r.template).err()?)))
        .collect();
    let of = |state| records.iter().filter(|r| r.state == state).count();
    let found = format!(
        "{} plans: {} active, {} candidates, {} quarantined",
        records.len(),
        of(Lifecycle::Active),
        of(Lifecycle::Candidate),
        of(Lifecycle::Quarantined)
    );
    if !invalid.is_empty() {
        return bad(
            "plans",
            invalid.join("; "),
            "export and correct them, or remove them with `plancache plans rm`",
        );
    }
    match of(Lifecycle::Quarantined) {
        0 => good("plans", found),
        _ => note(
            "plans",
            found,
            "look at those quarantined with `plancache plans list`; remove what is wrong",
        ),
    }
}

/// Tools that plans call but whose effect nobody configured: they count as writes.
fn effects(session: &Session, records: &[std::sync::Arc<TemplateRecord>]) -> Option<Check> {
    let known = &session.config.policy.effects;
    let called: BTreeSet<&str> =
        records.iter().flat_map(|r| &r.template.steps).map(|step| step.tool.as_str()).collect();
    let unknown: Vec<&str> = called.iter().copied().filter(|tool| !known.contains_key(*tool)).collect();
    if called.is_empty() {
        return None;
    }
    Some(if unknown.is_empty() {
        good("effects", format!("all {} tools that plans call are classed", called.len()))
    } else {
        note(
            "effects",
            format!("tools without a class, which count as writes: {}", unknown.join(", ")),
            "class them under [policy.effects] in the settings as read, write or destructive; \
             plans that only read are served after fewer successes",
        )
    })
}

fn model(config: &Config) -> Check {
    if let Some(endpoint) = &config.model.endpoint {
        return match config.model.open() {
            Ok(_) => good("model", format!("{} at {}", endpoint.model, endpoint.base_url)),
            Err(error) => bad("model", super::chain(&error), "correct `model.endpoint` in the settings"),
        };
    }
    if let Some(file) = &config.model.file {
        return if file.is_file() {
            good("model", format!("the file {} is here", file.display()))
        } else {
            bad(
                "model",
                format!("there is no file {}", file.display()),
                "correct `model.file` in the settings",
            )
        };
    }
    let catalogue = match Catalogue::builtin() {
        Ok(catalogue) => catalogue,
        Err(error) => return bad("model", error.to_string(), "report this"),
    };
    let model = match catalogue.find(config.model.name.as_deref()) {
        Ok(model) => model,
        Err(error) => return bad("model", error.to_string(), "correct `model.name` in the settings"),
    };
    if !cfg!(feature = "local-model") {
        return note(
            "model",
            "this program was built without a local model: what exact binding cannot fill is a miss"
                .to_owned(),
            "build it with the feature `local-model`",
        );
    }
    match config.model.model_dir().and_then(|dir| model.locate(&dir)) {
        Some(path) => good("model", format!("{} is at {}", model.name, path.display())),
        None => note(
            "model",
            format!("{} is not here: what exact binding cannot fill is a miss", model.name),
            "fetch it with `plancache models pull`",
        ),
    }
}
