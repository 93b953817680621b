//! Embeddings of sentences by a real model. Needs `plancache models pull all-minilm-l6-v2`;
//! without the model, or with `PLANCACHE_SKIP_MODEL=1`, these tests are skipped, and say so.
#![cfg(feature = "embedding")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Write;
use std::time::Instant;

use plancache::matching::Embedder;
use plancache::models::{Catalogue, SentenceEmbedder, default_model_dir};

fn embedder() -> Option<SentenceEmbedder> {
    let catalogue = Catalogue::builtin().unwrap();
    let model = catalogue.find(Some("all-minilm-l6-v2")).unwrap();
    let skip = std::env::var("PLANCACHE_SKIP_MODEL").is_ok_and(|skip| skip == "1");
    let folder = if skip { None } else { model.locate(&default_model_dir().unwrap()) };
    let opened = folder.map(|folder| SentenceEmbedder::open(&folder).unwrap());
    if opened.is_none() {
        // Past the harness, which keeps what a passing test prints to itself.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: the embedder is not tested (PLANCACHE_SKIP_MODEL=1, or `plancache models pull {}` is needed)",
            model.name
        );
    }
    opened
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn like_texts_are_near_and_vectors_have_length_one() {
    let Some(embedder) = embedder() else { return };
    let texts = [
        "How do I get my money back for this order?",
        "I want a refund for what I bought.",
        "The weather in the mountains is cold today.",
        "",
    ];
    let vectors = embedder.embed(&texts).unwrap();
    for vector in &vectors {
        assert_eq!(vector.len(), embedder.dimensions());
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
    }
    let [like, unlike] = [1, 2].map(|other| cosine(&vectors[0], &vectors[other]));
    assert!(like > 0.5 && unlike < 0.2 && like > unlike, "{like} {unlike}");
    assert_eq!(embedder.embed(&texts).unwrap(), vectors);
    assert!(embedder.embed(&[]).unwrap().is_empty());
}

#[test]
fn a_text_has_the_same_vector_in_any_company() {
    let Some(embedder) = embedder() else { return };
    let long = "the order and its items ".repeat(200);
    let many: Vec<String> =
        (0..40).map(|n| format!("order {n} {}", "with more words ".repeat(n % 7))).collect();
    let mut texts: Vec<&str> = many.iter().map(String::as_str).collect();
    texts.push(&long);
    let together = embedder.embed(&texts).unwrap();
    for n in [0, 6, 39, 40] {
        let alone = embedder.embed(&texts[n..=n]).unwrap();
        assert!(cosine(&alone[0], &together[n]) > 0.9999, "{n}");
    }
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let Some(embedder) = embedder() else { return };
    let many: Vec<String> = (0..500)
        .map(|n| format!("Please cancel order {n} since it is {}", "very late and ".repeat(n % 3)))
        .collect();
    let texts: Vec<&str> = many.iter().map(String::as_str).collect();
    let began = Instant::now();
    embedder.embed(&texts).unwrap();
    let _ = writeln!(std::io::stderr(), "{:.0} texts/s", texts.len() as f64 / began.elapsed().as_secs_f64());
}
