//! Where a key's buckets stand: a table of fixed size, in groups of eight places.
//!
//! A key has a place in one of two groups. The fingerprints of a group are one cache line, and for each quota there is
//! another one behind it with the times at which the buckets are full. So a key is found within two lines as a rule,
//! and in no case are more looked at than those of the two groups, however many keys there are.

use std::hint::black_box;

/// How many places a group has: as many as numbers of 64 bits fit into a cache line.
pub(super) const PLACES: usize = 8;

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u64; PLACES]);

/// How many groups it takes for this many keys: one for each seven of them, and one more for what chance does to few.
/// Without moving others, a third of all places would have to be empty; so there is room for all until more than nine
/// tenths are taken.
pub(super) fn groups_for(keys: usize) -> usize {
    keys.div_ceil(PLACES - 1) + 1
}

pub(super) struct Table {
    groups: usize,
    /// Of each group: the fingerprints, and the times for each quota. Zeros are places that were never taken.
    lines: Vec<Line>,
    quotas: usize,
    /// How many keys without a place do not look for somebody to move.
    rest: u8,
}

/// How many keys it takes until somebody looks again after that was in vain: so all that it costs at the bound is
/// to look at as many places again as any key does.
const REST: u8 = 15;

/// Where the buckets of a key stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    group: usize,
    at: usize,
}

impl Table {
    pub(super) fn new(groups: usize, quotas: usize) -> Self {
        Self {
            groups,
            lines: vec![Line([0; PLACES]); groups * (1 + quotas)],
            quotas,
            rest: 0,
        }
    }

    /// Where a key stands that was seen before.
    #[inline]
    pub(super) fn find(&self, print: u64) -> Option<Place> {
        let [one, other] = self.groups_of(print);
        self.ask_for(one);
        self.ask_for(other);
        let (one, other) = (self.find_in(one, print), self.find_in(other, print));
        one.or(other)
    }

    /// Reads something of each line of times, of which nothing depends: the processor waits for all lines at once then,
    /// instead of for one after the other, which takes most of the time when there are more keys than its caches hold.
    #[inline]
    fn ask_for(&self, group: usize) {
        for line in 1..=self.quotas {
            black_box(self.line(group, line).0[0]);
        }
    }

    /// All places are compared: to stop at the one would be a branch that nobody can foresee.
    #[inline]
    fn find_in(&self, group: usize, print: u64) -> Option<Place> {
        let prints = &self.line(group, 0).0;
        let found = (0..PLACES).fold(0_u32, |found, at| {
            found | u32::from(prints[at] == print) << at
        });
        let at = found.trailing_zeros() as usize;
        (at < PLACES).then_some(Place { group, at })
    }

    /// A place for a new key in the emptier one of its groups, if there is one whose buckets are full, or that somebody else
    /// can leave. To prefer the first group while it has room would find keys sooner, and leave too many without a place.
    pub(super) fn claim(&mut self, print: u64, now: u64) -> Option<Place> {
        let groups = self.groups_of(print);
        let [one, other] = groups.map(|group| {
            let mut free = self.free_in(group, now);
            let first = free.next();
            (free.count(), first)
        });
        let free = if other.0 > one.0 {
            other.1
        } else {
            one.1.or(other.1)
        };
        let place = match free {
            Some(place) => {
                self.rest = 0;
                place
            }
            None => self.make_room(groups, now)?,
        };
        self.line_mut(place.group, 0).0[place.at] = print;
        for quota in 0..self.quotas {
            *self.time(place, quota) = 0;
        }
        Some(place)
    }

    /// Moves one of the keys in these groups to its other group, and answers where it was.
    #[cold]
    fn make_room(&mut self, groups: [usize; 2], now: u64) -> Option<Place> {
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        let mut places = groups.into_iter().flat_map(places_of);
        let Some((from, to)) = places.find_map(|from| {
            let [one, other] = self.groups_of(self.line(from.group, 0).0[from.at]);
            let to = if one == from.group { other } else { one };
            Some((from, self.free_in(to, now).next()?))
        }) else {
            self.rest = REST;
            return None;
        };
        for line in 0..=self.quotas {
            self.line_mut(to.group, line).0[to.at] = self.line(from.group, line).0[from.at];
        }
        Some(from)
    }

    fn free_in(&self, group: usize, now: u64) -> impl Iterator<Item = Place> {
        places_of(group).filter(move |place| self.is_free(*place, now))
    }

    /// When this bucket is full.
    pub(super) fn time(&mut self, place: Place, quota: usize) -> &mut u64 {
        &mut self.line_mut(place.group, 1 + quota).0[place.at]
    }

    /// All places that are taken, full or not.
    pub(super) fn taken(&self) -> Vec<(u64, Place)> {
        (0..self.groups)
            .flat_map(places_of)
            .map(|place| (self.line(place.group, 0).0[place.at], place))
            .filter(|(print, _)| *print != 0)
            .collect()
    }

    fn is_free(&self, place: Place, now: u64) -> bool {
        let in_line = |line: usize| self.line(place.group, line).0[place.at];
        in_line(0) == 0 || (1..=self.quotas).all(|line| in_line(line) <= now)
    }

    #[inline]
    fn line(&self, group: usize, line: usize) -> &Line {
        &self.lines[group * (1 + self.quotas) + line]
    }

    #[inline]
    fn line_mut(&mut self, group: usize, line: usize) -> &mut Line {
        &mut self.lines[group * (1 + self.quotas) + line]
    }

    /// Two groups, by bits that have nothing to do with each other.
    #[inline]
    fn groups_of(&self, print: u64) -> [usize; 2] {
        let below = |bits: u64, groups: usize| ((bits * groups as u64) >> 32) as usize;
        let one = below(print & 0xffff_ffff, self.groups);
        let mixed = print.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let other = below(mixed >> 32, self.groups - 1);
        // One that is left out of the second choice, so that the two are never the same.
        [one, other + usize::from(other >= one)]
    }
}

fn places_of(group: usize) -> impl Iterator<Item = Place> {
    (0..PLACES).map(move |at| Place { group, at })
}

/// What a key is known by: any number but zero.
pub(super) fn fingerprint(hash: u64) -> u64 {
    hash.max(1)
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    fn prints(count: u64) -> impl Iterator<Item = u64> {
        let hasher = RandomState::new();
        (0..count).map(move |number| fingerprint(hasher.hash_one(number)))
    }

    #[test]
    fn as_many_keys_find_a_place_as_are_promised() {
        for keys in [8, 20, 100, 391, 4_000, 40_000] {
            let mut table = Table::new(groups_for(keys), 1);
            let without = prints(keys as u64).filter(|print| {
                let Some(place) = table.claim(*print, 5) else {
                    return true;
                };
                *table.time(place, 0) = 10;
                false
            });
            assert_eq!(without.count(), 0, "{keys}");
        }
    }

    #[test]
    fn a_key_is_found_where_it_was_put_and_nobody_else_is() {
        let mut table = Table::new(50, 2);
        let mut placed = Vec::new();
        // More than there are places, so that many are moved, and some find none.
        for print in prints(420) {
            assert_eq!(table.find(print), None);
            if let Some(place) = table.claim(print, 5) {
                *table.time(place, 0) = print;
                *table.time(place, 1) = !print;
                placed.push(print);
            }
        }
        assert!((360..=400).contains(&placed.len()), "{}", placed.len());
        for print in &placed {
            let place = table.find(*print).expect("it has a place");
            let times = (*table.time(place, 0), *table.time(place, 1));
            assert_eq!(times, (*print, !*print));
        }
        let mut taken: Vec<_> = table.taken().iter().map(|(print, _)| *print).collect();
        taken.sort_unstable();
        placed.sort_unstable();
        assert_eq!(taken, placed);
    }

    #[test]
    fn after_a_search_in_vain_others_do_not_search_until_somebody_is_placed() {
        let mut table = Table::new(40, 1);
        let mut all = prints(10_000);
        let mut claim = |table: &mut Table, now| {
            let place = all.find_map(|print| table.claim(print, now));
            *table.time(place?, 0) = 10;
            place
        };
        while claim(&mut table, 5).is_some() {}
        assert_eq!(table.taken().len(), 40 * PLACES);
        assert!(prints(100).all(|print| table.claim(print, 5).is_none()));
        // Whoever comes next has searched in vain, or rests.
        assert!(prints(2).any(|print| table.claim(print, 5).is_none() && table.rest > 0));
        let placed = prints(1).all(|print| table.claim(print, 10).is_some());
        assert!(placed && table.rest == 0);
    }

    #[test]
    fn only_full_buckets_make_room() {
        let mut table = Table::new(2, 2);
        let mut known = Vec::new();
        for print in prints(1_000) {
            if let Some(place) = table.claim(print, 100) {
                // One of the two is full earlier than the other one.
                *table.time(place, 0) = 150;
                *table.time(place, 1) = 200;
                known.push(print);
            }
        }
        assert_eq!(known.len(), 2 * PLACES);
        for now in [150, 199] {
            assert!(prints(100).all(|print| table.claim(print, now).is_none()));
        }
        assert!(known.iter().all(|print| table.find(*print).is_some()));
        let place = prints(1)
            .find_map(|print| table.claim(print, 200))
            .expect("room");
        assert_eq!((*table.time(place, 0), *table.time(place, 1)), (0, 0));
        assert_eq!(
            known
                .iter()
                .filter(|print| table.find(**print).is_none())
                .count(),
            1
        );
    }
}
