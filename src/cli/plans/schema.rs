use crate::cli::output::Output;
use crate::cli::{Failure, Status};
use crate::domain::Template;

pub(super) fn run(out: &mut Output<'_>) -> Result<Status, Failure> {
    out.value(&schemars::schema_for!(Template))?;
    Ok(Status::Done)
}
