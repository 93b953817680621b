use std::collections::HashMap;

/// Unit vectors by scope, searched one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    scopes: HashMap<String, Vec<(usize, Vec<f32>)>>,
}

impl Index {
    pub(super) fn put(&mut self, scope: &str, at: usize, vector: &[f32]) {
        self.scopes.entry(scope.to_owned()).or_default().push((at, vector.to_owned()));
    }

    /// The most similar entry of the scope, and its cosine; of equals, the earliest.
    pub(super) fn nearest(&self, scope: &str, vector: &[f32]) -> Option<(usize, f32)> {
        let entries = self.scopes.get(scope)?.iter();
        let scored = entries.map(|(at, other)| (*at, cosine(vector, other)));
        scored.reduce(|best, next| if next.1 > best.1 { next } else { best })
    }
}

/// Sums side by side, so that the processor's vector units are used.
const LANES: usize = 16;

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a.zip(b) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    rest + sums.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_the_own_scope_is_found() {
        let mut index = Index::default();
        let along = |axis: usize| (0..20).map(|i| f32::from(u8::from(i == axis))).collect::<Vec<_>>();
        index.put("a", 3, &along(0));
        index.put("a", 4, &along(18));
        index.put("b", 5, &along(1));
        assert_eq!(index.nearest("a", &along(18)), Some((4, 1.0)));
        assert_eq!(index.nearest("a", &along(1)), Some((3, 0.0)));
        assert_eq!(index.nearest("c", &along(1)), None);
    }
}
