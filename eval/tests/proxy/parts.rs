//! Tasks of which a part is not known, through the proxy: the planner is asked for that part only.

use plancache::policy::{Policy, Uncovered};
use plancache_agents::fixture::{Fault, Instead};
use plancache_eval::tasks::TaskInput;

use crate::agent::{Agent, Api, Ended};
use crate::world::{World, data};

/// What no run that is learnt from asks for.
const UNKNOWN: [&str; 2] = [" change address to ", " change payment to "];

fn is_known(task: &TaskInput) -> bool {
    !UNKNOWN.iter().any(|words| task.instruction.contains(words))
}

/// Tasks that ask for another address between other wishes.
fn in_the_middle() -> impl Iterator<Item = &'static TaskInput> {
    let [address, payment] = UNKNOWN;
    data().tasks.iter().filter(move |task| {
        let text = &task.instruction;
        text.contains(address) && !text.contains(payment) && text.contains(" modify ")
    })
}

async fn taught(policy: Policy) -> World {
    // What is said where no template says anything is no answer to what was shared.
    let world = World::under(policy, |settings| settings.answer_text = Some("It is done.".into())).await;
    for task in data().tasks.iter().filter(|task| is_known(task)).take(150) {
        let agent = Agent::new(&world, Api::Chat, false).saying("x-plancache-outcome", "success");
        right(task, &agent.run(&world, task).await);
    }
    world.flush().await;
    world.fixture.take_seen();
    world
}

fn right(task: &TaskInput, ended: &Ended) {
    let verdict = data().scorer.judge(&task.task_id, &ended.shop, Some(&ended.answer));
    assert!(verdict.is_right(), "{}: {:?} {:?}", task.task_id, ended.did, ended.tools);
}

#[tokio::test]
async fn the_planner_is_asked_for_its_part_through_every_endpoint() {
    let world = taught(Policy { uncovered: Uncovered::Planner, ..Policy::default() }).await;
    let forms = [(Api::Chat, false), (Api::Chat, true), (Api::Responses, false), (Api::Responses, true)];
    let mut parts = 0;
    for task in in_the_middle().take(6) {
        let mut forms = forms.into_iter();
        let (api, stream) = forms.next().unwrap();
        let before = world.fixture.counts();
        let ended = Agent::new(&world, api, stream).run(&world, task).await;
        let after = world.fixture.counts();
        right(task, &ended);
        let seen = world.fixture.take_seen();
        let asked_for_part = |body: &[u8]| String::from_utf8_lossy(body).contains("Your part is");
        let narrow = seen.iter().filter(|seen| asked_for_part(&seen.body)).count();
        let did = |word: &str| ended.did.iter().filter(|did| *did == word).count();
        for (api, stream) in forms {
            let again = Agent::new(&world, api, stream).run(&world, task).await;
            assert_eq!((&again.did, &again.tools), (&ended.did, &ended.tools), "{api:?} {stream}");
            right(task, &again);
        }
        world.fixture.take_seen();
        if did("HIT") == 0 || narrow == 0 {
            continue;
        }
        parts += 1;
        // The calls for the part, its end (which no client sees), and the answer to the task.
        assert_eq!(did("PART") as u64, after.planned - before.planned, "{:?}", ended.did);
        assert_eq!(narrow, did("PART") + 1, "{:?}", ended.did);
        assert_eq!(ended.ids.iter().filter(|id| id.starts_with("pc_")).count(), did("HIT"));
        assert!(did("HIT") > did("PART") && ended.did.last().unwrap() == "MISS", "{:?}", ended.did);
        assert_eq!(ended.answer, "Done.");
    }
    assert!(parts >= 3, "{parts}");
    let metrics = world.metrics().await;
    assert!(metrics.contains("result=\"hit_planner_part\",reason=\"part\""), "{metrics}");
}

#[tokio::test]
async fn a_planner_that_fails_at_its_part_is_asked_for_it_again() {
    let world = taught(Policy { uncovered: Uncovered::Planner, ..Policy::default() }).await;
    for (fault, task) in [Fault::TooMany, Fault::Reset].into_iter().zip(in_the_middle()) {
        let agent = Agent { patient: true, ..Agent::new(&world, Api::Chat, true) };
        // What is known is served before, so that the first request to the planner is for the part.
        world.fixture.next([Instead::Fault(fault)]);
        let ended = agent.run(&world, task).await;
        right(task, &ended);
        let seen = world.fixture.take_seen();
        assert_eq!(seen[0].body, seen[1].body, "{fault:?}: the same is asked again");
        assert!(ended.did.iter().any(|did| did == "PART"), "{fault:?}: {:?}", ended.did);
    }
}
