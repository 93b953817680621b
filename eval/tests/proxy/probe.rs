use plancache::config::Proxy as Settings;
use plancache::proxy::probe;

use crate::world::World;

fn settings(base_url: &str) -> Settings {
    let mut settings = Settings::default();
    let upstream = toml::from_str(&format!("base_url = '{base_url}'")).unwrap();
    settings.upstreams.insert("u".into(), upstream);
    settings
}

#[tokio::test]
async fn what_a_planner_needs_is_found_out() {
    let world = World::start().await;
    let settings = settings(&format!("http://{}/v1", world.upstream));
    let found = probe(&settings, "fixed").await.unwrap();
    assert!(found.len() == 3 && found.iter().all(|finding| finding.good), "{found:?}");
    // A provider that takes no history but its own.
    let found = probe(&settings, "recorded").await.unwrap();
    let last = found.last().unwrap();
    assert!(!last.good && last.remedy.as_ref().unwrap().contains("serve = false"), "{found:?}");
}

#[tokio::test]
async fn a_planner_that_cannot_be_reached_is_said() {
    let found = probe(&settings("http://127.0.0.1:9/v1"), "any").await.unwrap();
    assert_eq!((found.len(), found[0].good), (1, false), "{found:?}");
}
