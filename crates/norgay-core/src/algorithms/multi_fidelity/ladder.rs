//! The resources of the rungs, in whole numbers.

/// Resources in rising order, each about a whole factor above the one before.
///
/// A bracket that leaves out the `s` lowest levels starts at level `s`; its rung `k` has the
/// resource of level `s + k`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ladder {
    resources: Vec<u64>,
    factor: u64,
}

impl Ladder {
    /// `least`, `least * factor`, ... up to `most`; the last one may stay below it.
    pub(super) fn from_least(least: u64, most: u64, factor: u64) -> Self {
        let mut resources = vec![least];
        let mut next = least.checked_mul(factor);
        while let Some(resource) = next.filter(|resource| *resource <= most) {
            resources.push(resource);
            next = resource.checked_mul(factor);
        }
        Self { resources, factor }
    }

    /// `most`, `most / factor`, ... down to `least`, rounded; the first one may stay above it.
    pub(super) fn from_most(least: u64, most: u64, factor: u64) -> Self {
        let mut resources = vec![most];
        let mut divisor = Some(factor);
        // `most / divisor >= least`, without a fraction.
        while let Some(by) =
            divisor.filter(|by| by.checked_mul(least).is_some_and(|needed| needed <= most))
        {
            let (whole, rest) = (most / by, most % by);
            resources.push(if rest >= by - rest { whole + 1 } else { whole });
            divisor = by.checked_mul(factor);
        }
        resources.reverse();
        Self { resources, factor }
    }

    /// How many levels there are; at least one.
    pub(super) fn levels(&self) -> usize {
        self.resources.len()
    }

    /// Of so many results of a rung one goes on.
    pub(super) fn factor(&self) -> u64 {
        self.factor
    }

    /// The resource of a level, the highest one's beyond it.
    pub(super) fn resource(&self, level: usize) -> u64 {
        let last = self.resources.last().copied().unwrap_or(1);
        self.resources.get(level).copied().unwrap_or(last)
    }

    /// The level of a resource.
    pub(super) fn level(&self, resource: u64) -> Option<usize> {
        self.resources.binary_search(&resource).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Ladder;

    fn resources(ladder: &Ladder) -> Vec<u64> {
        (0..ladder.levels()).map(|k| ladder.resource(k)).collect()
    }

    #[test]
    fn cs_58_no_rung_is_lost_to_rounding() {
        assert_eq!(resources(&Ladder::from_least(1, 216, 6)), [1, 6, 36, 216]);
        assert_eq!(Ladder::from_least(1, 46_656, 6).levels(), 7);
        assert_eq!(Ladder::from_most(1, 46_656, 6).levels(), 7);
    }

    #[test]
    fn it_starts_at_one_end_and_keeps_inside_the_other() {
        assert_eq!(resources(&Ladder::from_least(2, 20, 3)), [2, 6, 18]);
        assert_eq!(resources(&Ladder::from_most(2, 20, 3)), [2, 7, 20]);
        assert_eq!(resources(&Ladder::from_most(1, 50, 3)), [2, 6, 17, 50]);
        assert_eq!(resources(&Ladder::from_most(5, 5, 3)), [5]);
    }

    #[test]
    fn enormous_resources_do_not_overflow() {
        let most = u64::MAX;
        for ladder in [
            Ladder::from_least(1, most, 2),
            Ladder::from_most(1, most, 2),
        ] {
            assert_eq!(ladder.levels(), 64);
            let sorted = resources(&ladder);
            assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
