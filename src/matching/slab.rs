use imbl::Vector;

/// Numbered places whose clones share structure; a freed number is used again.
#[derive(Clone, Debug)]
pub(super) struct Slab<T: Clone> {
    items: Vector<Option<T>>,
    free: Vector<u32>,
}

impl<T: Clone> Default for Slab<T> {
    fn default() -> Self {
        Self { items: Vector::new(), free: Vector::new() }
    }
}

impl<T: Clone> Slab<T> {
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.items.get(number as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.items.get_mut(number as usize)?.as_mut()
    }

    pub(super) fn add(&mut self, item: T) -> u32 {
        if let Some(number) = self.free.pop_back() {
            self.items.set(number as usize, Some(item));
            return number;
        }
        let number = self.items.len() as u32;
        self.items.push_back(Some(item));
        number
    }

    pub(super) fn take(&mut self, number: u32) -> Option<T> {
        let item = self.items.get_mut(number as usize)?.take()?;
        self.free.push_back(number);
        Some(item)
    }

    /// Numbers up to which places exist, free ones included.
    pub(super) fn end(&self) -> u32 {
        self.items.len() as u32
    }
}
