//! Kills a process that admits templates, again and again, and looks at what it left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "support/records.rs"]
mod records;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use plancache::domain::{Namespace, TemplateId};
use plancache::store::{Change, SledStore, Store, WordCount};
use records::record;

const ROUNDS: u64 = 20;
const FOLDER: &str = "PLANCACHE_KILL9_FOLDER";
const ROUND: &str = "PLANCACHE_KILL9_ROUND";

fn id(round: u64, n: u64) -> String {
    format!("r{round}-t{n}")
}

/// The n-th change of a round: a new template; every third time the one before it gets another
/// keyword, every fifth time the one two before goes; and a count of how many there were.
fn change(round: u64, n: u64) -> Change {
    let mut change = Change::default();
    change.put.push(record("acme", &id(round, n), &["order", &format!("word{}", n % 7)], n));
    if n % 3 == 2 {
        change.put.push(record("acme", &id(round, n - 1), &["order", "merged"], n));
    }
    if n % 5 == 4 {
        change.remove.push((Namespace::new("acme"), TemplateId::new(id(round, n - 2))));
    }
    let (namespace, word) = (Namespace::new("acme"), format!("round{round}"));
    change.words.push(WordCount { namespace, word, tasks: n as u32 + 1 });
    change
}

/// Not a test of its own: [`twenty_kills_lose_nothing_acknowledged`] starts it as the process
/// that it kills. It never ends by itself.
#[test]
#[ignore = "the process that the other test kills"]
fn writer() {
    let folder = std::env::var(FOLDER).expect("run by twenty_kills_lose_nothing_acknowledged");
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SledStore::open(folder).unwrap();
        let mut out = std::io::stdout();
        for n in 0.. {
            store.apply(change(round, n)).await.unwrap();
            writeln!(out, "\nacknowledged {n}").unwrap();
            out.flush().unwrap();
        }
    });
}

fn start(folder: &Path, round: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["writer", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets a writer work for a while after its first acknowledgement, then kills it with SIGKILL;
/// says how many changes were acknowledged.
fn kill_after(mut writer: Child, wait: Duration) -> u64 {
    let out = writer.stdout.take().unwrap();
    let (tell, told) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let acknowledged = BufReader::new(out)
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok())
            .inspect(|n| {
                let _ = tell.send(*n);
            });
        acknowledged.last()
    });
    told.recv_timeout(Duration::from_secs(30)).expect("the writer acknowledges something");
    std::thread::sleep(wait);
    writer.kill().unwrap();
    writer.wait().unwrap();
    reader.join().unwrap().unwrap() + 1
}

/// A fixed series of numbers without a pattern (xorshift).
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[tokio::test]
async fn twenty_kills_lose_nothing_acknowledged() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("store");
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let mut changes: Vec<(u64, u64)> = Vec::new();
    for round in 0..ROUNDS {
        let wait = Duration::from_micros(random(&mut seed) % 60_000);
        let acknowledged = kill_after(start(&folder, round), wait);
        // Some are killed at once, most of them while they open the store.
        let hasty = ROUNDS + round;
        if round % 4 == 3 {
            let mut writer = start(&folder, hasty);
            std::thread::sleep(Duration::from_micros(random(&mut seed) % 12_000));
            writer.kill().unwrap();
            writer.wait().unwrap();
        }

        let store = SledStore::open(&folder).expect("the store opens after a kill");
        let loaded = store.load().await.unwrap();
        assert!(loaded.set_aside.is_empty(), "{:?}", loaded.set_aside);
        assert!(!loaded.index_rebuilt, "round {round}: the index disagreed with the records");
        let done = |round: u64| {
            let word = format!("round{round}");
            loaded.words.iter().find(|count| count.word == word).map_or(0, |count| count.tasks.into())
        };
        changes.extend([(round, done(round)), (hasty, done(hasty))]);
        let done = done(round);
        assert!(
            done == acknowledged || done == acknowledged + 1,
            "round {round}: {acknowledged} changes were acknowledged, {done} are there"
        );

        // What is there is exactly what these changes make: nothing lost, nothing by halves.
        let model = plancache::store::MemoryStore::new();
        for &(round, done) in &changes {
            for n in 0..done {
                model.apply(change(round, n)).await.unwrap();
            }
        }
        let expected = model.load().await.unwrap();
        assert!(loaded.records == expected.records, "round {round}: the records differ");
        assert_eq!(loaded.words, expected.words);
        for keyword in ["order", "merged", "word3"] {
            let namespace = Namespace::new("acme");
            assert_eq!(
                store.postings(&namespace, keyword).await.unwrap(),
                model.postings(&namespace, keyword).await.unwrap()
            );
        }
    }
    println!("changes kept per round: {changes:?}");
}
