//! Resources (GPU numbers, say) of which each running attempt holds one.

/// The pool of resources; without one, attempts hold nothing and are never short of it.
#[derive(Debug)]
pub(super) struct Slots {
    free: Option<Vec<String>>,
    all: Vec<String>,
}

impl Slots {
    pub(super) fn new(resources: Option<Vec<String>>) -> Self {
        Self {
            all: resources.clone().unwrap_or_default(),
            free: resources,
        }
    }

    pub(super) fn has_free(&self) -> bool {
        self.free.as_ref().is_none_or(|free| !free.is_empty())
    }

    /// Takes the first free one, in the order of the pool.
    pub(super) fn take(&mut self) -> Option<String> {
        let free = self.free.as_mut().filter(|free| !free.is_empty())?;
        Some(free.remove(0))
    }

    /// Takes the one that an adopted attempt holds; one that is not in the pool stays its own.
    pub(super) fn claim(&mut self, resource: &str) {
        if let Some(free) = &mut self.free
            && let Some(index) = free.iter().position(|slot| slot == resource)
        {
            free.remove(index);
        }
    }

    /// Puts one back in its place; the pool never grows beyond what it was given.
    pub(super) fn give_back(&mut self, resource: &str) {
        let Some(free) = &mut self.free else { return };
        let count = |slots: &[String]| slots.iter().filter(|slot| *slot == resource).count();
        if count(free) < count(&self.all) {
            free.push(resource.to_owned());
            let rank = |slot: &String| self.all.iter().position(|other| other == slot);
            free.sort_by_key(rank);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(names: &[&str]) -> Slots {
        Slots::new(Some(names.iter().map(|name| (*name).to_owned()).collect()))
    }

    #[test]
    fn a_resource_is_held_once_and_comes_back() {
        let mut slots = pool(&["0", "1"]);
        assert_eq!(slots.take().as_deref(), Some("0"));
        assert_eq!(slots.take().as_deref(), Some("1"));
        assert!(!slots.has_free());
        assert_eq!(slots.take(), None);
        slots.give_back("1");
        slots.give_back("1");
        slots.give_back("0");
        assert_eq!(slots.take().as_deref(), Some("0"));
        assert_eq!(slots.take().as_deref(), Some("1"));
        assert!(!slots.has_free());
    }

    #[test]
    fn an_adopted_attempt_keeps_its_resource() {
        let mut slots = pool(&["0", "1"]);
        slots.claim("0");
        slots.claim("7");
        assert_eq!(slots.take().as_deref(), Some("1"));
        slots.give_back("7");
        assert!(!slots.has_free());
    }

    #[test]
    fn an_empty_pool_has_nothing_and_no_pool_has_always_room() {
        assert!(!pool(&[]).has_free());
        let mut none = Slots::new(None);
        assert!(none.has_free());
        assert_eq!(none.take(), None);
        none.give_back("0");
        assert!(none.has_free());
    }

    #[test]
    fn a_resource_listed_twice_serves_two_attempts() {
        let mut slots = pool(&["0", "0"]);
        assert_eq!(
            (slots.take().as_deref(), slots.take().as_deref()),
            (Some("0"), Some("0"))
        );
        assert!(!slots.has_free());
    }
}
