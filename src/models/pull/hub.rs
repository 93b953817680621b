//! A model file behind a URL, fetched from where an earlier try ended.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::RANGE;

use super::Progress;
use crate::models::{Hub, ModelFile};

/// A hub that does not answer must not keep the next source waiting.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest silence in the middle of a file.
const SILENCE: Duration = Duration::from_secs(30);

/// Fetches the file into `part`, which may hold its beginning.
pub(super) fn fetch(hub: &Hub, file: &ModelFile, part: &Path, progress: &dyn Progress) -> Result<(), String> {
    // The blocking client must not be used on a thread of an async runtime.
    std::thread::scope(|scope| {
        let download = scope.spawn(|| download(hub, file, part, progress));
        download.join().unwrap_or_else(|_| Err("the download failed unexpectedly".to_owned()))
    })
}

fn download(hub: &Hub, file: &ModelFile, part: &Path, progress: &dyn Progress) -> Result<(), String> {
    let client = Client::builder().connect_timeout(CONNECT).timeout(SILENCE).build().map_err(chain)?;
    let mut have = part.metadata().map_or(0, |meta| meta.len());
    if have > file.size {
        have = 0;
    }
    if have == file.size {
        return Ok(());
    }
    let request = client.get(&hub.url);
    let request = if have > 0 { request.header(RANGE, format!("bytes={have}-")) } else { request };
    let mut response = request.send().map_err(chain)?;
    match response.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(&response, have) => {}
        // The server sends the whole file again.
        StatusCode::OK => have = 0,
        status => return Err(format!("the server answered {status}")),
    }
    if let Some(length) = response.content_length()
        && have + length != file.size
    {
        return Err(format!("the server offers {} bytes, the file has {}", have + length, file.size));
    }
    let on_disk = |why: std::io::Error| format!("{}: {why}", part.display());
    let mut out = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(have == 0)
        .append(have > 0)
        .open(part)
        .map_err(on_disk)?;
    let mut buffer = vec![0; 1 << 16];
    while have < file.size {
        let read = response.read(&mut buffer).map_err(|why| format!("the transfer broke off: {why}"))?;
        if read == 0 {
            return Err(format!("the transfer ended after {have} of {} bytes", file.size));
        }
        out.write_all(buffer.get(..read).unwrap_or_default()).map_err(on_disk)?;
        have += read as u64;
        progress.bytes(have, file.size);
    }
    out.sync_all().map_err(on_disk)?;
    if have > file.size {
        let _ = fs::remove_file(part);
        return Err(format!("the server sent more than {} bytes", file.size));
    }
    Ok(())
}

/// Whether a partial answer begins at the byte that was asked for.
fn starts_at(response: &Response, offset: u64) -> bool {
    let range = response.headers().get(reqwest::header::CONTENT_RANGE).and_then(|v| v.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}

/// An error with its causes: reqwest's own text leaves out why a connection failed.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
