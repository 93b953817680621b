use std::collections::{BTreeMap, BTreeSet};

use crate::bench::{Benchmark, Case};
use crate::measure::TaskRecord;

/// One stream: what an empty cache learns first, and what it is asked then.
#[derive(Clone, Debug)]
pub struct Course {
    /// Tasks that are run, and learnt from, before. If there are any, nothing is learnt from what is
    /// asked.
    pub taught: Vec<Case>,
    /// Tasks that are asked.
    pub asked: Vec<Case>,
}

/// The streams that an order of tasks is: one where tasks are learnt as they come; otherwise one
/// for each part that is asked by itself. Both sides keep the order, and no task is on both.
pub fn courses(benchmark: &Benchmark, order: &[Case], lessons: &[Case]) -> Vec<Course> {
    let mut parts: BTreeMap<Option<&String>, Vec<Case>> = BTreeMap::new();
    let part = |case: &Case| benchmark.lessons.folds.get(&case.id);
    for case in order {
        parts.entry(part(case)).or_default().push(case.clone());
    }
    let course = |(of, asked): (Option<&String>, Vec<Case>)| {
        let ids: BTreeSet<&str> = asked.iter().map(|case| case.id.as_str()).collect();
        let teaches = |case: &&Case| !ids.contains(case.id.as_str()) && (of.is_none() || part(case) != of);
        Course { taught: lessons.iter().filter(teaches).cloned().collect(), asked }
    };
    parts.into_iter().map(course).collect()
}

/// Notes of each record whether the shapes of its task came before, but never together. An order's
/// records are those of its courses, one after the other.
pub(super) fn note_new(benchmark: &Benchmark, courses: &[Course], records: &mut [TaskRecord]) {
    let shapes = |id: &str| benchmark.shapes.get(id).filter(|shapes| !shapes.is_empty());
    let mut records = records.iter_mut();
    for course in courses {
        let (mut together, mut alone) = (BTreeSet::new(), BTreeSet::new());
        let mut seen = |id: &str| {
            let Some(shapes) = shapes(id) else { return false };
            let all_known = shapes.iter().all(|shape| alone.contains(shape));
            alone.extend(shapes);
            together.insert(shapes) && all_known && shapes.len() > 1
        };
        for case in &course.taught {
            seen(&case.id);
        }
        for record in records.by_ref().take(course.asked.len()) {
            record.new_together = seen(&record.task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{find, load};
    use crate::run::orders;

    fn ids(cases: &[Case]) -> BTreeSet<&str> {
        cases.iter().map(|case| case.id.as_str()).collect()
    }

    #[test]
    fn where_tasks_are_learnt_as_they_come_an_order_is_one_stream() {
        let retail = load(find("retail").unwrap()).unwrap();
        let courses = courses(&retail, &retail.cases, &retail.lessons.cases);
        assert!(courses.len() == 1 && courses[0].taught.is_empty());
        assert_eq!(ids(&courses[0].asked), ids(&retail.cases));
    }

    #[test]
    fn each_part_is_asked_of_a_cache_that_learnt_the_others() {
        let nfl = load(find("nfl_wording").unwrap()).unwrap();
        let order = orders(&nfl.cases, &[3]).remove(0);
        let courses = courses(&nfl, &order, &nfl.lessons.cases);
        assert_eq!(courses.len(), 4);
        assert_eq!(courses.iter().map(|course| course.asked.len()).sum::<usize>(), nfl.cases.len());
        for course in &courses {
            let part = |case: &Case| &nfl.lessons.folds[&case.id];
            let own = part(&course.asked[0]);
            assert!(course.asked.iter().all(|case| part(case) == own));
            assert!(course.taught.iter().all(|case| part(case) != own));
            assert_eq!(course.taught.len() + course.asked.len(), nfl.cases.len());
        }
    }

    #[test]
    fn new_is_what_came_before_but_never_together() {
        let mut retail = load(find("retail").unwrap()).unwrap();
        retail.shapes = [
            ("a", vec!["x"]),
            ("b", vec!["y"]),
            ("c", vec!["x", "y"]),
            ("d", vec!["x", "y"]),
            ("e", vec!["x", "z"]),
        ]
        .map(|(id, shapes)| (id.to_owned(), shapes.into_iter().map(str::to_owned).collect()))
        .into();
        let case = |id: &str| Case { id: id.to_owned(), task: retail.cases[0].task.clone() };
        let asked: Vec<Case> = ["a", "b", "c", "d", "e"].map(case).into();
        let record = |case: &Case| TaskRecord { task: case.id.clone(), ..TaskRecord::default() };
        let mut records: Vec<TaskRecord> = asked.iter().map(record).collect();
        note_new(&retail, &[Course { taught: Vec::new(), asked }], &mut records);
        let new: Vec<bool> = records.iter().map(|record| record.new_together).collect();
        assert_eq!(new, [false, false, true, false, false]);
    }
}
