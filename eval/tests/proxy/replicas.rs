use crate::agent::{Agent, Api};
use crate::serving::{next_hit, taught};
use crate::world::World;

#[tokio::test]
async fn two_proxies_serve_alternating_steps_of_one_run() {
    let world = World::with(|settings| settings.answer_text = Some("It is done.".into())).await;
    let mut tasks = taught(&world).await;
    let (_, other) = world.replica().await;
    for (api, stream) in [(Api::Chat, false), (Api::Responses, true)] {
        let mut agent = Agent::new(&world, api, stream);
        agent.addresses = vec![world.address, other];
        let (ended, task) = next_hit(&world, &agent, &mut tasks).await;
        assert!(ended.is_hit(), "{:?}", ended.did);
        assert!(ended.tools.len() >= 3);
        let right = crate::world::data().scorer.judge(&task.task_id, &ended.shop, Some(&ended.answer));
        assert!(right.is_right(), "{right:?}");
    }
}

#[tokio::test]
async fn a_run_of_the_planner_is_not_taken_over_by_a_replica() {
    let world = World::start().await;
    let mut tasks = taught(&world).await;
    let (_, task) = next_hit(&world, &Agent::new(&world, Api::Chat, false), &mut tasks).await;
    let (_, other) = world.replica().await;
    // The first step is the planner's, at one proxy; the others are asked of the other one.
    let mut agent = Agent::new(&world, Api::Chat, false);
    agent.addresses = vec![world.upstream, other, other, other, other, other, other, other];
    let ended = agent.run(&world, task).await;
    assert!(ended.did[1..].iter().all(|did| did == "BYPASS"), "{:?}", ended.did);
}

#[tokio::test]
async fn a_run_under_way_survives_a_restart() {
    let mut world = World::with(|settings| settings.answer_text = Some("It is done.".into())).await;
    let mut tasks = taught(&world).await;
    let (_, task) = next_hit(&world, &Agent::new(&world, Api::Chat, true), &mut tasks).await;
    let mut agent = Agent::new(&world, Api::Chat, true);
    let before = world.address;
    world.restart().await;
    // The first step comes from the proxy before, all others from the one after.
    agent.addresses = [before].into_iter().chain(std::iter::repeat_n(world.address, 20)).collect();
    let ended = agent.run(&world, task).await;
    assert!(ended.is_hit(), "{:?}", ended.did);
}
