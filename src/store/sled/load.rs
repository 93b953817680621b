use std::collections::BTreeSet;

use ::sled::{Batch, IVec};

use super::{Inner, io};
use crate::domain::TemplateRecord;
use crate::store::layout::{
    Growth, aside_key, aside_parts, aside_reason, aside_value, count_of, postings_of, record_of,
};
use crate::store::{Loaded, SetAside, StoreError, keys};

impl Inner {
    /// Reads everything, sets aside what cannot be read, and brings the index in order.
    pub(super) fn load(&self) -> Result<Loaded, StoreError> {
        let doing = "reading all templates";
        let _one = self.writer();
        self.take_back()?;
        let mut loaded = Loaded::default();
        let mut bad = Vec::new();
        for item in &self.templates {
            let (key, bytes) = item.map_err(|e| io(doing, &e))?;
            match record_of(&key, &bytes) {
                Ok(record) => loaded.records.push(record),
                Err(why) => bad.push(("templates", key, bytes, why)),
            }
        }
        for item in &self.words {
            let (key, bytes) = item.map_err(|e| io(doing, &e))?;
            match count_of(&key, &bytes) {
                Ok(count) => loaded.words.push(count),
                Err(why) => bad.push(("words", key, bytes, why)),
            }
        }
        if !bad.is_empty() {
            self.transact("setting bad records aside", |(templates, words, _, aside)| {
                let mut growth = Growth::default();
                for (tree, key, bytes, why) in &bad {
                    let (from, count) = match *tree {
                        "templates" => (templates, &mut growth.templates),
                        _ => (words, &mut growth.words),
                    };
                    *count -= i64::from(from.remove(key)?.is_some());
                    aside.insert(aside_key(tree, key, bytes), aside_value(why, bytes))?;
                }
                Ok(growth)
            })?;
        }
        loaded.index_rebuilt = self.repair_index(&loaded.records)?;
        loaded.set_aside.extend(self.folder_aside.clone());
        for item in &self.aside {
            let (key, value) = item.map_err(|e| io(doing, &e))?;
            let key = format!("aside/{}", keys::readable(&key));
            loaded.set_aside.push(SetAside { key, why: aside_reason(&value) });
        }
        loaded.records.sort_by(|a, b| {
            let (a, b) = (&a.template, &b.template);
            (&a.namespace, &a.id).cmp(&(&b.namespace, &b.id))
        });
        loaded.words.sort_by(|a, b| (&a.namespace, &a.word).cmp(&(&b.namespace, &b.word)));
        Ok(loaded)
    }

    /// Makes the stored index list exactly the records' keywords; says whether it did not.
    fn repair_index(&self, records: &[TemplateRecord]) -> Result<bool, StoreError> {
        let doing = "checking the index";
        let mut missing: BTreeSet<Vec<u8>> = records.iter().flat_map(postings_of).collect();
        let mut batch = Batch::default();
        let mut agrees = true;
        for key in self.postings.iter().keys() {
            let key = key.map_err(|e| io(doing, &e))?;
            if !missing.remove(key.as_ref()) {
                batch.remove(key);
                agrees = false;
            }
        }
        agrees &= missing.is_empty();
        if !agrees {
            missing.into_iter().for_each(|key| batch.insert(key, &[]));
            self.postings.apply_batch(batch).map_err(|e| io(doing, &e))?;
            self.db.flush().map_err(|e| io(doing, &e))?;
        }
        Ok(!agrees)
    }

    /// Puts back what was set aside and can be read now: an older release set it aside because a
    /// newer one had written it. What has been written in its place since then is kept.
    fn take_back(&self) -> Result<(), StoreError> {
        let doing = "taking back what was set aside";
        let mut readable: Vec<(bool, Vec<u8>, IVec, Vec<u8>)> = Vec::new();
        for item in &self.aside {
            let (aside, value) = item.map_err(|e| io(doing, &e))?;
            let Some((tree, key, bytes)) = aside_parts(&aside, &value) else { continue };
            let template = tree == "templates";
            let now = if template { &self.templates } else { &self.words };
            let sound = if template { record_of(&key, bytes).is_ok() } else { count_of(&key, bytes).is_ok() };
            if sound && now.get(&key).map_err(|e| io(doing, &e))?.is_none() {
                readable.push((template, key, aside.clone(), bytes.to_vec()));
            }
        }
        if readable.is_empty() {
            return Ok(());
        }
        self.transact(doing, |(templates, words, _, aside)| {
            let mut growth = Growth::default();
            for (template, key, from, bytes) in &readable {
                let (tree, count) = match template {
                    true => (templates, &mut growth.templates),
                    false => (words, &mut growth.words),
                };
                *count += i64::from(tree.insert(key.as_slice(), bytes.as_slice())?.is_none());
                aside.remove(from)?;
            }
            Ok(growth)
        })
    }
}
