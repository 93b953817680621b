use maud::{Markup, html};

use super::{anchor, charts, chips, tables};
use crate::report::ResultFile;
use crate::report::markdown::about;

/// All about one result.
pub(super) fn section(file: &ResultFile) -> Markup {
    html! {
        section id=(anchor(file)) {
            h2 { (file.name) }
            p.chips { (chips(file)) }
            @if let Some(definition) = &file.definition {
                p.lead { (definition.about) "." }
            }
            p.quiet { (about(file)) }
            div.plots {
                (charts::cost_and_success(file))
                (charts::ceilings(file))
                (charts::hits_along_the_stream(file))
                (charts::wrong_along_the_stream(file))
                (charts::reasons(file))
                (charts::slots(file))
                (charts::times(file))
            }
            h3 { "All systems" }
            (tables::systems(file))
            @if let Some(definition) = &file.definition {
                p.quiet {
                    "Success: " (definition.success) ". Data: " (definition.origin) "."
                    @for caveat in &definition.caveats { " But: " (caveat) }
                }
            }
        }
    }
}
