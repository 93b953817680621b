//! rig, through Responses. What `python/harness.py` says holds here too.

use std::env;

use reqwest::header::{HeaderMap, HeaderValue};
use rig::client::CompletionClient;
use rig::completion::{Prompt, ToolDefinition};
use rig::providers::openai;
use rig::tool::Tool;
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

const SYSTEM: &str = "You help the customers of the shop of rig. Use the tools.";
const NEEDED: [&str; 4] = [
    "find_user_id_by_name_zip",
    "find_user_id_by_email",
    "get_order_details",
    "return_delivered_order_items",
];

#[derive(Debug)]
struct Failed(String);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

/// A tool of the shop, as the shop describes it.
struct ShopTool {
    described: Value,
    url: String,
}

impl Tool for ShopTool {
    const NAME: &'static str = "shop";
    type Error = Failed;
    type Args = Value;
    type Output = Value;

    fn name(&self) -> String {
        self.described["name"].as_str().unwrap_or_default().to_owned()
    }

    async fn definition(&self, _: String) -> ToolDefinition {
        ToolDefinition {
            name: self.name(),
            description: self.described["description"].as_str().unwrap_or_default().to_owned(),
            parameters: self.described["parameters"].clone(),
        }
    }

    async fn call(&self, arguments: Value) -> Result<Value, Failed> {
        let body = json!({"tool": self.name(), "arguments": arguments});
        let failed = |error: reqwest::Error| Failed(error.to_string());
        let sent = reqwest::Client::new().post(&self.url).json(&body).send().await.map_err(failed)?;
        let said: Value = sent.json().await.map_err(failed)?;
        let text = said["text"].as_str().unwrap_or_default();
        Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
    }
}

async fn get(url: String) -> Result<Value, Failure> {
    Ok(reqwest::get(url).await?.json().await?)
}

async fn post(url: String, body: Value) -> Result<Value, Failure> {
    Ok(reqwest::Client::new().post(url).json(&body).send().await?.json().await?)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (upstream, proxy) = (env::var("PLANCACHE_TEST_UPSTREAM")?, env::var("PLANCACHE_TEST_PROXY")?);
    let root = upstream.trim_end_matches("/v1");
    let control = proxy.trim_end_matches("/v1");
    let tools = get(format!("{root}/shop/tools")).await?;
    let tasks = get(format!("{root}/shop/tasks")).await?;
    let wanted = |task: &&Value| {
        let text = task["instruction"].as_str().unwrap_or_default();
        text.contains(" Return #") && text.matches('#').count() == 1 && !text.contains(" Cancel ")
            && !text.contains("odify")
    };
    let (mut hits, mut forwarded) = (0, 0);
    for (nth, task) in tasks.as_array().into_iter().flatten().filter(wanted).take(40).enumerate() {
        if hits == 3 {
            break;
        }
        let run = format!("rig-{nth}");
        let mut headers = HeaderMap::new();
        headers.insert("x-plancache-run-id", HeaderValue::from_str(&run)?);
        let http = reqwest::Client::builder().default_headers(headers).build()?;
        let client = openai::Client::builder("unused").base_url(&proxy).with_client(http).build();
        let mut agent = client.agent("recorded").preamble(SYSTEM).tool(ShopTool {
            described: tools[0]["function"].clone(),
            url: String::new(),
        });
        for tool in tools.as_array().into_iter().flatten() {
            let described = tool["function"].clone();
            if NEEDED.iter().any(|name| described["name"] == *name) {
                agent = agent.tool(ShopTool { described, url: format!("{root}/shop/{run}/call") });
            }
        }
        let before = get(format!("{root}/fixture/counts")).await?["planned"].clone();
        let instruction = task["instruction"].as_str().unwrap_or_default();
        let answer: String = agent.build().prompt(instruction).multi_turn(20).await?;
        let planned = get(format!("{root}/fixture/counts")).await?["planned"].clone() != before;
        let said = json!({"task_id": task["task_id"], "said": answer});
        let verdict = post(format!("{root}/shop/{run}/verdict"), said).await?;
        assert_eq!(verdict["right"], true, "{verdict}");
        let outcome = json!({"outcome": "success", "wait": true});
        let report = post(format!("{control}/plancache/runs/{run}/outcome"), outcome).await?;
        if report["kind"] == "hit" {
            assert!(!planned, "{report}");
            hits += 1;
        } else {
            assert!(nth > 0 || report["kind"] == "miss", "{report}");
            forwarded += i32::from(report["kind"] == "miss");
        }
    }
    println!("rig: {forwarded} runs forwarded and learnt, {hits} served whole, all right");
    assert_eq!(hits, 3, "too few runs were served");
    Ok(())
}
