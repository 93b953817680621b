//! The folder of a store on disk, and what keeps its files from harm.
//!
//! - `lock`: held while the store is open;
//! - `sled/`: the database's own files;
//! - `changes`: how many changes have been made durable, written after each;
//! - `before-opening/`: a copy of `sled/`, there only while the store is being opened.
//!
//! The database repairs damaged files by dropping everything behind the damage, without a word,
//! already as it opens them: of 200 records one flipped bit was seen to leave 5. So the files are
//! copied first, and the copy is dropped only when the database has shown that nothing durable is
//! missing; else it is put back.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::StoreError;

/// How long to wait for a lock. The database's own threads give theirs up a moment after the last
/// handle is gone, and a process that is being replaced may need one too.
const PATIENCE: Duration = Duration::from_millis(500);

/// A folder that this process alone uses.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    changes: File,
    // Dropped last: the lock is given up when everything else is.
    _lock: File,
}

/// Why a folder cannot be opened.
#[derive(Debug)]
pub(super) struct Trouble {
    why: String,
    remedy: &'static str,
    corrupt: bool,
}

impl Folder {
    /// Locks the folder; makes it if it is missing.
    pub(super) fn lock(path: &Path) -> Result<Self, Trouble> {
        fs::create_dir_all(path).map_err(|e| Trouble::io(&e))?;
        let open = |name: &str| {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            options.open(path.join(name)).map_err(|e| Trouble::io(&e))
        };
        let lock = open("lock")?;
        wait_for(&lock)?;
        let database = path.join("sled").join("db");
        if database.exists() {
            // Locked by its own threads for a moment longer; given back by dropping it.
            wait_for(&File::open(database).map_err(|e| Trouble::io(&e))?)?;
        }
        Ok(Self { path: path.to_owned(), changes: open("changes")?, _lock: lock })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database's own files are.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join("sled")
    }

    fn copy(&self) -> PathBuf {
        self.path.join("before-opening")
    }

    /// Copies the database's files. A copy that an interrupted opening left is put back first.
    pub(super) fn safeguard(&self) -> Result<(), Trouble> {
        let copy = || {
            if self.copy().exists() {
                self.put_back()?;
            }
            if self.database().exists() {
                let unfinished = self.path.join("before-opening.unfinished");
                remove(&unfinished)?;
                copy_all(&self.database(), &unfinished)?;
                fs::rename(unfinished, self.copy())?;
            }
            Ok(self.database().exists())
        };
        match (copy(), self.changes()) {
            (Err(e), _) => Err(Trouble::io(&e)),
            (Ok(false), 1..) => Err(Trouble::corrupt("they are missing")),
            _ => Ok(()),
        }
    }

    /// Undoes whatever the database did to its files since [`Folder::safeguard`].
    pub(super) fn put_back(&self) -> io::Result<()> {
        let altered = self.path.join("altered");
        if self.copy().exists() {
            remove(&altered)?;
            if self.database().exists() {
                fs::rename(self.database(), &altered)?;
            }
            fs::rename(self.copy(), self.database())?;
        }
        remove(&altered)
    }

    /// Drops the copy: the files are sound.
    pub(super) fn drop_copy(&self) -> io::Result<()> {
        remove(&self.copy())
    }

    /// How many changes have been made durable, at least. Zero if nobody noted it.
    pub(super) fn changes(&self) -> u64 {
        let noted = fs::read_to_string(self.path.join("changes")).unwrap_or_default();
        noted.trim().parse().unwrap_or(0)
    }

    /// Notes how many changes are durable. Always in one write of the same length, so that a
    /// killed process leaves the old number or the new one.
    pub(super) fn note(&self, changes: u64) -> io::Result<()> {
        let mut file = &self.changes;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(format!("{changes:020}\n").as_bytes())
    }

    /// Renames the folder to `<path>.set-aside-<n>` with the first free number.
    pub(super) fn set_aside(self) -> Result<PathBuf, Trouble> {
        let mut n = 1_u32;
        let name = |n: u32| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(format!(".set-aside-{n}"));
            PathBuf::from(name)
        };
        while name(n).exists() {
            n += 1;
        }
        fs::rename(&self.path, name(n)).map_err(|e| Trouble::io(&e))?;
        Ok(name(n))
    }
}

fn wait_for(lock: &File) -> Result<(), Trouble> {
    let since = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(e)) => return Err(Trouble::io(&e)),
            Err(TryLockError::WouldBlock) if since.elapsed() >= PATIENCE => {
                return Err(Trouble {
                    why: "another process has it open".to_owned(),
                    remedy: "stop that process, or give this one another folder",
                    corrupt: false,
                });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(PATIENCE / 50),
        }
    }
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

impl Trouble {
    /// The files hold something else than what was written.
    pub(super) fn corrupt(why: impl std::fmt::Display) -> Self {
        Self {
            why: format!("its files are corrupt: {why}"),
            remedy: "move the folder aside to start with an empty store, or put a backup in its place",
            corrupt: true,
        }
    }

    /// The files cannot be reached.
    pub(super) fn io(error: &io::Error) -> Self {
        Self {
            why: error.to_string(),
            remedy: "check that the path is a folder that may be written, and that the disk has room",
            corrupt: false,
        }
    }

    /// Another release wrote the files.
    pub(super) fn foreign(why: String) -> Self {
        let remedy = "open it with the release that wrote it, or give this one another folder";
        Self { why, remedy, corrupt: false }
    }

    /// Whether the files are corrupt.
    pub(super) fn is_corrupt(&self) -> bool {
        self.corrupt
    }

    /// What was wrong.
    pub(super) fn why(self) -> String {
        self.why
    }

    /// The error that a caller sees.
    pub(super) fn at(self, path: &Path) -> StoreError {
        StoreError::Open { path: path.display().to_string(), why: self.why, remedy: self.remedy.to_owned() }
    }
}
